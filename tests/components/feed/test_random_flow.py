"""Zero-intelligence and Hawkes flows against the known figures of their models, with fixed seeds."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from components.feed.order_flow_settings import FlowKind, OrderFlowSettings
from components.feed.random_flow import RandomFlow, random_rules
from components.instruments import InstrumentTable
from components.messages.code import BUY, OP_CANCEL, OP_PLACE, TIF_GTC, TIF_IOC
from components.messages.command import Commands

from .conftest import instruments as instruments_fixture

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
RATE = 1000.0
TOUCH = (4_999_500, 5_000_500)
LIVING = 40  # two symbols, ten levels, two sides

Times = NDArray[np.float64]


def table() -> InstrumentTable:
    return instruments_fixture.__wrapped__()  # type: ignore[attr-defined]


def new_flow(kind: FlowKind, *, seed: int = 7, **changed: object) -> RandomFlow:
    fields = {"kind": kind, "orders_per_second": RATE, "decay_s": 0.01, **changed}
    settings = OrderFlowSettings(**fields)  # type: ignore[arg-type]
    flow = RandomFlow(settings, table(), tuple(table().values()), seed)
    for symbol in (0, 1):
        flow.set_touch(symbol, *TOUCH)
    return flow


def play(flow: RandomFlow, seconds: float, *, every_ns: int = SECOND // 20) -> Commands:
    """Everything that comes within ``seconds``, the mass cancels left out."""
    flow.open(START)
    end = START + round(seconds * SECOND)
    return np.concatenate([flow.due(now) for now in range(START + every_ns, end + 1, every_ns)])


@lru_cache
def sample(kind: FlowKind, seconds: int = 300) -> Commands:
    return play(new_flow(kind), seconds)


def times_of(commands: Commands) -> Times:
    """Seconds since the start."""
    seconds: Times = (commands["ts"] - START) / SECOND
    return seconds


def living_before(commands: Commands) -> NDArray[np.int64]:
    """How many orders lived just before each command."""
    places = (commands["op"] == OP_PLACE) & (commands["tif"] == TIF_GTC)
    change = np.where(places, 1, np.where(commands["op"] == OP_CANCEL, -1, 0))
    return np.concatenate([[0], np.cumsum(change)[:-1]])


def assert_exponential(residuals: Times) -> None:
    """Mean and variance 1, the Kolmogorov distance that of a true sample, no memory."""
    count = len(residuals)
    ordered = np.sort(residuals)
    distance = np.abs((1 - np.exp(-ordered)) - np.arange(count) / count).max()
    centred = residuals - residuals.mean()

    assert residuals.mean() == pytest.approx(1.0, abs=4 / math.sqrt(count))
    assert residuals.var() == pytest.approx(1.0, abs=4 * math.sqrt(8 / count))
    assert distance < 1.8 / math.sqrt(count)
    assert abs(np.mean(centred[1:] * centred[:-1])) < 4 / math.sqrt(count)


def test_poisson_times_follow_the_rates_of_what_lives() -> None:
    """Time rescaled by the model's own intensity is a Poisson process of rate 1."""
    commands = sample("zero_intelligence")
    rules = random_rules(
        OrderFlowSettings(kind="zero_intelligence", orders_per_second=RATE), LIVING
    )
    rates = rules.limit_rate + rules.taker_rate + rules.cancel_rate * living_before(commands)

    assert_exponential(np.diff(times_of(commands)) * SECOND * rates[1:])


def test_hawkes_times_follow_their_intensity() -> None:
    commands = sample("hawkes")
    times, decay = times_of(commands), 100.0
    base, jump = RATE * 0.3, 0.7 * decay
    excited = np.empty(len(times))
    now = RATE - base
    last = 0.0
    residuals = np.empty(len(times))
    for at, time in enumerate(times):
        faded = now * math.exp(-decay * (time - last))
        residuals[at] = base * (time - last) + (now - faded) / decay
        now, last = faded + jump, time
        excited[at] = now
    # The flow starts as if an order had just come in at the mean intensity.
    assert_exponential(residuals[1:])


@pytest.mark.parametrize("branching", [0.0, 0.5, 0.8])
def test_hawkes_clusters_as_its_branching_ratio_says(branching: float) -> None:
    """The variance of counts over their mean, for windows of this length, is known exactly."""
    window, decay_s = 0.25, 0.01
    flow = new_flow("hawkes", seed=11, branching_ratio=branching)
    times = times_of(play(flow, 400))
    counts = np.histogram(times, bins=np.arange(1.0, 400.0, window))[0]
    spread = 1 / (1 - branching)
    part = window / (spread * decay_s)
    expected = spread**2 + (1 - spread**2) * (1 - math.exp(-part)) / part
    tolerance = 4 * math.sqrt(2 / len(counts))

    assert counts.mean() / window == pytest.approx(RATE, rel=0.04)
    assert counts.var() / counts.mean() == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("kind", ["zero_intelligence", "hawkes"])
