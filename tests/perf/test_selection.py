"""Which scenarios the words of a command line choose."""

from __future__ import annotations

import importlib

import pytest

from perf.selection import narrowed_to_league, scenario_names, select

KNOWN = ["oracle_append", "ring.ping_pong", "ring.unicast", "ring.unicast_batch", "titan_mixed"]


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ([], KNOWN),
        (["all"], KNOWN),
        (["all", "ring"], KNOWN),
        (["ring"], ["ring.ping_pong", "ring.unicast", "ring.unicast_batch"]),
        (["titan"], ["titan_mixed"]),
        (["ring.unicast"], ["ring.unicast"]),
        (["unicast"], ["ring.unicast"]),
        (["titan_mixed", "ring.unicast"], ["titan_mixed", "ring.unicast"]),
        (["ring.unicast", "ring"], ["ring.unicast", "ring.ping_pong", "ring.unicast_batch"]),
    ],
)
def test_a_name_chooses_one_and_a_first_word_all(words: list[str], chosen: list[str]) -> None:
    assert select(words, KNOWN) == chosen


def test_the_league_takes_the_place_of_titan() -> None:
    assert narrowed_to_league([]) == ["titan.league"]
    assert narrowed_to_league(["titan"]) == ["titan.league"]
    assert narrowed_to_league(["ring", "titan"]) == ["ring", "titan.league"]


@pytest.mark.parametrize("word", ["rin", "uni", "ring.uni", ""])
def test_a_word_that_chooses_nothing_is_refused(word: str) -> None:
    with pytest.raises(KeyError):
        select([word], KNOWN)


@pytest.mark.parametrize("name", scenario_names())
def test_every_scenario_can_be_run(name: str) -> None:
    assert callable(importlib.import_module(f"perf.scenarios.{name}").run)


def test_all_of_lmax_s_scenarios_are_there() -> None:
    wanted = "unicast unicast_batch three_to_one three_to_one_batch multicast pipeline diamond"

    assert {f"ring.{name}" for name in [*wanted.split(), "ping_pong"]} <= set(scenario_names())
