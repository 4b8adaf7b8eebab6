"""From the journal to the state that a start continues from.

Runs in the launcher before anything is forked: the journal is opened for writing, proven,
replayed, completed and closed again, so that Oracle's process opens it afresh and no LMDB
environment crosses a fork.

Completed: a crash may have left events and risk records that follow from journaled commands but
were not journaled themselves.  They are derived here and appended, so every ring starts where its
stream ends.  Sentinel's orders that never reached the commands are given back as pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.configuration.model import PlatformConfiguration
from components.configuration.risk import RiskRule
from components.instruments import DEFINING_OPS, InstrumentTable
from components.messages.code import OP_RISK_RULE
from components.messages.command import Commands, new_commands
from components.oracle.replay import RestoredState, restore
from components.oracle.store.journal import Journal
from components.oracle.streams import STREAM_DTYPES
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view


@dataclass(frozen=True)
class Recovery:
    """What the journal holds, and what of the configuration it does not hold yet."""

    configuration: PlatformConfiguration  # with the instruments at the journal's indices
    instruments: InstrumentTable
    restored: RestoredState
    setup: Commands
    notes: tuple[str, ...]

    @property
    def initial_sequences(self) -> dict[str, int]:
        """Where each ring goes on."""
        return {
            "commands": self.restored.commands_last,
            "events": self.restored.events_last,
            "risk": self.restored.risk_last,
        }


def recover(configuration: PlatformConfiguration) -> Recovery:
    """Prove, replay and complete the journal that the configuration names, or create it.

    Raises JournalError when another process writes it, when it is damaged, or when its events do
    not follow from its commands.
    """
    with Journal.open_writer(Path(configuration.oracle.path), STREAM_DTYPES) as journal:
        restored = restore(journal)
        tails = (("events", restored.events_tail), ("risk", restored.risk_tail))
        batches = [
            (stream, journal.last_sequence(stream) + 1, [tail])
            for stream, tail in tails
            if len(tail)
        ]
        if batches:
            journal.append(batches)
        rules = _configuring_commands(journal)
        notes = journal.notes
    known = InstrumentTable.from_commands(rules)
    continued = configuration.continuing(known)
    setup = continued.setup_commands_after(
        known, _known_accounts(restored), RiskRule.from_commands(rules)
    )
    return Recovery(continued, continued.instrument_table(), restored, setup, notes)


def _configuring_commands(journal: Journal) -> Commands:
    kinds = (*DEFINING_OPS, OP_RISK_RULE)
    chosen = [new_commands(0)]
    for _, commands in journal.read("commands"):
        chosen.append(commands[np.isin(commands["op"], kinds)])
    found: Commands = np.concatenate(chosen)
    return found


def _known_accounts(restored: RestoredState) -> set[int]:
    state = restored.sentinel_state
    rows = np.zeros(state.accounts.size, ACCOUNT_VIEW)
    count = int(fill_account_view(state, rows))
    return {int(account) for account in rows["account"][:count]}
