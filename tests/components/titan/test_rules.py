"""The matching rules, one by one: what the last command of each script is answered.

A script is commands separated by ";".  ``7/1`` is account 7's order 1, ``2@100`` two lots at 100.
Answers leave out best bid and ask; a trade is written ``qty@price taker<maker``.
"""

from __future__ import annotations

import pytest

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, UNCHANGED
from tests.components.titan.driver import Driver
from tests.models.reference_book import Answer, ReferenceTitan
from tests.strategies import blank

_SIDES = {"buy": c.BUY, "sell": c.SELL}
_WORDS = {
    "market": {"order_type": c.TYPE_MARKET},
    "ioc": {"tif": c.TIF_IOC},
    "fok": {"tif": c.TIF_FOK},
    "post": {"flags": c.FLAG_POST_ONLY},
    "reduce": {"flags": c.FLAG_REDUCE_ONLY},
    "newest": {"stp": c.STP_CANCEL_NEWEST},
    "oldest": {"stp": c.STP_CANCEL_OLDEST},
    "both": {"stp": c.STP_CANCEL_BOTH},
    "decrement": {"stp": c.STP_DECREMENT},
}
_OPERATIONS = {
    "cancel": c.OP_CANCEL,
    "amend": c.OP_AMEND,
    "mass": c.OP_CANCEL_ALL,
    "price": c.OP_PRICE,
    "timer": c.OP_TIMER,
    "position": c.OP_POSITION,
}
_KEYS = {"show": "display_qty", "stop": "stop_price", "expires": "expires", "ts": "ts"}


def command_of(text: str) -> dict[str, int]:
    """One command of a script."""
    words = text.split()
    values = {"symbol": 0, "op": c.OP_PLACE}
    for word in words:
        key, _, number = word.partition("=")
        if "/" in word:
            values["account"], values["order_id"] = (int(part) for part in word.split("/"))
        elif "@" in word:
            qty, price = word.split("@")
            values["qty"] = int(qty) if qty else UNCHANGED
            values["price"] = int(price) if price else UNCHANGED
        elif word in _SIDES:
            values["side"] = _SIDES[word]
        elif word in _OPERATIONS:
            values["op"] = _OPERATIONS[word]
        elif key in ("symbol", "account"):
            values[key] = int(number)
        elif key in _KEYS:
            values[_KEYS[key]] = int(number)
        else:
            values.update(_WORDS[word])
    if "stop_price" in values:
        values["order_type"] = c.TYPE_STOP_LIMIT if values["price"] else c.TYPE_STOP
    if "expires" in values:
        values["tif"] = c.TIF_GTD
    if values["op"] == c.OP_CANCEL_ALL and "symbol=" not in text:
        values["symbol"] = ALL_SYMBOLS
    return blank(values.pop("op"), **values)


def shown(answer: Answer) -> str:
    """One answer in the words of this table."""
    kind, _, account, number, price, qty, _, reason, maker_account, maker, _, _ = answer
    name = f"{account}/{number}"
    if kind == c.EVENT_TRADE:
        return f"{qty}@{price} {name}<{maker_account}/{maker}"
    if kind == c.EVENT_CANCELLED:
        return f"cancelled {name} {qty} {c.REASON_NAMES[reason]}"
    if kind == c.EVENT_REJECTED:
        return f"rejected {name} {c.REASON_NAMES[reason]}"
    if kind == c.EVENT_MASS_CANCELLED:
        return f"mass_cancelled {qty}"
    if kind in (c.EVENT_AMENDED, c.EVENT_ARMED):
        return f"{c.EVENT_NAMES[kind]} {name} {qty}@{price}"
    return f"{c.EVENT_NAMES[kind]} {name}"


LISTINGS = [
    blank(c.OP_INSTRUMENT, symbol=0, price=1, qty=1, stop_price=1),
    blank(c.OP_INSTRUMENT, symbol=1, price=1, qty=1, stop_price=1, flags=c.FLAG_STOPS_ON_MARK),
]

