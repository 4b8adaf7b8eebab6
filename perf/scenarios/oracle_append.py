"""How fast the journal takes events, what a durable commit costs, and how fast it is proven.

::

    arrays ──► append: gather ► SHA-256 chain ► one LMDB transaction ► fsync      (the journal)
    bytes  ──► putmulti in one transaction ► fsync                                (peer: LMDB alone)
    bytes  ──► one row in one transaction, WAL, synchronous=FULL                  (peer: SQLite)
    bytes  ──► append to a file ► fsync                                           (peer: plain file)
    bytes  ──► write over a file that has its size ► fdatasync                    (peer: the disk)

All move the same bytes in the same run, in turns, on the filesystem of ``PERF_DIRECTORY``
(default: the working directory).  The distance to LMDB alone is the price of the chain; LMDB's
distance to the disk is its own.  The latency is that of one append, from call to durable.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from numpy.typing import NDArray

from components.messages.command import COMMAND
from components.oracle.store import Journal, verify
from components.oracle.store.writer import SyncMode
from perf.harness.measurement import Measurement, Options

SCENARIO = "oracle_append"
EVENT_64 = np.dtype([(f"word_{index}", "<i8") for index in range(8)])
LAYOUTS = {"command 96 B": COMMAND, "event 64 B": EVENT_64}
BATCHES = (256, 4096, 16384, 65536)
MODES: tuple[SyncMode, ...] = ("commit", "interval", "off")
BYTES_A_RUN = 96 << 20
APPENDS_MAX = 400
TARGET_BATCH = 4096
PERCENTILES = (50, 99, 99.9)


def run(options: Options) -> list[Measurement]:
    """All layouts, batch sizes and sync modes, each beside its peers; then the proof's rate."""
    root = os.environ.get("PERF_DIRECTORY", ".")
    results: list[Measurement] = []
    with tempfile.TemporaryDirectory(prefix="oracle-perf-", dir=root) as directory:
        for name, dtype in LAYOUTS.items():
            for batch in BATCHES:
                results += _measure(Path(directory), name, dtype, batch, options)
        results += _measure_verify(Path(directory), options)
    return results


