"""Derive everything again from the commands, and compare it with what was journaled.

The engines are pure, so the commands alone give all events, all risk records, all liquidation
orders and the final state.  ``replay`` checks the journal against them byte for byte, the whole of
it or a range; ``restore`` does the same and hands over the states that the live processes continue
from.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from components.messages.code import SOURCE_SENTINEL
from components.messages.command import Commands, new_commands
from components.messages.event import EVENT, Events
from components.messages.risk import RISK, Risks
from components.oracle.comparison import Difference, OrderComparison, StreamComparison
from components.oracle.derivation import Derivation
from components.oracle.moment import last_after
from components.oracle.read_ahead import ReadAhead
from components.oracle.snapshots import Snapshot, configuring_commands
from components.oracle.starts import saved_hashes, start_before
from components.oracle.store import Journal, JournalError
from components.sentinel.engine import SentinelState
from components.titan.shards import Shards, new_shards


class ReplayDifferenceError(JournalError):
    """The journal holds something that does not follow from its own commands."""


@dataclass(frozen=True)
class ReplayReport:
    """What a replay found; ``differences`` holds at most the first one of each stream.

    Commands up to ``commands`` were applied, those from ``first`` on compared.  Numbers of events
    and risk records count from the stream's beginning.
    """

    first: int
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

    All states stand after command ``commands_last``.  The tails and ``pending_orders`` follow
    from the journaled commands but were not journaled themselves.  The launcher appends the tails
    to the journal and Sentinel publishes the orders first, so that no sequence is skipped and
    nothing is published twice.
    """

    shards: Shards  # Titan's states
    sentinel_state: SentinelState
    commands_last: int
    events_last: int  # the last derived, tail included
    risk_last: int
    events_tail: Events
    risk_tail: Risks
    pending_orders: Commands
    configuring: Commands  # those commands that say what is traded and by which rules

    @classmethod
    def beginning(cls, shards: int) -> RestoredState:
        """Where every journal of so many shards begins."""
        empty = Snapshot.beginning()
        return cls(
            shards=new_shards(shards),
            sentinel_state=empty.sentinel,
            commands_last=0,
            events_last=0,
            risk_last=0,
            events_tail=np.zeros(0, EVENT),
            risk_tail=np.zeros(0, RISK),
            pending_orders=empty.pending_orders,
            configuring=empty.configuring,
        )

    def as_snapshot(self) -> Snapshot:
        """The same as what a snapshot holds, tails included."""
        sequences = {
            "commands": self.commands_last,
            "events": self.events_last,
            "risk": self.risk_last,
        }
        return Snapshot(
            self.shards,
            self.sentinel_state,
            sequences,
            self.pending_orders,
            self.configuring,
        )


Progress = Callable[[int, int], None]
"""Told, after each chunk, how many commands were applied, and how many there are."""


class _Replay:
    """A derivation and the comparisons of what it derives from command ``first`` on."""

    def __init__(
        self, journal: Journal, first: int, readers: ExitStack, start: Snapshot | None = None
    ) -> None:
        self.first = first
        self.derivation = Derivation()
        self.orders = OrderComparison()
        self.configuring = [new_commands(0)]
        if start is not None:
            self.configuring.append(start.configuring)
            self.first = max(first, start.commands_last + 1)
            self.derivation = Derivation(start.shards, start.sentinel, start.commands_last)
            self.orders.feed(start.pending_orders)
        self.hashes: dict[int, str] = {}
        self.hash_difference: Difference | None = None
        self.events = self._comparison(journal, "events", readers)
        self.risk = self._comparison(journal, "risk", readers)

    def feed(self, first: int, commands: Commands) -> None:
        """Apply commands, the first of which has the sequence ``first``."""
        inside = [each for each in sorted(self.hashes) if first <= each < first + len(commands)]
        done = 0
        for sequence in inside:
            end = sequence - first + 1
            self._apply(first + done, commands[done:end])
            done = end
            self._compare_hash(sequence)
        self._apply(first + done, commands[done:])

    def _compare_hash(self, sequence: int) -> None:
        derived, saved = self.derivation.hashes().platform, self.hashes[sequence]
        if derived != saved and self.hash_difference is None:
            self.hash_difference = Difference(
                "snapshots", sequence, "platform_hash", derived, saved
            )

    def _apply(self, first: int, commands: Commands) -> None:
        before = max(0, min(self.first - first, len(commands)))
        for derived in self.derivation.feed(commands[:before]):
            self.orders.feed(derived.orders)
        for derived in self.derivation.feed(commands[before:]):
            self.events.feed(derived.events)
            self.risk.feed(derived.risks)
            self.orders.feed(derived.orders)
        published = np.flatnonzero(commands["source"] == SOURCE_SENTINEL)
        self.orders.meet(published + first, commands[published])
        self.configuring.append(configuring_commands(commands))

    def differences(self) -> tuple[Difference, ...]:
        """Those found so far."""
        found = (
            self.events.difference,
            self.risk.difference,
            self.orders.difference,
            self.hash_difference,
        )
        return tuple(each for each in found if each is not None)

    def _comparison(self, journal: Journal, stream: str, readers: ExitStack) -> StreamComparison:
        journaled = journal.last_sequence(stream)
        derived = last_after(journal, stream, self.first - 1) if self.first > 1 else 0
        stored = readers.enter_context(ReadAhead(journal, stream, derived + 1, journaled))
        return StreamComparison(stream, journal.dtype(stream), derived, journaled, stored)


