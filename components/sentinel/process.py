"""Sentinel as a process: margin and liquidation behind Titan's events.

Every start is a resumption (see ``components.oracle.resumption``): the first one finds nothing to
catch up with.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from components.messages.risk import RISK
from components.monitor.catalogue import SENTINEL, specs_for
from components.monitor.platform_view import (
    ACCOUNTS,
    EXPOSURES,
    LIQUIDATIONS,
    counters_name,
    table_name,
)
from components.monitor.showing import Showing
from components.oracle.resumption import ResumedSentinel, resume_sentinel
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.run_settings import RunSettings
from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view, totals
from components.sentinel.deleveraging_view import deleveraging_lights
from components.sentinel.engine import new_outbox, outbox_bound, state_hash
from components.sentinel.engine.conservation import require_conservation
from components.sentinel.engine.outbox import SentinelOutbox
from components.sentinel.engine.state import SentinelState
from components.sentinel.exposure_view import EXPOSURE_VIEW, EXPOSURES_SHOWN, nearest_exposures
from components.sentinel.instrumentation import (
    RECENT_LIQUIDATIONS,
    SentinelCounters,
    newest_liquidations,
    put_totals,
    sentinel_counters,
)
from components.sentinel.pipeline import OUTBOX_TOO_SMALL, SENT, Wiring, serve
from disruptor.errors import SegmentError
from disruptor.memory.counters import CounterBlock
from disruptor.memory.snapshot_table import SnapshotTable
from disruptor.ring.ring_buffer import Consumer
from disruptor.supervisor.child import ProcessContext

_TIMEOUT_NS = 100_000_000
_OUTBOX_RECORDS = 1 << 12


class Showcase:
    """What people see of Sentinel in shared memory: counters, accounts, the positions nearest
    to liquidation, the newest liquidations."""

    def __init__(
        self, context: ProcessContext, settings: RunSettings, state: SentinelState
    ) -> None:
        self.block = CounterBlock.continued(
            counters_name(context.platform, context.name),
            specs_for(SENTINEL, settings.instruments),
        )
        capacity = int(state.summary[0]["accounts_allowed"])
        capacity = max(capacity, settings.configuration.sentinel.capacity.accounts)
        self.liquidations_before = _liquidations_before(context)
        self._accounts = SnapshotTable.create(
            table_name(context.platform, ACCOUNTS), ACCOUNT_VIEW, capacity
        )
        self._exposures = SnapshotTable.create(
            table_name(context.platform, EXPOSURES), EXPOSURE_VIEW, EXPOSURES_SHOWN
        )
        self._liquidations = SnapshotTable.create(
            table_name(context.platform, LIQUIDATIONS), RISK, RECENT_LIQUIDATIONS
        )
        self._rows = np.zeros(capacity, ACCOUNT_VIEW)

    def show(self, state: SentinelState, counters: SentinelCounters) -> None:
        """Publish the state as it is now."""
        put_totals(self.block, totals(state))
        require_conservation(state)
        count = int(fill_account_view(state, self._rows))
        self._rows["deleveraging_light"][:count] = deleveraging_lights(state)[:count]
        self._accounts.publish(self._rows[:count])
        self._exposures.publish(nearest_exposures(state))
        self._liquidations.publish(newest_liquidations(counters))

    def unlink(self) -> None:
        """Remove all of it."""
        for part in (self.block, self._accounts, self._exposures, self._liquidations):
            part.unlink()


def run(context: ProcessContext) -> None:
    """Guard the accounts until told to stop and drained; leaves the hash of the final state."""
    settings: RunSettings = context.settings
    context.restoring()
    events = context.consumer("events")
    path = Path(settings.configuration.oracle.path)
    with Journal.open_reader(path, STREAM_DTYPES) as journal:
        resumed = resume_sentinel(
            journal,
            settings.restored,
            events,
            context.rings,
            context.beat,
            before=settings.before,
        )
    showcase = Showcase(context, settings, resumed.state)
    try:
        _serve(context, settings, events, resumed, showcase)
    finally:
        showcase.unlink()
    context.line.result = state_hash(resumed.state)


def _serve(
    context: ProcessContext,
    settings: RunSettings,
    events: Consumer,
    resumed: ResumedSentinel,
    showcase: Showcase,
) -> None:
    state = resumed.state
    risk = context.producer("risk")
    commands = context.producer("commands")
    wiring = Wiring(
        events=context.rings["events"].view,
        sequence_word=events.sequence_word,
        dependents=events.dependents,
        risk=context.rings["risk"].view,
        risk_line=risk.line,
        commands=context.rings["commands"].view,
        commands_line=commands.line,
        strategy=context.strategy,
        order=context.line.order,
        heartbeat=context.line.heartbeat,
        pending=context.line.pending,
        never=np.zeros(1, np.int64),
    )
    counters = sentinel_counters(showcase.block, settings.instruments)
    before = showcase.liquidations_before
    counters.recent[: len(before)] = before
    counters.recent_count[0] = len(before)
    progress = np.array([resumed.applied, 0, 0], np.int64)
    outbox = _first_outbox(resumed)
    context.line.pending[0] = len(resumed.owed_orders)
    showing = Showing(lambda: showcase.show(state, counters))
    context.ready()
    while True:
        outcome = serve(wiring, state, outbox, counters, progress, _TIMEOUT_NS)
        context.beat()
        if outcome == OUTBOX_TOO_SMALL:
            outbox = _larger_outbox(state, outbox, progress)
            continue
        showing.offer()
        if context.has_drained("events") and not context.line.pending[0]:
            return


def _liquidations_before(context: ProcessContext) -> np.ndarray:
    """The newest liquidations that a predecessor had shown; empty if there was none."""
    with contextlib.suppress(SegmentError):
        table = SnapshotTable.attach(table_name(context.platform, LIQUIDATIONS), RISK)
        shown = table.copy()
        table.close()
        return shown
    return np.zeros(0, RISK)


def _first_outbox(resumed: ResumedSentinel) -> SentinelOutbox:
    """Room to begin with, and in it what the predecessor owes."""
    room = 2 * int(outbox_bound(resumed.state)) + 2 * _OUTBOX_RECORDS
    outbox = new_outbox(room + len(resumed.owed), room + len(resumed.owed_orders))
    outbox.risks[: len(resumed.owed)] = resumed.owed
    outbox.risk_count[0] = len(resumed.owed)
    outbox.orders[: len(resumed.owed_orders)] = resumed.owed_orders
    outbox.order_count[0] = len(resumed.owed_orders)
    return outbox


def _larger_outbox(
    state: SentinelState, old: SentinelOutbox, progress: np.ndarray
) -> SentinelOutbox:
    """Twice the room, with the orders that are not sent yet; all risk records were published."""
    unsent = old.orders[progress[SENT] : old.order_count[0]]
    room = 2 * int(outbox_bound(state)) + _OUTBOX_RECORDS
    larger = new_outbox(max(2 * old.risks.size, room), max(2 * old.orders.size, room + len(unsent)))
    larger.orders[: len(unsent)] = unsent
    larger.order_count[0] = len(unsent)
    progress[SENT] = 0
    return larger
