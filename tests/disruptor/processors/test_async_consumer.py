"""A consumer in asyncio: nothing is lost, nobody spins, nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from disruptor.errors import DisruptorError, EvictedError
from disruptor.processors.async_consumer import AsyncConsumer
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from tests.disruptor.processors.scripted import EVENT, events


@pytest.fixture
def ring(segment_prefix: str) -> Iterator[RingBuffer]:
    made = RingBuffer.create(f"{segment_prefix}r", EVENT, 16)
    yield made
    made.unlink()


def helpers() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == "async-consumer"]


async def take(consumer: Consumer, count: int) -> list[int]:
    """The next ``count`` events, all committed."""
    taken: list[int] = []
    source = AsyncConsumer(consumer)
    async for batch in source:
        taken += batch.events["value"].tolist()
        if len(taken) >= count:
            source.stop()
    return taken


def test_many_consumers_see_everything_that_another_process_publishes(ring: RingBuffer) -> None:
    async def run() -> list[list[int]]:
        consumers = [ring.consumer(f"c{number}") for number in range(8)]
        consumers.append(ring.consumer("behind", after=("c0", "c7")))
        child = os.fork()
        if child == 0:
            producer = ring.producer()
            for first in range(0, 300, 3):
                producer.write(events(first, first + 1, first + 2))
            os._exit(0)
        taken = await asyncio.gather(*(take(consumer, 300) for consumer in consumers))
        assert os.waitpid(child, 0)[1] == 0
        return taken

    assert asyncio.run(run()) == [[*range(300)]] * 9
    assert helpers() == []


def test_a_loop_with_nothing_to_do_is_left_alone(
    ring: RingBuffer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    look = Consumer.available

    def counted(consumer: Consumer) -> int:
        looks.append(1)
        return look(consumer)

    monkeypatch.setattr(Consumer, "available", counted)

    async def run() -> list[int]:
        consumer = ring.consumer("c")
        task = asyncio.create_task(take(consumer, 2))
        for _ in range(1_000):
            await asyncio.sleep(0)
        looked_while_idle = len(looks)
        ring.producer().write(events(5, 6))

        assert looked_while_idle == 1
        return await task

    assert asyncio.run(run()) == [5, 6]


def test_cancelled_while_it_waits_it_leaves_nothing_behind(ring: RingBuffer) -> None:
    async def run() -> list[int]:
        consumer = ring.consumer("c")
        task = asyncio.create_task(take(consumer, 1))
        while not helpers():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while helpers():
            await asyncio.sleep(0)
        ring.producer().write(events(7))
        return await take(consumer, 1)

    assert asyncio.run(run()) == [7]


def test_cancelled_in_its_body_it_does_not_commit(ring: RingBuffer) -> None:
    async def hang(consumer: Consumer, begun: asyncio.Event) -> None:
        async for _ in AsyncConsumer(consumer):
            begun.set()
            await asyncio.Event().wait()

    async def run() -> list[int]:
        consumer, begun = ring.consumer("c"), asyncio.Event()
        ring.producer().write(events(7, 8))
        task = asyncio.create_task(hang(consumer, begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert consumer.sequence == 0
        return await take(consumer, 2)

    assert asyncio.run(run()) == [7, 8]


def test_a_batch_is_committed_when_the_next_is_asked_for(ring: RingBuffer) -> None:
    async def run() -> list[int]:
        consumer, at = ring.consumer("c"), list[int]()
        ring.producer().write(events(1, 2, 3))
        async with aclosing(aiter(AsyncConsumer(consumer, batch_size_max=2))) as batches:  # type: ignore[type-var]
            async for batch in batches:
                at += [batch.first_sequence, consumer.sequence]
                if batch.first_sequence == 3:
                    break
        return [*at, consumer.sequence]

    assert asyncio.run(run()) == [1, 0, 3, 2, 2]


def test_an_error_in_the_body_does_not_commit(ring: RingBuffer) -> None:
    async def fail(consumer: Consumer) -> None:
        async for _ in AsyncConsumer(consumer):
            raise KeyError

    async def run() -> int:
        consumer = ring.consumer("c")
        ring.producer().write(events(1))
        with pytest.raises(KeyError):
            await fail(consumer)
        return consumer.sequence

    assert asyncio.run(run()) == 0


def test_an_alert_from_another_process_ends_the_iteration(ring: RingBuffer) -> None:
    async def run() -> list[int]:
        consumer = ring.consumer("c")
        task = asyncio.create_task(take(consumer, 1))
        while not helpers():
            await asyncio.sleep(0)
        ring.wake_everybody()  # loaded here: the child could wait for the helper's compiler lock
        child = os.fork()
        if child == 0:
            consumer.alert()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        return await task

    assert asyncio.run(run()) == []


def test_two_tasks_may_not_share_one(ring: RingBuffer) -> None:
    async def run() -> None:
        source = AsyncConsumer(ring.consumer("c"))
        first = aiter(source)
        with pytest.raises(DisruptorError, match="iterated over already"):
            aiter(source)
        await first.aclose()  # type: ignore[attr-defined]

    asyncio.run(run())


def test_an_eviction_is_raised_in_the_task(ring: RingBuffer) -> None:
    async def run() -> None:
        consumer = ring.consumer("c", lag_max=2)
        ring.producer().write(events(*range(16)))
        ring.producer().write(events(*range(8)))
        with pytest.raises(EvictedError):
            await take(consumer, 1)

    asyncio.run(run())


def test_void_events_are_passed(ring: RingBuffer) -> None:
    async def run() -> list[int]:
        producer, consumer = ring.producer(), ring.consumer("c")
        producer.void(producer.next())
        producer.write(events(4))
        producer.void(producer.next())
        producer.write(events(5))
        return await take(consumer, 2)

    assert asyncio.run(run()) == [4, 5]
