"""Missing and repeated messages are noticed, stream by stream, symbol by symbol."""

from __future__ import annotations

from components.feed.gaps import GAP, IN_ORDER, RENUMBERED_AFTER, REPEATED, SequenceCheck
from components.feed.symbol_words import new_words
from components.feed.venue_messages import (
    NO_ID,
    AggTrade,
    BookTicker,
    DepthUpdate,
    MarkPrice,
    Trade,
)


def trade(trade_id: int, symbol: int = 0) -> Trade:
    return Trade(symbol, trade_id, 1, 1, 1, 1, False, True)


def depth(first: int, last: int, previous: int = NO_ID) -> DepthUpdate:
    return DepthUpdate(0, first, last, previous, 1, [], [])


def test_trades_must_follow_each_other() -> None:
    check = SequenceCheck(new_words(4))
    verdicts = [check.trade(trade(each)) for each in (7, 8, 8, 7, 9, 11, 10, 12)]

    assert verdicts == [
        IN_ORDER,
        IN_ORDER,
        REPEATED,
        REPEATED,
        IN_ORDER,
        GAP,
        REPEATED,
        IN_ORDER,
    ]


def test_each_symbol_has_its_own_numbers() -> None:
    check = SequenceCheck(new_words(4))

    assert [check.trade(trade(each, symbol)) for each, symbol in ((10, 0), (21, 1), (11, 0))] == [
        IN_ORDER,
        IN_ORDER,
        IN_ORDER,
    ]
    assert check.trade(trade(23, 1)) == GAP
    assert check.trade(trade(12, 0)) == IN_ORDER


def test_trades_and_agg_trades_are_numbered_apart() -> None:
    check = SequenceCheck(new_words(4))

    assert check.trade(trade(7)) == IN_ORDER
    assert check.agg_trade(AggTrade(0, 3, 1, 1, 1, 1, False)) == IN_ORDER
    assert check.agg_trade(AggTrade(0, 5, 1, 1, 1, 1, False)) == GAP


def test_spot_depth_continues_at_the_last_id_plus_one() -> None:
    check = SequenceCheck(new_words(4))
    updates = [depth(10, 12), depth(13, 13), depth(14, 20), depth(14, 20), depth(22, 23)]

    assert [check.depth(each) for each in updates] == [IN_ORDER, IN_ORDER, IN_ORDER, REPEATED, GAP]


def test_futures_depth_names_its_predecessor() -> None:
    check = SequenceCheck(new_words(4))
    updates = [depth(10, 12, 5), depth(20, 25, 12), depth(30, 35, 26), depth(40, 41, 35)]

    assert [check.depth(each) for each in updates] == [IN_ORDER, IN_ORDER, GAP, IN_ORDER]


def test_tickers_and_marks_must_rise_and_have_no_gaps() -> None:
    check = SequenceCheck(new_words(4))
    tickers = [BookTicker(0, each, 1, 1, 2, 1, 0) for each in (5, 9, 9, 8, 20)]
    marks = [MarkPrice(0, 1, each) for each in (5, 9, 9)]

    assert [check.book_ticker(each) for each in tickers] == [
        IN_ORDER,
        IN_ORDER,
        REPEATED,
        REPEATED,
        IN_ORDER,
    ]
    assert [check.mark_price(each) for each in marks] == [IN_ORDER, IN_ORDER, REPEATED]


def test_a_venue_that_numbers_anew_is_believed_in_the_end() -> None:
    check = SequenceCheck(new_words(4))
    check.trade(trade(1_000_000))
    verdicts = [check.trade(trade(each)) for each in range(1, RENUMBERED_AFTER + 2)]

    assert verdicts == [REPEATED] * (RENUMBERED_AFTER - 1) + [GAP, IN_ORDER]


def test_reset_forgets() -> None:
    check = SequenceCheck(new_words(4))
    check.trade(trade(100))
    check.reset()

    assert check.trade(trade(7)) == IN_ORDER
