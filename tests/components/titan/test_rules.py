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
    "hidden": {"flags": c.FLAG_HIDDEN},
    "slide": {"flags": c.FLAG_POST_ONLY | c.FLAG_SLIDE},
    "day": {"tif": c.TIF_DAY},
    "trailing": {"order_type": c.TYPE_TRAILING_STOP},
    "trailing_limit": {"order_type": c.TYPE_TRAILING_STOP_LIMIT},
    "ppm": {"flags": c.FLAG_TRAIL_PPM},
    "amount": {"order_type": c.TYPE_MARKET, "flags": c.FLAG_BY_AMOUNT},
    "continuous": {"side": c.PHASE_CONTINUOUS},
    "halted": {"side": c.PHASE_HALTED},
    "auction": {"side": c.PHASE_AUCTION},
    "removed": {"side": c.PHASE_REMOVED},
    "bids": {"side": c.SIDES_BUY},
    "asks": {"side": c.SIDES_SELL},
}
_OPERATIONS = {
    "cancel": c.OP_CANCEL,
    "amend": c.OP_AMEND,
    "mass": c.OP_CANCEL_ALL,
    "price": c.OP_PRICE,
    "timer": c.OP_TIMER,
    "position": c.OP_POSITION,
    "replace": c.OP_REPLACE,
    "bracket": c.OP_BRACKET,
    "phase": c.OP_PHASE,
    "limits": c.OP_LIMITS,
    "session_end": c.OP_SESSION_END,
}
_KEYS = {
    "show": "display_qty",
    "stop": "stop_price",
    "expires": "expires",
    "ts": "ts",
    "trail": "stop_price",
    "oco": "cause",
    "replaces": "cause",
    "min": "qty",
    "max": "display_qty",
    "least": "price",
    "most": "stop_price",
    "collar": "expires",
}


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
        elif key == "profit":
            values["origin_ts"], values["display_qty"] = (int(part) for part in number.split(":"))
        elif key == "loss":
            values["cause"], values["stop_price"] = (int(part) for part in number.split(":"))
        elif key in ("symbol", "account"):
            values[key] = int(number)
        elif key in _KEYS:
            values[_KEYS[key]] = int(number)
        else:
            flags = values.get("flags", 0)
            values.update(_WORDS[word])
            values["flags"] = flags | values.get("flags", 0)
        if key == "oco":
            values["flags"] = values.get("flags", 0) | c.FLAG_OCO
    placed = values["op"] in (c.OP_PLACE, c.OP_REPLACE)
    if placed and "stop_price" in values and "order_type" not in values:
        values["order_type"] = c.TYPE_STOP_LIMIT if values["price"] else c.TYPE_STOP
    if placed and "expires" in values:
        values["tif"] = c.TIF_GTD
    if values["op"] in (c.OP_CANCEL_ALL, c.OP_SESSION_END) and "symbol=" not in text:
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
    ("a market order takes no worse than its worst price",
     "1/1 sell 1@100; 1/2 sell 1@103; 2/1 buy 2@101 market",
     "accepted 2/1; 1@100 2/1<1/1; cancelled 2/1 1 market_unfilled"),
    ("a market order that must fill within its worst price does so or nothing",
     "1/1 sell 1@100; 1/2 sell 1@103; 2/1 buy 2@101 market fok", "rejected 2/1 fok"),
    ("a market order by amount buys what it can pay for",
     "1/1 sell 2@100; 1/2 sell 5@110; 2/1 buy 440@0 amount",
     "accepted 2/1; 2@100 2/1<1/1; 2@110 2/1<1/2; cancelled 2/1 20 market_unfilled"),
    ("a sell by amount receives at most that",
     "1/1 buy 9@100; 2/1 sell 300@0 amount", "accepted 2/1; 3@100 2/1<1/1"),
    ("a decrement is counted in money where the order is",
     "1/1 sell 1@100; 1/2 buy 250@0 amount decrement",
     ("accepted 1/2; cancelled 1/1 1 self_trade; cancelled 1/2 100 self_trade; "
      "cancelled 1/2 150 market_unfilled")),
    ("a hidden order trades after all that is shown at its price",
     "1/1 sell 2@100 hidden; 3/1 sell 1@100; 2/1 buy 2@100",
     "accepted 2/1; 1@100 2/1<3/1; 1@100 2/1<1/1"),
    ("a better price is better though hidden",
     "1/1 sell 2@99 hidden; 3/1 sell 1@100; 2/1 buy 3@100",
     "accepted 2/1; 2@99 2/1<1/1; 1@100 2/1<3/1"),
    ("a hidden order trades at once with all that is wanted",
     "1/1 sell 5@100 hidden; 2/1 buy 3@100; 2/2 buy 3@100", "accepted 2/2; 2@100 2/2<1/1"),
    ("a hidden order that shows a slice is refused", "1/1 sell 5@100 hidden show=1",
     "rejected 1/1 bad_display_qty"),
    ("a post-only that slides rests one tick short of taking",
     "1/1 sell 1@100; 2/1 buy 1@105 slide; 3/1 sell 1@99", "accepted 3/1; 1@99 3/1<2/1"),
    ("and is refused where there is no tick left",
     "1/1 sell 1@1; 2/1 buy 1@5 slide", "rejected 2/1 post_only"),
    ("a trailing stop follows the price and never goes back",
     ("4/1 sell 1@0 trailing trail=5 symbol=1; price 0@100 symbol=1; price 0@110 symbol=1; "
      "price 0@106 symbol=1; price 0@105 symbol=1"),
     "price 0/0; triggered 4/1; cancelled 4/1 1 market_unfilled"),
    ("a trailing stop by ratio is at least a tick away",
     "4/1 buy 1@0 trailing trail=1 ppm symbol=1; price 0@100 symbol=1; price 0@101 symbol=1",
     "price 0/0; triggered 4/1; cancelled 4/1 1 market_unfilled"),
    ("a trailing stop-limit has its limit beyond its stop",
     ("4/1 sell 1@2 trailing_limit trail=5 symbol=1; price 0@110 symbol=1; price 0@105 symbol=1; "
      "2/1 buy 1@103 symbol=1"),
     "accepted 2/1; 1@103 2/1<4/1"),
    ("an order for the day ends with the session, a waiting stop too",
     "1/1 sell 1@100 day; 1/2 sell 1@100; 1/3 buy 1@0 stop=200 day; session_end",
     "session_end 0/0; cancelled 1/1 1 session_end; cancelled 1/3 1 session_end"),
    ("a replacement ends the old order and takes its id, if it likes",
     "1/1 sell 3@100; replace 1/1 sell 2@101 replaces=1", "cancelled 1/1 3 replaced; accepted 1/1"),
    ("a replacement that is refused leaves the old order in its place",
     ("1/1 sell 1@100; 3/1 sell 1@100; 2/1 buy 1@90; replace 1/2 sell 1@90 post replaces=1; "
      "2/2 buy 1@100"),
     "accepted 2/2; 1@100 2/2<1/1"),
    ("a replacement stays on its side",
     "1/1 sell 1@100; replace 1/2 buy 1@90 replaces=1", "rejected 1/2 bad_link"),
    ("nobody replaces the order of another",
     "1/1 sell 1@100; replace 2/2 sell 1@90 replaces=1", "rejected 2/2 unknown_order"),
    ("a mass cancel may be for one side, of everybody",
     "1/1 sell 1@100; 2/1 buy 1@90; 3/1 sell 1@101; mass account=0 symbol=0 asks",
     "cancelled 1/1 1 mass; cancelled 3/1 1 mass; mass_cancelled 2"),
    ("a mass cancel that finds nothing is answered", "mass account=1", "mass_cancelled 0"),
    ("one cancels the other, before it trades",
     "1/1 sell 2@100; 1/2 sell 2@101 oco=1; 2/1 buy 3@101",
     "accepted 2/1; cancelled 1/2 2 linked; 2@100 2/1<1/1"),
    ("one that triggers cancels the other",
     "1/1 sell 1@110; 1/2 sell 1@0 stop=90 oco=1; price 0@100; 2/1 buy 1@90; 3/1 sell 1@90",
     ("accepted 3/1; 1@90 3/1<2/1; cancelled 1/1 1 linked; triggered 1/2; "
      "cancelled 1/2 1 market_unfilled")),
    ("one that ends for any reason cancels the other, once the command is done",
     "1/1 sell 1@110; 1/2 sell 1@111 oco=1; cancel 1/2",
     "cancelled 1/2 1 user; cancelled 1/1 1 linked"),
    ("a pair may be in two symbols",
     "1/1 sell 1@110; 1/2 sell 1@111 oco=1 symbol=1; cancel 1/2 symbol=1",
     "cancelled 1/2 1 user; cancelled 1/1 1 linked"),
    ("an order is in one pair at most",
     "1/1 sell 1@110; 1/2 sell 1@111 oco=1; 1/3 sell 1@112 oco=1", "rejected 1/3 bad_link"),
    ("what cannot stay is in no pair",
     "1/1 sell 1@110; 1/2 sell 1@111 oco=1 ioc", "rejected 1/2 bad_link"),
    ("fill-or-kill counts only one of a pair",
     "1/1 sell 2@100; 1/2 sell 2@101 oco=1; 2/1 buy 4@101 fok", "rejected 2/1 fok"),
    ("at one price the one that comes first",
     "1/1 sell 2@100; 1/2 sell 2@100 oco=1; 3/1 sell 2@100; 2/1 buy 4@100 fok",
     "accepted 2/1; cancelled 1/2 2 linked; 2@100 2/1<1/1; 2@100 2/1<3/1"),
    ("fill-or-kill counts every slice that is shown before what is hidden",
     "1/1 sell 3@100 show=1; 2/1 sell 5@100 hidden; 2/2 buy 3@100 fok newest",
     "accepted 2/2; 1@100 2/2<1/1; 1@100 2/2<1/1; 1@100 2/2<1/1"),
    ("a bracket's exits arm when the entry is done",
     "1/1 sell 2@100; bracket 2/1 buy 2@100 profit=2:110 loss=3:90",
     "accepted 2/1; accepted 2/2; accepted 2/3; 2@100 2/1<1/1; armed 2/2 2@110; armed 2/3 2@0"),
    ("with what it traded, when its rest is cancelled",
     "1/1 sell 1@100; bracket 2/1 buy 3@100 profit=2:110 loss=3:90; cancel 2/1",
     "cancelled 2/1 2 user; armed 2/2 1@110; armed 2/3 1@0"),
    ("exits end with an entry that traded nothing",
     "bracket 2/1 buy 3@100 profit=2:110 loss=3:90; cancel 2/1",
     "cancelled 2/1 3 user; cancelled 2/2 3 linked; cancelled 2/3 3 linked"),
    ("armed exits cancel each other",
     "1/1 sell 2@100; bracket 2/1 buy 2@100 profit=2:110 loss=3:90; 4/1 buy 1@110",
     "accepted 4/1; cancelled 2/3 2 linked; 1@110 4/1<2/2"),
    ("an armed stop that is through already triggers at once",
     "price 0@80; 1/1 sell 2@100; bracket 2/1 buy 2@100 loss=3:100",
     ("accepted 2/1; accepted 2/3; 2@100 2/1<1/1; armed 2/3 2@0; triggered 2/3; "
      "cancelled 2/3 2 market_unfilled")),
    ("an exit that waits for its entry is not amended",
     "bracket 2/1 buy 3@100 profit=2:110; amend 2/2 1@111", "rejected 2/2 bad_link"),
    ("a bracket needs an exit", "bracket 2/1 buy 3@100", "rejected 2/1 bad_link"),
    ("nothing is placed while a symbol is halted",
     "phase halted; 1/1 sell 1@100", "rejected 1/1 halted"),
    ("nor amended, but cancelled",
     "1/1 sell 1@100; phase halted; cancel 1/1", "cancelled 1/1 1 user"),
    ("stops see nothing but continuous trading, and the price of its beginning",
     ("4/1 sell 1@0 stop=100 symbol=1; phase halted symbol=1; price 0@90 symbol=1; "
      "phase continuous symbol=1"),
     "phase 0/0; triggered 4/1; cancelled 4/1 1 market_unfilled"),
    ("an auction takes only what may rest or wait",
     "phase auction; 1/1 sell 1@0 market", "rejected 1/1 auction"),
    ("an auction gathers without trading, then trades at the price of most volume",
     ("phase auction; 1/1 sell 2@100; 1/2 sell 2@102; 2/1 buy 3@103; 2/2 buy 1@101; "
      "phase continuous"),
     "phase 0/0; 2@102 2/1<1/1; 1@102 2/1<1/2"),
    ("then of the least imbalance",
     "phase auction; 1/1 sell 2@100; 2/1 buy 2@105; 2/2 buy 1@102; phase continuous",
     "phase 0/0; 2@103 2/1<1/1"),
    ("then nearest to the reference",
     "price 0@104; phase auction; 1/1 sell 2@100; 2/1 buy 2@105; phase continuous",
     "phase 0/0; 2@104 2/1<1/1"),
    ("then the lower",
     "phase auction; 2/1 buy 2@105; 1/1 sell 2@100; phase continuous",
     "phase 0/0; 2@100 1/1<2/1"),
    ("hidden quantity counts in an auction, slice by slice behind others",
     "phase auction; 1/1 sell 3@100 show=1; 3/1 sell 1@100; 2/1 buy 4@100; phase continuous",
     "phase 0/0; 1@100 2/1<1/1; 1@100 2/1<3/1; 1@100 2/1<1/1; 1@100 2/1<1/1"),
    ("nor is it forgotten when the price is found",
     "phase auction; 1/1 sell 5@100 show=1; 3/1 sell 3@103; 2/1 buy 4@105; phase continuous",
     "phase 0/0; 1@100 2/1<1/1; 1@100 2/1<1/1; 1@100 2/1<1/1; 1@100 2/1<1/1"),
    ("a removed symbol's orders are cancelled in order of placement",
     "1/1 sell 1@100; 2/1 buy 1@90; phase removed",
     "phase 0/0; cancelled 1/1 1 delisted; cancelled 2/1 1 delisted"),
    ("and the symbol is unknown", "phase removed; 1/1 sell 1@100", "rejected 1/1 unknown_symbol"),
    ("none is removed in which somebody has a position",
     "position buy 1@100 account=1; phase removed", "rejected 0/0 position_exists"),
    ("too little is refused", "limits min=2; 1/1 sell 1@100", "rejected 1/1 min_qty"),
    ("too much is refused", "limits max=2; 1/1 sell 3@100", "rejected 1/1 max_qty"),
    ("worth too little is refused", "limits least=101; 1/1 sell 1@100", "rejected 1/1 min_notional"),
    ("worth too much is refused", "limits most=99; 1/1 sell 1@100", "rejected 1/1 max_notional"),
    ("limits that leave nothing are refused", "limits min=3 max=2", "rejected 0/0 bad_instrument"),
    ("a price outside of the collar is refused",
     "limits collar=50000; price 0@100; 1/1 sell 1@106", "rejected 1/1 collar"),
    ("its ends are inside", "limits collar=50000; price 0@100; 1/1 sell 1@105", "accepted 1/1"),
    ("without a reference there is no collar",
     "limits collar=50000; 1/1 sell 1@100000", "accepted 1/1"),
    ("a market order takes within the collar only",
     "1/1 sell 1@100; 1/2 sell 1@106; limits collar=50000; price 0@100; 2/1 buy 2@0 market",
     "accepted 2/1; 1@100 2/1<1/1; cancelled 2/1 1 market_unfilled"),
    ("a stop-limit that triggers outside of the collar is cancelled",
     "limits collar=50000; 4/1 sell 1@80 stop=100; price 0@100; 1/1 sell 1@99; 2/1 buy 1@99",
     "accepted 2/1; 1@99 2/1<1/1; triggered 4/1; cancelled 4/1 1 collar"),
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
