"""When silence counts as a hang."""

from __future__ import annotations

import pytest

from disruptor.supervisor.pulse import Pulse


def silence(looks: list[tuple[int, bool, float]]) -> float:
    pulse = Pulse(0.0)
    return [pulse.look(*each) for each in looks][-1]


@pytest.mark.parametrize(
    ("looks", "silent_s"),
    [
        ([(1, False, 0.1), (1, False, 0.2), (1, False, 0.3)], 0.2),
        ([(1, False, 0.1), (1, False, 0.2), (2, False, 0.3)], 0.0),
        ([(1, False, 0.1), (1, True, 0.2), (1, False, 0.3)], 0.1),
    ],
)
def test_silence_lasts_since_the_last_beat_and_not_while_held_up(
    looks: list[tuple[int, bool, float]], silent_s: float
) -> None:
    assert silence(looks) == pytest.approx(silent_s)


def test_time_in_which_nobody_looked_hardly_counts() -> None:
    """The machine slept, or all of it was stopped."""
    assert silence([(1, False, 0.1), (1, False, 3_600.0)]) == pytest.approx(0.25)


def test_a_process_that_never_beats_is_found() -> None:
    assert silence([(0, False, 0.2), (0, False, 0.4)]) == pytest.approx(0.4)
