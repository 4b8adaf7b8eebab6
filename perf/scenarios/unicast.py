"""One producer to one consumer, each a pinned process: events per second.

    P1 ──► ring (65,536 × 64 bytes) ──► C1

The producer writes one field of each event, the consumer adds them up, and the sum is compared
with the one computed beforehand.  ``batch n`` claims and publishes n at a time.  Beside it, in
the same run: the same work on one core, which passes no cache line to another; and, as peers, what
the standard library offers between two processes.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.queues import SimpleQueue
from typing import Any

import numpy as np

from disruptor.compiled import entry
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer
from disruptor.ring.sequencer import next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy
from perf.harness.measurement import Measurement, Options
from perf.harness.pinned import beside, pinned, two_cpus

EVENT = np.dtype([("value", np.int64), ("rest", np.int64, (7,))])
CAPACITY = 65_536
_FOREVER_NS = 2**60


@entry
def produce(
    ring: Ring, line: int, count: int, batch: int, strategy: WaitStrategy, control: Any
) -> None:
    """Publish ``count`` events, a multiple of ``batch``, whose value is their sequence."""
    mask = np.uint64(ring.slots.size - 1)
    for _ in range(count // batch):
        high = next_sequence(ring, line, batch, strategy, control, _FOREVER_NS)
        for sequence in range(high - batch + 1, high + 1):
            ring.slots[np.uint64(sequence) & mask]["value"] = sequence
        publish(ring, line, high - batch + 1, high)


@entry
def consume(
    ring: Ring, word: int, dependents: Any, last: int, strategy: WaitStrategy, control: Any
) -> int:
    """Add up all values up to the sequence ``last``."""
    mask = np.uint64(ring.slots.size - 1)
    wanted = ring.words[word] + 1
    total = 0
    while wanted <= last:
        high = wait_for(ring, dependents, wanted, strategy, control, _FOREVER_NS)
        for sequence in range(wanted, high + 1):
            total += ring.slots[np.uint64(sequence) & mask]["value"]
        advance(ring, word, high)
        wanted = high + 1
    return total


def run(options: Options) -> list[Measurement]:
    """Both kinds of sequencer, batches of 1, 10 and 256."""
    figures = []
    for multi in (False, True):
        for batch in (1, 10, 256):
            count = (2_000_000 if options.quick else 50_000_000) // batch * batch
            runs = tuple(_one_run(multi, batch, count) for _ in range(options.runs))
            kind = "multi-producer sequencer" if multi else "single producer"
            target = "≥ 100 M events/s" if (not multi and batch == 1) else ""
            figures.append(
                Measurement(
                    "unicast", f"{kind}, batch {batch}", "throughput", "M events/s", runs, target
                )
            )
    alone = tuple(_alone(20 if options.quick else 200) for _ in range(options.runs))
    figures.append(
        Measurement("unicast", "single producer, batch 1", "throughput", "M events/s", alone,
                    peer="one core alone")
    )  # fmt: skip
    return [*figures, *_peers(options)] if options.peers else figures


def _alone(laps: int) -> float:
    """One process fills the ring and empties it again, in turns."""
    ring = RingBuffer.create("perf.unicast", EVENT, CAPACITY)
    strategy = wait_strategy("busy_spin")
    try:
        producer, consumer = (
            ring.producer("perf", strategy),
            ring.consumer("perf", strategy=strategy),
        )
        _warm_up(ring, producer, consumer, 1)
        reading = (ring.view, consumer.sequence_word, consumer.dependents)
        with pinned(two_cpus()[0]):
            start = time.perf_counter()
            for _ in range(laps):
                produce(ring.view, producer.line, CAPACITY, 1, strategy, producer.control)
                consume(*reading, ring.cursor, strategy, consumer.control)
            elapsed = time.perf_counter() - start
    finally:
        ring.unlink()
        ring.close()
    return laps * CAPACITY / elapsed / 1e6


def _peers(options: Options) -> list[Measurement]:
    """64 bytes a message through multiprocessing's pipe and queue, one at a time."""
    count = 5_000 if options.quick else 50_000
    message = bytes(EVENT.itemsize)
    here, there = two_cpus()

    def piped() -> float:
        receiving, sending = multiprocessing.Pipe(duplex=False)

        def send() -> None:
            for _ in range(count):
                sending.send_bytes(message)

        with pinned(here), beside(there, send):
            start = time.perf_counter()
            for _ in range(count):
                receiving.recv_bytes()
            elapsed = time.perf_counter() - start
        receiving.close()
        sending.close()
        return count / elapsed / 1e6

    def queued() -> float:
        queue: SimpleQueue[bytes] = multiprocessing.SimpleQueue()

        def put() -> None:
            for _ in range(count):
                queue.put(message)

        with pinned(here), beside(there, put):
            start = time.perf_counter()
            for _ in range(count):
                queue.get()
            elapsed = time.perf_counter() - start
        queue.close()
        return count / elapsed / 1e6

    rivals = {"multiprocessing.Pipe": piped, "multiprocessing.SimpleQueue": queued}
    return [
        Measurement("unicast", "one at a time", "throughput", "M events/s",
                    tuple(rival() for _ in range(options.runs)), peer=name)
        for name, rival in rivals.items()
    ]  # fmt: skip


def _one_run(multi: bool, batch: int, count: int) -> float:
    ring = RingBuffer.create("perf.unicast", EVENT, CAPACITY, multi_producer=multi)
    strategy = wait_strategy("yielding")
    try:
        producer = ring.producer("perf", strategy)
        consumer = ring.consumer("perf", strategy=strategy)
        _warm_up(ring, producer, consumer, batch)
        last = batch + count
        expected = (batch + 1 + last) * count // 2
        here, there = two_cpus()

        def work() -> None:
            total = consume(
                ring.view,
                consumer.sequence_word,
                consumer.dependents,
                last,
                strategy,
                consumer.control,
            )
            assert total == expected, f"sum={total} expected={expected}"

        with pinned(here), beside(there, work):
            time.sleep(0.05)
            start = time.perf_counter()
            produce(ring.view, producer.line, count, batch, strategy, producer.control)
            while consumer.sequence < last:
                pass
            elapsed = time.perf_counter() - start
    finally:
        ring.unlink()
        ring.close()
    return count / elapsed / 1e6


def _warm_up(ring: RingBuffer, producer: Producer, consumer: Consumer, batch: int) -> None:
    produce(ring.view, producer.line, batch, batch, producer._strategy, producer.control)
    consume(
        ring.view,
        consumer.sequence_word,
        consumer.dependents,
        batch,
        consumer.strategy,
        consumer.control,
    )
