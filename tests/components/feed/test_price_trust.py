"""Which prices are believed."""

from __future__ import annotations

import pytest

from components.feed.price_trust import (
    BELIEVED,
    OUT_OF_BAND,
    SUSPECT,
    PriceTrust,
    PriceTrustSettings,
)
from components.feed.symbol_words import new_words

RULE = PriceTrustSettings(jump_ppm=50_000, band_ppm=500_000, confirmations=3)


def judged(*prices: int, rule: PriceTrustSettings = RULE) -> list[int]:
    trust = PriceTrust(rule, new_words(2))
    return [trust.judge(0, price) for price in prices]


def test_small_steps_are_believed_however_far_they_lead() -> None:
    assert judged(*(round(1_000_000 * 1.04**n) for n in range(60))) == [BELIEVED] * 60


@pytest.mark.parametrize(
    ("price", "verdict"),
    [
        (950_000, BELIEVED),
        (949_999, SUSPECT),
        (1_050_001, SUSPECT),
        (500_000, SUSPECT),
        (499_999, OUT_OF_BAND),
        (1_500_001, OUT_OF_BAND),
    ],
)
def test_the_bounds_themselves_belong_to_the_better_side(price: int, verdict: int) -> None:
    assert judged(1_000_000, price) == [BELIEVED, verdict]


def test_a_jump_that_others_confirm_is_believed() -> None:
    assert judged(1000, 700, 690, 710, 700) == [BELIEVED, SUSPECT, SUSPECT, BELIEVED, BELIEVED]
    assert judged(1000, 100, 101, 102, 103) == [
        BELIEVED,
        OUT_OF_BAND,
        OUT_OF_BAND,
        BELIEVED,
        BELIEVED,
    ]


def test_wrong_prices_that_do_not_agree_are_never_believed() -> None:
    assert judged(1000, 700, 1300, 700, 1300, 1000) == [BELIEVED, *[SUSPECT] * 4, BELIEVED]
    assert judged(1000, 700, 700, 1000, 700, 700) == [
        *(BELIEVED, SUSPECT, SUSPECT, BELIEVED, SUSPECT, SUSPECT)
    ]


def test_symbols_do_not_judge_each_other_and_zero_switches_a_rule_off() -> None:
    trust = PriceTrust(RULE, new_words(2))

    assert [trust.judge(0, 1000), trust.judge(1, 7), trust.judge(0, 1001)] == [BELIEVED] * 3
    assert judged(1000, 10**9, rule=PriceTrustSettings(jump_ppm=0)) == [BELIEVED] * 2
    assert judged(1000, 10, rule=PriceTrustSettings(band_ppm=0)) == [BELIEVED, SUSPECT]
