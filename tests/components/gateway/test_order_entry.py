"""What a client may send, and what it is told about the rest."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.gateway.order_entry import Login, OrderEntry, read_line
from components.messages.code import OP_BRACKET, OP_PLACE, SOURCE_GATEWAY
from components.messages.command import COMMAND, new_commands
from components.messages.json_lines import TextError
from components.units import TIMESTAMP_MAX
from disruptor.ring.ring_buffer import RingBuffer
from tests.components.oracle.platform_samples import TABLE

PLACE = {
    "op": "place", "symbol": "BTCUSDT", "id": 1, "account": 7, "side": "buy", "price": "50000",
    "qty": "1",
}  # fmt: skip


def read(**line: object) -> object:
    return read_line(json.dumps(line).encode(), "line 1", {7}, TABLE)


def test_a_login_names_an_account() -> None:
    asked = read(op="login", account=9)

    assert isinstance(asked, Login)
    assert asked.account == 9


def test_an_order_of_a_logged_in_account_is_taken() -> None:
    asked = read(**PLACE)

    assert isinstance(asked, np.ndarray)
    assert (asked["op"][0], asked["account"][0], asked["price"][0]) == (OP_PLACE, 7, 500_000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"op": "plaice"}, "did you mean 'place'"),
        ({"op": "deposit", "amount": "1"}, "write one of login, place"),
        ({"op": None}, "write one of login, place"),
        ({"account": 8}, "account: found 8; write one that this connection has logged in"),
        ({"account": "7"}, "account: found \"7\"; write a whole number"),
        ({"id": 0}, "id: found 0"),
        ({"price": 50_000}, "price: found 50000; write a decimal number as a string"),
        ({"price": "NaN"}, "price: found \"NaN\""),
        ({"liquidation": True}, "liquidation: found true; write nothing"),
        ({"cause": 5}, "cause: found 5; write nothing"),
        ({"op": "place", "id": 2**61}, "id: found"),
    ],
)  # fmt: skip
def test_what_is_no_clients_business_is_one_sentence(
    change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(TextError) as caught:
        read(**{**PLACE, **change})

    assert str(caught.value).startswith("line 1: ")
    assert sentence in str(caught.value)


def test_a_mass_cancel_of_everybodys_orders_is_refused() -> None:
    with pytest.raises(TextError, match="account is missing"):
        read(op="cancel_all", symbol="BTCUSDT")


@given(line=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_sentence_or_a_command_of_the_account(line: bytes) -> None:
    told = ""
    asked: object = None
    try:
        asked = read_line(line, "line 1", {7}, TABLE)
    except TextError as error:
        told = str(error)

    if asked is None:
        assert told.startswith("line 1: ")
    elif isinstance(asked, np.ndarray):
        assert asked["account"][0] == 7


def test_commands_are_stamped_in_order_and_only_as_many_as_there_is_room_for(
    segment_prefix: str,
) -> None:
    ring = RingBuffer.create(f"{segment_prefix}commands", COMMAND, 1024, multi_producer=True)
    try:
        consumer = ring.consumer("titan", start=0)
        entry = OrderEntry(ring.producer("gateway"))
        commands = new_commands(1500)
        commands["op"] = OP_PLACE
        commands["op"][3] = OP_BRACKET
        commands["order_id"] = np.arange(1500)
        commands["ts"] = TIMESTAMP_MAX
        commands["origin_ts"][3] = 77
        assert entry.publish(commands) == 1024
        assert entry.publish(commands[1024:].copy()) == 0
        found = ring.events(1, consumer.available())
        assert entry.last_sequence == len(found) == 1024
    finally:
        ring.unlink()
        ring.close()

    assert (found["order_id"] == np.arange(1024)).all()
    assert (found["source"] == SOURCE_GATEWAY).all()
    assert (found["ts"] < TIMESTAMP_MAX).all(), "a client's clock decides nothing"
    assert found["origin_ts"][0] == TIMESTAMP_MAX
    assert found["origin_ts"][3] == 77, "a bracket keeps an id there"
