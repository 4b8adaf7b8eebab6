"""The compiled loop of Sentinel's process: events in; risk records and liquidation orders out.

    events ring ──► engine ──┬──► risk ring          waits for room: only Oracle reads it
                             └──► commands ring      never waits

Orders close a circle (commands → Titan → events → Sentinel → commands), so waiting for room in
the commands ring could stop everybody for ever.  Orders that find no room stay in the outbox and
are tried again in every round, while Sentinel goes on reading events; the outbox grows as it must.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.sentinel.engine.apply import apply_batch
from components.sentinel.engine.outbox import SentinelOutbox
from components.sentinel.engine.state import SentinelState
from components.sentinel.instrumentation import SentinelCounters, count_batch, count_risk
from disruptor.compiled import entry, internal
from disruptor.memory.atomics import load_acquire
from disruptor.memory.libc import monotonic_ns, wall_clock_ns
from disruptor.ring.barrier import advance, wait_for
from disruptor.ring.layout import Ring
from disruptor.ring.transfer import transfer, transfer_ready
from disruptor.ring.wait_strategy import WaitStrategy

IDLE: Final = 0
BLOCKED: Final = 1
OUTBOX_TOO_SMALL: Final = 2
HOUSEKEEPING: Final = 3

_BATCH_MAX: Final = 256
_RETRY_NS: Final = 1_000_000
"""How long a round may wait for events while orders wait for room."""

APPLIED: Final = 0
PUBLISHED: Final = 1  # risk records of the outbox
SENT: Final = 2  # orders of the outbox


class Wiring(NamedTuple):
    """Where Sentinel sits: its rings, its words in them, and how it waits."""

    events: Ring
    sequence_word: int
    dependents: NDArray[np.int64]
    risk: Ring
    risk_line: int
    commands: Ring
    commands_line: int
    strategy: WaitStrategy
    order: NDArray[np.int64]  # non-zero: finish what is there
    heartbeat: NDArray[np.int64]
    pending: NDArray[np.int64]  # tells the supervisor of orders that wait for room
    never: NDArray[np.int64]  # always zero: publishing is not interrupted by a stop


@entry
def serve(
    wiring: Wiring,
    state: SentinelState,
    outbox: SentinelOutbox,
    counters: SentinelCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Serve events for about ``timeout_ns``, or until something is in the way.

    IDLE: nothing came.  HOUSEKEEPING: the time is over, there is more.  BLOCKED: the risk ring
    stayed full.  OUTBOX_TOO_SMALL: give a larger one that holds the unsent orders.  Call again
    after each.  ``progress``: last event applied, risk records published, orders sent.
    """
    mask = np.uint64(wiring.events.slots.size - 1)
    deadline = monotonic_ns() + timeout_ns
    while True:
        _send_orders(wiring, outbox, progress)
        if not _publish_risk(wiring, outbox, counters, progress, timeout_ns):
            return BLOCKED
        if progress[APPLIED] > load_acquire(wiring.events.words, wiring.sequence_word):
            advance(wiring.events, wiring.sequence_word, progress[APPLIED])
        wanted = progress[APPLIED] + 1
        patience = _RETRY_NS if wiring.pending[0] != 0 else timeout_ns
        high = wait_for(
            wiring.events, wiring.dependents, wanted, wiring.strategy, wiring.order, patience
        )
        if high < wanted:
            if wiring.pending[0] != 0 and monotonic_ns() < deadline:
                continue
            return IDLE
        start = np.int64(np.uint64(wanted) & mask)
        count = min(high - wanted + 1, _BATCH_MAX, wiring.events.slots.size - start)
        batch = wiring.events.slots[start : start + count]
        started = monotonic_ns()
        applied = apply_batch(state, batch, 0, outbox)
        if applied == 0:
            return OUTBOX_TOO_SMALL
        ended = monotonic_ns()
        progress[APPLIED] += applied
        wiring.heartbeat[0] = ended
        # before the events are marked as consumed, see the supervisor's drain
        wiring.pending[0] = outbox.order_count[0] - progress[SENT]
        count_batch(counters, batch, applied, started, ended, wall_clock_ns())
        if ended >= deadline:
            return HOUSEKEEPING


@internal
def _send_orders(wiring: Wiring, outbox: SentinelOutbox, progress: NDArray[np.int64]) -> None:
    begin, end = progress[SENT], outbox.order_count[0]
    if begin == end:
        return
    reached = transfer_ready(wiring.commands, wiring.commands_line, outbox.orders, begin, end)
    progress[SENT] = reached
    if reached == end:
        progress[SENT] = 0
        outbox.order_count[0] = 0
    wiring.pending[0] = end - reached


@internal
def _publish_risk(
    wiring: Wiring,
    outbox: SentinelOutbox,
    counters: SentinelCounters,
    progress: NDArray[np.int64],
    timeout_ns: int,
) -> bool:
    begin, end = progress[PUBLISHED], outbox.risk_count[0]
    if begin == end:
        return True
    reached = transfer(
        wiring.risk,
        wiring.risk_line,
        outbox.risks,
        begin,
        end,
        wiring.strategy,
        wiring.never,
        timeout_ns,
    )
    for number in range(begin, reached):
        count_risk(counters, outbox.risks[number])
    progress[PUBLISHED] = reached
    if reached < end:
        return False
    progress[PUBLISHED] = 0
    outbox.risk_count[0] = 0
    return True
