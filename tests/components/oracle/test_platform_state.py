"""The state at a point: the live platform's own there, in arrays, JSON and tables."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.messages.code import OP_CANCEL, RISK_POSITION, SELL, TIF_GTD, TYPE_STOP
from components.oracle.moment import time_to_text
from components.oracle.platform_state import PlatformState, state_at
from components.oracle.state_text import describe
from components.oracle.store import Journal
from components.sentinel import engine as sentinel_engine
from components.titan.shards import shards_hash
from tests.components.oracle.platform_samples import START_NS, Platform, place, write
from tests.components.oracle.test_cli import oracle

COUNT = 600


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=11)
    made.run(COUNT)
    return made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    directory = tmp_path_factory.mktemp("state") / "j"
    write(directory, platform.streams(), batch=100)
    return directory


def at(path: Path, moment: str | int | None) -> PlatformState:
    with Journal.open_reader(path) as journal:
        return state_at(journal, moment)


@settings(max_examples=10, deadline=None)
@given(place=st.floats(0, 1))
def test_the_state_is_that_of_a_platform_that_stopped_there(
    path: Path, platform: Platform, place: float
) -> None:
    sequence = round(place * len(platform.commands))
    stopped = Platform.replaying(
        np.concatenate([*platform.commands[:sequence], platform.commands[0][:0]])
    )
    found = at(path, sequence)

    assert found.hashes().platform == stopped.hash()
    assert found.sequence == sequence


def test_a_time_gives_the_state_of_its_last_command(path: Path, platform: Platform) -> None:
    times = np.maximum.accumulate(platform.streams()["commands"]["ts"])
    ts = int(times[299])
    reached = int((times <= ts).sum())

    assert at(path, time_to_text(ts)).hashes() == at(path, reached).hashes()
    assert at(path, reached).ts == ts


def test_positions_are_those_that_risk_told_last(path: Path, platform: Platform) -> None:
    told = {}
    for record in platform.streams()["risk"]:
        if record["kind"] == RISK_POSITION:
            told[int(record["account"]), int(record["symbol"])] = int(record["qty"])
    held = at(path, None).positions()

    assert {(int(row["account"]), int(row["symbol"])): int(row["qty"]) for row in held} == {
        key: qty for key, qty in told.items() if qty
    }


def test_depth_is_the_sum_of_the_orders_that_rest(path: Path) -> None:
    state = at(path, None)
    resting = state.orders()
    for side, levels in enumerate(state.depth(0, 1_000)):
        expected: dict[int, int] = {}
        for order in resting[resting["side"] == side]:
            price = int(order["price"])
            expected[price] = expected.get(price, 0) + int(order["qty"])
        assert dict(levels.tolist()) == expected


def test_the_instruments_are_those_that_are_listed(path: Path) -> None:
    found = at(path, None).instruments["BTCUSDT"]

    assert (str(found.tick_size), str(found.lot_size), found.index) == ("0.1", "0.001", 0)
    assert len(at(path, 0).instruments) == 0


def test_orders_are_told_with_what_is_special_about_them(tmp_path: Path) -> None:
    platform = Platform(seed=1)
    stop, dated = place(8, 1, 0, 5, 0), place(9, 2, 510_000, 7, 0, SELL)
    stop["order_type"], stop["stop_price"] = TYPE_STOP, 520_000
    dated["tif"], dated["expires"] = TIF_GTD, START_NS * 2
    dated["display_qty"] = 3
    for command in (stop, dated):
        platform.publish(command)
    write(tmp_path / "j", platform.streams())
    content = describe(at(tmp_path / "j", None), with_orders=True, levels=1)
    by_id = {each["id"]: each for each in content["orders"]}

    assert (by_id[8]["state"], by_id[8]["stop_price"]) == ("waiting", "52000")
    assert (by_id[9]["price"], by_id[9]["expires"]) == ("51000", START_NS * 2)
    assert (by_id[9]["qty"], by_id[9]["hidden"]) == ("0.003", "0.004")
    assert content["books"][0]["asks"] == [{"price": "51000", "qty": "0.003"}]


def test_the_command_tells_one_account_and_symbol(path: Path, platform: Platform) -> None:
    asked = ("state", "--path", path, "--at", "400", "--account", "3", "--symbol", "BTCUSDT")
    content = json.loads(oracle(*asked, "--json", "--orders").stdout)
    shown = oracle(*asked)
    stopped = Platform.replaying(np.concatenate(platform.commands[:400]))

    assert content["hash"] == stopped.hash()
    assert [each["account"] for each in content["accounts"]] == [3]
    assert {each["account"] for each in content["positions"]} <= {3}
    assert {each["account"] for each in content["orders"]} == {3}
    assert "after command 400, 2026-01-02T03:04:05" in shown.stdout
    assert "BTCUSDT: mark " in shown.stdout
    assert "accounts:\n" in shown.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--at", "99999"), "asked for 99999"),
        (("--at", "yesterday"), "'yesterday' is no time"),
        (("--at", "2020-01-01"), "has no command at or before 2020-01-01"),
        (("--symbol", "DOGE"), "there is no symbol DOGE at that point; there are: BTCUSDT"),
    ],
)
def test_a_point_that_is_none_is_wrong_usage(
    path: Path, words: tuple[str, ...], message: str
) -> None:
    result = oracle("state", "--path", path, *words)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_titan_and_sentinel_have_hashes_of_their_own(path: Path) -> None:
    state = at(path, 300)

    assert state.hashes().titan == shards_hash(state.shards).hex()
    assert state.hashes().sentinel == sentinel_engine.state_hash(state.sentinel).hex()


def test_a_cancelled_order_is_gone(tmp_path: Path) -> None:
    platform = Platform(seed=1)
    platform.publish(place(8, 1, 490_000, 5, 0))
    cancel = place(8, 1, 0, 0, 0)
    cancel["op"] = OP_CANCEL
    platform.publish(cancel)
    write(tmp_path / "j", platform.streams())
    last = len(platform.commands)

    assert at(tmp_path / "j", last - 1).orders()["order_id"].tolist() == [8]
    assert len(at(tmp_path / "j", last).orders()) == 0
