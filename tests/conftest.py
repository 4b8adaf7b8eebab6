"""Shared fixtures: names for shared memory that no other test or run uses, and their removal."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from components.launcher.warm_up import warm_up
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing

# A submission is judged by the same examples each time; new ones are found on people's machines.  No
# example is ever late: a busy machine, or a first call that compiles, is slow and not wrong.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("people", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "people")


WITH_PROCESSES = ("stress", "fault", "system")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile every kernel before the first test, whose time limit would else include it.

    The engines' own tests also run without compilation, under NUMBA_DISABLE_JIT=1.
    """
    is_worker = hasattr(session.config, "workerinput")
    is_compiled = os.environ.get("NUMBA_DISABLE_JIT", "0") == "0"
    if is_compiled and not session.config.option.collectonly:
        say = no_words if is_worker else session.config.get_terminal_writer().line
        warm_up(say, merge=True, gate=True)


def no_words(line: str) -> None:
    """Two workers that speak at once say nothing; the controller compiled before they began."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side, a file with processes of its own is one piece of work.

    Such files take long and mostly wait, so they are given out first and every worker is busy to
    the end.  Of the platforms of one file never two run at a time.
    """
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not has_processes(item))
        for item in filter(has_processes, items):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))


def has_processes(item: pytest.Item) -> bool:
    """Whether the test starts or kills some."""
    return any(item.get_closest_marker(name) for name in WITH_PROCESSES)


@pytest.fixture
def segment_prefix(request: pytest.FixtureRequest) -> Iterator[str]:
    """A prefix for shared-memory names; whatever still bears it afterwards fails the test."""
    prefix = f"test-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**8}."
    yield prefix
    left = existing(prefix)
    for name in left:
        os.unlink(f"{SHARED_MEMORY_DIRECTORY}/{name}")
    assert not left, f"the test left shared memory behind: {left}"
