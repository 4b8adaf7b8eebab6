"""Real exchanges' order flow: the engine fills what the exchange filled, and shows its book."""

from __future__ import annotations

import gzip
from pathlib import Path

from components.titan.engine import check_invariants
from components.titan.exchange_data import lobster, shanghai
from tests.recordings import recording

LOG = ("sse-600519-20230207", "AX_sbe_sse_600519_am.log.gz")
AAPL = ("lobster-aapl-20120621",)


def test_shanghai_fills_and_snapshots_are_identical() -> None:
    """Every fill in maker, price, quantity and sequence; every snapshot at its trade count."""
    told, venue = shanghai.compare(recording(*LOG))
    check_invariants(venue.state)

    assert told.differences == []
    assert (told.incoming, told.fills, told.fills_equal) == (8_157, 11_203, 11_203)
    assert (told.books, told.books_equal) == (2_422, 2_422)
    assert told.messages == {"order events": 29_716, "trades": 11_537, "snapshots": 2_422}


def test_shanghai_orders_are_conserved() -> None:
    """For every order: what rests, was filled or was cancelled is what was submitted."""
    log = shanghai.read(recording(*LOG))
    continuous = log.events[log.auction :]
    start = {step.order_id: step.qty for step in shanghai.opening(log.events[: log.auction])}
    submitted = dict(start)
    filled: dict[int, int] = {}
    for step in shanghai.steps(continuous):
        submitted[step.order_id] = submitted.get(step.order_id, 0) + step.qty
        for fill in step.fills:
            filled[fill.maker] = filled.get(fill.maker, 0) + fill.qty
            filled[step.order_id] = filled.get(step.order_id, 0) + fill.qty
    cancelled = {
        row["OrderNo"]: row["OrderQty"]
        for row in continuous
        if row["MsgType"] == shanghai.ORDER and row["OrdType"] != 65
    }
    _, venue = shanghai.compare(recording(*LOG))
    live = venue.state.orders[venue.state.orders["order_id"] > 0]
    resting = dict(zip(live["order_id"].tolist(), live["qty"].tolist(), strict=True))

    assert len(submitted) > 20_000
    for number, qty in submitted.items():
        rest = resting.get(number, 0) + filled.get(number, 0) + cancelled.get(number, 0)
        assert rest == qty, number


def test_a_trade_that_never_was_is_found_in_the_shanghai_log(tmp_path: Path) -> None:
    """One number of one record is changed: the price of a trade."""
    with gzip.open(recording(*LOG), "rt") as lines:
        log = lines.readlines()
    trades = [at for at, line in enumerate(log) if "MsgType=191 " in f"{line} "]
    at = next(each for each in trades[2_000:] if "ExecType=66 " in f"{log[each]} ")
    price = next(part for part in log[at].split() if part.startswith("LastPx="))
    log[at] = log[at].replace(price, f"LastPx={int(price[7:]) + 10}")
    forged = tmp_path / "forged.log"
    forged.write_text("".join(log))
    told, _ = shanghai.compare(forged)

    assert not told.is_identical
    assert f"recorded ({_maker(log[at])}, {int(price[7:]) + 10}, " in told.differences[0]
    assert f"engine ({_maker(log[at])}, {price[7:]}, " in told.differences[0]


def _maker(line: str) -> str:
    return next(part for part in line.split() if part.startswith("OfferApplSeqNum="))[16:]


def test_lobster_fills_and_book_are_identical() -> None:
    """98 executions, 94 of them of orders known by id; five levels a side after every message."""
    told, venue = lobster.compare(recording(*AAPL))
    check_invariants(venue.state)

    assert told.differences == []
    assert told.messages == {"new": 471, "deleted": 369, "executed": 98, "hidden": 61}
    assert (told.incoming, told.fills_equal) == (63, told.fills)
    assert told.books_equal == told.books > 900


def test_lobster_executions_name_known_orders_but_for_those_that_were_there_before() -> None:
    messages = lobster.read(recording(*AAPL)).messages
    known = {message.order_id for message in messages if message.kind == lobster.NEW}
    executed = [message for message in messages if message.kind == lobster.EXECUTED]

    assert len(executed) == 98
    assert sum(message.order_id in known for message in executed) == 94


def test_an_order_that_was_not_cancelled_is_found_in_the_lobster_files(tmp_path: Path) -> None:
    """One cancel of the best ask becomes a halt: the books differ from then on."""
    for source in sorted(recording(*AAPL).glob("*.csv.gz")):
        with gzip.open(source, "rt") as lines:
            rows = lines.readlines()
        if "_message_" in source.name:
            at = next(at for at, row in enumerate(rows) if row.split(",")[1] == "3")
            parts = rows[at].split(",")
            rows[at] = ",".join([parts[0], "7", *parts[2:]])
        (tmp_path / source.name.removesuffix(".gz")).write_text("".join(rows))
    told, _ = lobster.compare(tmp_path)

    assert not told.is_identical
    assert told.differences[0].startswith(f"message {at + 1}: ")
