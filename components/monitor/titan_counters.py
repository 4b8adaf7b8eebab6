"""What Titan did, counted from its own commands and events after each batch.

The engine knows nothing of metrics: these functions read what went in and what came out, so that
live, replay and tests run the very same engine.  Call them from compiled code where batches are
small: counting costs some 3 ns an event, and a call from Python 8 µs, for it unpacks 21 arrays.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_CANCELLED,
    EVENT_COUNT,
    EVENT_REJECTED,
    EVENT_TOUCH,
    EVENT_TRADE,
    OP_NAMES,
    REASON_NAMES,
)
from components.messages.command import Commands
from components.messages.event import Events
from components.monitor.catalogue import ORDER_RESULTS
from components.monitor.metric import UNKNOWN
from disruptor.compiled import compiled, inlined
from disruptor.memory.counters import ABSENT, CounterBlock, Words, observe, observe_many, put

NO_RESULT: Final = -1
_RESULT_OF_KIND: Final = {
    EVENT_ACCEPTED: "accepted",
    EVENT_REJECTED: "rejected",
    EVENT_CANCELLED: "cancelled",
    EVENT_AMENDED: "amended",
}


class TitanCounters(NamedTuple):
    """First words of Titan's series, indexed by the codes and symbols of the messages."""

    words: Words
    ops: Words  # shape (operations,)
    result_of_kind: Words  # shape (EVENT_COUNT,): column of ``orders``, or NO_RESULT
    orders: Words  # shape (symbols + 1, results), the last row for unknown symbols
    rejections: Words  # shape (reasons,)
    trades: Words  # this and the following: shape (symbols,)
    prices: Words
    price_bounds_end: Words  # shape (symbols + 1,): where each symbol's bounds start and end
    price_bounds: Words  # all symbols' bounds, one after the other
    quantities: Words
    quantity_bounds_end: Words
    quantity_bounds: Words
    last_price: Words
    best_bid: Words
    best_ask: Words
    spread: Words
    process_time: Words  # shape (1,)
    process_time_bounds: Words
    latency: Words  # shape (1,)
    latency_bounds: Words
    open_orders: Words  # shape (1,)


def titan_counters(block: CounterBlock, instruments: InstrumentTable) -> TitanCounters:
    """Where everything lies in Titan's block."""
    symbols = list(instruments)
    result_of_kind = np.full(EVENT_COUNT, NO_RESULT, np.int64)
    for kind, result in _RESULT_OF_KIND.items():
        result_of_kind[kind] = ORDER_RESULTS.index(result)
    price_ends, price_bounds = _joined_bounds(block, "titan_execution_price", symbols)
    quantity_ends, quantity_bounds = _joined_bounds(block, "titan_execution_quantity", symbols)
    return TitanCounters(
        words=block.words,
        ops=block.offsets("titan_commands_processed", op=list(OP_NAMES.values())),
        result_of_kind=result_of_kind,
        orders=block.offsets(
            "titan_orders_processed", symbol=[*symbols, UNKNOWN], result=ORDER_RESULTS
        ),
        rejections=block.offsets("titan_rejections", reason=list(REASON_NAMES.values())),
        trades=block.offsets("titan_executions", symbol=symbols),
        prices=block.offsets("titan_execution_price", symbol=symbols),
        price_bounds_end=price_ends,
        price_bounds=price_bounds,
        quantities=block.offsets("titan_execution_quantity", symbol=symbols),
        quantity_bounds_end=quantity_ends,
        quantity_bounds=quantity_bounds,
        last_price=block.offsets("titan_last_price", symbol=symbols),
        best_bid=block.offsets("titan_best_bid", symbol=symbols),
        best_ask=block.offsets("titan_best_ask", symbol=symbols),
        spread=block.offsets("titan_spread", symbol=symbols),
        process_time=block.offsets("titan_process_time_micros").reshape(1),
        process_time_bounds=block.bounds("titan_process_time_micros"),
        latency=block.offsets("titan_latency_seconds").reshape(1),
        latency_bounds=block.bounds("titan_latency_seconds"),
        open_orders=block.offsets("titan_open_orders").reshape(1),
    )


def _joined_bounds(block: CounterBlock, metric: str, symbols: list[str]) -> tuple[Words, Words]:
    bounds = [block.bounds(metric, symbol=symbol) for symbol in symbols]
    ends = np.cumsum([0, *(len(each) for each in bounds)], dtype=np.int64)
    return ends, np.concatenate([np.empty(0, np.int64), *bounds])


@compiled
def count_commands(counters: TitanCounters, commands: Commands) -> None:
    """Count a batch of commands by operation."""
    for command in commands:
        op = np.int64(command["op"])
        if op < len(counters.ops):
            counters.words[counters.ops[op]] += 1


@compiled
def count_events(counters: TitanCounters, events: Events) -> None:
    """Count a batch of Titan's events; those that it only passes on change nothing."""
    words = counters.words
    symbol_count = len(counters.trades)
    for event in events:
        kind = np.int64(event["kind"])
        symbol = event["symbol"]
        if kind == EVENT_TRADE:
            if symbol < symbol_count:
                _count_trade(counters, symbol, event["price"], event["qty"])
        elif kind == EVENT_TOUCH:
            if symbol < symbol_count:
                _put_touch(counters, symbol, event)
        elif kind < len(counters.result_of_kind):
            result = counters.result_of_kind[kind]
            if result != NO_RESULT:
                words[counters.orders[min(symbol, symbol_count), result]] += 1
            if kind == EVENT_REJECTED and event["reason"] < len(counters.rejections):
                words[counters.rejections[event["reason"]]] += 1


@inlined
def _count_trade(counters: TitanCounters, symbol: int, price: int, qty: int) -> None:
    words = counters.words
    words[counters.trades[symbol]] += 1
    words[counters.last_price[symbol]] = price
    low, high = counters.price_bounds_end[symbol], counters.price_bounds_end[symbol + 1]
    observe(words, counters.prices[symbol], counters.price_bounds[low:high], price)
    low, high = counters.quantity_bounds_end[symbol], counters.quantity_bounds_end[symbol + 1]
    observe(words, counters.quantities[symbol], counters.quantity_bounds[low:high], qty)


@inlined
def _put_touch(counters: TitanCounters, symbol: int, event: np.void) -> None:
    words = counters.words
    bid = event["price"] if event["qty"] > 0 else ABSENT
    ask = event["maker_account"] if event["maker_order_id"] > 0 else ABSENT
    words[counters.best_bid[symbol]] = bid
    words[counters.best_ask[symbol]] = ask
    words[counters.spread[symbol]] = ABSENT if bid == ABSENT or ask == ABSENT else ask - bid


@compiled
def count_batch(
    counters: TitanCounters, count: int, elapsed_ns: int, latency_ns: int, open_orders: int
) -> None:
    """A batch of ``count`` commands took ``elapsed_ns``; its last was stamped ``latency_ns`` ago."""
    if count <= 0:
        return
    times, bounds = counters.process_time[0], counters.process_time_bounds
    observe_many(counters.words, times, bounds, elapsed_ns // count, count)
    observe(counters.words, counters.latency[0], counters.latency_bounds, latency_ns)
    put(counters.words, counters.open_orders[0], open_orders)
