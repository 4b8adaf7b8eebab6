"""exchange-core's order flow: its mix is the known one, and Titan ends in the generator's book."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perf.harness.titan_replay import fresh_state, time_commands
from perf.scenarios.titan.exchange_core import check_books
from perf.workloads.exchange_core import MEDIUM, PEAK, SINGLE_PAIR, Configuration, Flow, generate

_COMMANDS = 200_000


def run(flow: Flow, symbols: int) -> None:
    state, outbox = fresh_state(flow.opening, len(flow.commands), max(64, symbols))
    time_commands(state, outbox, flow.commands, len(flow.opening))
    check_books(state, flow)


@pytest.fixture(scope="module")
def single_pair() -> Flow:
    return generate(replace(SINGLE_PAIR, commands=_COMMANDS))


def test_titan_ends_in_the_book_of_a_single_pair(single_pair: Flow) -> None:
    assert len(single_pair.commands) == _COMMANDS
    run(single_pair, 1)


@pytest.mark.parametrize(
    "configuration",
    [
        replace(PEAK, commands=50_000, symbols=50),
        replace(MEDIUM, commands=50_000, symbols=250, resting=25_000),
    ],
    ids=lambda each: each.name,
)
def test_titan_ends_in_the_generators_books(configuration: Configuration) -> None:
    flow = generate(configuration)

    assert len(flow.commands) == configuration.commands
    assert len(flow.books) == configuration.symbols
    run(flow, configuration.symbols)


def test_a_book_that_misses_one_command_is_not_the_generators() -> None:
    flow = generate(replace(SINGLE_PAIR, commands=2_000))
    places = flow.commands["op"] == flow.commands["op"].min()
    flow.commands["op"][places.nonzero()[0][-1]] = 0

    with pytest.raises(RuntimeError, match="symbol 0: Titan's book is not the generator's"):
        run(flow, 1)


def test_the_mix_of_a_single_pair_is_the_known_one(single_pair: Flow) -> None:
    """Percent, around what others measured on the same description."""
    flow = single_pair
    percent = {kind: 100 * count / _COMMANDS for kind, count in flow.kinds.items()}

    assert 11.5 < percent["new"] < 13.5
    assert 1.6 < percent["immediate-or-cancel"] < 2.1
    assert 0.03 < percent["fill-or-kill"] < 0.09
    assert 6.7 < percent["cancel"] < 7.5
    assert 6.7 < percent["reduce"] < 7.5
    assert 70.0 < percent["move"] < 73.0
    assert 1.8 < 100 * flow.trading / _COMMANDS < 2.3
    assert 480 <= len(flow.books[0]) <= 830
    assert flow.budget_differs == 0
