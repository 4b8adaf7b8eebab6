"""A script's commands come at their times, through the same gate, or are refused as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow import NEVER
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.scripted_flow import ScriptedFlow, read_script
from components.feed.settings import FeedSettings
from components.feed.source import run_feed
from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_TRADE,
    OP_AMEND,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_PLACE,
    OP_PRICE,
    OP_REPLACE,
    SOURCE_ORDER_FLOW,
)
from components.titan.engine.apply import apply_batch
from components.titan.engine.state import new_outbox, new_state
from disruptor.errors import ConfigurationError

from .conftest import Collected, FakeClock

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
LINES = """
{"at_s":0,"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","price":"100","qty":"2"}
{"at_s":0.5,"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"qty":"1"}
{"at_s":0.5,"op":"replace","symbol":"BTCUSDT","id":2,"account":7,"side":"buy","price":"101","qty":"1","replaces":1}

{"at_s":1,"op":"bracket","symbol":"BTCUSDT","id":3,"account":8,"side":"sell","price":"101","qty":"1","take_profit":"90","take_profit_id":4,"stop_price":"110","stop_id":5}
{"at_s":1.25,"op":"cancel","symbol":"BTCUSDT","id":4,"account":8}
{"at_s":2,"op":"cancel_all","account":8}
"""
YAML = """
- {at_s: 0, op: place, symbol: BTCUSDT, id: 1, account: 7, side: buy, price: "100", qty: "2"}
- {at_s: 0.5, op: amend, symbol: BTCUSDT, id: 1, account: 7, qty: "1"}
"""


def script(tmp_path: Path, text: str, name: str = "script.jsonl") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_commands_come_at_their_times(tmp_path: Path, instruments: InstrumentTable) -> None:
    flow = ScriptedFlow(read_script(script(tmp_path, LINES), instruments))
    opening = flow.open(START)

    assert opening["op"].tolist() == [OP_CANCEL_ALL] * 2
    assert opening["account"].tolist() == [7, 8]
    assert flow.next_due_ns == START
    assert flow.due(START)["op"].tolist() == [OP_PLACE]
    assert flow.next_due_ns == START + SECOND // 2
    assert len(flow.due(START + SECOND // 2 - 1)) == 0
    late = flow.due(START + SECOND)
    assert late["op"].tolist() == [OP_AMEND, OP_REPLACE, OP_BRACKET]
    assert (late["ts"] - START).tolist() == [SECOND // 2, SECOND // 2, SECOND]
    assert (late["source"] == SOURCE_ORDER_FLOW).all()
    assert flow.due(START + 9 * SECOND)["op"].tolist() == [OP_CANCEL, OP_CANCEL_ALL]
    assert flow.next_due_ns == NEVER
    assert len(flow.due(START + 10 * SECOND)) == 0


def test_yaml_says_the_same_as_json_lines(tmp_path: Path, instruments: InstrumentTable) -> None:
    lines = read_script(script(tmp_path, LINES), instruments)
    listed = read_script(script(tmp_path, YAML, "script.yaml"), instruments)

    assert listed.tobytes() == lines[:2].tobytes()


def test_through_the_feed_the_script_trades_in_the_book(
    tmp_path: Path, instruments: InstrumentTable
) -> None:
    path = script(tmp_path, LINES)
    settings = FeedSettings(order_flow=OrderFlowSettings(kind="scripted", path=str(path)))
    metrics, collected = InMemoryFeedMetrics(), Collected()

    async def run() -> None:
        collected.stop, collected.stop_after = asyncio.Event(), 35
        await run_feed(settings, instruments, collected, collected.stop, metrics, clock=FakeClock())

    asyncio.run(run())
    commands = collected.commands
    orders = commands[commands["op"] != OP_PRICE]
    outbox = new_outbox(40_000)
    whole = np.concatenate([instruments.to_commands(), commands])
    applied = apply_batch(new_state(max_orders=64), whole, 1, outbox)
    events = outbox.slots[: outbox.count[0]]
    trades = events[events["kind"] == EVENT_TRADE]

    assert applied == len(whole)
    assert len(orders) == 2 + 6 + 2, "the script between its mass cancels"
    assert metrics.order_count == len(orders)
    assert not metrics.malformed_by_reason
    assert trades["price"].tolist() == [10_100]
    assert trades["account"].tolist() == [8]


def test_what_is_out_of_bounds_meets_the_gate(tmp_path: Path, instruments: InstrumentTable) -> None:
    text = LINES.replace('"price":"100"', '"price":"100.001"')
    path = script(tmp_path, text)
    settings = FeedSettings(order_flow=OrderFlowSettings(kind="scripted", path=str(path)))
    metrics, collected = InMemoryFeedMetrics(), Collected()

    async def run() -> None:
        collected.stop, collected.stop_after = asyncio.Event(), 35
        await run_feed(settings, instruments, collected, collected.stop, metrics, clock=FakeClock())

    asyncio.run(run())

    assert dict(metrics.malformed_by_reason) == {"out_of_bounds_price": 1}


@pytest.mark.parametrize(
    ("was", "becomes", "text"),
    [
        ('"at_s":0,', "", r"script.jsonl:2: at_s: found None; write seconds"),
        ('"at_s":1,', '"at_s":-1,', r"script.jsonl:6: at_s: found -1"),
        ('"at_s":2', '"at_s":1.1', r"script.jsonl:8: at_s: found a time before the one above"),
        ('"op":"amend"', '"op":"deposit"', r"script.jsonl:3: amount"),
        (
            '"op":"cancel_all","account":8',
            '"op":"account","account":8',
            r"script.jsonl:8: op: found 'account'; write one of place, replace, bracket, cancel",
        ),
        ("BTCUSDT", "BTC", r"script.jsonl:2: symbol: found 'BTC'; instruments are BTCUSDT"),
        ('"qty":"2"', '"qty":2', r"script.jsonl:2: qty"),
        ('{"at_s":2', "at_s 2", r"script.jsonl:8: this is not JSON"),
    ],
)
def test_a_wrong_script_is_refused_with_its_place(
    tmp_path: Path, instruments: InstrumentTable, was: str, becomes: str, text: str
) -> None:
    path = script(tmp_path, LINES.replace(was, becomes, 1))

    with pytest.raises(ConfigurationError, match=text):
        read_script(path, instruments)


def test_a_script_that_is_not_there_is_refused(
    tmp_path: Path, instruments: InstrumentTable
) -> None:
    with pytest.raises(ConfigurationError, match=r"feed.order_flow.path: .* cannot be read"):
        read_script(tmp_path / "none.jsonl", instruments)
    with pytest.raises(ConfigurationError, match="write a list of commands"):
        read_script(script(tmp_path, "a: 1", "script.yaml"), instruments)
