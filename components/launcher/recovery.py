"""From the journal to the state that a start continues from.

Runs in the launcher before anything is forked: the journal is opened for writing, proven,
replayed, completed and closed again, so that Oracle's process opens it afresh and no LMDB
environment crosses a fork.

Replayed: from the newest snapshot that is whole and of this very journal, else the one before,
else from the beginning; what is replayed is compared with what was journaled.

Completed: a crash may have left events and risk records that follow from journaled commands but
were not journaled themselves.  They are derived here and appended, so every ring starts where its
stream ends.  Sentinel's orders that never reached the commands are given back as pending.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from components.configuration.capacity import Capacity, RiskCapacity
from components.configuration.model import PlatformConfiguration
from components.configuration.risk import RiskRule
from components.configuration.setup import gate_from_commands
from components.configuration.sharding import refuse_another_number
from components.instruments import InstrumentTable
from components.messages.command import Commands
from components.oracle import snapshots
from components.oracle.process import open_journal
from components.oracle.replay import Progress, RestoredState, restore
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view
from components.titan.shards import new_shards

_TELL_EVERY_S: Final = 1.0


@dataclass(frozen=True)
class Recovery:
    """What the journal holds, and what of the configuration it does not hold yet."""

    configuration: PlatformConfiguration  # with the instruments at the journal's indices
    instruments: InstrumentTable
    restored: RestoredState
    from_snapshot: int  # the command after which the snapshot was taken, 0 if none was used
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


class ReplayProgress:
    """Tells once a second how far a replay is; one that takes less says nothing."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._next = time.monotonic() + _TELL_EVERY_S

    def __call__(self, done: int, of: int) -> None:
        """Tell it, if it is time."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _TELL_EVERY_S
            self._say(f"journal: replayed {done:,} of {of:,} commands ({100 * done // of} %)")


def recover(configuration: PlatformConfiguration, progress: Progress | None = None) -> Recovery:
    """Prove, replay and complete the journal that the configuration names, or create it.

    Raises JournalError when another process writes it, when it is damaged, or when its events do
    not follow from its commands.
    """
    with open_journal(configuration) as journal:
        snapshot, problems = snapshots.newest(journal)
        from_snapshot = snapshot.commands_last if snapshot else 0
        restored = restore(journal, snapshot, progress)
        if restored.commands_last:
            refuse_another_number(configuration, len(restored.shards))
        tails = (("events", restored.events_tail), ("risk", restored.risk_tail))
        batches = [
            (stream, journal.last_sequence(stream) + 1, [tail])
            for stream, tail in tails
            if len(tail)
        ]
        if batches:
            journal.append(batches)
        notes = (*journal.notes, *problems)
    rules = restored.configuring
    if not restored.commands_last:
        restored = replace(restored, shards=new_shards(configuration.titan.shards))
    known = InstrumentTable.from_commands(rules)
    continued = configuration.continuing(known)
    setup = continued.setup_commands_after(
        known,
        _known_accounts(restored),
        RiskRule.from_commands(rules),
        Capacity.from_commands(rules),
        RiskCapacity.from_commands(rules),
        gate_from_commands(rules),
        len(restored.shards) if restored.commands_last else None,
    )
    return Recovery(continued, continued.instrument_table(), restored, from_snapshot, setup, notes)


def _known_accounts(restored: RestoredState) -> set[int]:
    state = restored.sentinel_state
    rows = np.zeros(state.accounts.size, ACCOUNT_VIEW)
    count = int(fill_account_view(state, rows))
    return {int(account) for account in rows["account"][:count]}
