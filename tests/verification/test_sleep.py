"""Sleeping and waking in every interleaving, with a store buffer: no wake-up is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verification.explorer import Exploration, explore
from tests.verification.sleep_model import Rules, fault_of, start, successors


def check(rules: Rules) -> Exploration:
    return explore(start(rules), successors(rules), fault_of(rules))


@pytest.mark.parametrize("rules", [Rules(events=4), Rules(events=3, sleepers=2)])
def test_no_wake_up_is_lost(rules: Rules) -> None:
    found = check(rules)

    assert (found.fault, found.steps) == ("", ())
    assert found.states > 100


@pytest.mark.parametrize(
    "without",
    [{"barrier": False}, {"epoch_before_flag": False}, {"looks_again": False}],
    ids=lambda without: next(iter(without)),
)
def test_without_one_of_its_steps_a_wake_up_is_lost(without: dict[str, bool]) -> None:
    rules = replace(Rules(events=3, sleepers=2), **without)

    assert check(rules).fault == "a sleeper was not woken"


def test_the_lost_wake_up_is_told_step_by_step() -> None:
    steps = check(Rules(events=1, barrier=False)).steps

    assert steps[-1] == "drain"
    assert steps.index("p.load_flag") < steps.index("drain")
