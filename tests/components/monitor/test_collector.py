"""The collector: what Prometheus reads, parsed back, in both formats."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from components.monitor.account_sample import sampled, worst
from components.monitor.catalogue import CATALOGUE, specs_for
from components.monitor.collector import MARGIN_RATIO_BOUNDS, registry_of
from components.monitor.platform_view import ProcessStatus, counters_name
from components.monitor.process_usage import ProcessUsage
from components.monitor.readings import of_metric
from disruptor.memory.counters import COUNTER, HISTOGRAM, CounterBlock, add, observe_many, put
from tests.components.monitor.conftest import INSTRUMENTS, SYMBOLS, Platform

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(families: Iterable[Metric]) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def scraped(registry: CollectorRegistry) -> Series:
    return series(parse_text(generate_latest(registry).decode()))


def value(found: Series, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


PROMISED = [
    ("sentinel_liquidations_total", {"symbol"}),
    ("sentinel_margin_ratio", {"user"}),
    ("sentinel_process_time_micros_bucket", {"le"}),
    ("price_feed_updates_total", {"symbol"}),
    ("titan_executions_total", {"symbol"}),
    ("titan_orders_processed_total", {"symbol", "result"}),
    ("titan_execution_price_bucket", {"symbol", "le"}),
    ("titan_execution_quantity_sum", {"symbol"}),
    ("titan_spread", {"symbol"}),
    ("oracle_events_written_total", {"kind"}),
    ("sentinel_liquidation_loss_usd_sum", {"symbol"}),
    ("sentinel_accounts_total", set()),
    ("sentinel_accounts_at_risk", set()),
    ("price_feed_latency_ms_bucket", {"le"}),
    ("price_feed_simulated_price", {"symbol"}),
    ("ring_cursor", {"ring"}),
    ("ring_capacity", {"ring"}),
    ("ring_remaining_capacity", {"ring"}),
    ("ring_consumer_lag", {"ring", "consumer"}),
    ("ring_consumer_sequence", {"ring", "consumer"}),
    ("process_up", {"process"}),
    ("process_restarts_total", {"process"}),
    ("process_cpu_seconds_total", {"process"}),
    ("process_resident_memory_bytes", {"process"}),
    ("ring_published_total", {"ring"}),
    ("ring_consumed_total", {"ring", "consumer"}),
    ("ring_producer_stalls_total", {"ring"}),
    ("process_proportional_memory_bytes", {"process"}),
    ("process_context_switches_total", {"process", "kind"}),
    ("sentinel_accounts_by_margin_ratio", {"from"}),
    ("monitor_scrape_seconds", set()),
    ("build_info", {"version"}),
]


@pytest.mark.parametrize(("name", "labels"), PROMISED)
def test_a_promised_series_is_there_with_its_labels(
    busy: Platform, name: str, labels: set[str]
) -> None:
    found = scraped(registry_of(busy.view()))

    of_name = [dict(key[1]) for key in found if key[0] == name]
    assert of_name
    assert all(set(each) == labels for each in of_name)


def test_every_metric_of_the_catalogue_is_exposed_by_a_busy_platform(busy: Platform) -> None:
    families = {family.name: family for family in parse_text(
        generate_latest(registry_of(busy.view())).decode())}  # fmt: skip

    absent = {"platform_start_timestamp_seconds", "platform_startup_seconds"}
    for metric in CATALOGUE:
        assert families[metric.name].type == metric.kind
        assert families[metric.name].documentation == metric.help
        assert bool(families[metric.name].samples) == (metric.name not in absent)


def test_values_arrive_in_the_exposed_unit(busy: Platform) -> None:
    found = scraped(registry_of(busy.view()))

    assert value(found, "titan_executions_total", symbol="BTCUSDT") == 2
    assert value(found, "titan_last_price", symbol="BTCUSDT") == 50_000
    assert value(found, "titan_last_price", symbol="ETHUSDT") == 5_000
    assert value(found, "titan_spread", symbol="BTCUSDT") == 0.2
    assert value(found, "sentinel_liquidation_loss_usd_sum", symbol="BTCUSDT") == 150
    assert value(found, "price_feed_latency_ms_sum") == 21
    assert value(found, "sentinel_margin_ratio", user="1003") == 1.1
    assert value(found, "sentinel_margin_ratio_mean") == pytest.approx(2.2 / 3)
    assert value(found, "sentinel_margin_ratio_worst", rank="1") == 1.1
    assert value(found, "ring_consumer_lag", ring="events", consumer="sentinel") == 40
    assert value(found, "ring_remaining_capacity", ring="events") == 24
    assert value(found, "process_restarts_total", process="oracle") == 1
    assert value(found, "process_state", process="oracle", state="running") == 1
    assert value(found, "process_state", process="oracle", state="failed") == 0


def test_a_histogram_s_buckets_ascend_and_end_at_its_count(busy: Platform) -> None:
    found = scraped(registry_of(busy.view()))
    buckets = sorted(
        (float(dict(labels)["le"]), count)
        for (name, labels), count in found.items()
        if name == "sentinel_process_time_micros_bucket"
    )

    assert (
        buckets[-1]
        == (math.inf, value(found, "sentinel_process_time_micros_count"))
        == (math.inf, 99)
    )
    assert [count for _, count in buckets] == sorted(count for _, count in buckets)
    assert dict(buckets)[1.0] == 0
    assert dict(buckets)[2.0] == 99


def test_fine_buckets_are_kept_and_an_octave_of_them_exposed(busy: Platform) -> None:
    found = scraped(registry_of(busy.view()))
    bounds = sorted(
        float(dict(labels)["le"])
        for name, labels in found
        if name == "titan_latency_seconds_bucket"
    )

    assert all(high == pytest.approx(2 * low) for low, high in itertools.pairwise(bounds[:-1]))
    assert len(bounds) == 26
    busy.observe("titan", "titan_latency_seconds", 1_300_000, 1_000)
    (latency,) = of_metric(busy.blocks["titan"].read(), "titan_latency_seconds")
    assert latency.quantile(0.5) == pytest.approx(0.00128, rel=0.2)


def test_accounts_are_counted_by_margin_ratio_and_none_twice(platform: Platform) -> None:
    platform.publish_accounts([0, 49_999, 50_000, 799_999, 999_999, 1_000_000, 10**12])
    rows = platform.accounts.copy()
    rows["positions"][0] = 0
    platform.accounts.publish(rows)
    found = scraped(registry_of(platform.view()))
    classes = {
        dict(labels)["from"]: count
        for (name, labels), count in found.items()
        if name == "sentinel_accounts_by_margin_ratio"
    }

    assert {start: count for start, count in classes.items() if count} == {
        "0": 1, "0.05": 1, "0.7": 1, "0.95": 1, "1": 2,
    }  # fmt: skip
    assert len(classes) == len(MARGIN_RATIO_BOUNDS)


def test_processes_that_share_a_role_are_counted_together(busy: Platform) -> None:
    shard = CounterBlock.create(
        counters_name(busy.name, "titan-2"), specs_for("titan", INSTRUMENTS)
    )
    add(shard.words, shard.offset("titan_executions", symbol="BTCUSDT"), 40)
    put(shard.words, shard.offset("titan_open_orders"), 7)
    observe_many(
        shard.words, shard.offset("titan_latency_seconds"),
        shard.bounds("titan_latency_seconds"), 1_000, 5,
    )  # fmt: skip
    found = scraped(registry_of(busy.view()))

    assert value(found, "titan_executions_total", symbol="BTCUSDT") == 42
    assert value(found, "titan_open_orders") == 7
    assert value(found, "titan_latency_seconds_count") == 15
    assert value(found, "titan_last_price", symbol="BTCUSDT") == 50_000  # absent in the second


def test_a_counter_starts_at_zero_and_a_price_is_absent_before_the_first(
    platform: Platform,
) -> None:
    found = scraped(registry_of(platform.view()))

    assert all(value(found, "sentinel_liquidations_total", symbol=each) == 0 for each in SYMBOLS)
    assert not [key for key in found if key[0] in ("titan_last_price", "titan_spread")]


def test_an_emptied_side_takes_the_spread_away(busy: Platform) -> None:
    busy.put("titan", "titan_spread", -(2**63), symbol="BTCUSDT")
    found = scraped(registry_of(busy.view()))

    assert [dict(key[1])["symbol"] for key in found if key[0] == "titan_spread"] == ["ETHUSDT"]


def test_openmetrics_says_the_same_as_text(busy: Platform) -> None:
    registry = registry_of(busy.view())
    text: str = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]

    assert text.endswith("# EOF\n")
    reparsed = parse_openmetrics(text)  # type: ignore[no-untyped-call]
    changing = re.compile("process_(cpu|resident|proportional|context|heartbeat)|monitor_scrape")
    in_text, in_openmetrics = (
        {key: each for key, each in found.items() if not changing.match(key[0])}
        for found in (scraped(registry), series(reparsed))
    )
    assert in_openmetrics == in_text


def test_registration_reads_nothing() -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> None:
            raise AssertionError(name)

    registry_of(Untouchable())  # type: ignore[arg-type]


def test_an_account_without_positions_keeps_its_series_at_zero(platform: Platform) -> None:
    """Else a liquidated user would vanish, and an average over users jump."""
    platform.publish_accounts([0, 500_000])
    rows = platform.accounts.copy()
    rows["positions"][0] = 0
    platform.accounts.publish(rows)

    found = scraped(registry_of(platform.view()))
    ratios = {
        dict(key[1])["user"]: value
        for key, value in found.items()
        if key[0] == "sentinel_margin_ratio"
    }
    assert ratios == {"1001": 0, "1002": 0.5}


def test_many_users_become_a_fixed_sample_with_the_same_mean(platform: Platform) -> None:
    random = np.random.default_rng(1)
    ratios = random.integers(100_000, 900_000, 10_000)
    platform.publish_accounts(ratios.tolist())
    registry = registry_of(platform.view(), max_users=500)
    first = {
        key: each for key, each in scraped(registry).items() if key[0] == "sentinel_margin_ratio"
    }
    platform.publish_accounts((ratios + 1).tolist())
    second = {key for key in scraped(registry) if key[0] == "sentinel_margin_ratio"}

    assert len(first) == 500
    assert first.keys() == second
    assert np.mean(list(first.values())) == pytest.approx(ratios.mean() / 1e6, rel=0.1)


def test_a_sample_changes_by_no_more_than_who_joined() -> None:
    before = set(np.arange(5_000)[sampled(np.arange(5_000), 500)])
    after = set(np.arange(5_050)[sampled(np.arange(5_050), 500)])

    assert len(before - after) <= 50
    assert sampled(np.arange(3), 500).tolist() == [0, 1, 2]


def test_the_worst_come_first_and_ties_keep_their_order() -> None:
    assert worst(np.array([1, 5, 3, 5]), 3).tolist() == [1, 3, 2]


def test_a_platform_that_is_gone_leaves_only_the_build() -> None:
    class Gone:
        def counters(self) -> dict[str, list[object]]:
            return {}

        def rings(self) -> list[object]:
            return []

        def processes(self) -> list[ProcessStatus]:
            return [ProcessStatus("titan", "failed", 2**22 + 1, 3)]

        def accounts(self) -> list[object]:
            return []

    found = scraped(registry_of(Gone()))  # type: ignore[arg-type]
    assert value(found, "process_up", process="titan") == 0
    assert not [key for key in found if key[0] == "process_cpu_seconds_total"]
    assert ProcessUsage().of(2**22 + 1) is None


def test_kinds_of_the_catalogue_are_those_of_prometheus() -> None:
    assert {metric.kind for metric in CATALOGUE} == {COUNTER, "gauge", HISTOGRAM}
