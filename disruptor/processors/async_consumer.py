"""Events in asyncio: a consumer whose waiting costs its event loop nothing.

    async for batch in AsyncConsumer(consumer):
        await send(batch.events)

While nothing is there the loop is free for others.  One helper thread a consumer sleeps in the
kernel, without the GIL, on the very futex that publishing wakes, and hands one callback to the
loop when there is something; while events keep coming it is not asked at all.

A batch counts as dealt with when the next one is asked for.  What a ``break``, an error or a
cancellation leaves uncommitted comes again in the next iteration, or to a successor.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from disruptor.errors import DisruptorError
from disruptor.processors.event_poller import Batch, EventPoller
from disruptor.processors.tiers import refuse_if_evicted
from disruptor.ring.ring_buffer import Consumer
from disruptor.ring.wait_strategy import wait_strategy

_UNLIMITED: Final = 2**62


class AsyncConsumer:
    """Iterates over a consumer's batches; for one task of one event loop at a time.

    ``stop`` may be called from any thread, and ``Consumer.alert`` of the same name from any process.
    """

    def __init__(self, consumer: Consumer, *, batch_size_max: int = _UNLIMITED) -> None:
        self._consumer = consumer
        self._poller = EventPoller(consumer)
        self._batch_size_max = batch_size_max
        self._is_iterated = False

    def stop(self) -> None:
        """End the iteration when the batch in hand is dealt with, or at once when it waits."""
        self._consumer.alert()

    def __aiter__(self) -> AsyncIterator[Batch]:
        """DisruptorError when it is iterated over already."""
        if self._is_iterated:
            raise DisruptorError("the consumer is iterated over already, by another task")
        self._is_iterated = True
        return self._batches()

    async def _batches(self) -> AsyncGenerator[Batch, None]:
        bell = _Bell(self._consumer)
        try:
            while not self._consumer.control[0]:
                batch = self._poller.poll(limit=self._batch_size_max)
                if not len(batch):
                    await bell.rung()
                    continue
                with batch:
                    yield batch
                await asyncio.sleep(0)  # others of this loop have their turn between batches
            refuse_if_evicted(self._consumer)
            self._consumer.clear_alert()
        finally:
            bell.close()
            self._is_iterated = False


class _Bell:
    """Rings in an event loop when the consumer may read, or was alerted."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._face = Consumer(
            consumer._ring, consumer.line, consumer.dependents, wait_strategy("blocking")
        )
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[None] | None = None
        self._is_asked = False
        self._asked = threading.Semaphore(0)
        self._is_closed = False
        self._thread: threading.Thread | None = None

    async def rung(self) -> None:
        """Return when there may be something; raises what the consumer's wait raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="async-consumer", daemon=True)
            self._thread.start()
        self._waiting = self._loop.create_future()
        if not self._is_asked:
            self._is_asked = True
            self._asked.release()
        await self._waiting

    def close(self) -> None:
        """End the helper thread, which an alert wakes; it holds nothing that could delay it.

        The alert is taken back before the loop goes on, so that a successor, which may have begun
        to iterate already, does not take it for its own.
        """
        if self._thread is None:
            return
        was_alerted = self._consumer.control[0]
        self._is_closed = True
        self._asked.release()
        self._consumer.alert()
        self._thread.join()
        self._consumer.control[0] = was_alerted

    def _listen(self) -> None:
        while True:
            self._asked.acquire()
            if self._is_closed:
                return
            error: Exception | None = None
            try:
                self._face.wait()
            except Exception as failed:
                error = failed
            if self._is_closed or self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(self._ring, error)

    def _ring(self, error: Exception | None) -> None:
        self._is_asked = False
        if self._waiting is None or self._waiting.done():
            return
        if error is None:
            self._waiting.set_result(None)
        else:
            self._waiting.set_exception(error)
