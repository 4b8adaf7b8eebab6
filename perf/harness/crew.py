"""A crew of workers, in processes or in threads of one process, that start together and all end.

A worker prepares (opens its rings, loads its kernels), waits at a gate until everybody has, and
then works; when it started, when it was done and the CPU time in between come back with its result.
Nobody leaves before all are done, so that what one holds open lasts as long as others need it.

Whatever happens, ``run_crew`` returns or raises with every child ended and reaped, and names the
worker that failed, was killed or hangs.  It waits for its own children by their process
descriptors alone, so that nobody else's child can confuse it; threads cannot be ended from
outside, which is why they live in one child process and not in the caller's.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

Across = Literal["processes", "threads"]
ACROSS: Final[tuple[Across, ...]] = ("processes", "threads")

_PREPARING, _READY, _DONE, _FAILED = range(4)
_STATES: Final = ("preparing", "working", "done", "failed")
_RECORD: Final = np.dtype(
    [
        ("state", np.int64),
        ("started_ns", np.int64),
        ("ended_ns", np.int64),
        ("cpu_ns", np.int64),
        ("result", np.int64),
        ("error", "S4000"),
    ]
)
_OUTCOME_FIELDS: Final = ("started_ns", "ended_ns", "cpu_ns", "result")
_LOOK_SECONDS: Final = 0.001
_PR_SET_PDEATHSIG: Final = 1

Work = Callable[[], int]


@dataclass(frozen=True)
class Worker:
    """``prepare`` runs first, in the worker's own process or thread, and returns its work."""

    name: str
    prepare: Callable[[], Work]
    cpus: frozenset[int] = frozenset()  # where it may run; empty: where the caller may
    leave: Callable[[], None] = lambda: None  # runs last, when all workers are done


@dataclass(frozen=True)
class Outcome:
    """What became of one worker; times are of the monotonic clock."""

    name: str
    started_ns: int
    ended_ns: int
    cpu_ns: int  # of its process, or of its thread, while it worked
    result: int


class CrewError(RuntimeError):
    """A worker failed, was killed or did not finish; the message names it."""


def shared_array(count: int, dtype: DTypeLike) -> NDArray[Any]:
    """Zeroed memory without a name, shared with every process forked from now on."""
    return np.frombuffer(mmap.mmap(-1, max(1, count * np.dtype(dtype).itemsize)), dtype, count)


def run_crew(
    workers: Sequence[Worker], *, across: Across = "processes", limit_seconds: float = 120
) -> list[Outcome]:
    """Run all workers, in their order; CrewError when not each of them finishes in time."""
    records = shared_array(len(workers), _RECORD)
    gate = shared_array(1, np.int64)
    groups = [list(range(len(workers)))]
    if across == "processes":
        groups = [[number] for number in groups[0]]
    alive: dict[int, list[int]] = {}  # pid -> its workers
    descriptors: dict[int, int] = {}  # process descriptor -> pid
    try:
        for group in groups:
            pid = os.fork()
            if pid == 0:
                _be_child([workers[number] for number in group], group[0], records, gate)
            alive[pid] = group
            descriptors[os.pidfd_open(pid)] = pid
        _watch(workers, records, gate, alive, descriptors, limit_seconds)
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for descriptor in descriptors:
            os.close(descriptor)
    return [
        Outcome(worker.name, *(int(record[field]) for field in _OUTCOME_FIELDS))
        for worker, record in zip(workers, records, strict=True)
    ]


def _watch(
    workers: Sequence[Worker],
    records: NDArray[Any],
    gate: NDArray[np.int64],
    alive: dict[int, list[int]],
    descriptors: dict[int, int],
    limit_seconds: float,
) -> None:
    """Open the gate when all are ready, then reap the children as they end."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + limit_seconds
    while alive:
        left = deadline - time.monotonic()
        if left <= 0:
            raise CrewError(f"{_unfinished(workers, records)} after {limit_seconds:g} s")
        is_open = gate[0] != 0
        for descriptor, _ in poll.poll((left if is_open else min(left, _LOOK_SECONDS)) * 1000):
            poll.unregister(descriptor)
            pid = descriptors[descriptor]
            _, status = os.waitpid(pid, 0)
            group = alive.pop(pid)
            _raise_failure(workers, records, group, os.waitstatus_to_exitcode(status))
        if not is_open and (records["state"] != _PREPARING).all():
            gate[0] = 1


def _raise_failure(
    workers: Sequence[Worker], records: NDArray[Any], group: list[int], code: int
) -> None:
    # The first in time: its end may be what the others failed of, however soon we hear of them.
    failed = [number for number, record in enumerate(records) if record["state"] == _FAILED]
    for number in sorted(failed, key=lambda each: int(records[each]["ended_ns"])):
        error = records[number]["error"].decode(errors="replace")
        raise CrewError(f"worker {workers[number].name!r} failed: {error}")
    if code < 0:
        name = signal.Signals(-code).name
        raise CrewError(f"{_unfinished(workers, records, group)}: its process got {name}")
    if code > 0 or any(records[number]["state"] != _DONE for number in group):
        raise CrewError(f"{_unfinished(workers, records, group)}: its process exited with {code}")


def _unfinished(
    workers: Sequence[Worker], records: NDArray[Any], group: Sequence[int] | None = None
) -> str:
    told = []
    for number in range(len(workers)) if group is None else group:
        state = int(records[number]["state"])
        if state != _DONE:
            told.append(f"worker {workers[number].name!r} was still {_STATES[state]}")
    return " and ".join(told)


def _be_child(
    workers: Sequence[Worker], first: int, records: NDArray[Any], gate: NDArray[np.int64]
) -> None:
    """The life of a forked child; never returns."""
    status = 1
    try:
        _end_with_parent()
        if len(workers) == 1:
            _work(workers[0], first, records, gate, time.process_time_ns)
        else:
            threads = [
                threading.Thread(
                    target=_work, args=(worker, number, records, gate, time.thread_time_ns)
                )
                for number, worker in enumerate(workers, first)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        status = 0
    finally:
        os._exit(status)


def _end_with_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl+C means
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _work(
    worker: Worker,
    number: int,
    records: NDArray[Any],
    gate: NDArray[np.int64],
    cpu_clock_ns: Callable[[], int],
) -> None:
    record = records[number]
    try:
        if worker.cpus:
            os.sched_setaffinity(0, worker.cpus)
        work = worker.prepare()
        record["state"] = _READY
        while not gate[0]:
            time.sleep(_LOOK_SECONDS / 5)
        cpu_before = cpu_clock_ns()
        record["started_ns"] = time.monotonic_ns()
        record["result"] = work()
        record["ended_ns"] = time.monotonic_ns()
        record["cpu_ns"] = cpu_clock_ns() - cpu_before
        record["state"] = _DONE
        while (records["state"] != _DONE).any():
            time.sleep(_LOOK_SECONDS)
        worker.leave()
    except BaseException as error:
        record["ended_ns"] = time.monotonic_ns()
        lines = traceback.format_exception(error)
        record["error"] = f"{error!r}\n{''.join(lines)}".encode()[:4000]
        record["state"] = _FAILED
        os._exit(1)  # the other threads of a failed crew have nothing to wait for
