"""The process that saves snapshots: a shadow of the platform at the lowest priority.

It reads no ring and holds up nobody; it follows what Oracle has made durable, and lags where the
machine has no time for it.  When told to stop it comes last, follows to the end of the rings,
saves that state, so that the next start has little to replay, and leaves the state's hash, which
must be the one that the live engines have left.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from components.configuration.model import COMMANDS
from components.monitor.catalogue import SNAPSHOTS, specs_for
from components.monitor.platform_view import counters_name
from components.oracle import snapshots
from components.oracle.resumption import newest_start
from components.oracle.shadow import Schedule, Shadow
from components.oracle.store import Journal, snapshot_file
from components.oracle.store.retention import DAY_S
from components.oracle.store.snapshot_file import SnapshotError, SnapshotPlace
from components.oracle.streams import STREAM_DTYPES
from components.run_settings import RunSettings
from disruptor.memory.counters import CounterBlock, add, observe, put
from disruptor.supervisor.child import ProcessContext

_LOOK_S: Final = 0.1
_LOWEST_PRIORITY: Final = 19
_DURABLE_WITHIN_S: Final = 10.0
_END_WITHIN_S: Final = 2.0

_log = logging.getLogger(__name__)


def run(context: ProcessContext) -> None:
    """Follow the journal and save what is due, until told to stop."""
    settings: RunSettings = context.settings
    oracle = settings.configuration.oracle
    os.setpriority(os.PRIO_PROCESS, 0, _LOWEST_PRIORITY)
    schedule = Schedule(oracle.snapshots.every_commands, oracle.snapshots.every_s)
    context.restoring()
    block = CounterBlock.continued(
        counters_name(context.platform, context.name), specs_for(SNAPSHOTS, settings.instruments)
    )
    try:
        with Journal.open_reader(Path(oracle.path), STREAM_DTYPES) as journal:
            counters = SnapshotCounters(block)
            start = newest_start(journal, settings.restored.as_snapshot(), {})
            shadow = Shadow(journal, start, schedule)
            days = oracle.snapshots.keep_days
            keeper = Keeper(journal, shadow, oracle.snapshots.keep, days * DAY_S, counters)
            context.ready()
            while not context.should_stop():
                if not keeper.follow(context.beat, context.should_stop):
                    time.sleep(_LOOK_S)
                counters.reached(shadow.commands_last)
                context.beat()
            if keeper.finish(context.rings[COMMANDS].cursor, _END_WITHIN_S):
                context.line.result = bytes.fromhex(shadow.platform_hash)
    finally:
        block.unlink()


class SnapshotCounters:
    """The snapshotter's words in shared memory."""

    def __init__(self, block: CounterBlock) -> None:
        self._words = block.words
        self._count = block.offset("oracle_snapshots")
        self._time = block.offset("oracle_snapshot_timestamp_seconds")
        self._command = block.offset("oracle_snapshot_command")
        self._bytes = block.offset("oracle_snapshot_bytes")
        self._duration = block.offset("oracle_snapshot_duration_seconds")
        self._bounds = block.bounds("oracle_snapshot_duration_seconds")
        self._shadow = block.offset("oracle_shadow_command")

    def saved(self, place: SnapshotPlace, duration_ns: int) -> None:
        """Count one that is on disk."""
        add(self._words, self._count, 1)
        put(self._words, self._time, time.time_ns())
        put(self._words, self._command, place.sequence)
        put(self._words, self._bytes, place.path.stat().st_size)
        observe(self._words, self._duration, self._bounds, duration_ns)

    def reached(self, command: int) -> None:
        """Show how far the shadow is."""
        put(self._words, self._shadow, command)


class Keeper:
    """Saves what a shadow finds due, and removes what is old."""

    def __init__(
        self,
        journal: Journal,
        shadow: Shadow,
        keep: int,
        age_s: float,
        counters: SnapshotCounters | None = None,
    ) -> None:
        self._journal = journal
        self._counters = counters
        self._shadow = shadow
        self._keep = keep
        self._age_s = age_s
        self._saved_at = shadow.commands_last

    def follow(self, beat: Callable[[], None], is_over: Callable[[], bool]) -> bool:
        """Follow what is durable now; False when there was nothing new."""
        upto = self._journal.durable_sequence(COMMANDS)
        if upto <= self._shadow.commands_last:
            return False
        for is_due in self._shadow.advance(upto):
            beat()
            if is_due and self._becomes_durable(_DURABLE_WITHIN_S, beat, is_over):
                self._save()
            if is_over():
                break
        return True

    def finish(self, last: int, within_s: float) -> bool:
        """Follow to the last command and save the state there; False if that takes too long."""
        deadline = time.monotonic() + within_s
        while self._shadow.commands_last < last:
            upto = min(last, self._journal.durable_sequence(COMMANDS))
            for _ in self._shadow.advance(max(upto, self._shadow.commands_last)):
                if time.monotonic() > deadline:
                    break
            if time.monotonic() > deadline:
                _log.warning("no snapshot of the end: %d commands behind it", last - upto)
                return False
            if self._shadow.commands_last < last:
                time.sleep(_LOOK_S / 10)
        if self._saved_at < last:
            if not self._becomes_durable(within_s, lambda: None, lambda: False):
                return False
            self._save()
        return True

    def _becomes_durable(
        self, within_s: float, beat: Callable[[], None], is_over: Callable[[], bool]
    ) -> bool:
        """Wait until what the commands gave is on disk as well: it may be one commit later."""
        deadline = time.monotonic() + within_s
        while not self._shadow.is_durable():
            beat()
            if is_over() or time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S / 10)
        return True

    def _save(self) -> None:
        snapshot = self._shadow.snapshot()
        began = time.monotonic_ns()
        try:
            place = snapshots.save(self._journal, snapshot)
            snapshot_file.retire(snapshots.folder(self._journal.path), self._keep, self._age_s)
        except (SnapshotError, OSError) as error:
            _log.warning("%s; the journal has everything all the same", error)
            return
        self._saved_at = snapshot.commands_last
        if self._counters is not None:
            self._counters.saved(place, time.monotonic_ns() - began)
        _log.info("saved a snapshot after command %d", snapshot.commands_last)
