"""Derive everything again from the commands, and compare it with what was journaled.

The engines are pure, so the commands alone give all events, all risk records, all liquidation
orders and the final state.  ``replay`` checks the journal against them byte for byte; ``restore``
does the same and hands over the states that the live processes continue from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.messages.code import SOURCE_SENTINEL
from components.messages.command import COMMAND, Commands
from components.messages.event import Events
from components.messages.risk import Risks
from components.oracle.comparison import Difference, OrderComparison, StreamComparison
from components.oracle.platform_hash import platform_hash
from components.oracle.store import Journal, JournalError
from components.sentinel import engine as sentinel_engine
from components.sentinel.engine import SentinelState
from components.titan import engine as titan_engine
from components.titan.engine import TitanState

_OUTBOX_RECORDS = 1 << 16
"""Room to begin with; an outbox in which not even one step fits is doubled."""


class ReplayDifferenceError(JournalError):
    """The journal holds something that does not follow from its own commands."""


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found; ``differences`` holds at most the first one of each stream."""

    commands: int
    events_derived: int
    events_journaled: int
    risk_derived: int
    risk_journaled: int
    orders_derived: int
    orders_journaled: int
    differences: tuple[Difference, ...]
    titan_hash: str
    sentinel_hash: str
    platform_hash: str

    @property
    def ok(self) -> bool:
        """Whether everything that was journaled follows from the commands."""
        return not self.differences


@dataclass(frozen=True)
class RestoredState:
    """What the live processes continue from.

    Both states stand after command ``commands_last``.  The tails and ``pending_orders`` follow
    from the journaled commands but were not journaled themselves.  The launcher appends the tails
    to the journal and Sentinel publishes the orders first, so that no sequence is skipped and
    nothing is published twice.
    """

    titan_state: TitanState
    sentinel_state: SentinelState
    commands_last: int
    events_last: int  # the last derived, tail included
    risk_last: int
    events_tail: Events
    risk_tail: Risks
    pending_orders: Commands


class _Replay:
    """Both engines and the three comparisons, fed with one chunk of commands after the other."""

    def __init__(self, journal: Journal) -> None:
        self.titan = titan_engine.new_state()
        self.sentinel = sentinel_engine.new_state()
        self.events = StreamComparison(journal, "events")
        self.risk = StreamComparison(journal, "risk")
        self.orders = OrderComparison(np.zeros(0, COMMAND))
        self.commands_last = 0
        self._event_box = titan_engine.new_outbox(_OUTBOX_RECORDS)
        self._answer_box = sentinel_engine.new_outbox(_OUTBOX_RECORDS, _OUTBOX_RECORDS)

    def feed(self, first: int, commands: Commands) -> None:
        """Apply commands, the first of which has the sequence ``first``.

        Titan runs ahead by an outbox of events; as Sentinel depends on the events alone, it comes
        to the same as one event at a time.
        """
        done = 0
        while done < len(commands):
            box = self._event_box
            applied = titan_engine.apply_batch(self.titan, commands[done:], first + done, box)
            self._pass_on(box.slots[: box.count[0]])
            box.count[0] = 0
            done += applied
            if applied == 0:
                self._event_box = titan_engine.new_outbox(2 * len(box.slots))
        published = np.flatnonzero(commands["source"] == SOURCE_SENTINEL)
        self.orders.meet(published + first, commands[published])
        self.commands_last = first + len(commands) - 1

    def differences(self) -> tuple[Difference, ...]:
        """Those found so far."""
        found = (self.events.difference, self.risk.difference, self.orders.difference)
        return tuple(each for each in found if each is not None)

    def hashes(self) -> tuple[str, str]:
        """The state hashes of Titan and of Sentinel."""
        return (
            _hexadecimal(titan_engine.state_hash(self.titan)),
            _hexadecimal(sentinel_engine.state_hash(self.sentinel)),
        )

    def _pass_on(self, events: Events) -> None:
        self.events.feed(events)
        done = 0
        while done < len(events):
            box = self._answer_box
            reached = sentinel_engine.apply_batch(self.sentinel, events, done, box)
            self.risk.feed(box.risks[: box.risk_count[0]])
            self.orders.feed(box.orders[: box.order_count[0]])
            box.risk_count[0] = box.order_count[0] = 0
            if reached == done:
                room = 2 * len(box.risks)
                self._answer_box = sentinel_engine.new_outbox(room, room)
            done = reached


def replay(
    journal: Journal, *, to: int | None = None, first_difference: bool = True
) -> ReplayReport:
    """Derive and compare up to command ``to`` (default: all).

    With ``first_difference`` it stops soon after the first one, and the hashes stand there; else
    it goes on to the end and tells the first one of each stream.
    """
    run = _run(journal, to, stop_at_difference=first_difference)
    titan_hash, sentinel_hash = run.hashes()
    return ReplayReport(
        commands=run.commands_last,
        events_derived=run.events.derived,
        events_journaled=run.events.journaled,
        risk_derived=run.risk.derived,
        risk_journaled=run.risk.journaled,
        orders_derived=run.orders.derived,
        orders_journaled=run.orders.found,
        differences=run.differences(),
        titan_hash=titan_hash,
        sentinel_hash=sentinel_hash,
        platform_hash=platform_hash(run.commands_last, titan_hash, sentinel_hash),
    )


def restore(journal: Journal) -> RestoredState:
    """The states after all journaled commands; ReplayDifferenceError if the journal disagrees."""
    run = _run(journal, None, stop_at_difference=True)
    differences = run.differences()
    if differences:
        raise ReplayDifferenceError(
            f"the journal {journal.path} is not what its commands give: {differences[0]}"
        )
    return RestoredState(
        titan_state=run.titan,
        sentinel_state=run.sentinel,
        commands_last=run.commands_last,
        events_last=run.events.derived,
        risk_last=run.risk.derived,
        events_tail=run.events.tail(),
        risk_tail=run.risk.tail(),
        pending_orders=run.orders.pending(),
    )


def _run(journal: Journal, to: int | None, *, stop_at_difference: bool) -> _Replay:
    run = _Replay(journal)
    for first, commands in journal.read("commands", 1, to):
        run.feed(first, commands)
        if stop_at_difference and run.differences():
            return run
    if to is None or to == journal.last_sequence("commands"):
        run.events.finish()
        run.risk.finish()
    return run


def _hexadecimal(digest: str | bytes) -> str:
    return digest if isinstance(digest, str) else digest.hex()
