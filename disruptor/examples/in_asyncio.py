"""A consumer in asyncio, beside other work of the same event loop.

    python -m disruptor.examples.in_asyncio

It prints ``3 of 3 prices, while the clock ticked``.
"""

from __future__ import annotations

import asyncio
import os

import click
import numpy as np

from disruptor import AsyncConsumer, Consumer, Producer, RingBuffer

PRICE = np.dtype([("price", np.int64)])
COUNT = 3


async def publish(producer: Producer, ticked: asyncio.Event) -> None:
    for price in range(COUNT):
        await ticked.wait()
        producer.write(np.array([(price,)], PRICE))


async def read(consumer: Consumer) -> int:
    """How many prices came; waiting for them costs the loop nothing."""
    source, seen = AsyncConsumer(consumer), 0
    async for batch in source:
        seen += len(batch)
        if seen == COUNT:
            source.stop()
    return seen


async def main() -> None:
    ring, ticked = RingBuffer.create(f"example.{os.getpid()}.async", PRICE, 64), asyncio.Event()
    reading = asyncio.create_task(read(ring.consumer("reader")))
    publishing = asyncio.create_task(publish(ring.producer(), ticked))
    await asyncio.sleep(0.01)  # the clock
    ticked.set()
    await publishing
    seen = await reading
    ring.unlink()
    click.echo(f"{seen} of {COUNT} prices, while the clock ticked")


if __name__ == "__main__":
    asyncio.run(main())
