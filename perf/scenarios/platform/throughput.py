"""How many commands a second the whole platform takes, beside what its stages do alone.

load ─(as fast as there is room)─► … until the last command is answered and durable

Alone: Titan, Sentinel and the journal each work through the same commands in this process, one
after the other, one thread and no rings; the journal appends all three streams, 16,384 commands a
batch.  The platform shares its CPUs among all of them, the generator and the probe.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from components.messages.command import Commands
from components.messages.event import Events
from components.messages.risk import Risks
from components.oracle.derivation import Derivation
from components.oracle.store import Journal
from components.oracle.store.writer import SyncMode
from components.oracle.streams import STREAM_DTYPES
from components.sentinel import engine as sentinel_engine
from components.titan import engine as titan_engine
from perf.harness.measurement import Measurement, Options
from perf.platform.run import Setting, run_platform
from perf.scenarios.platform.latency import costs
from perf.workloads.platform_journal import BATCH, commands_of

SCENARIO = "platform.throughput"
COMMANDS = 2_000_000
ALONE = 500_000
RUNS_MAX = 3
_ROOM = 1 << 18
_DERIVED_A_BATCH = 4
_TARGETS = {"sync commit": "≥ 1 M commands/s", "sync interval": "≥ 2 M commands/s"}


def run(options: Options) -> list[Measurement]:
    """Every sync mode on a busy book, three other workloads, and the stages by themselves."""
    runs = min(options.runs, RUNS_MAX)
    count = 20_000 if options.quick else COMMANDS
    figures: list[Measurement] = []
    kinds = [("mixed", sync) for sync in ("commit", "interval", "off")]
    kinds += [(workload, "commit") for workload in ("prices", "cascades", "recorded")]
    for workload, sync in kinds:
        outcomes = [run_platform(Setting(workload, commands=count, sync=sync)) for _ in range(runs)]
        rates = tuple(each.commands / each.seconds / 1e6 for each in outcomes)
        target = _TARGETS.get(f"sync {sync}", "") if workload == "mixed" else ""
        variant = f"{workload}, sync {sync}"
        figures.append(Measurement(SCENARIO, variant, "throughput", "M commands/s", rates, target))
        figures += costs(SCENARIO, variant, outcomes)
    return figures + _stages(runs, ALONE // 20 if options.quick else ALONE)


def _stages(runs: int, count: int) -> list[Measurement]:
    pieces = list(commands_of(count))
    rates: dict[str, list[float]] = {}
    for _ in range(runs):
        derived = _derived(pieces)
        for name, seconds in (
            ("Titan alone", _titan(pieces)),
            ("Sentinel alone", _sentinel([events for _, events, _ in derived])),
            ("journal alone, sync commit", _journal(derived, "commit")),
            ("journal alone, sync interval", _journal(derived, "interval")),
        ):
            rates.setdefault(name, []).append(count / seconds / 1e6)
    return [
        Measurement(SCENARIO, "mixed", "throughput", "M commands/s", tuple(each), peer=name)
        for name, each in rates.items()
    ]


Derived = list[tuple[Commands, Events, Risks]]


def _derived(pieces: list[Commands]) -> Derived:
    derivation = Derivation()
    found: Derived = []
    for piece in pieces:
        for start in range(0, len(piece), BATCH):
            batch = piece[start : start + BATCH]
            for number, each in enumerate(derivation.feed(batch)):
                commands = batch if number == 0 else batch[:0]
                found.append((commands, each.events.copy(), each.risks.copy()))
    return found


def _titan(pieces: list[Commands]) -> float:
    state, box = titan_engine.new_state(), titan_engine.new_outbox(_ROOM)
    sequence, spent = 0, 0.0
    for piece in pieces:
        done = 0
        while done < len(piece):
            began = time.perf_counter()
            applied = titan_engine.apply_batch(state, piece[done:], sequence + 1, box)
            spent += time.perf_counter() - began
            assert applied, "the outbox holds what one command gives"
            done, sequence = done + applied, sequence + applied
            box.count[0] = 0
    return spent


def _sentinel(events: list[Events]) -> float:
    state, box = sentinel_engine.new_state(), sentinel_engine.new_outbox(_ROOM, _ROOM)
    spent = 0.0
    for piece in events:
        done = 0
        while done < len(piece):
            began = time.perf_counter()
            reached = int(sentinel_engine.apply_batch(state, piece, done, box))
            spent += time.perf_counter() - began
            assert reached > done, "the outbox holds what one event gives"
            done = reached
            box.risk_count[0] = box.order_count[0] = 0
    return spent


def _journal(derived: Derived, sync: SyncMode) -> float:
    root = os.environ.get("PERF_DIRECTORY", ".")
    batches = [
        derived[at : at + _DERIVED_A_BATCH] for at in range(0, len(derived), _DERIVED_A_BATCH)
    ]
    with tempfile.TemporaryDirectory(prefix="platform-perf-", dir=root) as directory:
        path = Path(directory) / "journal"
        with Journal.open_writer(path, STREAM_DTYPES, sync=sync) as journal:
            began = time.perf_counter()
            for batch in batches:
                arrays = zip(STREAM_DTYPES, map(list, zip(*batch, strict=True)), strict=True)
                journal.append(
                    [
                        (stream, journal.last_sequence(stream) + 1, each)
                        for stream, each in arrays
                        if any(map(len, each))
                    ]
                )
            journal.sync()
            return time.perf_counter() - began
