"""A crew ends: with results, or with an error that names a worker and leaves nobody behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from disruptor.memory.process_identity import ProcessIdentity, start_time_of
from perf.harness.crew import ACROSS, Across, CrewError, Work, Worker, run_crew, shared_array

LONG_SECONDS = 3600


def worker(name: str, work: Work) -> Worker:
    return Worker(name, lambda: work)


def sleeps() -> int:
    time.sleep(LONG_SECONDS)
    return 0


class Watched:
    """Workers that write down who they are before they work, so that a test can look for them."""

    def __init__(self, count: int) -> None:
        self._who = shared_array(2 * count, np.int64).reshape(count, 2)

    def worker(self, number: int, name: str, work: Work) -> Worker:
        def prepare() -> Work:
            pid = os.getpid()
            self._who[number] = pid, start_time_of(pid)
            return work

        return Worker(name, prepare)

    def all_are_gone(self) -> bool:
        return not any(ProcessIdentity(int(p), int(s)).is_alive() for p, s in self._who)


@pytest.mark.parametrize("across", ACROSS)
def test_results_times_and_cpu_time_come_back_in_the_workers_order(across: Across) -> None:
    def spin() -> int:
        until = time.process_time_ns() + 5_000_000
        while time.process_time_ns() < until:
            pass
        return 7

    first, second = run_crew([worker("spins", spin), worker("is idle", lambda: 8)], across=across)

    assert (first.name, first.result, second.name, second.result) == ("spins", 7, "is idle", 8)
    assert first.ended_ns > first.started_ns
    assert first.cpu_ns > 0


@pytest.mark.parametrize("across", ACROSS)
def test_nobody_works_before_all_are_prepared(across: Across) -> None:
    prepared = shared_array(3, np.int64)

    def slowly(number: int) -> Callable[[], Work]:
        def prepare() -> Work:
            time.sleep(0.02 * number)
            prepared[number] = 1
            return lambda: int(prepared.sum())

        return prepare

    outcomes = run_crew([Worker(f"w{n}", slowly(n)) for n in range(3)], across=across)

    assert [each.result for each in outcomes] == [3, 3, 3]


@pytest.mark.parametrize("across", ACROSS)
def test_a_worker_that_raises_is_named_with_its_error_and_the_others_are_ended(
    across: Across,
) -> None:
    watched = Watched(3)

    def fails() -> int:
        raise ValueError("the disk is made of cheese")

    crew = [
        watched.worker(0, "sleeper", sleeps),
        watched.worker(1, "cook", fails),
        watched.worker(2, "other sleeper", sleeps),
    ]
    with pytest.raises(CrewError, match=r"(?s)'cook' failed: .*made of cheese.*in fails"):
        run_crew(crew, across=across)

    assert watched.all_are_gone()


@pytest.mark.parametrize("across", ACROSS)
def test_a_failure_while_preparing_is_named_too(across: Across) -> None:
    def cannot() -> Work:
        raise OSError("no such ring")

    with pytest.raises(CrewError, match="'late' failed: OSError"):
        run_crew([worker("early", lambda: 0), Worker("late", cannot)], across=across)


@pytest.mark.parametrize("number", range(5))
def test_of_several_that_fail_the_first_in_time_is_named(number: int) -> None:
    watched = Watched(1)

    def breaks() -> int:
        raise ValueError("the cause")

    def suffers() -> int:
        while not watched.all_are_gone():
            time.sleep(0.001)
        raise EOFError("the consequence")

    crew = [worker("suffers", suffers), watched.worker(0, "breaks", breaks)]
    with pytest.raises(CrewError, match="'breaks' failed: ValueError"):
        run_crew(crew)


def test_a_killed_worker_is_named_with_its_signal() -> None:
    watched = Watched(2)

    def dies() -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    crew = [watched.worker(0, "victim", dies), watched.worker(1, "sleeper", sleeps)]
    with pytest.raises(CrewError, match=r"'victim'.*SIGKILL"):
        run_crew(crew)

    assert watched.all_are_gone()


def test_a_worker_that_leaves_without_a_result_is_named() -> None:
    with pytest.raises(CrewError, match=r"'quitter'.*exited with 0"):
        run_crew([worker("quitter", lambda: os._exit(0))])


@pytest.mark.parametrize("across", ACROSS)
def test_workers_that_hang_are_named_and_ended(across: Across) -> None:
    watched = Watched(2)
    crew = [watched.worker(0, "one", sleeps), watched.worker(1, "two", sleeps)]

    with pytest.raises(CrewError, match=r"'one' was still .* 'two' was still .*after 0.2 s"):
        run_crew(crew, across=across, limit_seconds=0.2)

    assert watched.all_are_gone()


def test_other_children_of_the_caller_are_left_to_it() -> None:
    other = os.fork()
    if other == 0:
        os._exit(5)
    os.waitid(os.P_PID, other, os.WEXITED | os.WNOWAIT)  # it is a zombie now, and stays one

    run_crew([worker("one", lambda: 1), worker("two", lambda: 2)])

    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 5


def test_descriptors_are_given_back() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    run_crew([worker("one", lambda: 1)])
    with pytest.raises(CrewError):
        run_crew([worker("one", sleeps)], limit_seconds=0.05)

    assert len(list(Path("/proc/self/fd").iterdir())) == before
