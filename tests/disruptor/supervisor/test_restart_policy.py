"""When a process is started again, and how long that waits."""

from __future__ import annotations

import pytest

from disruptor.supervisor.restart_policy import delay_before_restart, may_restart, recent_restarts
from disruptor.topology.model import Process


def process(**settings: object) -> Process:
    return Process.model_validate({"run": "a:b", **settings})


@pytest.mark.parametrize(
    ("restart", "failed", "answer"),
    [
        ("always", True, True),
        ("always", False, True),
        ("on-failure", True, True),
        ("on-failure", False, False),
        ("never", True, False),
    ],
)
def test_the_policy_decides(restart: str, failed: bool, answer: bool) -> None:
    assert may_restart(process(restart=restart), failed, 0) is answer


def test_too_often_within_the_window_is_never_again() -> None:
    fragile = process(restart="always", max_restarts=3, restart_window_s=10.0)
    times = [0.0, 95.0, 96.0, 99.0]

    assert recent_restarts(fragile, times, 100.0) == 3
    assert not may_restart(fragile, True, recent_restarts(fragile, times, 100.0))
    assert may_restart(fragile, True, recent_restarts(fragile, times, 106.0))


def test_the_first_restart_waits_for_nothing_and_the_others_twice_as_long_each() -> None:
    patient = process(restart_delay_s=0.5, restart_delay_max_s=3.0)

    delays = [delay_before_restart(patient, recent) for recent in (0, 1, 2, 3, 4, 5_000)]
    assert delays == [0.0, 0.5, 1.0, 2.0, 3.0, 3.0]
