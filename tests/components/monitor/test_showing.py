"""Showing takes at most a fiftieth of the time."""

from __future__ import annotations

from components.monitor.showing import REST, Showing


class Clock:
    """Time that passes while a look is had, as long as the next of ``takes`` says."""

    def __init__(self, takes: list[int]) -> None:
        self.now = 0
        self.takes = takes
        self.shown: list[int] = []
        self.showing = Showing(self.publish, lambda: self.now)

    def publish(self) -> None:
        self.shown.append(self.now)
        self.now += self.takes.pop(0)

    def offer_at(self, *times: int) -> None:
        for self.now in times:
            self.showing.offer()


def test_a_long_look_is_followed_by_a_long_rest() -> None:
    clock = Clock([10, 10, 10])
    rested = 30 + 10 * REST
    clock.offer_at(0, 20, 31, rested - 1, rested, rested + 11)

    assert clock.shown == [0, 20, rested]


def test_one_look_that_takes_long_by_chance_is_followed_by_a_short_rest() -> None:
    clock = Clock([1_000, 1, 1_000, 1])
    clock.offer_at(0, 1_000, 1_001 + REST, 2_001 + 2 * REST)

    assert clock.shown == [0, 1_000, 1_001 + REST, 2_001 + 2 * REST]


def test_a_look_that_takes_no_time_is_had_whenever_it_is_offered() -> None:
    shown = []
    showing = Showing(lambda: shown.append(1), lambda: 7)
    for _ in range(3):
        showing.offer()

    assert len(shown) == 3
