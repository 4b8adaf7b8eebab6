"""How long a start takes, and how fast a journal is replayed and proven, by its length.

::

    recovery        open for writing (locks, proves the newest segment) ► newest snapshot ► replay
                    what follows, compared with what was journaled: what bin/start does
    replay          all commands through Titan and Sentinel, read and proven on the way
    verifying       the same, and everything compared with the journal
    verify          every digest of every stream
    append          another batch, chained and not synced, behind a journal of that length

Journals are those of ``perf.workloads.platform_journal``.  The snapshot is the one that a platform
has with ``every_commands`` at its default at the worst moment: a million commands back.  Files are
in the page cache, as they are after a crash of a process.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from components.oracle import snapshots
from components.oracle.derivation import Derivation
from components.oracle.read_ahead import ReadAhead
from components.oracle.replay import restore
from components.oracle.shadow import Schedule, Shadow
from components.oracle.snapshots import Snapshot
from components.oracle.store import Journal, verify
from components.oracle.streams import STREAM_DTYPES
from perf.harness.measurement import Measurement, Options
from perf.workloads.platform_journal import BATCH, commands_of, write_journal

SCENARIO = "oracle_recovery"
LENGTHS = (1_000_000, 10_000_000)
QUICK_LENGTHS = (20_000, 60_000)
SNAPSHOT_BACK = 1_000_000
SEGMENT_BYTES = 512 << 20
_APPENDED = 200_000


def run(options: Options) -> list[Measurement]:
    """Each length, with and without a snapshot; rates on the longest journal."""
    results: list[Measurement] = []
    lengths = QUICK_LENGTHS if options.quick else LENGTHS
    back = SNAPSHOT_BACK // 100 if options.quick else SNAPSHOT_BACK
    root = os.environ.get("PERF_DIRECTORY", ".")
    for length in lengths:
        with tempfile.TemporaryDirectory(prefix="oracle-perf-", dir=root) as directory:
            path = Path(directory) / "journal"
            write_journal(path, length, SEGMENT_BYTES)
            results += _recoveries(path, length, back, options)
            if length == lengths[-1]:
                results += _rates(path, length, options)
            results.append(_appends(path, length, options))
    return results


def _recoveries(path: Path, length: int, back: int, options: Options) -> list[Measurement]:
    variant = f"{length:,} commands"
    told = [_told(variant, "recovery without a snapshot", "s", _timed(options, path, _recover))]
    if length > back:
        _save_snapshot(path, length - back)
        name = f"recovery, snapshot {back:,} commands back"
        target = "≤ 3 s" if length == LENGTHS[-1] else ""
        told.append(_told(variant, name, "s", _timed(options, path, _recover), target))
    return [_at_length(each, length) for each in told]


def _appends(path: Path, length: int, options: Options) -> Measurement:
    costs = []
    commands = next(commands_of(_APPENDED))
    with Journal.open_writer(
        path, STREAM_DTYPES, sync="off", segment_bytes=SEGMENT_BYTES
    ) as journal:
        for _ in range(options.runs):
            started = time.perf_counter()
            for low in range(0, len(commands), BATCH):
                first = journal.last_sequence("commands") + 1
                journal.append([("commands", first, [commands[low : low + BATCH]])])
            costs.append((time.perf_counter() - started) / len(commands) * 1e9)
    variant = f"{length:,} commands"
    return _at_length(_told(variant, "append, a command", "ns/op", tuple(costs)), length)


def _at_length(figure: Measurement, length: int) -> Measurement:
    figure.details.update(axis="commands in the journal", size=length)
    return figure


def _rates(path: Path, length: int, options: Options) -> list[Measurement]:
    variant = f"{length:,} commands"
    size = sum(each.size_bytes for each in verify(path).streams)
    replays = tuple(length / each / 1e6 for each in _timed(options, path, _replay))
    compared = tuple(length / each / 1e6 for each in _timed(options, path, _compare))
    proofs = tuple(size / each / 1e9 for each in _timed(options, path, _verify))
    return [
        _told(variant, "replay through both engines", "M commands/s", replays, "≥ 5 M commands/s"),
        _told(variant, "verifying replay", "M commands/s", compared),
        _told(variant, "verify", "GB/s", proofs, "≥ 1 GB/s"),
    ]


def _timed(options: Options, path: Path, work: Callable[[Path], None]) -> tuple[float, ...]:
    seconds = []
    for _ in range(options.runs):
        started = time.perf_counter()
        work(path)
        seconds.append(time.perf_counter() - started)
    return tuple(seconds)


def _recover(path: Path) -> None:
    with Journal.open_writer(path, STREAM_DTYPES, segment_bytes=SEGMENT_BYTES) as journal:
        snapshot, _ = snapshots.newest(journal)
        restore(journal, snapshot)


def _replay(path: Path) -> None:
    derivation = Derivation()
    with Journal.open_reader(path) as journal:
        last = journal.last_sequence("commands")
        with ReadAhead(journal, "commands", 1, last) as chunks:
            for _, commands in chunks:
                derivation.run(commands)


def _compare(path: Path) -> None:
    with Journal.open_reader(path) as journal:
        restore(journal)


def _verify(path: Path) -> None:
    assert verify(path).ok


def _save_snapshot(path: Path, at: int) -> None:
    with Journal.open_reader(path) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), Schedule(0, 0))
        for _ in shadow.advance(at):
            pass
        snapshots.save(journal, shadow.snapshot())


def _told(
    variant: str, metric: str, unit: str, runs: tuple[float, ...], target: str = ""
) -> Measurement:
    return Measurement(SCENARIO, variant, metric, unit, runs, target)
