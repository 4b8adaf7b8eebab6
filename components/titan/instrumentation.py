"""What Titan counts, from the commands that it took and the events that it published.

The engine stays pure: counting looks at its output.  All words belong to Titan's process.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_CANCELLED,
    EVENT_REJECTED,
    EVENT_TOUCH,
    EVENT_TRADE,
    OP_COUNT,
    OP_NAMES,
    REASON_NAMES,
)
from components.monitor.catalogue import ORDER_RESULTS
from components.monitor.metric import UNKNOWN
from components.titan.engine.shards import answering_shard
from disruptor.compiled import entry, internal
from disruptor.memory.counters import ABSENT, CounterBlock, add, observe, observe_many, put

Words = NDArray[np.int64]


class TitanCounters(NamedTuple):
    """Titan's words, and where in them each series begins."""

    words: Words
    commands: Words  # by operation
    orders: Words  # by symbol (one more: unknown) and result, as ORDER_RESULTS
    rejections: Words  # by reason
    executions: Words  # by symbol, as are the next ones
    prices: Words
    price_bounds: Words  # shape (symbols, bounds)
    quantities: Words
    quantity_bounds: Words
    last_price: Words
    best_bid: Words
    best_ask: Words
    spread: Words
    open_orders: int
    process_time: int
    process_time_bounds: Words
    latency: int
    latency_bounds: Words
    shard: int  # which of so many Titans this is
    shards: int


def titan_counters(
    block: CounterBlock, instruments: InstrumentTable, shard: int = 0, shards: int = 1
) -> TitanCounters:
    """Look up every series of Titan's block."""
    symbols = list(instruments)
    reasons = [REASON_NAMES[code] for code in range(len(REASON_NAMES))]
    return TitanCounters(
        words=block.words,
        commands=block.offsets(
            "titan_commands_processed", op=[OP_NAMES[code] for code in range(OP_COUNT)]
        ),
        orders=block.offsets(
            "titan_orders_processed", symbol=[*symbols, UNKNOWN], result=list(ORDER_RESULTS)
        ),
        rejections=block.offsets("titan_rejections", reason=reasons),
        executions=block.offsets("titan_executions", symbol=symbols),
        prices=block.offsets("titan_execution_price", symbol=symbols),
        price_bounds=_bounds(block, "titan_execution_price", symbols),
        quantities=block.offsets("titan_execution_quantity", symbol=symbols),
        quantity_bounds=_bounds(block, "titan_execution_quantity", symbols),
        last_price=block.offsets("titan_last_price", symbol=symbols),
        best_bid=block.offsets("titan_best_bid", symbol=symbols),
        best_ask=block.offsets("titan_best_ask", symbol=symbols),
        spread=block.offsets("titan_spread", symbol=symbols),
        open_orders=block.offset("titan_open_orders"),
        process_time=block.offset("titan_process_time_micros"),
        process_time_bounds=block.bounds("titan_process_time_micros"),
        latency=block.offset("titan_latency_seconds"),
        latency_bounds=block.bounds("titan_latency_seconds"),
        shard=shard,
        shards=shards,
    )


def _bounds(block: CounterBlock, metric: str, symbols: list[str]) -> Words:
    return np.array([block.bounds(metric, symbol=symbol) for symbol in symbols], np.int64)


@entry
def count_event(counters: TitanCounters, event: Any) -> None:
    """Count one published event; a symbol listed since the start has no series of its own."""
    words, kind = counters.words, event["kind"]
    symbol = min(int(event["symbol"]), counters.orders.shape[0] - 1)
    has_series = symbol < counters.executions.shape[0]
    if kind == EVENT_TRADE and has_series:
        add(words, counters.executions[symbol], 1)
        observe(words, counters.prices[symbol], counters.price_bounds[symbol], event["price"])
        observe(words, counters.quantities[symbol], counters.quantity_bounds[symbol], event["qty"])
        put(words, counters.last_price[symbol], event["price"])
    elif kind == EVENT_TOUCH and has_series:
        _touch(counters, symbol, event)
    elif kind == EVENT_ACCEPTED:
        add(words, counters.orders[symbol, 0], 1)
    elif kind == EVENT_REJECTED:
        add(words, counters.orders[symbol, 1], 1)
        add(words, counters.rejections[event["reason"]], 1)
    elif kind == EVENT_CANCELLED:
        add(words, counters.orders[symbol, 2], 1)
    elif kind == EVENT_AMENDED:
        add(words, counters.orders[symbol, 3], 1)


@internal
def _touch(counters: TitanCounters, symbol: int, event: Any) -> None:
    words = counters.words
    has_bid, has_ask = event["qty"] > 0, event["maker_order_id"] > 0
    put(words, counters.best_bid[symbol], event["price"] if has_bid else ABSENT)
    put(words, counters.best_ask[symbol], event["maker_account"] if has_ask else ABSENT)
    spread = event["maker_account"] - event["price"] if has_bid and has_ask else ABSENT
    put(words, counters.spread[symbol], spread)


@entry
def count_batch(
    counters: TitanCounters,
    commands: Any,
    count: int,
    open_orders: int,
    started_ns: int,
    ended_ns: int,
    wall_clock_ns: int,
) -> None:
    """Count the first ``count`` of ``commands``, applied together between two monotonic times.

    Of several shards each counts what it answers, so that all add up to what came.
    """
    words, own = counters.words, 0
    put(words, counters.open_orders, open_orders)
    for number in range(count):
        if answering_shard(commands[number], counters.shards) == counters.shard:
            add(words, counters.commands[min(int(commands[number]["op"]), OP_COUNT - 1)], 1)
            own += 1
    if own == 0:
        return
    each = (ended_ns - started_ns) // own
    observe_many(words, counters.process_time, counters.process_time_bounds, each, own)
    latency = wall_clock_ns - commands[count - 1]["ts"]
    observe_many(words, counters.latency, counters.latency_bounds, max(latency, 0), own)
