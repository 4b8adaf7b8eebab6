"""A stress script: what happens to simulated prices beside their own walk, and when.

Pure: the factor of a moment is a function of the script and the simulated time alone, so a run is
the same however late its steps are.  Events that overlap multiply.
"""

from __future__ import annotations

from collections.abc import Sequence

from components.feed.simulation_settings import StressSettings


class StressScript:
    """The events of one simulation, by the symbol's row in it."""

    def __init__(self, events: Sequence[StressSettings], symbols: Sequence[str]) -> None:
        self._by_row = [
            tuple(event for event in events if not event.symbols or symbol in event.symbols)
            for symbol in symbols
        ]

    def factor(self, row: int, now_s: float) -> float:
        """What the walk's price is to be multiplied with."""
        factor = 1.0
        for event in self._by_row[row]:
            factor *= 1.0 + event.change * _progress(event, now_s)
        return factor

    def is_frozen(self, row: int, now_s: float) -> bool:
        """Whether no price of the symbol is to be published."""
        return any(
            event.kind == "freeze" and event.at_s <= now_s < event.at_s + event.over_s
            for event in self._by_row[row]
        )


def _progress(event: StressSettings, now_s: float) -> float:
    """How much of its change an event has made, 0 to 1."""
    since_s = now_s - event.at_s
    if since_s < 0 or event.kind == "freeze":
        return 0.0
    if event.kind == "gap":
        return 1.0
    done = since_s / event.over_s
    if event.kind == "crash":
        return min(done, 1.0)
    return max(1.0 - abs(2.0 * done - 1.0), 0.0)
