"""The merge as a process: the shards' events in one order, see merge_pipeline.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.titan.engine import new_outbox
from components.titan.merge_pipeline import Wiring, new_progress, serve
from components.titan.merging import as_many
from disruptor.ring.ring_buffer import Consumer, RingBuffer
from disruptor.ring.wait_strategy import WaitStrategy
from disruptor.supervisor.child import ProcessContext

_TIMEOUT_NS = 100_000_000
_OUTBOX_EVENTS = 1 << 10
_COMMANDS = "commands"


def run(context: ProcessContext) -> None:
    """Merge until told to stop and drained.

    Reads the commands ring and then, in the order of the shards, their events rings; who writes one
    of those is that shard.
    """
    rings = [name for name in context.process.reads if name != _COMMANDS]
    shards = tuple(context.graph.writers[name][0] for name in rings)
    commands = context.consumer(_COMMANDS)
    consumers = [context.consumer(name) for name in rings]
    (written,) = context.process.written()
    wiring = wired(
        context.rings[_COMMANDS],
        commands,
        shards,
        [context.rings[name] for name in rings],
        consumers,
        context.rings[written],
        context.producer(written).line,
        context.strategy,
        context.line.order,
        context.line.heartbeat,
    )
    progress = new_progress([each.sequence + 1 for each in consumers])
    outbox = new_outbox(_OUTBOX_EVENTS)
    context.ready()
    while True:
        serve(wiring, progress, outbox, _TIMEOUT_NS)
        context.beat()
        if context.has_drained(_COMMANDS):
            return


def wired(
    commands: RingBuffer,
    place: Consumer,
    shards: tuple[str, ...],
    sources: Sequence[RingBuffer],
    places: Sequence[Consumer],
    events: RingBuffer,
    line: int,
    strategy: WaitStrategy,
    order: NDArray[np.int64],
    heartbeat: NDArray[np.int64],
) -> Wiring:
    """A merge at its ``place`` on the commands ring, behind the consumers ``shards``, and at its
    ``places`` on their events rings."""
    views = [source.view for source in sources]
    return Wiring(
        commands=commands.view,
        sequence_word=place.sequence_word,
        shards=commands.dependents(shards),
        sources=as_many(views),
        source_words=np.array([each.sequence_word for each in places], np.int64),
        slots=as_many([view.slots for view in views]),
        masks=np.array([view.slots.size - 1 for view in views], np.uint64),
        events=events.view,
        line=line,
        strategy=strategy,
        order=order,
        heartbeat=heartbeat,
        never=np.zeros(1, np.int64),
    )
