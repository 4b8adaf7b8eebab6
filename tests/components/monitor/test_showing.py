"""Showing takes at most a fiftieth of the time."""

from __future__ import annotations

from components.monitor.showing import REST, Showing


def test_a_long_look_is_followed_by_a_long_rest() -> None:
    now, shown = [0], []

    def publish() -> None:
        shown.append(now[0])
        now[0] += 10

    showing = Showing(publish, lambda: now[0])
    for at in (0, 11, 10 + 10 * REST - 1, 10 + 10 * REST, 10 + 10 * REST + 11):
        now[0] = at
        showing.offer()

    assert shown == [0, 10 + 10 * REST]


def test_a_look_that_takes_no_time_is_had_whenever_it_is_offered() -> None:
    shown = []
    showing = Showing(lambda: shown.append(1), lambda: 7)
    for _ in range(3):
        showing.offer()

    assert len(shown) == 3
