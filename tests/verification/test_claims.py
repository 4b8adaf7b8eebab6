"""The multi-producer protocol in every interleaving, with a death at every step.

Checked: no event is lost, doubled or read before it is whole; no hole stays once the dead are
dealt with; no living producer's claim is voided; a slot's mark never falls.  And that the checker
can fail: each rule of the protocol, turned off, is missed.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.verification.claim_model import Rules, fault_of, start, successors
from tests.verification.explorer import Exploration, explore

TWO = Rules(producers=2, capacity=2, claims=2)


def check(rules: Rules) -> Exploration:
    return explore(start(rules), successors(rules), fault_of(rules))


@pytest.mark.parametrize(
    "rules",
    [
        TWO,
        replace(TWO, deaths=2),
        replace(TWO, claims=1, count=2),
        replace(TWO, capacity=4, claims=1, count=3),
        replace(TWO, gates=False, deaths=0),
        replace(TWO, producers=3, claims=1),
    ],
    ids=["two", "both-die", "batches", "four-slots", "nobody-gates", "three"],
)
def test_nothing_is_lost_doubled_torn_or_left_open(rules: Rules) -> None:
    found = check(rules)

    assert (found.fault, found.steps) == ("", ())
    assert found.states > 100


@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        (replace(TWO, void_by_less_than=False), "void|twice|falls|read"),
        (replace(TWO, spares_the_living=False), "living"),
        (replace(TWO, looks_twice=False), "already|living|voided"),
        (replace(TWO, intent_first=False), "hole"),
        (replace(TWO, checks_room=False, deaths=0), "read|twice"),
        (replace(TWO, gates=False, deaths=0, claims=3, gate_counts_claims=False), "twice|falls"),
    ],
    ids=["mark-differs", "robs-the-living", "looks-once", "no-intent", "no-room", "laps-the-slow"],
)
def test_a_protocol_without_one_of_its_rules_is_caught(rules: Rules, fault: str) -> None:
    found = check(rules)

    assert found.fault
    assert any(word in found.fault for word in fault.split("|")), found
