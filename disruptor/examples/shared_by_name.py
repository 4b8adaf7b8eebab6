"""Two programs that know nothing of each other but the name of a ring.

    python -m disruptor.examples.shared_by_name write       in one terminal
    python -m disruptor.examples.shared_by_name read        in another, within a minute

The writer prints ``wrote 5 prices``, the reader ``1 100``, ``2 101`` … ``5 104``.
"""

from __future__ import annotations

import sys
import time

import click
import numpy as np

from disruptor import RingBuffer

PRICE = np.dtype([("price", np.int64)])
PRICES = 5
MINUTE_NS = 60_000_000_000


def write(name: str) -> None:
    ring = RingBuffer.create(name, PRICE, 4)
    while not ring.statistics().consumers:  # from then on, what it has not read stays
        time.sleep(0.01)
    producer = ring.producer("writer", "blocking")
    for price in range(100, 100 + PRICES):
        producer.write(np.array([(price,)], PRICE), MINUTE_NS)
    # Room for a whole ring means that the reader is done with everything.
    producer.next(ring.capacity, MINUTE_NS)
    ring.unlink()
    click.echo(f"wrote {PRICES} prices")


def read(name: str) -> None:
    ring = RingBuffer.attach(name, PRICE)
    consumer = ring.consumer("reader", strategy="blocking")
    while consumer.sequence < PRICES:
        high = consumer.wait(MINUTE_NS)
        for batch in consumer.batches(high):
            for number, price in enumerate(batch["price"], consumer.sequence + 1):
                click.echo(f"{number} {price}")
                consumer.advance(number)


if __name__ == "__main__":
    verb, *name = sys.argv[1:] or ["read"]
    {"write": write, "read": read}[verb](*(name or ["example.prices"]))
