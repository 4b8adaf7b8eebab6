"""The feed's reports arrive as series."""

from __future__ import annotations

import numpy as np

from components.feed.decoder import KINDS
from components.feed.ingress import REASONS
from components.feed.metrics import FeedMetrics
from components.monitor.catalogue import FRAME_KINDS, MALFORMED_REASONS
from components.monitor.feed_counters import FeedCounters
from tests.components.monitor.conftest import INSTRUMENTS, Platform

NOW_NS = 1_700_000_000_000_000_000


def reported(platform: Platform, simulated: bool) -> dict[tuple[str, str], float]:
    metrics: FeedMetrics = FeedCounters(
        platform.blocks["feed"], INSTRUMENTS, simulated=simulated, now_ns=lambda: NOW_NS
    )
    metrics.price_update(1, 312_345, 4)
    metrics.latencies_ns(np.array([1_000_000, 3_000_000], np.int64))
    metrics.frame("trade", 7)
    metrics.frame("never heard of", 2)
    metrics.malformed("not_json", 3)
    metrics.malformed("never heard of", 1)
    metrics.gap(0, 1)
    metrics.duplicate(1, 2)
    metrics.orders(50)
    metrics.reconnect()
    return {
        (each.spec.name, ",".join(value for _, value in each.spec.labels)): each.value
        for each in platform.blocks["feed"].read()
        if each.spec.kind != "histogram" and each.words[0] and not each.is_absent
    }


def test_every_report_is_counted_where_it_belongs(platform: Platform) -> None:
    assert reported(platform, simulated=True) == {
        ("price_feed_updates", "ETHUSDT"): 4,
        ("price_feed_simulated_price", "ETHUSDT"): 3123.45,
        ("price_feed_last_update_timestamp_seconds", "ETHUSDT"): 1_700_000_000,
        ("price_feed_frames", "trade"): 7,
        ("price_feed_frames", "other"): 2,
        ("price_feed_malformed", "not_json"): 3,
        ("price_feed_malformed", "other"): 1,
        ("price_feed_gaps", "BTCUSDT"): 1,
        ("price_feed_duplicates", "ETHUSDT"): 2,
        ("order_flow_commands", ""): 50,
        ("price_feed_reconnects", ""): 1,
    }
    latency = next(
        each for each in platform.blocks["feed"].read() if each.spec.name == "price_feed_latency_ms"
    )
    assert (latency.count, latency.sum) == (2, 4.0)


def test_a_venue_s_price_is_not_called_simulated(platform: Platform) -> None:
    assert ("price_feed_simulated_price", "ETHUSDT") not in reported(platform, simulated=False)


def test_what_the_feed_names_the_catalogue_knows() -> None:
    assert set(KINDS.values()) <= set(FRAME_KINDS)
    assert set(REASONS[1:]) <= set(MALFORMED_REASONS)