def _measure(
    directory: Path, name: str, dtype: np.dtype, batch: int, options: Options
) -> list[Measurement]:
    events = np.random.default_rng(1).integers(0, 256, batch * dtype.itemsize, np.uint8).view(dtype)
    if dtype.names and "ts" in dtype.names:
        events["ts"] = 1
    appends = min(APPENDS_MAX, max(BYTES_A_RUN // events.nbytes, 8))
    appends = max(appends // 10, 8) if options.quick else appends
    subjects: dict[str, Callable[[Path], list[float]]] = {
        f"sync {mode}": _journal(events, appends, mode) for mode in MODES
    }
    if options.peers:
        subjects["LMDB alone, sync"] = _bare_lmdb(events, appends)
        subjects["SQLite, WAL, full sync"] = _sqlite(events, appends)
        subjects["plain file, fsync"] = _plain_file(events, appends)
        subjects["disk alone, fdatasync"] = _bare_disk(events, appends)
    seconds: dict[str, list[list[float]]] = {subject: [] for subject in subjects}
    for turn in range(options.runs):
        for subject, measure in subjects.items():
            seconds[subject].append(measure(directory / f"run-{turn}"))
    results = []
    for subject, runs in seconds.items():
        results += _told(f"{name}, batch {batch}", subject, runs, batch, dtype.itemsize)
    if options.peers:
        results.append(_share(f"{name}, batch {batch}", seconds))
    return results


def _share(variant: str, seconds: dict[str, list[list[float]]]) -> Measurement:
    """The journal's rate over that of LMDB alone, turn by turn."""
    ours, theirs = seconds["sync commit"], seconds["LMDB alone, sync"]
    shares = tuple(sum(their) / sum(our) for our, their in zip(ours, theirs, strict=True))
    return Measurement(SCENARIO, variant, "of LMDB alone", "×", shares, "≥ 0.8 ×")


def _told(
    variant: str, subject: str, runs: list[list[float]], batch: int, size: int
) -> list[Measurement]:
    is_peer = not subject.startswith("sync")
    rates = tuple(batch * len(each) / sum(each) / 1e6 for each in runs)
    wanted = subject == "sync commit" and batch >= TARGET_BATCH and size == EVENT_64.itemsize
    common: dict[str, Any] = {"scenario": SCENARIO, "peer": subject if is_peer else ""}
    told = variant if is_peer else f"{variant}, {subject}"
    results = [
        Measurement(
            variant=told,
            metric="append rate",
            unit="M events/s",
            runs=rates,
            target="≥ 4 M events/s" if wanted else "",
            details={"MB_per_s": round(float(np.median(rates)) * size, 1), "appends": len(runs[0])},
            **common,
        )
    ]
    if subject == "sync commit":
        for percentile in PERCENTILES:
            figures = tuple(float(np.percentile(each, percentile)) * 1e6 for each in runs)
            metric = f"commit latency p{percentile:g}"
            results.append(
                Measurement(variant=told, metric=metric, unit="µs", runs=figures, **common)
            )
    return results


def _timed(append: Callable[[int], None], appends: int) -> list[float]:
    """Seconds of each call; the last one includes what the caller's last call does."""
    seconds = []
    for index in range(appends):
        started = time.perf_counter()
        append(index)
        seconds.append(time.perf_counter() - started)
    return seconds


def _journal(
    events: NDArray[np.void], appends: int, mode: SyncMode
) -> Callable[[Path], list[float]]:
    def measure(path: Path) -> list[float]:
        with tempfile.TemporaryDirectory(dir=path.parent) as directory:
            target = Path(directory) / "journal"
            with Journal.open_writer(target, {"stream": events.dtype}, sync=mode) as journal:

                def append(index: int) -> None:
                    journal.append([("stream", 1 + index * len(events), [events])])

                return _timed(append, appends)

    return measure


def _bare_lmdb(events: NDArray[np.void], appends: int) -> Callable[[Path], list[float]]:
    content = events.tobytes()

    def measure(path: Path) -> list[float]:
        with (
            tempfile.TemporaryDirectory(dir=path.parent) as directory,
            lmdb.open(directory, map_size=1 << 40, max_dbs=2, meminit=False) as engine,
        ):
            database = engine.open_db(b"stream")

            def append(index: int) -> None:
                key = struct.pack(">Q", 1 + index * len(events))
                with engine.begin(write=True) as transaction:
                    transaction.cursor(database).putmulti([(key, content)], append=True)

            return _timed(append, appends)

    return measure


def _sqlite(events: NDArray[np.void], appends: int) -> Callable[[Path], list[float]]:
    content = events.tobytes()

    def measure(path: Path) -> list[float]:
        with (
            tempfile.TemporaryDirectory(dir=path.parent) as directory,
            closing(sqlite3.connect(f"{directory}/stream.db", isolation_level=None)) as engine,
        ):
            engine.execute("PRAGMA journal_mode=WAL")
            engine.execute("PRAGMA synchronous=FULL")
            engine.execute("CREATE TABLE stream (first INTEGER PRIMARY KEY, batch BLOB)")

            def append(index: int) -> None:
                row = (1 + index * len(events), content)
                engine.execute("INSERT INTO stream VALUES (?, ?)", row)

            return _timed(append, appends)

    return measure


def _plain_file(events: NDArray[np.void], appends: int) -> Callable[[Path], list[float]]:
    content = events.tobytes()

    def measure(path: Path) -> list[float]:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as file:

            def append(index: int) -> None:
                file.write(content)
                os.fsync(file.fileno())

            return _timed(append, appends)

    return measure


def _bare_disk(events: NDArray[np.void], appends: int) -> Callable[[Path], list[float]]:
    content = events.tobytes()

    def measure(path: Path) -> list[float]:
        with tempfile.TemporaryFile(dir=path.parent, buffering=0) as file:
            for _ in range(appends):
                file.write(content)
            os.fsync(file.fileno())
            file.seek(0)

            def append(index: int) -> None:
                file.write(content)
                os.fdatasync(file.fileno())

            return _timed(append, appends)

    return measure


def _measure_verify(directory: Path, options: Options) -> list[Measurement]:
    events = np.zeros(4096, COMMAND)
    appends = 50 if options.quick else 500
    path = directory / "verified"
    with Journal.open_writer(path, {"stream": COMMAND}, sync="off") as journal:
        for index in range(appends):
            journal.append([("stream", 1 + index * len(events), [events])])
    rates = []
    for _ in range(options.runs):
        started = time.perf_counter()
        assert verify(path).ok
        rates.append(appends * events.nbytes / (time.perf_counter() - started) / 1e9)
    return [
        Measurement(
            scenario=SCENARIO,
            variant="verify, batch 4096",
            metric="verify rate",
            unit="GB/s",
            runs=tuple(rates),
            target="≥ 1 GB/s",
        )
    ]
