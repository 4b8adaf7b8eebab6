"""``pipeline.serve`` with the risk gate around the engine: the same rings, counters and outcomes.

The rings' side is compiled, in two steps around ``RiskGate.apply_batch``.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.risk_gate import RiskGate
from components.titan.engine.state import LIVE, Outbox
from components.titan.instrumentation import TitanCounters, count_batch
from components.titan.pipeline import (
    APPLIED,
    BLOCKED,
    HOUSEKEEPING,
    IDLE,
    OUTBOX_TOO_SMALL,
    Wiring,
    commands_ahead,
    publish,
)
from disruptor.compiled import entry
from disruptor.memory.libc import monotonic_ns, wall_clock_ns
from disruptor.ring.barrier import advance

_NOTHING: Final = 0
_IN_THE_WAY: Final = -1


def serve_gated(
    wiring: Wiring,
    gate: RiskGate,
    outbox: Outbox,
    counters: TitanCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Serve one batch through the gate; outcomes and ``progress`` as of ``pipeline.serve``."""
    count = int(_await_commands(wiring, outbox, counters, progress, timeout_ns))
    if count <= _NOTHING:
        return BLOCKED if count == _IN_THE_WAY else IDLE
    first = int(progress[APPLIED]) + 1
    start = first & (wiring.commands.slots.size - 1)
    batch = wiring.commands.slots[start : start + count]
    started = int(monotonic_now())
    applied = gate.apply_batch(batch, first, outbox)
    if applied == 0:
        return OUTBOX_TOO_SMALL
    live = int(gate.titan.totals[LIVE])
    _note_applied(wiring, counters, batch, progress, applied, live, started)
    return HOUSEKEEPING


@entry
def monotonic_now() -> int:
    """The clock of the latencies."""
    return monotonic_ns()


@entry
def _await_commands(
    wiring: Wiring,
    outbox: Outbox,
    counters: TitanCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Publish, mark as consumed, wait; how many commands lie ahead in one piece, at most a batch."""
    if not publish(wiring, outbox, counters, progress, timeout_ns):
        return _IN_THE_WAY
    if progress[APPLIED] > wiring.commands.words[wiring.sequence_word]:
        advance(wiring.commands, wiring.sequence_word, progress[APPLIED])
    return commands_ahead(wiring, progress, timeout_ns)


@entry
def _note_applied(
    wiring: Wiring,
    counters: TitanCounters,
    batch: NDArray[np.void],
    progress: NDArray[np.int64],
    applied: int,
    live: int,
    started: int,
) -> None:
    ended = monotonic_ns()
    progress[APPLIED] += applied
    wiring.heartbeat[0] = ended
    count_batch(counters, batch, applied, live, started, ended, wall_clock_ns())
