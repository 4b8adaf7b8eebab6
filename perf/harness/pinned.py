"""Run a piece of work in a forked process on a CPU of its own, beside the caller on another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def pinned(cpu: int) -> Iterator[None]:
    """Keep the calling process on one CPU, and give it all of them back afterwards."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def two_cpus() -> tuple[int, int]:
    """The first and the last CPU that this process may use; equal when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


@contextmanager
def beside(cpu: int, work: Callable[[], None]) -> Iterator[None]:
    """While the body runs, a forked child on ``cpu`` does ``work``; its failure is raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.sched_setaffinity(0, {cpu})
            work()
            status = 0
        finally:
            os._exit(status)
    try:
        yield
    finally:
        _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"the process on CPU {cpu} failed with status {status}")
