"""Several Titans in the metrics: what they count adds up under the names of one."""

from __future__ import annotations

import pytest

from components.messages.event import EVENT
from components.monitor.catalogue import TITAN, specs_for
from components.monitor.collector import registry_of
from components.monitor.platform_view import SharedMemoryView, counters_name
from disruptor.memory.counters import CounterBlock, add, observe, put
from disruptor.ring.ring_buffer import RingBuffer
from tests.components.monitor.conftest import INSTRUMENTS, SYMBOLS


def test_shards_are_counted_as_one_titan(platform_name: str) -> None:
    """Each has every symbol's series: a price is told by the symbol's owner, an amount by all."""
    blocks = [
        CounterBlock.create(counters_name(platform_name, name), specs_for(TITAN, INSTRUMENTS))
        for name in ("titan-0", "titan-1")
    ]
    for shard, block in enumerate(blocks):
        words, symbol = block.words, SYMBOLS[shard]
        add(words, block.offset("titan_executions", symbol=symbol), 3 + shard)
        add(words, block.offset("titan_commands_processed", op="place"), 10)
        put(words, block.offset("titan_spread", symbol=symbol), 7)
        put(words, block.offset("titan_open_orders"), 5)
        time = block.offset("titan_process_time_micros")
        observe(words, time, block.bounds("titan_process_time_micros"), 2_000)
    view = SharedMemoryView(platform_name)

    assert list(view.counters()) == ["titan"]
    metrics = registry_of(view)
    assert metrics.get_sample_value("titan_commands_processed_total", {"op": "place"}) == 20
    assert metrics.get_sample_value("titan_open_orders") == 10
    assert metrics.get_sample_value("titan_process_time_micros_count") == 2
    assert metrics.get_sample_value("titan_process_time_micros_sum") == pytest.approx(4)
    for shard, symbol in enumerate(SYMBOLS):
        labels = {"symbol": symbol}
        assert metrics.get_sample_value("titan_executions_total", labels) == 3 + shard
        assert metrics.get_sample_value("titan_spread", labels) is not None
        assert metrics.get_sample_value("titan_best_bid", labels) is None
    view.close()


def test_an_event_is_shown_once_though_its_shard_has_a_ring_too(platform_name: str) -> None:
    rings = [
        RingBuffer.create(f"{platform_name}.{name}", EVENT, 16) for name in ("events", "events-0")
    ]
    view = SharedMemoryView(platform_name)
    try:
        assert [each.ring for each in view.newest_events(EVENT, {}, 8)] == ["events"]
    finally:
        view.close()
        for ring in rings:
            ring.unlink()
            ring.close()
