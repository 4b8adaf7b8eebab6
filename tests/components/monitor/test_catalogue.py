"""The catalogue: unique names, lawful names, and the counters that follow from it."""

from __future__ import annotations

import re

import pytest

from components.instruments import InstrumentTable
from components.monitor.catalogue import (
    BY_NAME,
    CATALOGUE,
    MONITOR,
    WRITERS,
    metrics_table,
    specs_for,
)
from components.monitor.metric import one_two_five
from disruptor.memory.counters import COUNTER, HISTOGRAM
from tests.components.monitor.conftest import INSTRUMENTS, SYMBOLS


def test_no_two_families_collide_in_either_format() -> None:
    """OpenMetrics names a counter's family without _total, so a gauge ``x`` beside a counter
    ``x_total`` would be one family twice; a histogram takes three names more."""
    taken = [
        name
        for metric in CATALOGUE
        for name in {metric.name, metric.exposed_name}
        | ({f"{metric.name}{end}" for end in ("_bucket", "_sum", "_count")}
           if metric.kind == HISTOGRAM else set())
    ]  # fmt: skip

    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_says_what_it_is(metric) -> None:  # type: ignore[no-untyped-def]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)
    assert metric.help.endswith(".")
    assert metric.process in (*WRITERS, MONITOR)
    assert bool(metric.bounds) == (metric.kind == HISTOGRAM)
    assert metric.kind != COUNTER or not metric.name.endswith("_total")


@pytest.mark.parametrize("process", WRITERS)
def test_every_counter_of_a_process_comes_from_its_metrics(process: str) -> None:
    specs = specs_for(process, INSTRUMENTS)

    assert {spec.name for spec in specs} == {m.name for m in CATALOGUE if m.process == process}
    assert len({spec.key for spec in specs}) == len(specs)
    assert all(tuple(label for label, _ in spec.labels) == BY_NAME[spec.name].label_names
               for spec in specs)  # fmt: skip


def test_every_symbol_has_its_series_from_the_start() -> None:
    liquidations = [
        s for s in specs_for("sentinel", INSTRUMENTS) if s.name == "sentinel_liquidations"
    ]

    assert [spec.labels for spec in liquidations] == [(("symbol", each),) for each in SYMBOLS]


def test_prices_are_words_of_the_symbol_s_own_tick() -> None:
    price = {
        dict(spec.labels)["symbol"]: spec
        for spec in specs_for("titan", INSTRUMENTS)
        if spec.name == "titan_execution_price"
    }

    assert (price["BTCUSDT"].scale, price["ETHUSDT"].scale) == (0.1, 0.01)
    assert price["BTCUSDT"].bounds[-1] == 10_000_000
    assert price["ETHUSDT"].bounds[-1] == 100_000_000


def test_all_symbols_have_the_same_bounds_however_coarse_their_grid() -> None:
    specs = [spec for spec in specs_for("titan", INSTRUMENTS) if spec.bounds and spec.labels]
    called = {(spec.name, spec.exposed_bounds) for spec in specs}

    assert len(called) == 2
    assert len(specs) == 4
    bitcoin = next(spec for spec in specs if spec.name == "titan_execution_price")
    assert bitcoin.bounds[:5] == (0, 0, 0, 1, 2)
    assert bitcoin.exposed_bounds[:5] == (0.01, 0.02, 0.05, 0.1, 0.2)


def test_a_platform_without_instruments_still_counts() -> None:
    for process in WRITERS:
        assert all("symbol" not in dict(spec.labels) or dict(spec.labels)["symbol"] == "unknown"
                   for spec in specs_for(process, InstrumentTable([])))  # fmt: skip


def test_a_process_without_counters_is_refused() -> None:
    with pytest.raises(ValueError, match="process='monitor' keeps no counters"):
        specs_for("monitor", INSTRUMENTS)


def test_the_table_lists_every_metric_once() -> None:
    rows = metrics_table().splitlines()

    assert len(rows) == 2 + len(CATALOGUE)
    assert all(row.count(" | ") == rows[0].count(" | ") for row in rows[2:])
    assert (
        sum("`titan_orders_processed_total` | counter | symbol, result" in row for row in rows) == 1
    )


def test_bounds_in_decades_are_exact() -> None:
    assert [str(bound) for bound in one_two_five("0.01", "2")] == (
        ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]
    )
