"""Titan as a process: the matching engine between the commands and an events ring.

Every start is a resumption (see ``components.oracle.resumption``): the first one finds nothing to
catch up with.  One of several shards is told by ``shard`` in its options which one; it writes a ring
of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.messages.event import EVENT
from components.monitor.catalogue import TITAN, specs_for
from components.monitor.platform_view import counters_name, depth_name
from components.monitor.showing import Showing
from components.oracle.resumption import ResumedTitan, resume_titan
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.risk_gate import RiskGate
from components.run_settings import RunSettings
from components.titan.depth_view import DEPTH_VIEW, depth_capacity, depth_rows
from components.titan.engine import new_outbox, state_hash
from components.titan.engine.state import SHARD, SHARDS, Outbox, TitanState
from components.titan.gated_pipeline import GATE_TOO_SMALL, parts_of, serve_gated
from components.titan.instrumentation import titan_counters
from components.titan.pipeline import OUTBOX_TOO_SMALL, Wiring, bound_of, new_progress, serve
from components.titan.working_set import prepare
from disruptor.memory.counters import CounterBlock
from disruptor.memory.snapshot_table import SnapshotTable
from disruptor.ring.ring_buffer import Consumer
from disruptor.supervisor.child import ProcessContext

_TIMEOUT_NS = 100_000_000
_OUTBOX_EVENTS = 1 << 14


def run(context: ProcessContext) -> None:
    """Match until told to stop and drained; leaves the hash of the final state."""
    settings: RunSettings = context.settings
    context.restoring()
    commands = context.consumer("commands")
    resumed = _resumed(context, settings, commands)
    block = CounterBlock.continued(
        counters_name(context.platform, context.name), specs_for(TITAN, settings.instruments)
    )
    books = SnapshotTable.create(
        depth_name(context.platform, context.name),
        DEPTH_VIEW,
        depth_capacity(len(settings.instruments)),
    )
    try:
        _serve(context, settings, commands, resumed, block, books)
    finally:
        block.unlink()
        books.unlink()
    context.line.result = state_hash(resumed.state)


def _resumed(context: ProcessContext, settings: RunSettings, commands: Consumer) -> ResumedTitan:
    """Where this process goes on; a shard begins where the platform's start has put it."""
    restored, shard = settings.restored, context.options.get("shard", 0)
    if len(restored.shards) > 1 and not context.is_restart:
        return ResumedTitan(restored.shards[shard], commands.sequence, np.zeros(0, EVENT), None)
    with Journal.open_reader(Path(settings.configuration.oracle.path), STREAM_DTYPES) as journal:
        return resume_titan(
            journal,
            restored,
            commands,
            context.rings["commands"],
            context.rings[context.process.written()[0]],
            context.beat,
            before=settings.before,
            is_gated=settings.configuration.titan.risk_gate,
            shard=shard,
        )


def _serve(
    context: ProcessContext,
    settings: RunSettings,
    commands: Consumer,
    resumed: ResumedTitan,
    block: CounterBlock,
    books: SnapshotTable,
) -> None:
    state = resumed.state
    (ring,) = context.process.written()
    events = context.producer(ring)
    wiring = Wiring(
        commands=context.rings["commands"].view,
        sequence_word=commands.sequence_word,
        dependents=commands.dependents,
        events=context.rings[ring].view,
        line=events.line,
        strategy=context.strategy,
        order=context.line.order,
        heartbeat=context.line.heartbeat,
        never=np.zeros(1, np.int64),
    )
    shard, shards = int(state.totals[SHARD]), int(state.totals[SHARDS])
    counters = titan_counters(block, settings.instruments, shard, shards)
    progress = new_progress(resumed.applied)
    outbox = _larger_outbox(state, _OUTBOX_EVENTS + len(resumed.owed))
    outbox.slots[: len(resumed.owed)] = resumed.owed
    outbox.count[0] = len(resumed.owed)
    showing = Showing(lambda: books.publish(depth_rows(state, len(settings.instruments))))
    gate = None if resumed.sentinel is None else RiskGate(state, resumed.sentinel)
    prepare(state, outbox)
    context.ready()
    while True:
        if gate is None:
            outcome = serve(wiring, state, outbox, counters, progress, _TIMEOUT_NS)
        else:
            parts = parts_of(gate)
            outcome = serve_gated(wiring, parts, outbox, counters, progress, _TIMEOUT_NS)
        context.beat()
        showing.offer()
        if outcome == OUTBOX_TOO_SMALL:
            outbox = _larger_outbox(state, 2 * outbox.slots.size)
        elif outcome == GATE_TOO_SMALL and gate is not None:
            gate.make_room()
        elif context.has_drained("commands"):
            return


def _larger_outbox(state: TitanState, least: int) -> Outbox:
    return new_outbox(max(least, 2 * bound_of(state)))
