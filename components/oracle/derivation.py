"""Both engines, fed with commands: what follows from them, chunk by chunk.

Titan may be several shards, as the journal's first command says; what they tell is merged.

The one way in which Oracle runs the engines: a verifying replay compares what comes out, a state
at a point in time only keeps the states, a replay for metrics counts, a start goes on from them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final, NamedTuple

from components.messages.command import Commands
from components.messages.event import Events
from components.oracle.one_ahead import one_ahead
from components.oracle.platform_hash import platform_hash
from components.oracle.sentinel_run import Answers, SentinelRun
from components.sentinel import engine as sentinel_engine
from components.sentinel.engine import SentinelState
from components.sentinel.engine.conservation import require_conservation
from components.titan.shards import Deriver, Shards, new_shards, shards_hash, shards_told

_BATCH: Final = 4096
"""Commands that Titan runs ahead of Sentinel: their events stay in the processor's cache."""
_OUTBOX_RECORDS: Final = 1 << 14
"""Room beyond what one more step could need; an outbox in which no step fits is made anew."""


class StateHashes(NamedTuple):
    """Hexadecimal SHA-256 of a state: Titan's, Sentinel's, and of the whole platform."""

    titan: str
    sentinel: str
    platform: str


class Derivation:
    """The states, after the command with the sequence ``commands_last``."""

    def __init__(
        self,
        shards: Shards | None = None,
        sentinel: SentinelState | None = None,
        commands_last: int = 0,
        *,
        is_threaded: bool = True,
    ) -> None:
        """``is_threaded``: Titan has a thread of its own where there is enough to do for two."""
        self.shards = shards if shards is not None else new_shards(1)
        self._sentinel = SentinelRun(
            sentinel if sentinel is not None else sentinel_engine.new_state()
        )
        self.commands_last = commands_last
        self._titan = Deriver(self.shards, _OUTBOX_RECORDS, self.sentinel)
        self._thread = ThreadPoolExecutor(1, "titan") if is_threaded else None

    @property
    def sentinel(self) -> SentinelState:
        """Sentinel's state."""
        return self._sentinel.state

    def feed(self, commands: Commands) -> Iterator[Answers]:
        """Apply the next commands; must be exhausted before the next call.

        Titan runs ahead by a batch; as Sentinel depends on the events alone, it comes to the same
        as one event at a time.
        """
        if self.commands_last == 0 and shards_told(commands) != len(self.shards):
            self.shards = new_shards(shards_told(commands))
            self._titan = Deriver(self.shards, _OUTBOX_RECORDS, self.sentinel)
        steps = self._titan_steps(commands, self.commands_last + 1)
        if (
            self._thread is not None
            and len(commands) > _BATCH
            and not self._titan.waits_for_sentinel(commands)
        ):
            steps = one_ahead(steps, self._thread)
        with closing(steps):
            for applied, events in steps:
                self.commands_last += applied
                yield from self._sentinel.feed(events)

    def _titan_steps(self, commands: Commands, first: int) -> Generator[tuple[int, Events]]:
        for start in range(0, len(commands), _BATCH):
            yield from self._titan.feed(commands[start : start + _BATCH], first + start)

    def run(self, commands: Commands) -> None:
        """``feed``, for who needs the states only."""
        for _ in self.feed(commands):
            pass

    def hashes(self) -> StateHashes:
        """The states' hashes now; ConservationError if Sentinel's books do not add up."""
        require_conservation(self.sentinel)
        titan = shards_hash(self.shards)
        sentinel = sentinel_engine.state_hash(self.sentinel)
        whole = platform_hash(self.commands_last, titan, sentinel)
        return StateHashes(titan.hex(), sentinel.hex(), whole)
