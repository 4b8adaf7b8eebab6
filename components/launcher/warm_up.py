"""Compile every kernel that the platform uses, once, before any process is forked.

Two processes that compile the same kernel for the first time can crash each other, and a child
that compiles starts late.  So each part is run here on a few records and a tiny ring: a cold
cache is filled with progress shown; a warm one is only loaded, which the children then inherit.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from components.instruments import Instrument, InstrumentTable
from components.messages.code import (
    BUY,
    OP_ACCOUNT,
    OP_DEPOSIT,
    OP_PLACE,
    OP_PRICE,
    SELL,
)
from components.messages.command import COMMAND, Commands, new_commands
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.monitor.catalogue import FEED, SENTINEL, TITAN, specs_for
from components.monitor.feed_counters import FeedCounters
from disruptor.errors import SegmentError
from disruptor.kernel_cache import cache_directory, kernels_digest
from disruptor.memory.counters import CounterBlock
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing, reclaim
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.wait_strategy import wait_strategy

_PREFIX = "warm-up-"
_TIMEOUT_NS = 1_000


def warm_up(say: Callable[[str], None], *, merge: bool = False, gate: bool = False) -> None:
    """Make all kernels ready in this process; ``say`` prints progress when they are compiled.

    With ``merge`` those of the merge of several Titans too, with ``gate`` those of the risk gate.  The
    segments that the steps make are removed at the end, also when a signal ends it.
    """
    steps = _STEPS
    marker = cache_directory() / f"complete-{kernels_digest()}"
    if merge:
        steps = (*steps, ("the merge of several Titans", _warm_merge))
        marker = marker.with_name(f"{marker.name}-merge")
    if gate:
        steps = (*steps, ("the risk gate", _warm_gate))
        marker = marker.with_name(f"{marker.name}-gate")
    cold = not marker.exists()
    if cold:
        say("compiling the kernels; this happens once for each version of the code")
    try:
        for number, (label, step) in enumerate(steps, 1):
            started = time.monotonic()
            step()
            if cold:
                say(f"  [{number}/{len(steps)}] {label:<34}{time.monotonic() - started:6.1f} s")
    finally:
        remove_segments()
    if cold:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def _name(part: str) -> str:
    return f"{_PREFIX}{os.getpid()}.{part}"


def remove_segments() -> None:
    """This process's, and those of others that were killed while they warmed up."""
    for name in existing(_name("")):
        os.unlink(f"{SHARED_MEMORY_DIRECTORY}/{name}")
    for name in existing(_PREFIX):
        with contextlib.suppress(SegmentError):
            reclaim(name)


def _instruments() -> InstrumentTable:
    from decimal import Decimal

    return InstrumentTable([Instrument("WARM", 0, Decimal("0.01"), Decimal("0.01"))])


def _commands() -> Commands:
    """An instrument, an account, a trade between two orders, a price."""
    setup = _instruments().to_commands()
    rest = new_commands(5)
    rest["op"] = [OP_ACCOUNT, OP_DEPOSIT, OP_PLACE, OP_PLACE, OP_PRICE]
    rest["account"] = [1, 1, 1, 2, 0]
    rest["order_id"] = [0, 0, 1, 1, 0]
    rest["side"] = [BUY, BUY, BUY, SELL, BUY]
    rest["price"] = [0, 10**12, 100, 100, 101]
    rest["qty"] = [0, 0, 5, 5, 0]
    return np.concatenate([setup, rest])


class _Bench:
    """Three tiny rings of the platform's shapes, gone on exit."""

    def __enter__(self) -> _Bench:
        self.commands = RingBuffer.create(_name("commands"), COMMAND, 64, multi_producer=True)
        self.events = RingBuffer.create(_name("events"), EVENT, 64)
        self.risk = RingBuffer.create(_name("risk"), RISK, 64)
        return self

    def __exit__(self, *error: object) -> None:
        for ring in (self.commands, self.events, self.risk):
            ring.unlink()
            ring.close()


def _warm_rings() -> None:
    with _Bench() as bench:
        for ring in (bench.commands, bench.events, bench.risk):
            consumer = ring.consumer("warm", start=0)
            producer = ring.producer("warm")
            producer.write(np.zeros(3, ring.event))
            consumer.wait(_TIMEOUT_NS)
            consumer.advance(consumer.available())
            consumer.wait(_TIMEOUT_NS)
            producer.void(producer.next())
            consumer.runs(consumer.available())
            producer.remaining_capacity()
            ring.tap("tap").read()
            ring.remove_consumer("tap")
            ring.void_dead_claims()
            producer.close()


def _order() -> Any:
    return np.zeros(1, np.int64)


def _warm_titan() -> None:
    from components.titan.depth_view import depth_rows
    from components.titan.engine import new_outbox, new_state, state_hash
    from components.titan.pipeline import bound_of, new_progress, serve

    state = new_state()
    with _titan_bench("titan") as (wiring, counters):
        outbox = new_outbox(2 * int(bound_of(state)))
        serve(wiring, state, outbox, counters, new_progress(0), _TIMEOUT_NS)
        depth_rows(state, 1)
        state_hash(state)


def _warm_gate() -> None:
    """Live, and as a replay does."""
    from components.risk_gate import RiskGate
    from components.sentinel.engine import new_state as new_sentinel
    from components.titan.engine import new_outbox, new_state
    from components.titan.gated_pipeline import parts_of, serve_gated
    from components.titan.pipeline import bound_of, new_progress

    gate = RiskGate.beside(new_state(), new_sentinel())
    with _titan_bench("gate") as (wiring, counters):
        outbox = new_outbox(2 * int(bound_of(gate.titan)))
        parts, progress = parts_of(gate), new_progress(0)
        serve_gated(wiring, parts, outbox, counters, progress, _TIMEOUT_NS)
        gate.apply_batch(_commands(), int(progress[0]) + 1, outbox)


