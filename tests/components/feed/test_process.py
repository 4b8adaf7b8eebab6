"""What a feed that starts again takes over: prices go on, and nothing is played twice."""

from __future__ import annotations

from decimal import Decimal

from components.feed.process import continuing, without_stress
from components.feed.settings import FeedSettings
from components.feed.simulation_settings import SimulationSettings, StressSettings

FEED = FeedSettings(
    symbols=("BTCUSDT", "ETHUSDT"),
    simulation=SimulationSettings(
        start_prices={"ETHUSDT": Decimal(3000)},
        reversion=0.1,
        stress=(StressSettings("gap", at_s=1, change=-0.1),),
    ),
)


def test_prices_go_on_from_the_last_ones_but_are_pulled_to_where_they_were() -> None:
    simulation = continuing(FEED, {"BTCUSDT": Decimal(40_000)}).simulation

    assert simulation.start_of("BTCUSDT") == 40_000
    assert simulation.start_of("ETHUSDT") == 3_000
    assert simulation.level_of("BTCUSDT") == 50_000
    assert simulation.level_of("ETHUSDT") == 3_000


def test_a_stress_script_is_not_played_again() -> None:
    again = without_stress(FEED)

    assert again.simulation.stress == ()
    assert again.simulation.reversion == 0.1
