"""The load generator, a process in the feed's place: prepared commands, open-loop or flat out.

Open-loop: command number n is due at the start plus n intervals, and is stamped with that time,
however late it is sent; so a platform that stalls is charged for all that had to wait, and every
latency is corrected for coordinated omission.  How late the generator itself was is counted apart.

It checks and publishes as the feed does: the same compiled ingress, the same claims.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.feed.ingress import REASONS, admit_commands
from components.messages.code import OP_TIMER
from components.messages.command import Commands, new_commands
from disruptor.compiled import entry
from disruptor.memory.atomics import load_acquire
from disruptor.memory.libc import monotonic_ns, nanosleep, sched_yield, wall_clock_ns
from disruptor.ring.layout import Ring
from disruptor.ring.transfer import transfer
from disruptor.ring.wait_strategy import WaitStrategy
from disruptor.supervisor.child import ProcessContext
from perf.platform.histogram import BUCKETS, count
from perf.platform.workloads import workload

STARTED: Final = "started"
REPORT: Final = "load.json"
_BATCH: Final = 256
_SLICE_NS: Final = 50_000_000
_NAP_NS: Final = 20_000
_FOREVER_NS: Final = 2**62
_WARM_S: Final = 0.5

SENT: Final = 0
LAST_TS: Final = 1


class Source(NamedTuple):
    """What is sent, and what was: ``progress`` counts commands and keeps the last stamp."""

    tile: Commands
    scratch: Commands
    progress: NDArray[np.int64]
    rejected: NDArray[np.int64]
    lateness: NDArray[np.int64]
    symbols: int  # how many instruments there are


@entry
def send(
    ring: Ring,
    line: int,
    strategy: WaitStrategy,
    control: NDArray[np.int64],
    source: Source,
    total: int,
    start_ns: int,
    interval_ns: int,
) -> bool:
    """Send for some 50 ms; True when ``total`` commands are sent.  Interval 0: as fast as it goes."""
    length = source.tile.size
    ends = monotonic_ns() + _SLICE_NS
    while source.progress[SENT] < total:
        if load_acquire(control, 0) != 0 or monotonic_ns() >= ends:
            return False
        sent = source.progress[SENT]
        now = wall_clock_ns()
        due = total - sent
        if interval_ns > 0:
            due = min(due, (now - start_ns) // interval_ns + 1 - sent)
            if due <= 0:
                if start_ns + sent * interval_ns - now > _NAP_NS:
                    nanosleep(1)
                else:
                    sched_yield()
                continue
        at = sent % length
        number = min(due, _BATCH, length - at)
        for place in range(number):
            source.scratch[place] = source.tile[at + place]
            command = source.scratch[place]
            if command["order_id"] > 0:
                command["order_id"] += sent // length * length
            command["ts"] = now if interval_ns == 0 else start_ns + (sent + place) * interval_ns
            count(source.lateness, now - command["ts"])
        kept, source.progress[LAST_TS] = admit_commands(
            source.scratch[:number], source.symbols, source.progress[LAST_TS], source.rejected
        )
        transfer(ring, line, source.scratch, 0, kept, strategy, control, _FOREVER_NS)
        source.progress[SENT] = sent + number
    return True


def run(context: ProcessContext) -> None:
    """Open, warm up, mark, send for so many seconds, mark, and wait to be stopped."""
    options = context.options
    folder, rate = Path(options["folder"]), int(options["rate"])
    load = workload(options["workload"])
    producer = context.producer("commands")
    producer.control = context.line.order

    def sending(
        tile: Commands, first_number: int, seconds: float, number_max: int
    ) -> dict[str, Any]:
        interval = 10**9 // rate if rate else 0
        total = int(rate * seconds) if rate else number_max
        source = new_source(tile, first_number, len(context.settings.instruments))
        start = time.time_ns()
        view = (context.rings["commands"].view, producer.line, context.strategy, producer.control)
        while not context.should_stop():
            if send(*view, source, first_number + total, start - first_number * interval, interval):
                break
            context.beat()
        return {
            "commands": total,
            "started_ns": start,
            "ended_ns": time.time_ns(),
            "rejected": int(source.rejected.sum()),
            "lateness": source.lateness.tolist(),
        }

    sending(load.tile, 0, 0.0, 0)  # compiles
    context.ready()
    producer.write(_stamped(load.opening))
    if rate != 0 or options["commands"]:
        warmed = sending(load.warm, 0, _WARM_S, len(load.warm))["commands"]
        producer.write(_stamped(_marker()))
        (folder / STARTED).touch()
        whole_tiles = -(-warmed // len(load.tile)) * len(load.tile)
        seconds, number = float(options["seconds"]), int(options["commands"])
        report = sending(load.tile, whole_tiles, seconds, number)
        producer.write(_stamped(_marker()))
        (folder / "load.new").write_text(json.dumps(report))
        (folder / "load.new").rename(folder / REPORT)
    while not context.should_stop():
        context.beat()
        time.sleep(0.01)
    producer.close()


def new_source(tile: Commands, sent: int, symbols: int = 1) -> Source:
    """A source of which so many commands were sent already, to a platform of so many instruments."""
    return Source(
        tile,
        new_commands(_BATCH),
        np.array([sent, 0], np.int64),
        np.zeros(len(REASONS), np.int64),
        np.zeros(BUCKETS, np.int64),
        symbols,
    )


def _marker() -> Commands:
    """A timer: it says only what time it is, and stands between what is measured and what is not."""
    command = new_commands(1)
    command["op"] = OP_TIMER
    return command


def _stamped(commands: Commands) -> Commands:
    commands["ts"] = time.time_ns()
    return commands
