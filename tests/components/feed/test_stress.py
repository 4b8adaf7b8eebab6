"""Stress scripts: what each event does to a price that stands still without it, and when."""

from __future__ import annotations

import pytest

from components.feed.simulation_settings import SimulationSettings, StressSettings
from components.feed.stress import StressScript
from components.instruments import InstrumentTable
from components.messages.code import OP_PRICE
from disruptor.errors import ConfigurationError

from .conftest import FakeClock
from .test_simulation import prices_of, simulate

START = 5_000_000


def still(*events: StressSettings) -> SimulationSettings:
    return SimulationSettings(volatility=0.0, stress=events)


def published(instruments: InstrumentTable, *events: StressSettings) -> list[int]:
    """BTCUSDT's prices of twelve seconds, one a second."""
    simulation = SimulationSettings(volatility=0.0, interval_s=1.0, stress=events)
    commands = simulate(instruments, simulation=simulation, commands=2_450)
    return prices_of(commands, 0)[:12]


def test_a_crash_falls_steadily_and_stays(instruments: InstrumentTable) -> None:
    crash = StressSettings("crash", at_s=3, change=-0.4, over_s=4)

    assert published(instruments, crash) == [
        *[START] * 4,
        *[4_500_000, 4_000_000, 3_500_000],
        *[3_000_000] * 5,
    ]


def test_a_gap_is_at_once(instruments: InstrumentTable) -> None:
    gap = StressSettings("gap", at_s=5, change=0.1)

    assert published(instruments, gap) == [*[START] * 5, *[5_500_000] * 7]


def test_a_flash_is_back_at_its_end(instruments: InstrumentTable) -> None:
    flash = StressSettings("flash", at_s=2, change=-0.2, over_s=4)

    assert published(instruments, flash) == [
        *[START] * 3,
        *[4_500_000, 4_000_000, 4_500_000],
        *[START] * 6,
    ]


def test_a_freeze_publishes_nothing_of_its_symbol_alone(instruments: InstrumentTable) -> None:
    freeze = StressSettings("freeze", at_s=2, over_s=3, symbols=("BTCUSDT",))
    simulation = SimulationSettings(interval_s=1.0, stress=(freeze,))
    commands = simulate(instruments, simulation=simulation, commands=2_450)
    prices = commands[commands["op"] == OP_PRICE]
    began = FakeClock().now_ns
    seconds = [
        ((prices["ts"][prices["symbol"] == symbol] - began + 5 * 10**8) // 10**9).tolist()
        for symbol in (0, 1)
    ]

    assert seconds[0][:6] == [0, 1, 5, 6, 7, 8]
    assert seconds[1][:6] == [0, 1, 2, 3, 4, 5]


def test_the_walk_goes_on_under_a_freeze(instruments: InstrumentTable) -> None:
    freeze = StressSettings("freeze", at_s=0.2, over_s=0.5)
    whole = prices_of(simulate(instruments), 0)
    frozen = prices_of(simulate(instruments, simulation=SimulationSettings(stress=(freeze,))), 0)

    assert frozen[:6] == [*whole[:2], *whole[7:11]]


def test_events_that_overlap_multiply() -> None:
    events = (
        StressSettings("gap", at_s=1, change=-0.5),
        StressSettings("crash", at_s=1, change=-0.5, over_s=2),
    )
    script = StressScript(events, ("A",))

    assert [script.factor(0, at_s) for at_s in (0.9, 1.0, 2.0, 9.0)] == [1.0, 0.5, 0.375, 0.25]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "slump", "at_s": 1}, "must be one of crash, gap, flash, freeze"),
        ({"kind": "crash", "at_s": -1, "change": -0.1, "over_s": 1}, "at_s must not be negative"),
        ({"kind": "crash", "at_s": 1, "change": -0.1}, "a crash needs a positive over_s"),
        ({"kind": "gap", "at_s": 1, "change": -1}, "from -0.99 to 100"),
        ({"kind": "gap", "at_s": 1, "change": 0.1, "over_s": 1}, "leave out over_s"),
        ({"kind": "freeze", "at_s": 1, "change": 0.1, "over_s": 1}, "a freeze has no change"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        StressSettings(**fields)  # type: ignore[arg-type]


def test_a_symbol_that_is_not_fed_is_refused(instruments: InstrumentTable) -> None:
    event = StressSettings("gap", at_s=1, change=0.1, symbols=("DOGEUSDT",))

    with pytest.raises(ConfigurationError, match=r"feed.simulation.stress: found 'DOGEUSDT'"):
        simulate(instruments, simulation=still(event))
