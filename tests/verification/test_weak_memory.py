"""The multi-producer protocol on weak memory, in every interleaving, with a death at every step.

FORBIDDEN outcomes: torn, lost, doubled events; a living producer's claim voided; a hole that stays.
Each ordering of the code, weakened, leads to one of them, so the checker sees what it looks for.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verification.explorer import Exploration, explore
from tests.verification.weak_claim_model import Rules, fault_of, start, successors
from tests.verification.weak_memory import Memory, drains, load, store

TWO = Rules(claims=(1, 1))
WRAPPING = Rules(claims=(2, 1), deaths=0)


def check(rules: Rules) -> Exploration:
    return explore(start(rules), successors(rules), fault_of(rules))


@pytest.mark.parametrize(
    "rules",
    [TWO, replace(TWO, deaths=2), WRAPPING, Rules(claims=(3,))],
    ids=["one-dies", "both-die", "wraps", "one-producer"],
)
def test_no_forbidden_outcome_is_reachable(rules: Rules) -> None:
    found = check(rules)

    assert (found.fault, found.steps) == ("", ())
    assert found.states > 1000


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "rules",
    [Rules(claims=(2, 1)), Rules(claims=(2, 2), deaths=0), Rules(claims=(1, 1, 1), deaths=0)],
    ids=["one-dies", "two-laps", "three"],
)
def test_no_forbidden_outcome_is_reachable_in_larger_worlds(rules: Rules) -> None:
    found = check(rules)

    assert (found.fault, found.steps) == ("", ())


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (replace(TWO, mark_is_release=False), "the consumer read"),
        (replace(TWO, mark_is_acquire=False), "the consumer read"),
        (replace(TWO, claim_is_ordered=False), "hole|voided"),
        (replace(TWO, clear_is_release=False), "voided|twice|read|hole"),
        (replace(WRAPPING, advance_is_release=False), "the consumer read"),
        (replace(TWO, voider_looks_twice=False), "voided|twice|read"),
    ],
    ids=["mark", "read", "claim", "clear", "advance", "looks-once"],
)
def test_a_weakened_ordering_is_seen_to_break_it(rules: Rules, fault: str) -> None:
    found = check(rules)

    assert found.fault
    assert any(word in found.fault for word in fault.split("|")), found


def test_plain_stores_leave_in_any_order_and_a_release_last() -> None:
    memory = Memory((0, 0, 0), ((),))
    for word, release in ((0, False), (1, False), (2, True)):
        memory = store(memory, 0, word, 7, release=release)

    assert [word for _, _, word, _ in drains(memory)] == [0, 1]
    assert [load(memory, 0, word) for word in (0, 1, 2)] == [7, 7, 7]