def test_rate_and_shares_are_those_of_the_settings(kind: FlowKind) -> None:
    commands = sample(kind)
    takes = np.count_nonzero(commands["tif"] == TIF_IOC)
    cancels = np.count_nonzero(commands["op"] == OP_CANCEL)
    places = len(commands) - takes - cancels

    assert len(commands) / 300 == pytest.approx(RATE, rel=0.03)
    assert takes / len(commands) == pytest.approx(0.2, abs=0.005)
    assert places / len(commands) == pytest.approx(0.4, abs=0.005)
    assert 0 <= places - cancels <= 120


def test_living_orders_are_poisson_and_live_exponentially() -> None:
    commands = sample("zero_intelligence")
    living, times = living_before(commands), times_of(commands)
    weights = np.diff(times)[1_000:]
    living = living[1:][1_000:]
    mean = np.average(living, weights=weights)
    variance = np.average((living - mean) ** 2, weights=weights)

    assert mean == pytest.approx(LIVING, rel=0.03)
    assert variance == pytest.approx(LIVING, rel=0.08)

    born: dict[tuple[int, int], float] = {}
    lives = []
    for command, time in zip(commands, times, strict=True):
        name = (int(command["account"]), int(command["order_id"]))
        if command["op"] == OP_CANCEL:
            lives.append(time - born.pop(name))
        elif command["tif"] == TIF_GTC:
            born[name] = time
    mean_life = LIVING / (RATE * 0.4)

    assert np.mean(lives) == pytest.approx(mean_life, rel=0.02)
    assert np.std(lives) == pytest.approx(mean_life, rel=0.04)


def test_limit_orders_are_anywhere_in_the_band_behind_the_touch() -> None:
    commands = sample("zero_intelligence")
    limits = commands[(commands["op"] == OP_PLACE) & (commands["tif"] == TIF_GTC)]
    buys = limits["side"] == BUY
    depth = np.where(buys, TOUCH[0] - limits["price"], limits["price"] - TOUCH[1]) / 15_000

    assert buys.mean() == pytest.approx(0.5, abs=0.01)
    assert (limits["symbol"] == 0).mean() == pytest.approx(0.5, abs=0.01)
    assert (depth >= 0).all()
    assert (depth < 1).all()
    assert np.histogram(depth, 10, (0, 1))[0] / len(depth) == pytest.approx([0.1] * 10, abs=0.005)


@pytest.mark.parametrize("kind", ["zero_intelligence", "hawkes"])
def test_it_is_the_same_however_often_it_is_asked(kind: FlowKind) -> None:
    first = play(new_flow(kind), 3, every_ns=SECOND // 20)
    second = play(new_flow(kind), 3, every_ns=SECOND // 500)

    assert len(first) > 1_000
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != play(new_flow(kind, seed=8), 3).tobytes()


@pytest.mark.parametrize("kind", ["zero_intelligence", "hawkes"])
@pytest.mark.parametrize(("rate", "seconds"), [(0.5, 4_000), (2_000_000.0, 0.4)])
def test_rates_from_one_in_two_seconds_to_millions(
    kind: FlowKind, rate: float, seconds: float
) -> None:
    flow = new_flow(kind, orders_per_second=rate, branching_ratio=0.2, levels=1)
    flow.open(START)
    parts = []
    while flow.next_due_ns <= START + seconds * SECOND:
        parts.append(flow.due(flow.next_due_ns))
    count = sum(map(len, parts))

    assert count == pytest.approx(rate * seconds, rel=0.08)
    assert min(map(len, parts)) >= 1


def test_a_long_pause_is_not_made_up_for() -> None:
    flow = new_flow("zero_intelligence")
    flow.open(START)
    commands = flow.due(START + 3600 * SECOND)

    assert 0 < len(commands) < RATE / 5
    assert (commands["ts"] <= START + 3600 * SECOND).all()
    assert (np.diff(commands["ts"]) >= 0).all()


@pytest.mark.parametrize("kind", ["zero_intelligence", "hawkes"])
def test_without_a_price_nothing_is_sent(kind: FlowKind) -> None:
    settings = OrderFlowSettings(kind=kind)
    flow = RandomFlow(settings, table(), tuple(table().values()), 7)
    flow.open(START)

    assert len(flow.due(START + SECOND // 20)) == 0


@pytest.mark.parametrize("price", [1, 2, 3, 2**40])
def test_extreme_prices_stay_on_the_grid(price: int) -> None:
    flow = new_flow("zero_intelligence")
    for symbol in (0, 1):
        flow.set_price(symbol, price)
    commands = play(flow, 1)
    limits = commands[(commands["op"] == OP_PLACE) & (commands["tif"] == TIF_GTC)]

    assert len(limits)
    assert ((limits["price"] >= 1) & (limits["price"] <= 2**40)).all()
    assert (commands[commands["op"] == OP_PLACE]["qty"] >= 1).all()