@contextlib.contextmanager
def _titan_bench(name: str) -> Iterator[tuple[Any, Any]]:
    """Where a Titan with commands before it sits, and its counters."""
    from components.titan.instrumentation import titan_counters
    from components.titan.pipeline import Wiring

    block = CounterBlock.create(_name(name), specs_for(TITAN, _instruments()))
    with _Bench() as bench:
        consumer = bench.commands.consumer("titan", start=0)
        bench.commands.producer("warm").write(_commands())
        wiring = Wiring(
            commands=bench.commands.view,
            sequence_word=consumer.sequence_word,
            dependents=consumer.dependents,
            events=bench.events.view,
            line=bench.events.producer().line,
            strategy=wait_strategy("adaptive"),
            order=_order(),
            heartbeat=_order(),
            never=_order(),
        )
        yield wiring, titan_counters(block, _instruments())


def _warm_merge() -> None:
    """Live over rings, and as a replay does."""
    from components.titan.engine import new_outbox
    from components.titan.merge_checkpoint import CHECKPOINT_WORDS
    from components.titan.merge_pipeline import merge_what_is_there, new_progress, serve
    from components.titan.merge_process import wired
    from components.titan.shards import Deriver, new_shards

    shards = ("shard-0", "shard-1")
    names = [_name(f"{shard}-events") for shard in shards]
    with _Bench() as bench:
        rings = [RingBuffer.create(name, EVENT, 64) for name in names]
        try:
            for name in shards:
                bench.commands.consumer(name, start=0)
            places = [ring.consumer("merge", start=0) for ring in rings]
            for ring in rings:
                ring.producer("warm").write(np.zeros(1, EVENT))
            wiring = wired(
                bench.commands,
                bench.commands.consumer("merge", after=shards, start=0),
                shards,
                rings,
                places,
                bench.events,
                bench.events.producer().line,
                wait_strategy("adaptive"),
                _order(),
                _order(),
                np.zeros(CHECKPOINT_WORDS, np.int64),
            )
            merge_what_is_there(wiring, new_progress([1, 1]), new_outbox(16))
            serve(wiring, new_progress([1, 1]), new_outbox(16), _TIMEOUT_NS)
        finally:
            for ring in rings:
                ring.unlink()
                ring.close()
    for _ in Deriver(new_shards(len(shards)), 1 << 12).feed(_commands(), 1):
        pass


def _warm_sentinel() -> None:
    from components.sentinel.account_view import ACCOUNT_VIEW, fill_account_view, totals
    from components.sentinel.deleveraging_view import deleveraging_lights
    from components.sentinel.engine import new_outbox, new_state, outbox_bound, state_hash
    from components.sentinel.engine.conservation import require_conservation
    from components.sentinel.exposure_view import nearest_exposures
    from components.sentinel.instrumentation import put_totals, sentinel_counters
    from components.sentinel.pipeline import Wiring, serve

    state = new_state()
    block = CounterBlock.create(_name("sentinel"), specs_for(SENTINEL, _instruments()))
    with _Bench() as bench:
        consumer = bench.events.consumer("sentinel", start=0)
        bench.events.producer("warm").write(np.zeros(2, EVENT))
        wiring = Wiring(
            events=bench.events.view,
            sequence_word=consumer.sequence_word,
            dependents=consumer.dependents,
            risk=bench.risk.view,
            risk_line=bench.risk.producer().line,
            commands=bench.commands.view,
            commands_line=bench.commands.producer().line,
            strategy=wait_strategy("adaptive"),
            order=_order(),
            heartbeat=_order(),
            pending=_order(),
            never=_order(),
        )
        counters = sentinel_counters(block, _instruments())
        outbox = new_outbox(2 * int(outbox_bound(state)) + 64, 1024)
        serve(wiring, state, outbox, counters, np.zeros(3, np.int64), _TIMEOUT_NS)
        put_totals(block, totals(state))
        fill_account_view(state, np.zeros(4, ACCOUNT_VIEW))
        deleveraging_lights(state)
        require_conservation(state)
        nearest_exposures(state)
        state_hash(state)


def _warm_replay() -> None:
    from components.sentinel import engine as sentinel
    from components.titan import engine as titan

    events = titan.new_outbox(1 << 16)
    book, accounts = titan.new_state(), sentinel.new_state()
    titan.apply_batch(book, _commands(), 1, events)
    told = events.slots[: events.count[0]]
    sentinel.apply_batch(accounts, told, 0, sentinel.new_outbox(1024, 1024))
    titan.restore(titan.canonical_bytes(book))
    sentinel.restore(sentinel.canonical_bytes(accounts))


def _warm_feed() -> None:
    from components.feed.warm_up import compile_kernels

    compile_kernels()
    instruments = _instruments()
    block = CounterBlock.create(_name("feed"), specs_for(FEED, instruments))
    metrics = FeedCounters(block, instruments, simulated=True)
    metrics.price_update(0, 10_000, 1)
    metrics.latencies_ns(np.ones(1, np.int64))


_STEPS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("rings, barriers, wait strategies", _warm_rings),
    ("Titan: matching", _warm_titan),
    ("Sentinel: margin and liquidation", _warm_sentinel),
    ("Oracle: replay, snapshots", _warm_replay),
    ("feed: order flow", _warm_feed),
)


if __name__ == "__main__":
    warm_up(print, merge=True, gate=True)
