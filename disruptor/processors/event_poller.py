"""For consumers that own their loop: poll, and go on with something else when nothing is there.

    with poller.poll() as batch:          a view of what is there, committed when the block ends
        total += batch.events["price"].sum()

    if poller.poll(handler) is PollState.IDLE:          or hand it to a handler of any tier
        do_something_else()

A poller never waits and never sleeps.
"""

from __future__ import annotations

from enum import Enum
from types import TracebackType
from typing import Any, Final, overload

from numpy.typing import NDArray

from disruptor.processors.handler import HaltError, Handler
from disruptor.processors.rewind import RewindableError
from disruptor.processors.tiers import Tier, skip_voids, tier_of
from disruptor.ring.ring_buffer import Consumer

_UNLIMITED: Final = 2**62


class PollState(Enum):
    """What a poll found; a value for any thread."""

    IDLE = "nothing is published"
    GATING = "something is, but not yet for this consumer: others must be done with it first"
    PROCESSING = "there were events"


class Batch:
    """Consecutive events as a zero-copy view, valid until they are committed.

    As a context manager it commits when the block ends without an error.  For the consumer's
    thread.
    """

    def __init__(
        self, consumer: Consumer, state: PollState, first_sequence: int, events: NDArray[Any]
    ) -> None:
        self._consumer = consumer
        self.state = state
        self.first_sequence = first_sequence
        self.events = events
        self._is_settled = False

    def __len__(self) -> int:
        return len(self.events)

    def commit(self, count: int | None = None) -> None:
        """Say that the first ``count`` events, by default all, are dealt with.

        The others come again with the next batch.
        """
        done = len(self.events) if count is None else count
        if not 0 <= done <= len(self.events):
            raise ValueError(f"{count=} must be from 0 to the batch's {len(self.events)}")
        self._is_settled = True
        if done:
            self._consumer.advance(self.first_sequence + done - 1)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and not self._is_settled:
            self.commit()


class EventPoller:
    """Looks for events on behalf of a consumer, for the consumer's thread."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._slots = consumer._view.slots
        self._handler: Handler | None = None
        self._tier: Tier | None = None

    @overload
    def poll(self, *, limit: int = ...) -> Batch: ...

    @overload
    def poll(self, handler: Handler, *, limit: int = ...) -> PollState: ...

    def poll(self, handler: Handler | None = None, *, limit: int = _UNLIMITED) -> Batch | PollState:
        """What is there, at most ``limit`` events; never waits.

        Without a handler: a batch, which may be empty, and ends at the ring's end.  With one, of
        any tier: the events are handled, and the state says whether there were any.  An error of
        the handler is raised, in front of its event; HaltError ends the poll behind it, and
        RewindableError leaves everything for the next poll.
        """
        if limit < 1:
            raise ValueError(f"{limit=} must be at least 1")
        low, ready = skip_voids(self._consumer, self._consumer.available())
        state = PollState.PROCESSING
        if ready < low:
            state = PollState.GATING if self._consumer._ring.cursor >= low else PollState.IDLE
        high = min(ready, low + limit - 1)
        if handler is None:
            views = self._consumer.batches(high)
            return Batch(self._consumer, state, low, views[0] if views else self._slots[:0])
        if ready >= low:
            self._hand_over(handler, low, high)
        return state

    def _hand_over(self, handler: Handler, low: int, high: int) -> None:
        if self._tier is None or self._handler is not handler:
            self._tier, self._handler = tier_of(self._consumer, handler, None), handler
        while low <= high:
            size = self._tier.size(low, high)
            failure = self._tier.hand_over(low, low + size - 1)
            if failure is None:
                low += size
                continue
            if isinstance(failure.error, HaltError):
                self._consumer.advance(failure.last)
                return
            if not isinstance(failure.error, RewindableError):
                self._consumer.advance(failure.first - 1)
            raise failure.error