RULES = [
    ("a trade executes at the maker's price",
     "1/1 sell 2@100; 2/1 buy 2@103", "accepted 2/1; 2@100 2/1<1/1"),
    ("best price first",
     "1/1 sell 1@101; 1/2 sell 1@100; 2/1 buy 2@101",
     "accepted 2/1; 1@100 2/1<1/2; 1@101 2/1<1/1"),
    ("first come, first served at one price",
     "1/1 sell 1@100; 3/1 sell 1@100; 2/1 buy 1@100", "accepted 2/1; 1@100 2/1<1/1"),
    ("a rest that may stay rests without a word",
     "1/1 sell 1@100; 2/1 buy 3@100; 1/2 sell 2@100", "accepted 1/2; 2@100 1/2<2/1"),
    ("the rest of an immediate-or-cancel is cancelled",
     "1/1 sell 1@100; 2/1 buy 3@100 ioc", "accepted 2/1; 1@100 2/1<1/1; cancelled 2/1 2 ioc"),
    ("a market order's rest is cancelled",
     "1/1 sell 1@100; 2/1 buy 3@0 market",
     "accepted 2/1; 1@100 2/1<1/1; cancelled 2/1 2 market_unfilled"),
    ("a market order on an empty side is cancelled too",
     "2/1 buy 3@0 market", "accepted 2/1; cancelled 2/1 3 market_unfilled"),
    ("a fill-or-kill that cannot fill is rejected alone",
     "1/1 sell 1@100; 2/1 buy 3@100 fok", "rejected 2/1 fok"),
    ("a fill-or-kill that can fill does",
     "1/1 sell 1@100; 1/2 sell 2@101; 2/1 buy 3@101 fok",
     "accepted 2/1; 1@100 2/1<1/1; 2@101 2/1<1/2"),
    ("fill-or-kill counts hidden quantity",
     "1/1 sell 3@100 show=1; 2/1 buy 3@100 fok",
     "accepted 2/1; 1@100 2/1<1/1; 1@100 2/1<1/1; 1@100 2/1<1/1"),
    ("a post-only that would take is rejected alone",
     "1/1 sell 1@100; 2/1 buy 1@100 post", "rejected 2/1 post_only"),
    ("a post-only that would not take rests", "1/1 sell 1@100; 2/1 buy 1@99 post", "accepted 2/1"),
    ("a cancel gives all that was open, hidden too",
     "1/1 sell 9@100 show=2; cancel 1/1", "cancelled 1/1 9 user"),
    ("an id is free again once its order is closed",
     "1/1 sell 1@100; cancel 1/1; 1/1 sell 1@100", "accepted 1/1"),
    ("an id in use is refused before anything trades",
     "1/1 sell 1@100; 2/1 buy 1@90; 2/1 buy 1@100", "rejected 2/1 duplicate_id"),
    ("an id in use is so in every symbol",
     "1/1 sell 1@100; 1/1 sell 1@100 symbol=1", "rejected 1/1 duplicate_id"),
    ("two accounts may use one id", "1/1 sell 1@100; 2/1 sell 1@100", "accepted 2/1"),
    ("an order of another account is unknown",
     "1/1 sell 1@100; cancel 2/1", "rejected 2/1 unknown_order"),
    ("an order of another symbol is unknown",
     "1/1 sell 1@100; cancel 1/1 symbol=1", "rejected 1/1 unknown_order"),
    ("a symbol that is not listed is unknown", "1/1 sell 1@100 symbol=3", "rejected 1/1 unknown_symbol"),
    ("a price of zero is refused", "1/1 sell 1@0", "rejected 1/1 bad_price"),
    ("a quantity of zero is refused", "1/1 sell 0@100", "rejected 1/1 bad_qty"),
    ("an iceberg takes with its whole quantity",
     "1/1 sell 5@100; 2/1 buy 5@100 show=1", "accepted 2/1; 5@100 2/1<1/1"),
    ("a refreshed slice goes to the back of its level",
     "1/1 sell 3@100 show=1; 3/1 sell 1@100; 2/1 buy 3@100",
     "accepted 2/1; 1@100 2/1<1/1; 1@100 2/1<3/1; 1@100 2/1<1/1"),
    ("a stop triggers on the last trade once the command is done",
     "4/1 buy 1@0 stop=100; 1/1 sell 1@100; 1/2 sell 1@101; 2/1 buy 1@100",
     "accepted 2/1; 1@100 2/1<1/1; triggered 4/1; 1@101 4/1<1/2"),
    ("a stop that is through when placed triggers at once",
     "1/1 sell 1@100; 2/1 buy 1@100; 4/1 sell 1@90 stop=100", "accepted 4/1; triggered 4/1"),
    ("stops on the mark look at the price command",
     "4/1 sell 1@90 stop=100 symbol=1; price 0@99 symbol=1", "price 0/0; triggered 4/1"),
    ("those triggered together enter in order of placement",
     "4/1 buy 1@100 stop=100; 5/1 buy 1@99 stop=99; 1/1 sell 1@100; 2/1 buy 1@100",
     "accepted 2/1; 1@100 2/1<1/1; triggered 4/1; triggered 5/1"),
    ("those that they trigger queue behind",
     ("4/1 buy 1@0 stop=100; 5/1 buy 1@102 stop=101; 6/1 buy 1@100 stop=100; 1/1 sell 1@100; "
      "1/2 sell 1@101; 2/1 buy 1@100"),
     "accepted 2/1; 1@100 2/1<1/1; triggered 4/1; 1@101 4/1<1/2; triggered 6/1; triggered 5/1"),
    ("only the last trade of a command counts",
     "4/1 sell 1@90 stop=100; 1/1 sell 1@100; 1/2 sell 1@101; 2/1 buy 2@101",
     "accepted 2/1; 1@100 2/1<1/1; 1@101 2/1<1/2"),
    ("by default an account trades with itself",
     "1/1 sell 1@100; 1/2 buy 1@100", "accepted 1/2; 1@100 1/2<1/1"),
    ("cancel_newest ends the taker",
     "1/1 sell 1@100; 1/2 buy 2@100 newest", "accepted 1/2; cancelled 1/2 2 self_trade"),
    ("cancel_oldest ends the maker and goes on",
     "1/1 sell 1@100; 3/1 sell 1@100; 1/2 buy 1@100 oldest",
     "accepted 1/2; cancelled 1/1 1 self_trade; 1@100 1/2<3/1"),
    ("cancel_both tells of the maker first",
     "1/1 sell 1@100; 1/2 buy 2@100 both",
     "accepted 1/2; cancelled 1/1 1 self_trade; cancelled 1/2 2 self_trade"),
    ("decrement takes the smaller quantity off both",
     "1/1 sell 3@100; 1/2 buy 2@100 decrement",
     "accepted 1/2; cancelled 1/1 2 self_trade; cancelled 1/2 2 self_trade"),
    ("the taker's mode decides, not the maker's",
     "1/1 sell 1@100 both; 1/2 buy 1@100", "accepted 1/2; 1@100 1/2<1/1"),
    ("prevention happens maker by maker as they are met",
     "3/1 sell 1@100; 1/1 sell 1@100; 1/2 buy 2@100 newest",
     "accepted 1/2; 1@100 1/2<3/1; cancelled 1/2 1 self_trade"),
    ("a fill-or-kill counts only what it could fill under its mode",
     "1/1 sell 1@100; 3/1 sell 1@100; 1/2 buy 2@100 fok oldest", "rejected 1/2 fok"),
    ("an amend to zero is bad_qty", "1/1 sell 1@100; amend 1/1 0@", "rejected 1/1 bad_qty"),
    ("a lower quantity keeps time priority",
     "1/1 sell 3@100; 3/1 sell 1@100; amend 1/1 1@; 2/1 buy 1@100",
     "accepted 2/1; 1@100 2/1<1/1"),
    ("a higher quantity loses it",
     "1/1 sell 1@100; 3/1 sell 1@100; amend 1/1 2@; 2/1 buy 1@100",
     "accepted 2/1; 1@100 2/1<3/1"),
    ("an amend without a change keeps its place",
     "1/1 sell 1@100; 3/1 sell 1@100; amend 1/1 1@100; 2/1 buy 1@100",
     "accepted 2/1; 1@100 2/1<1/1"),
    ("an amended price may trade at once",
     "1/1 sell 1@100; 2/1 buy 2@99; amend 2/1 2@100", "amended 2/1 2@100; 1@100 2/1<1/1"),
    ("a post-only amended into a cross is refused",
     "1/1 sell 1@100; 2/1 buy 1@99 post; amend 2/1 1@100", "rejected 2/1 post_only"),
    ("and keeps its place",
     "1/1 sell 1@100; 2/1 buy 1@99 post; 3/1 buy 1@99; amend 2/1 1@100; 1/2 sell 1@99",
     "accepted 1/2; 1@99 1/2<2/1"),
    ("what expires at a command's time is gone before it, in order of expiry, then placement",
     ("1/1 sell 1@100 expires=9; 1/2 sell 1@100 expires=8 symbol=1; 1/3 sell 1@100 expires=9; "
      "2/1 buy 1@100 ts=9"),
     "cancelled 1/2 1 expired; cancelled 1/1 1 expired; cancelled 1/3 1 expired; accepted 2/1"),
    ("an order that is late when placed is rejected",
     "timer ts=9; 1/1 sell 1@100 expires=9", "rejected 1/1 expired"),
    ("time never goes back", "timer ts=9; 1/1 sell 1@100 expires=8 ts=5", "rejected 1/1 expired"),
    ("a mass cancel goes in order of placement, waiting stops included",
     "1/1 sell 1@101; 1/2 buy 1@0 stop=200; 2/1 buy 1@90; 1/3 sell 1@100; mass account=1",
     "cancelled 1/1 1 mass; cancelled 1/2 1 mass; cancelled 1/3 1 mass; mass_cancelled 3"),
    ("a mass cancel may be for one symbol",
     "1/1 sell 1@100; 1/2 sell 1@100 symbol=1; mass account=1 symbol=1",
     "cancelled 1/2 1 mass; mass_cancelled 1"),
    ("reduce-only without a position is refused", "1/1 sell 1@100 reduce", "rejected 1/1 reduce_only"),
    ("reduce-only is cut to the position",
     "position buy 2@100 account=1; 2/1 buy 9@100; 1/1 sell 5@100 reduce",
     "accepted 1/1; cancelled 1/1 3 reduce_only; 2@100 1/1<2/1"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "script", "expected"), RULES, ids=[rule[0] for rule in RULES])
def test_rule(rule: str, script: str, expected: str) -> None:
    """Engine and reference answer the script's last command as the rule says."""
    engine, reference = Driver(), ReferenceTitan()
    answers: list[Answer] = []
    for command in [*LISTINGS, *(command_of(text) for text in script.split(";"))]:
        answers = engine.apply(command)
        assert answers == reference.apply(command)
    told = [shown(answer) for answer in answers if answer[0] != c.EVENT_TOUCH]

    assert told == expected.split("; "), rule
