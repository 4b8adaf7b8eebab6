"""The configuration as commands: exactly what a new journal gets, and only news for an old one."""

from __future__ import annotations

import numpy as np
import pytest

from components.configuration import PlatformConfiguration, RiskRule
from components.configuration.capacity import Capacity, RiskCapacity
from components.instruments import InstrumentTable
from components.messages import code
from components.messages.command import COMMAND, Commands
from components.units import MONEY_SCALE
from disruptor.errors import ConfigurationError
from tests.components.configuration.platforms import platform


def rows(commands: Commands) -> list[dict[str, int | str]]:
    """Each command as its operation and its fields that are not zero."""
    assert commands.dtype == COMMAND
    result: list[dict[str, int | str]] = []
    for command in commands:
        row: dict[str, int | str] = {"op": code.OP_NAMES[int(command["op"])]}
        for field in COMMAND.names or ():
            if field != "op" and command[field]:
                row[field] = int(command[field])
        result.append(row)
    return result


def known(
    configuration: PlatformConfiguration,
) -> tuple[InstrumentTable, set[int], RiskRule, Capacity, RiskCapacity]:
    """What a journal holds after the set-up of this configuration."""
    commands = configuration.setup_commands()
    rule = RiskRule.from_commands(commands)
    assert rule is not None
    users = commands["account"][commands["op"] == code.OP_ACCOUNT]
    instruments = InstrumentTable.from_commands(commands)
    capacity = Capacity.from_commands(commands)
    risk_capacity = RiskCapacity.from_commands(commands)
    return instruments, {int(user) for user in users}, rule, capacity, risk_capacity


def test_the_default_platform_sets_up_exactly_this() -> None:
    collateral = {1001: 2500, 1002: 500, 1003: 2500}
    flow = (9001, 9002, 9101, 9102)

    found = rows(platform().setup_commands())

    assert found[0] == {
        "op": "instrument",
        "account": int.from_bytes(b"BTCUSDT\0", "little"),
        "price": 10**10,
        "qty": 10**7,
        "stop_price": 10,
        "display_qty": 200,
        "expires": 400,
        "leverage": 100,
    }
    assert found[1] == {"op": "margin_tier", "qty": 5_000}
    assert [row["op"] for row in found[2:11]] == [
        *["instrument", *["margin_tier"] * 4],
        *["instrument", *["margin_tier"] * 3],
    ]
    assert found[11] == {
        "op": "risk_rule",
        "order_id": 3,
        "price": 5_000,
        "qty": 800_000,
        "stop_price": 100_000 * MONEY_SCALE,
    }
    positions = {
        1001: {"qty": 50_000, "price": 5_000_000, "leverage": 10},
        1002: {"qty": 20_000, "price": 5_000_000, "leverage": 20, "side": code.SELL},
        1003: {"qty": 20_000, "price": 5_000_000, "leverage": 4},
    }
    accounts = []
    for user, amount in collateral.items():
        accounts += [
            {"op": "account", "account": user},
            {"op": "deposit", "account": user, "price": amount * MONEY_SCALE},
            {"op": "position", "account": user, **positions[user]},
        ]
    for user in flow:
        accounts += [
            {"op": "account", "account": user},
            {"op": "deposit", "account": user, "price": 10_000_000 * MONEY_SCALE},
        ]
    assert found[12:] == accounts


def test_set_up_commands_rebuild_the_instruments() -> None:
    read = platform()

    assert dict(InstrumentTable.from_commands(read.setup_commands())) == dict(
        read.instrument_table()
    )


def test_an_account_without_collateral_has_no_deposit() -> None:
    read = platform("accounts=[{user: 5, collateral: 0}]", "feed.order_flow.orders_per_second=0")

    assert rows(read.setup_commands())[-1] == {"op": "account", "account": 5}


def test_a_journal_that_holds_everything_gets_nothing() -> None:
    read = platform()

    assert rows(read.setup_commands_after(*known(read))) == []


def test_only_a_new_account_is_opened() -> None:
    more = platform("accounts.0={user: 1004, collateral: 7}")

    assert rows(more.setup_commands_after(*known(platform()))) == [
        {"op": "account", "account": 1004},
        {"op": "deposit", "account": 1004, "price": 7 * MONEY_SCALE},
    ]


def test_a_changed_margin_is_sent_for_the_instruments_that_it_concerns() -> None:
    changed = platform("risk.maintenance_margin=0.01")

    found = rows(changed.setup_commands_after(*known(platform())))

    assert [(row["op"], row.get("symbol", 0)) for row in found] == [
        ("instrument", 0),
        ("margin_tier", 0),
    ]
    assert found[1]["qty"] == 10_000


def test_limits_are_sent_with_their_instrument_and_taken_back_when_they_end() -> None:
    limited = platform(
        "instruments.BTCUSDT.min_qty=0.00002",
        "instruments.BTCUSDT.max_notional=1000",
        "instruments.BTCUSDT.collar_ppm=50000",
    )
    names = {"qty": 2, "stop_price": 1000 * MONEY_SCALE, "expires": 50_000}

    sent = rows(limited.setup_commands_after(*known(platform())))
    assert [row["op"] for row in sent] == ["instrument", "margin_tier", "limits"]
    assert sent[2] == {"op": "limits", **names}
    assert rows(limited.setup_commands_after(*known(limited))) == []
    ended = rows(platform().setup_commands_after(*known(limited)))
    assert ended[2] == {"op": "limits"}


