"""The merge as a process: the shards' events in one order, see merge_pipeline.py.

One that follows a dead one goes on where that stood, see merge_checkpoint.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from components.oracle.comparison import first_difference
from components.oracle.replay import ReplayDifferenceError
from components.titan.engine import new_outbox
from components.titan.engine.state import Outbox
from components.titan.merge_checkpoint import Checkpoint
from components.titan.merge_pipeline import (
    Progress,
    Wiring,
    merge_what_is_there,
    new_progress,
    serve,
)
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
    context.restoring()
    rings = [name for name in context.process.reads if name != _COMMANDS]
    shards = tuple(context.graph.writers[name][0] for name in rings)
    commands = context.consumer(_COMMANDS)
    consumers = [context.consumer(name) for name in rings]
    (written,) = context.process.written()
    events = context.rings[written]
    made = Checkpoint.continued if context.is_restart else Checkpoint.begun
    checkpoint = made(
        f"{context.platform}.{context.name}.checkpoint",
        events.cursor,
        [each.sequence + 1 for each in consumers],
    )
    wiring = wired(
        context.rings[_COMMANDS],
        commands,
        shards,
        [context.rings[name] for name in rings],
        consumers,
        events,
        context.producer(written).line,
        context.strategy,
        context.line.order,
        context.line.heartbeat,
        checkpoint.words,
    )
    progress = new_progress(checkpoint.taken, checkpoint.cursor)
    outbox = new_outbox(_OUTBOX_EVENTS)
    _drop_what_is_out(wiring, progress, outbox, events, checkpoint.published)
    context.ready()
    while True:
        serve(wiring, progress, outbox, _TIMEOUT_NS)
        context.beat()
        if context.has_drained(_COMMANDS):
            checkpoint.unlink()
            return


def _drop_what_is_out(
    wiring: Wiring, progress: Progress, outbox: Outbox, events: RingBuffer, published: int
) -> None:
    """Merge again what the predecessor put out since its checkpoint; the outbox keeps what it owes."""
    while published < events.cursor:
        count = int(merge_what_is_there(wiring, progress, outbox))
        out = min(count, events.cursor - published)
        low = max(published + 1, events.oldest_held)
        derived = outbox.slots[:out][low - published - 1 :]
        if not out:
            raise ReplayDifferenceError(
                f"ring {events.name} holds {events.cursor} events; the shards gave {published}"
            )
        difference = first_difference("events", low, derived, events.events(low, published + out))
        if difference is not None:
            raise ReplayDifferenceError(f"the ring is not what the shards gave: {difference}")
        published += out
        progress.published[0] = out
        if out == count:
            progress.published[0] = outbox.count[0] = 0


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
    checkpoint: NDArray[np.int64],
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
        checkpoint=checkpoint,
    )
