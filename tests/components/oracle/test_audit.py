"""System events are found by what is asked, and an order's life and a liquidation's trail told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.configuration.risk import RiskRule, RiskSettings
from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_NAMES,
    EVENT_PRICE,
    EVENT_TRADE,
    FLAG_BY_AMOUNT,
    OP_AMEND,
    OP_BRACKET,
    OP_CANCEL,
    OP_NAMES,
    RISK_ACCOUNT,
    RISK_INSURANCE_FUND,
    RISK_LIQUIDATION,
    RISK_NAMES,
    RISK_POSITION,
    SELL,
    SOURCE_SENTINEL,
    TIF_IOC,
    TYPE_MARKET,
)
from components.messages.command import UNCHANGED
from components.oracle.audit_text import trail_words
from components.oracle.history import Instruments
from components.oracle.moment import time_to_text
from components.oracle.query import Found, Question, UnknownTypeError, find
from components.oracle.store import Journal
from components.oracle.subjects import subjects_of
from components.oracle.trace import Life, TraceError, trace, trail
from components.oracle.trace import liquidations as find_liquidations
from components.units import MONEY_SCALE
from tests.components.oracle.platform_samples import START_NS, Platform, place, write
from tests.components.oracle.test_cli import oracle

Streams = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(1_500)
    return made


@pytest.fixture(scope="module")
def streams(platform: Platform) -> Streams:
    return platform.streams()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, streams: Streams) -> Path:
    directory = tmp_path_factory.mktemp("audit") / "j"
    write(directory, streams, batch=100)
    return directory


def found(path: Path, **asked: Any) -> list[Found]:
    with Journal.open_reader(path) as journal:
        return list(find(journal, Question(**asked)))


def sequences(path: Path, **asked: Any) -> list[int]:
    return [each.line.sequence for each in found(path, **asked)]


@pytest.mark.parametrize(
    ("name", "stream", "kind"),
    [
        ("OrderPlaced", "events", EVENT_ACCEPTED),
        ("OrderExecuted", "events", EVENT_TRADE),
        ("PriceUpdate", "events", EVENT_PRICE),
        ("AccountUpdated", "risk", RISK_ACCOUNT),
        ("PositionLiquidated", "risk", RISK_LIQUIDATION),
        ("events.trade", "events", EVENT_TRADE),
        ("risk.position", "risk", RISK_POSITION),
    ],
)
def test_a_type_finds_all_of_its_kind_and_nothing_else(
    path: Path, streams: Streams, name: str, stream: str, kind: int
) -> None:
    expected = np.flatnonzero(streams[stream]["kind"] == kind) + 1

    assert len(expected) > 0
    assert sequences(path, types=(name,)) == expected.tolist()


def test_a_position_is_opened_changed_or_closed_by_what_was_held_before(
    path: Path, streams: Streams
) -> None:
    held: dict[int, int] = {}
    expected = []
    for record in streams["risk"][streams["risk"]["kind"] == RISK_POSITION]:
        before, now = held.get(int(record["account"]), 0), int(record["qty"])
        held[int(record["account"])] = now
        opens = now != 0 and (before == 0 or before * now < 0)
        expected.append(
            "PositionOpened" if opens else "PositionChanged" if now else "PositionClosed"
        )
    names = [each.type for each in found(path, types=("risk.position",))]

    assert names == expected
    assert set(names) == {"PositionOpened", "PositionChanged", "PositionClosed"}
    later = found(path, types=("PositionOpened",), first=700)
    assert [each.type for each in later] == ["PositionOpened"] * len(later)
    assert [each.line.sequence for each in later] == [
        each.line.sequence
        for each in found(path, types=("PositionOpened",))
        if each.line.command >= 700
    ]


@pytest.mark.parametrize(
    ("asked", "keeps"),
    [
        ({"account": 7}, lambda e: e["account"] == 7 or e["maker_account"] == 7),
        ({"account": 7, "order": 312}, lambda e: 312 in _orders_of(e, 7)),
        ({"order": 312}, lambda e: 312 in (e["order_id"], e["maker_order_id"])),
        ({"first": 300, "last": 600}, lambda e: 300 <= e["seq"] <= 600),
        ({"since": START_NS + 200_000, "until": START_NS + 900_000},
         lambda e: START_NS + 200_000 <= e["ts"] <= START_NS + 900_000),
        ({"symbol": 0}, lambda e: True),
        ({"symbol": 1}, lambda e: False),
    ],
)  # fmt: skip
def test_trades_are_narrowed_by_what_is_asked(
    path: Path, streams: Streams, asked: dict[str, int], keeps: Callable[[np.void], bool]
) -> None:
    expected = [
        number
        for number, event in enumerate(streams["events"], 1)
        if event["kind"] == EVENT_TRADE and keeps(event)
    ]

    assert sequences(path, types=("OrderExecuted",), **asked) == expected


def _orders_of(trade: np.void, account: int) -> set[int]:
    sides = (("account", "order_id"), ("maker_account", "maker_order_id"))
    return {int(trade[order]) for owner, order in sides if trade[owner] == account}


def test_both_streams_are_told_in_the_order_of_cause(path: Path) -> None:
    order = [each.line[:3] for each in found(path)]

    assert order == sorted(order)
    assert len({each.line.stream for each in found(path)}) == 2


def test_an_answer_that_is_given_up_lets_go_of_the_journal(path: Path) -> None:
    with Journal.open_reader(path) as journal:
        answers = find(journal, Question())
        assert next(answers).line.stream in ("events", "risk")
        answers.close()
        assert [x.name for x in threading.enumerate() if x.name.startswith("read-")] == []


def test_a_type_that_is_none_is_named(path: Path) -> None:
    with pytest.raises(
        UnknownTypeError, match="there is no type OrderEaten; there are OrderPlaced"
    ):
        found(path, types=("OrderEaten",))


def test_every_kind_says_what_it_speaks_of() -> None:
    """By the text form: a new kind is found by its subjects without a line here or in a query."""
    commands, events, risk = map(subjects_of, ("commands", "events", "risk"))
    code_of = {name: code for code, name in {**EVENT_NAMES}.items()}

    assert events.maker.nonzero()[0].tolist() == [EVENT_TRADE]
    assert {OP_NAMES[code] for code in commands.order.nonzero()[0].tolist()} >= {
        "place", "cancel", "amend",
    }  # fmt: skip
    for name in ("touch", "price", "snapshot", "instrument", "deposit"):
        assert not events.order[code_of[name]]
    for name in ("instrument", "timer", "touch"):
        assert not events.account[code_of[name]]
    without = {RISK_NAMES[code] for code in RISK_NAMES if not risk.symbol[code]}
    assert {"account", "at_risk", "insurance_fund"} <= without


def events_of(life: Life) -> list[tuple[str, int]]:
    return [
        (EVENT_NAMES[int(line.record["kind"])], int(line.record["qty"]))
        for line in life.lines
        if line.stream == "events"
    ]


@pytest.fixture
def lives(tmp_path: Path) -> tuple[Path, int]:
    """Order 5 of account 1: amended, filled in part as maker, cancelled; then used again."""
    platform = Platform(seed=1)
    first = place(5, 1, 500_000, 10, 0)
    amend = place(5, 1, UNCHANGED, 8, 0)
    amend["op"] = OP_AMEND
    taker = place(5, 2, 500_000, 3, 0, SELL)
    cancel = place(5, 1, 0, 0, 0)
    cancel["op"] = OP_CANCEL
    again = place(5, 1, 499_000, 4, 0)
    begin = len(platform.commands) + 1
    for command in (first, first, amend, taker, cancel, cancel, again):
        platform.publish(command)
    write(tmp_path / "j", platform.streams())
    return tmp_path / "j", begin


def test_an_order_is_told_from_its_command_to_its_end(lives: tuple[Path, int]) -> None:
    path, begin = lives
    with Journal.open_reader(path) as journal:
        first, second = trace(journal, 5, account=1)

    assert [x.sequence for x in first.lines if x.stream == "commands"] == [
        begin, begin + 1, begin + 2, begin + 4, begin + 5,
    ]  # fmt: skip
    assert events_of(first) == [
        ("accepted", 10), ("rejected", 0), ("amended", 8), ("trade", 3), ("cancelled", 5),
        ("rejected", 0),
    ]  # fmt: skip
    assert (first.outcome, first.filled, first.cancelled, first.open) == ("cancelled", 3, 5, 0)
    assert {RISK_NAMES[int(x.record["kind"])] for x in first.lines if x.stream == "risk"} == {
        "position"
    }
    assert (second.outcome, second.open, len(events_of(second))) == ("open", 4, 1)


def test_an_id_alone_tells_everybodys_orders(lives: tuple[Path, int]) -> None:
    with Journal.open_reader(lives[0]) as journal:
        found = trace(journal, 5)

    assert [(each.account, each.outcome) for each in found] == [
        (1, "cancelled"), (1, "open"), (2, "filled"),
    ]  # fmt: skip
    assert all(x.record["account"] == 2 for x in found[2].lines if x.stream == "risk")


def test_an_order_that_never_was_is_named(lives: tuple[Path, int]) -> None:
    with (
        Journal.open_reader(lives[0]) as journal,
        pytest.raises(TraceError, match=r"has no order 6 of account 1$"),
    ):
        trace(journal, 6, account=1)


def test_every_life_agrees_with_the_book(path: Path, platform: Platform, streams: Streams) -> None:
    """What is told as open rests in the book, with that quantity."""
    from components.oracle.platform_state import state_at

    with Journal.open_reader(path) as journal:
        resting = {
            (int(x["account"]), int(x["order_id"])): int(x["qty"])
            for x in state_at(journal).orders()
        }
        placed = streams["events"][streams["events"]["kind"] == EVENT_ACCEPTED]
        for event in placed[:: len(placed) // 40]:
            owner, order = int(event["account"]), int(event["order_id"])
            life = trace(journal, order, owner)[-1]
            assert life.open == resting.get((owner, order), 0)


def test_a_liquidation_is_followed_from_its_cause_to_its_orders_end(
    path: Path, streams: Streams
) -> None:
    commands = streams["commands"]
    with Journal.open_reader(path) as journal:
        all_of_them = list(find_liquidations(journal))
        told = [trail(journal, line.sequence) for line in all_of_them[::6]]
    ours = commands[(commands["source"] == SOURCE_SENTINEL) & (commands["order_id"] != 0)]
    returned = set(zip(ours["cause"].tolist(), ours["account"].tolist(), strict=True))

    assert len([each for each in told if each.order is not None]) > 3
    for each in told:
        record = each.liquidation.record
        assert each.cause.sequence == record["seq"]
        if each.order is None:
            assert (int(record["seq"]), int(record["account"])) not in returned
            continue
        order = commands[_placing(each.order)]
        assert (order["cause"], order["account"]) == (record["seq"], record["account"])
        assert each.liquidation[:3] in {line[:3] for line in each.order.lines}
        came_to = each.order.filled + each.order.cancelled + each.order.open
        assert came_to == (0 if each.order.outcome == "rejected" else record["qty"])


def test_a_trail_names_the_tier_the_rules_and_what_the_fund_paid(tmp_path: Path) -> None:
    platform = Platform(seed=3)
    platform.publish(RiskRule.of(RiskSettings(insurance_fund=MONEY_SCALE)).to_commands())
    platform.run(700)
    write(tmp_path / "j", platform.streams())
    with Journal.open_reader(tmp_path / "j") as journal:
        told = [trail(journal, line.sequence) for line in find_liquidations(journal)]
        words = ["\n".join(trail_words(each, Instruments(journal).table())) for each in told]
    paid = platform.streams()["risk"]
    paid = paid[(paid["kind"] == RISK_INSURANCE_FUND) & (paid["amount"] < 0)]

    assert len(told) > 5
    assert all("by margin tier 0 (5000 ppm) and version 3 of the rules" in each for each in words)
    assert "insurance fund: account" in "".join(words)
    by_cause = {(int(each["seq"]), int(each["account"])) for each in paid}
    for each, text in zip(told, words, strict=True):
        record = each.liquidation.record
        if each.order is not None and (int(record["seq"]), int(record["account"])) in by_cause:
            assert "insurance fund: account" in text


def _placing(life: Life) -> int:
    """The place of the command that placed the order, whose life begins with what caused it."""
    own = [
        x for x in life.lines if x.stream == "commands" and x.record["order_id"] == life.order_id
    ]
    return own[0].sequence - 1


def test_the_events_command_prints_words_or_objects(path: Path, streams: Streams) -> None:
    asked = ("events", "--path", path, "--type", "OrderExecuted", "--account", "7", "--limit", "3")
    shown = oracle(*asked)
    objects = [json.loads(line) for line in oracle(*asked, "--json").stdout.splitlines()]
    last = time_to_text(int(streams["events"]["ts"][objects[2]["sequence"] - 1]))
    until = oracle(*asked[:-2], "--until", last, "--json").stdout.splitlines()

    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["OrderExecuted"] * 3
    assert "trade: symbol BTCUSDT, price " in shown.stdout
    assert all(7 in (x["record"]["taker_account"], x["record"]["maker_account"]) for x in objects)
    assert [json.loads(line)["sequence"] for line in until[:3]] == [x["sequence"] for x in objects]
    assert json.loads(until[-1])["time"] == last


def test_the_trace_command_tells_a_life_and_a_trail(lives: tuple[Path, int], path: Path) -> None:
    told = oracle("trace", "--path", lives[0], "1:5").stdout
    objects = json.loads(
        oracle("trace", "--path", lives[0], "5", "--account", "1", "--json").stdout
    )
    with Journal.open_reader(path) as journal:
        liquidation = next(find_liquidations(journal)).sequence
        assert "BTCUSDT" in Instruments(journal).table()
    trail_told = oracle("trace", "--path", path, str(liquidation), "--liquidation")
    trail_object = json.loads(
        oracle("trace", "--path", path, str(liquidation), "--liquidation", "--json").stdout
    )

    assert told.splitlines()[0] == "order 5 of account 1: cancelled (0.003 filled, 0.005 cancelled)"
    assert "place (from gateway): symbol BTCUSDT, id 5, account 1, side buy" in told
    assert [each["outcome"] for each in objects] == ["cancelled", "open"]
    assert objects[0]["filled"] == "0.003"
    assert "was liquidated in BTCUSDT: at a mark of " in trail_told.stdout
    assert trail_object["liquidation"]["sequence"] == liquidation


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("events", "--type", "Foo"), 2, "there is no type Foo; there are OrderPlaced"),
        (("events", "--symbol", "DOGE"), 2, "there is no symbol DOGE; there are BTCUSDT"),
        (("events", "--since", "soon"), 2, "'soon' is no time"),
        (("trace", "x"), 2, "'x' is no order; write ID or ACCOUNT:ID, such as 7:42"),
        (("trace", "7:5", "--account", "8"), 2, "7:5 is no order of account 8"),
        (("trace", "999999999"), 1, "has no order 999999999"),
        (("trace", "1", "--liquidation"), 1, "risk record 1 of the journal"),
        (("trace", "99999999", "--liquidation"), 2, "stream risk ends at"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(
    path: Path, words: tuple[str, ...], status: int, message: str
) -> None:
    result = oracle(words[0], "--path", path, *words[1:])

    assert result.exit_code == status
    assert message in " ".join(result.stderr.split())


@pytest.fixture
def bracket(tmp_path: Path) -> Path:
    """Account 1 buys 10 for 50,000 with exits at 51,000 and 49,000; the first one takes profit."""
    platform = Platform(seed=1)
    entry = place(5, 1, 500_000, 10, 0)
    entry["op"] = OP_BRACKET
    entry["display_qty"], entry["origin_ts"] = 510_000, 6
    entry["stop_price"], entry["cause"] = 490_000, 7
    amount = place(8, 3, 0, 60 * MONEY_SCALE, 0)
    amount["order_type"], amount["tif"], amount["flags"] = TYPE_MARKET, TIF_IOC, FLAG_BY_AMOUNT
    for command in (
        entry,
        place(1, 2, 500_000, 10, 0, SELL),
        place(2, 2, 510_000, 10, 0),
        place(3, 2, 520_000, 2, 0, SELL),
        amount,
    ):
        platform.publish(command)
    write(tmp_path / "b", platform.streams())
    return tmp_path / "b"


def test_a_brackets_exit_is_told_from_the_bracket_to_its_end(bracket: Path) -> None:
    with Journal.open_reader(bracket) as journal:
        (profit,) = trace(journal, 6, 1)
        (stop,) = trace(journal, 7, 1)

    assert profit.lines[0].stream == stop.lines[0].stream == "commands"
    assert "armed" in [kind for kind, _ in events_of(profit)]
    assert (profit.outcome, profit.filled) == ("filled", 10)
    assert (stop.outcome, stop.filled, stop.cancelled) == ("cancelled", 0, 10)


def test_an_order_by_amount_is_over_with_its_command(bracket: Path) -> None:
    with Journal.open_reader(bracket) as journal:
        (life,) = trace(journal, 8, 3)

    assert life.is_over
    assert life.open == 0
    assert life.filled == 1