def replay(
    journal: Journal, *, first: int = 1, to: int | None = None, first_difference: bool = True
) -> ReplayReport:
    """Derive up to command ``to`` (default: all), and compare what commands from ``first`` on give.

    With ``first_difference`` it stops soon after the first one, and the hashes stand there; else
    it goes on to the end and tells the first one of each stream.  The state's hash is compared too
    wherever a snapshot tells it.  What lies before ``first`` is derived from a snapshot if one is
    there.
    """
    start = start_before(journal, first - 1)
    run = _run(
        journal, first, to, stop_at_difference=first_difference, start=start, with_hashes=True
    )
    hashes = run.derivation.hashes()
    return ReplayReport(
        first=first,
        commands=run.derivation.commands_last,
        events_derived=run.events.derived,
        events_journaled=run.events.journaled,
        risk_derived=run.risk.derived,
        risk_journaled=run.risk.journaled,
        orders_derived=run.orders.derived,
        orders_journaled=run.orders.found,
        differences=run.differences(),
        titan_hash=hashes.titan,
        sentinel_hash=hashes.sentinel,
        platform_hash=hashes.platform,
    )


def restore(
    journal: Journal, start: Snapshot | None = None, progress: Progress | None = None
) -> RestoredState:
    """The states after all journaled commands; ReplayDifferenceError if the journal disagrees.

    From a snapshot, which is used up, only what follows it is replayed and compared.
    """
    run = _run(journal, 1, None, stop_at_difference=True, start=start, progress=progress)
    differences = run.differences()
    if differences:
        raise ReplayDifferenceError(
            f"the journal {journal.path} is not what its commands give: {differences[0]}"
        )
    return RestoredState(
        shards=run.derivation.shards,
        sentinel_state=run.derivation.sentinel,
        commands_last=run.derivation.commands_last,
        events_last=run.events.derived,
        risk_last=run.risk.derived,
        events_tail=run.events.tail(),
        risk_tail=run.risk.tail(),
        pending_orders=run.orders.pending(),
        configuring=np.concatenate(run.configuring),
    )


def _run(
    journal: Journal,
    first: int,
    to: int | None,
    *,
    stop_at_difference: bool,
    start: Snapshot | None = None,
    progress: Progress | None = None,
    with_hashes: bool = False,
) -> _Replay:
    last = journal.last_sequence("commands")
    with ExitStack() as readers:
        run = _Replay(journal, first, readers, start)
        upto = last if to is None else to
        after = start.commands_last if start else 0
        if with_hashes:
            run.hashes = saved_hashes(journal, run.first, upto)
        chunks = readers.enter_context(ReadAhead(journal, "commands", after + 1, upto))
        for sequence, commands in chunks:
            run.feed(sequence, commands)
            if progress is not None:
                progress(run.derivation.commands_last, upto)
            if stop_at_difference and run.differences():
                return run
        if upto == last:
            run.events.finish()
            run.risk.finish()
    return run