def test_limits_that_only_the_journal_knows_stay() -> None:
    limited = platform("instruments.BTCUSDT.min_notional=5", "instruments.BTCUSDT.max_qty=7")
    held = known(limited)
    table = held[0]

    others = InstrumentTable(each for each in table.values())
    continued = platform().continuing(others)
    assert continued.instruments["BTCUSDT"].min_notional is None
    alone = PlatformConfiguration.model_construct(
        **{**dict(platform()), "instruments": {}}
    ).continuing(table)
    assert alone.instruments["BTCUSDT"].min_notional == 5 * MONEY_SCALE
    assert alone.instruments["BTCUSDT"].max_qty == 7
    assert rows(alone.setup_commands_after(*held))[:1] == []


def test_a_changed_rule_is_sent_alone() -> None:
    changed = platform("risk.liquidation_fee=0.01")

    assert rows(changed.setup_commands_after(*known(platform()))) == [
        {
            "op": "risk_rule",
            "order_id": 3,
            "price": 10_000,
            "qty": 800_000,
            "stop_price": 100_000 * MONEY_SCALE,
        }
    ]


def test_limits_of_sentinel_are_sent_where_they_are_not_the_journals() -> None:
    wider = platform("sentinel.capacity={accounts: 400000, symbols: 160}")

    assert rows(wider.setup_commands_after(*known(platform()))) == [
        {"op": "risk_capacity", "price": 400_000, "stop_price": 160, "qty": 1 << 15}
    ]
    assert rows(wider.setup_commands_after(*known(wider))) == []
    assert [row["op"] for row in rows(platform().setup_commands_after(*known(wider)))] == [
        "risk_capacity"
    ]


def test_instruments_keep_the_index_that_the_journal_knows() -> None:
    held = known(platform("instruments.BTCUSDT.max_leverage=100"))
    instruments = held[0]
    reordered = platform(
        "instruments={XRPUSDT: {tick_size: '0.0001', lot_size: '0.1'}, "
        "ETHUSDT: {tick_size: '0.01', lot_size: '0.0001'}, "
        "BTCUSDT: {tick_size: '0.010', lot_size: '0.00001', maker_fee_ppm: 200, "
        "taker_fee_ppm: 400}}"
    ).continuing(instruments)

    table = reordered.instrument_table()

    assert list(table) == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
    assert table["SOLUSDT"] == instruments["SOLUSDT"]
    found = rows(reordered.setup_commands_after(*held))
    assert [(row["op"], row.get("symbol", 0)) for row in found] == [
        ("instrument", 1),
        ("margin_tier", 1),
        ("instrument", 3),
        ("margin_tier", 3),
    ]


def test_a_changed_limit_is_sent_alone_and_becomes_the_known_one() -> None:
    changed = platform("capacity.symbols=5")

    assert rows(changed.setup_commands_after(*known(platform()))) == [
        {"op": "capacity", "price": 1 << 17, "qty": 1 << 18, "order_id": 5}
    ]
    assert known(changed)[3] == changed.capacity
    assert rows(changed.setup_commands_after(*known(changed))) == []


def test_a_journal_that_never_spoke_of_instruments_allows_as_many_as_at_first() -> None:
    told = platform("capacity.orders=7").capacity.to_commands()
    told["order_id"] = 0

    assert Capacity.from_commands(told) == Capacity(orders=7)


def test_fewer_instruments_than_the_journal_has_are_refused() -> None:
    journaled, *_ = known(platform())
    fewer = PlatformConfiguration.model_construct(
        **{**dict(platform()), "instruments": {}, "capacity": Capacity(symbols=2)}
    )
    with pytest.raises(ConfigurationError, match=r"symbols: found 2, .* 3 instruments; write at"):
        fewer.continuing(journaled)


def test_another_grid_than_the_journals_is_refused() -> None:
    instruments, *_ = known(platform())

    with pytest.raises(ConfigurationError) as caught:
        platform("instruments.BTCUSDT.tick_size=0.1").continuing(instruments)

    assert str(caught.value) == (
        "instruments.BTCUSDT.tick_size: found 0.1, but the journal ./platform_events holds 0.01; "
        "write 0.01, or another oracle.path for a new journal"
    )


def test_the_rule_survives_the_way_through_a_command() -> None:
    rule = RiskRule(1, 2, (3, 0, 0), insurance_fund=4, jump_ppm=5)
    later = RiskRule(1, 5, (6, 7, 8), insurance_fund=7, jump_ppm=0)

    commands = np.concatenate([rule.to_commands(), later.to_commands()])

    assert RiskRule.from_commands(commands) == later
    assert RiskRule.from_commands(commands[:0]) is None


def test_set_up_is_stamped_with_time_zero_and_its_source() -> None:
    commands = platform().setup_commands()

    assert (commands["ts"] == 0).all()
    assert (commands["source"] == code.SOURCE_SETUP).all()
