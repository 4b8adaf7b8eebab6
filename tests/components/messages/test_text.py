"""JSON lines: the shapes are exact, and every malformed line is named."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.instruments import Instrument, InstrumentTable
from components.messages.code import EVENT_TRADE, OP_AMEND, OP_CANCEL_ALL, OP_PLACE, SELL
from components.messages.command import ALL_SYMBOLS, COMMAND, UNCHANGED, UNKNOWN_SYMBOL
from components.messages.command_text import format_command, parse_command
from components.messages.event import EVENT
from components.messages.event_text import format_event, parse_event
from components.messages.json_lines import INVALID, TextError

TABLE = InstrumentTable(
    [
        Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.001")),
        Instrument("ETHUSDT", 1, Decimal("0.5"), Decimal("0.01")),
    ]
)


def command_of(line: str) -> np.void:
    """The parsed command of one line."""
    command: np.void = np.zeros(1, COMMAND)[0]
    parse_command(line.encode(), TABLE, command, "line 7")
    return command


def event_of(line: str) -> np.void:
    """The parsed event of one line."""
    event: np.void = np.zeros(1, EVENT)[0]
    parse_event(line.encode(), TABLE, event, "line 7")
    return event


COMMAND_LINES = [
    '{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","type":"limit","tif":"gtc","price":"100.5","qty":"2"}',
    '{"op":"place","symbol":"ETHUSDT","id":2,"account":7,"side":"sell","type":"stop_limit","tif":"gtd","price":"10.5","qty":"9","stop_price":"11","display_qty":"3","expires":55,"post_only":true,"reduce_only":true,"stp":"cancel_both","ts":9}',
    '{"op":"place","symbol":"BTCUSDT","id":2305843009213693952,"account":7,"side":"sell","type":"market","tif":"ioc","qty":"0.001","reduce_only":true,"liquidation":true,"cause":12}',
    '{"op":"cancel","symbol":"BTCUSDT","id":1,"account":7}',
    '{"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}',
    '{"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"qty":"3"}',
    '{"op":"cancel_all","account":7,"symbol":"BTCUSDT"}',
    '{"op":"cancel_all","account":7}',
    '{"op":"price","symbol":"BTCUSDT","price":"50123.45"}',
    '{"op":"account","account":7}',
    '{"op":"deposit","account":7,"amount":"10000"}',
    '{"op":"withdraw","account":7,"amount":"0.00000001"}',
    '{"op":"position","account":7,"symbol":"BTCUSDT","side":"long","qty":"0.5","entry":"50000","leverage":10}',
    '{"op":"snapshot","id":3}',
    '{"op":"timer","ts":4}',
    '{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","type":"trailing_stop","tif":"day","qty":"2","trail":"1.5"}',
    '{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"sell","type":"trailing_stop_limit","tif":"gtc","limit_offset":"0","qty":"2","trail_ppm":5000,"hidden":true}',
    '{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","type":"market","tif":"gtc","price":"100.5","amount":"1000.25"}',
    '{"op":"place","symbol":"BTCUSDT","id":2,"account":7,"side":"buy","type":"limit","tif":"gtc","price":"100.5","qty":"2","post_only":"slide","oco":1}',
    '{"op":"replace","symbol":"BTCUSDT","id":2,"account":7,"side":"buy","type":"limit","tif":"gtc","price":"100.5","qty":"2","replaces":1}',
    '{"op":"bracket","symbol":"BTCUSDT","id":2,"account":7,"side":"buy","type":"limit","tif":"gtc","price":"100","qty":"2","reduce_only":true,"take_profit":"110","take_profit_id":3,"stop_price":"90","stop_id":4,"stop_limit":"89"}',
    '{"op":"bracket","symbol":"BTCUSDT","id":2,"account":7,"side":"buy","type":"market","tif":"ioc","qty":"2","stop_price":"90","stop_id":4}',
    '{"op":"cancel_all","account":7,"symbol":"BTCUSDT","side":"sell"}',
    '{"op":"cancel_all","symbol":"BTCUSDT"}',
    '{"op":"session_end"}',
    '{"op":"session_end","symbol":"BTCUSDT"}',
    '{"op":"instrument","symbol":"SOLUSDT","index":2,"tick_size":"0.01","lot_size":"0.1","maker_fee_ppm":-100,"taker_fee_ppm":300,"max_leverage":20,"stops_trigger":"mark"}',
    '{"op":"limits","symbol":"BTCUSDT","min_qty":"0.002","max_qty":"50","min_notional":"5","max_notional":"1000000","collar_ppm":50000}',
    '{"op":"limits","symbol":"BTCUSDT"}',
    '{"op":"phase","symbol":"BTCUSDT","phase":"auction"}',
]


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_command_line_survives_parsing_and_formatting(line: str) -> None:
    """Text to record to text is the identity on the canonical form."""
    assert format_command(command_of(line), TABLE).decode() == line


EVENT_LINES = [
    '{"seq":1,"event":"accepted","symbol":"BTCUSDT","id":1,"account":7}',
    '{"seq":2,"event":"trade","symbol":"BTCUSDT","price":"100.5","qty":"2","taker":2,"taker_account":8,"maker":1,"maker_account":7,"side":"sell"}',
    '{"seq":3,"event":"cancelled","symbol":"BTCUSDT","id":3,"account":7,"qty":"1","reason":"user"}',
    '{"seq":4,"event":"amended","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}',
    '{"seq":5,"event":"triggered","symbol":"BTCUSDT","id":5,"account":7}',
    '{"seq":6,"event":"rejected","id":9,"account":7,"reason":"unknown_order"}',
    '{"seq":7,"event":"touch","symbol":"BTCUSDT","bid":"100","bid_qty":"2","ask":null,"ask_qty":"0"}',
    '{"seq":8,"event":"price","symbol":"BTCUSDT","price":"50123.45"}',
    '{"seq":9,"event":"account","account":7}',
    '{"seq":10,"event":"deposit","account":7,"amount":"10000"}',
    '{"seq":11,"event":"withdraw","account":7,"amount":"1"}',
    '{"seq":12,"event":"position","account":7,"symbol":"BTCUSDT","side":"short","qty":"0.5","entry":"50000","leverage":10}',
    '{"seq":13,"event":"snapshot","id":3}',
    '{"seq":14,"event":"timer"}',
    '{"seq":15,"event":"accepted","symbol":"BTCUSDT","id":1,"account":7,"price":"99.99"}',
    '{"seq":16,"event":"cancelled","symbol":"BTCUSDT","id":3,"account":7,"amount":"0.00000001","reason":"market_unfilled"}',
    '{"seq":17,"event":"armed","symbol":"BTCUSDT","id":1,"account":7,"price":"101","qty":"3"}',
    '{"seq":17,"event":"armed","symbol":"BTCUSDT","id":2,"account":7,"qty":"3"}',
    '{"seq":18,"event":"mass_cancelled","account":7,"symbol":"BTCUSDT","side":"both","count":3}',
    '{"seq":18,"event":"mass_cancelled","account":7,"side":"sell","count":0}',
    '{"seq":19,"event":"limits","symbol":"BTCUSDT","min_qty":"0.002","collar_ppm":50000}',
    '{"seq":20,"event":"phase","symbol":"BTCUSDT","phase":"removed"}',
    '{"seq":21,"event":"session_end"}',
    '{"seq":22,"event":"instrument","symbol":"SOLUSDT","index":2,"tick_size":"0.01","lot_size":"0.1","maker_fee_ppm":0,"taker_fee_ppm":0,"max_leverage":20}',
]


@pytest.mark.parametrize("line", EVENT_LINES)
def test_an_event_line_survives_parsing_and_formatting(line: str) -> None:
    """The shapes and their order of keys are the documented ones."""
    assert format_event(event_of(line), TABLE).decode() == line


def test_the_complete_form_adds_fees_flags_and_time_and_reads_back() -> None:
    """What the short form leaves out is appended, and parsed again."""
    event = event_of(EVENT_LINES[1])
    event["ts"], event["taker_fee"], event["maker_fee"], event["flags"] = 5, 150, -100, 4
    line = format_event(event, TABLE, complete=True)

    appended = {"taker_fee": "0.0000015", "maker_fee": "-0.000001", "liquidation": True, "ts": 5}
    assert line == orjson.dumps({**orjson.loads(EVENT_LINES[1]), **appended})
    assert event_of(line.decode()) == event


def test_defaults_and_sentinels() -> None:
    """What is not given, unknown, or off the grid has one value each."""
    place = '{"op":"place","symbol":"%s","id":1,"account":7,"side":"sell","price":"%s","qty":"%s"}'

    assert command_of(place % ("BTCUSDT", "1", "1"))["op"] == OP_PLACE
    assert command_of(place % ("BTCUSDT", "1", "1"))["side"] == SELL
    assert command_of(place % ("DOGE", "1", "1"))["symbol"] == UNKNOWN_SYMBOL
    for wrong in ("0", "-1", "0.001", "999999999999999999999999999999"):
        assert command_of(place % ("BTCUSDT", wrong, "1"))["price"] == INVALID
    assert command_of(place % ("BTCUSDT", "1", "0"))["qty"] == 0
    assert command_of(place % ("BTCUSDT", "1", "0.0001"))["qty"] == INVALID
    assert command_of(COMMAND_LINES[5])["price"] == UNCHANGED
    assert command_of(COMMAND_LINES[7])["symbol"] == ALL_SYMBOLS
    assert command_of(COMMAND_LINES[6])["op"] == OP_CANCEL_ALL
    assert command_of('{"op":"amend","symbol":"BTCUSDT","id":1,"account":7,"qty":"0"}')["qty"] == 0
    assert command_of(COMMAND_LINES[4])["op"] == OP_AMEND
    assert event_of(EVENT_LINES[1])["kind"] == EVENT_TRADE


MALFORMED = [
    ("{", "line 7: this is not JSON"),
    ("[1]", "line 7: found [1]; write one JSON object a line"),
    ('{"op":"plcae"}', "line 7: op: found \"plcae\"; write one of place, .*did you mean 'place'"),
    ("{}", "line 7: op is missing"),
    (COMMAND_LINES[3].replace('"id":1', '"id":"1"'), 'line 7: id: found "1"; write a whole number'),
    (COMMAND_LINES[3].replace('"id":1', '"id":0'), "line 7: id: found 0; write a whole number"),
    (COMMAND_LINES[3].replace('"id":1', '"id":true'), "line 7: id: found true"),
    (COMMAND_LINES[3].replace('"id"', '"idd"'), "line 7: id is missing"),
    (COMMAND_LINES[3][:-1] + ',"acount":1}', "unknown key 'acount' .did you mean 'account'"),
    (COMMAND_LINES[0].replace('"2"', "2"), "line 7: qty: found 2; write a decimal number as a str"),
    (COMMAND_LINES[0].replace('"2"', '"NaN"'), 'line 7: qty: found "NaN"; write a plain decimal'),
    (COMMAND_LINES[0].replace('"2"', '"1e3"'), 'line 7: qty: found "1e3"; write a plain decimal'),
    (COMMAND_LINES[0].replace('"price":"100.5",', ""), "line 7: price is missing"),
    (COMMAND_LINES[0].replace("buy", "bid"), 'line 7: side: found "bid"; write one of buy, sell'),
    (COMMAND_LINES[0].replace('"id":1', '"id":2305843009213693952'), "line 7: id: found"),
    ('{"op":"amend","symbol":"BTCUSDT","id":1,"account":7}', "line 7: qty is missing"),
    ('{"op":"timer","ts":-1}', "line 7: ts: found -1"),
    ('{"op":"instrument"}', "line 7: symbol is missing; write a symbol"),
    ('{"op":"margin_tier"}', "line 7: op: found"),
    (
        '{"op":"instrument","symbol":"ABCDEFGHIJKLMNOPQ"}',
        "line 7: symbol: found .*16 ASCII letters",
    ),
    ('{"op":"phase","symbol":"BTCUSDT","phase":"halt"}', "phase: found .*did you mean 'halted'"),
    ('{"op":"cancel_all"}', "line 7: account is missing"),
    (
        COMMAND_LINES[0][:-1] + ',"post_only":"slid"}',
        'post_only: found "slid"; write true, false or',
    ),
    (COMMAND_LINES[0][:-1] + ',"trail":"1"}', "unknown key 'trail'"),
]


@pytest.mark.parametrize(("line", "message"), MALFORMED)
def test_a_malformed_command_names_place_key_found_and_right(line: str, message: str) -> None:
    """One sentence that a person can act on."""
    with pytest.raises(TextError, match=message.replace("[1]", r"\[1\]")):
        command_of(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"seq":1,"event":"accepted","symbol":"BTCUSDT","id":1}',
        '{"seq":1,"event":"accepted","symbol":"NONE","id":1,"account":1}',
        '{"seq":1,"event":"nothing"}',
        '{"seq":1,"event":"price","symbol":"BTCUSDT","price":"1","more":1}',
    ],
)
def test_a_malformed_event_is_refused(line: str) -> None:
    """Missing, unknown and wrong values are errors here too."""
    with pytest.raises(TextError, match="line 7"):
        event_of(line)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_parsed_or_refused_with_a_sentence(line: bytes) -> None:
    """No input escapes as another exception."""
    command = np.zeros(1, COMMAND)[0]
    with pytest.raises(TextError):
        parse_command(line, TABLE, command, "line 1")


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers())


@given(st.sampled_from(COMMAND_LINES), st.data())
def test_one_replaced_value_is_parsed_or_refused_with_a_sentence(
    line: str, data: st.DataObject
) -> None:
    """Every key survives every type of value."""
    values = orjson.loads(line)
    key = data.draw(st.sampled_from(sorted(values)))
    values[key] = data.draw(_VALUES | st.decimals().map(str))
    command = np.zeros(1, COMMAND)[0]
    try:
        line_bytes = orjson.dumps(values)
    except TypeError:
        return  # an integer beyond 64 bits has no JSON form here
    try:
        parse_command(line_bytes, TABLE, command, "line 1")
    except TextError:
        return
    format_command(command, TABLE)
