"""Another world is derived from the same commands: equal where nothing changed, else by the rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from components.instruments import MarginTier
from components.messages.code import (
    EVENT_TRADE,
    SELL,
    SOURCE_SENTINEL,
)
from components.oracle import what_if as what_if_module
from components.oracle.changes import Changes
from components.oracle.store import Journal
from components.oracle.what_if import WhatIf, what_if
from components.oracle.what_if_text import content_of, words_of
from components.units import MONEY_SCALE
from tests.components.oracle.platform_samples import Platform, place, price, write
from tests.components.oracle.test_cli import oracle


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(1_500)
    return made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    directory = tmp_path_factory.mktemp("what-if") / "j"
    write(directory, platform.streams(), batch=100)
    return directory


def asked(path: Path, changes: Changes, to: int | None = None) -> WhatIf:
    with Journal.open_reader(path) as journal:
        return what_if(journal, changes, to=to)


def test_without_a_change_both_worlds_are_the_journals(path: Path, platform: Platform) -> None:
    commands = platform.streams()["commands"]
    ours = commands["source"] == SOURCE_SENTINEL
    delays = np.flatnonzero(ours) + 1 - commands["cause"][ours]
    assert delays.max() > delays.min() >= 1, "the sample's orders come back later and sooner"
    found = asked(path, Changes())

    assert found.changed.hashes == found.journaled.hashes
    assert found.changed.hashes.platform == platform.hash()
    assert found.first_different_trade is None
    assert list(words_of(content_of(found)))[1] == "nothing would have been different"


def test_the_rules_that_are_in_force_change_nothing(path: Path, platform: Platform) -> None:
    same = Changes(tiers={0: (MarginTier(0, 5_000),)}, fees={0: (0, 0)}, without=frozenset({999}))

    assert asked(path, same).changed.hashes.platform == platform.hash()


def test_outboxes_of_any_size_give_the_same_world(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes(tiers={0: (MarginTier(0, 50_000),)})
    expected = asked(path, changes)
    monkeypatch.setattr(what_if_module, "_OUTBOX_RECORDS", 40)
    found = asked(path, changes)

    assert found.changed.hashes == expected.changed.hashes
    assert found.changed.trades == expected.changed.trades
    assert (found.changed.liquidations == expected.changed.liquidations).all()


def test_stricter_margins_liquidate_more_and_earlier(path: Path) -> None:
    found = asked(path, Changes(tiers={0: (MarginTier(0, 100_000),)}))
    content = content_of(found)

    assert len(found.changed.liquidations) > len(found.journaled.liquidations)
    assert found.changed.liquidations["seq"][0] <= found.journaled.liquidations["seq"][0]
    assert found.first_different_trade is not None
    assert content["liquidations_only_in"]["changed"]
    assert content["differs"] is True


def test_higher_fees_cost_what_the_trades_would_have_paid(path: Path, platform: Platform) -> None:
    """Up to the first trade that differs because of them, the journal's own trades tell."""
    events = platform.streams()["events"]
    trades = events[events["kind"] == EVENT_TRADE]
    upto = int(trades["seq"][20])
    paid = asked(path, Changes(fees={0: (0, 1_000)}), to=upto)
    chosen = trades[trades["seq"] <= upto]
    money_unit = MONEY_SCALE // 10_000
    each = [
        -(-int(trade["price"]) * int(trade["qty"]) * money_unit * 1_000 // 1_000_000)
        for trade in chosen
    ]

    assert paid.first_different_trade is None
    assert paid.changed.trades[0].fees == sum(each) > 0
    assert paid.journaled.trades[0].fees == 0


def test_without_an_account_nothing_of_it_is_left(path: Path) -> None:
    found = asked(path, Changes(without=frozenset({3})))

    assert 3 in found.journaled.balances["account"]
    assert 3 not in found.changed.balances["account"]
    assert 3 not in found.changed.liquidations["account"]
    (gone,) = [each for each in content_of(found)["balances"] if each["account"] == 3]
    assert gone["changed"] is None


def test_an_insurance_fund_is_started_where_the_journal_has_no_rule(path: Path) -> None:
    found = asked(path, Changes(insurance_fund=1_000_000 * MONEY_SCALE))

    assert found.journaled.totals.bad_debt > 0
    assert found.changed.totals.bad_debt == 0
    assert 0 < found.changed.totals.insurance_fund < 1_000_000 * MONEY_SCALE


def test_an_order_that_never_was_comes_back_as_fast_as_others_did(tmp_path: Path) -> None:
    """Account 1 is long at 50,000 with 2,000: liquidated by a fall of 30 only under stricter tiers."""
    platform = Platform(seed=1)
    platform.publish(place(1, 2, 500_000, 1_000, 0, SELL))
    platform.publish(place(2, 1, 500_000, 1_000, 0))
    platform.publish(place(3, 2, 499_000, 1_000, 0))
    platform.publish(price(499_700, 0))
    fell = len(platform.commands)
    for number in range(3):
        platform.publish(place(10 + number, 3, 400_000, 1, 0))
    write(tmp_path / "j", platform.streams())
    found = asked(tmp_path / "j", Changes(tiers={0: (MarginTier(0, 40_100),)}))
    (liquidation,) = content_of(found)["liquidations_only_in"]["changed"]

    assert len(found.journaled.liquidations) == 0
    assert liquidation["command"] == fell
    assert liquidation | {"loss": "", "price": ""} == {
        "command": fell, "account": 1, "symbol": "BTCUSDT", "side": "long", "qty": "0.253",
        "price": "", "loss": "",
    }  # fmt: skip
    assert found.first_different_trade == fell + 1
    assert found.changed.trades[0].number == found.journaled.trades[0].number + 1


def test_the_command_reports_in_words_and_as_an_object(path: Path) -> None:
    words = ("what-if", "--path", path, "--tiers", "BTCUSDT=0:0.1,100000:0.2", "--without", "3",
             "--fees", "BTCUSDT=0.0001/0.0005", "--liquidation-fee", "0.01",
             "--insurance-fund", "1000")  # fmt: skip
    shown = oracle(*words)
    content = json.loads(oracle(*words, "--json").stdout)

    assert shown.exit_code == 0
    assert re.search(r"account 3: equity [\d.-]+ → – \(", shown.stdout)
    assert f"liquidations    {content['journaled']['liquidations']} → " in shown.stdout
    assert "liquidations would have been" in shown.stdout
    assert f"trades differ from command {content['first_different_trade']:,} on" in shown.stdout
    assert content["changed"]["symbols"]["BTCUSDT"]["fees"] != "0"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fees", "DOGE=0/0"), "there is no symbol DOGE; there are BTCUSDT"),
        (("--fees", "BTCUSDT"), "'BTCUSDT': write SYMBOL=…"),
        (("--fees", "BTCUSDT=0.1"), "write the maker's and the taker's as 0.0002/0.0005"),
        (("--tiers", "BTCUSDT=0.1"), "write each tier as FLOOR:RATE, e.g. 0:0.01"),
        (("--tiers", "BTCUSDT=5:0.1"), "the first tier begins at 5; it must be 0"),
        (("--tiers", "BTCUSDT=0:0.2,9:0.1"), "floors must rise and rates must not fall"),
        (("--at-risk", "high"), "found 'high'; write a plain decimal number"),
        (("--to", "9999999"), "stream commands ends at"),
    ],
)
def test_what_cannot_be_changed_is_wrong_usage(
    path: Path, words: tuple[str, ...], message: str
) -> None:
    result = oracle("what-if", "--path", path, *words)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
