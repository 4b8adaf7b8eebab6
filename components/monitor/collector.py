"""From shared memory to Prometheus' families, once a scrape.

Counters come from the blocks of the processes; what has no counter (rings, processes, accounts) is
derived from the platform's view at the same moment.  Names, types and help are the catalogue's.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from components.monitor.account_sample import sampled, worst
from components.monitor.catalogue import BY_NAME
from components.monitor.platform_view import PlatformView
from components.monitor.process_usage import ProcessUsage, Usage
from components.monitor.readings import merged
from components.units import PPM
from disruptor.memory.counters import COUNTER, HISTOGRAM, Reading
from disruptor.memory.libc import monotonic_ns
from disruptor.supervisor.control_block import STATE_NAMES

MAX_USERS: Final = 500
WORST_COUNT: Final = 50
MARGIN_RATIO_BOUNDS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Where the classes of accounts by margin ratio begin; the last holds who is being liquidated."""

Sample = tuple[Sequence[str], float]


class PlatformCollector(Collector):
    """Every metric of the catalogue, as far as the platform runs.

    ``max_users`` bounds the series that carry a user; see `account_sample`.
    """

    def __init__(self, view: PlatformView, max_users: int = MAX_USERS) -> None:
        self._view = view
        self._max_users = max_users
        self._usage = ProcessUsage()

    def describe(self) -> Iterable[Metric]:
        """Nothing: registration must not read shared memory."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families; reads each counter block, ring and table once."""
        began = monotonic_ns()
        yield from self._counters()
        yield from self._accounts()
        yield from self._rings()
        yield from self._processes()
        yield _family("monitor_scrape_seconds", [((), (monotonic_ns() - began) / 1e9)])
        yield _family("build_info", [((platform_version(),), 1)])

    def _counters(self) -> Iterator[Metric]:
        families: dict[str, list[Reading]] = {}
        for reading in merged(self._view.counters()):
            families.setdefault(reading.spec.name, []).append(reading)
        for readings in families.values():
            yield _from_counters(readings)

    def _accounts(self) -> Iterator[Metric]:
        accounts = self._view.accounts()
        if not len(accounts):
            return
        ratios = accounts["margin_ratio_ppm"] / PPM
        chosen = sampled(accounts["account"], self._max_users)
        users = [str(account) for account in accounts["account"][chosen]]
        yield _family("sentinel_margin_ratio", _labelled(users, ratios[chosen]))
        lights = accounts["deleveraging_light"][chosen]
        yield _family("sentinel_deleveraging_light", _labelled(users, lights))
        yield _family("sentinel_margin_ratio_mean", [((), ratios.mean())])
        exposed = ratios[accounts["positions"] > 0]
        counts, _ = np.histogram(exposed, (*MARGIN_RATIO_BOUNDS, np.inf))
        starts = [f"{bound:g}" for bound in MARGIN_RATIO_BOUNDS]
        yield _family("sentinel_accounts_by_margin_ratio", _labelled(starts, counts))
        ranked = ratios[worst(ratios, WORST_COUNT)]
        ranks = [str(rank) for rank in range(1, len(ranked) + 1)]
        yield _family("sentinel_margin_ratio_worst", _labelled(ranks, ranked))

    def _rings(self) -> Iterator[Metric]:
        rings = self._view.rings()
        yield _family("ring_capacity", [((ring.name,), ring.capacity) for ring in rings])
        yield _family("ring_cursor", [((ring.name,), ring.cursor) for ring in rings])
        yield _family("ring_published", [((ring.name,), ring.cursor) for ring in rings])
        yield _family("ring_in_flight", [((ring.name,), ring.in_flight) for ring in rings])
        yield _family(
            "ring_remaining_capacity", [((ring.name,), ring.remaining_capacity) for ring in rings]
        )
        yield _family("ring_producer_stalls", [((ring.name,), ring.stalls) for ring in rings])
        yield _family("ring_voided", [((ring.name,), ring.voided) for ring in rings])
        places = [(ring, each) for ring in rings for each in ring.consumers]
        sequences = [((ring.name, each.name), each.sequence) for ring, each in places]
        yield _family("ring_consumer_sequence", sequences)
        yield _family("ring_consumed", sequences)
        yield _family(
            "ring_consumer_lag",
            [
                ((ring.name, each.name), max(0, ring.cursor - each.sequence))
                for ring, each in places
            ],
        )

    def _processes(self) -> Iterator[Metric]:
        processes = self._view.processes()
        yield _family("process_up", [((each.name,), each.is_up) for each in processes])
        yield _family(
            "process_state",
            [
                ((each.name, state), each.state == state)
                for each in processes
                for state in STATE_NAMES
            ],
        )
        yield _family("process_restarts", [((each.name,), each.restarts) for each in processes])
        now_ns = monotonic_ns()
        beating = [each for each in processes if each.is_up and each.heartbeat_ns]
        ages = [((each.name,), max(0, now_ns - each.heartbeat_ns) / 1e9) for each in beating]
        yield _family("process_heartbeat_age_seconds", ages)
        usage = [(each.name, self._usage.of(each.pid)) for each in processes if each.pid]
        yield from _usage_families({name: used for name, used in usage if used is not None})


def _usage_families(usage: Mapping[str, Usage]) -> Iterator[Metric]:
    each = usage.items()
    yield _family("process_cpu_seconds", [((name,), used.cpu_seconds) for name, used in each])
    yield _family(
        "process_resident_memory_bytes", [((name,), used.resident_bytes) for name, used in each]
    )
    yield _family(
        "process_proportional_memory_bytes",
        [
            ((name,), used.proportional_bytes)
            for name, used in each
            if used.proportional_bytes is not None
        ],
    )
    switches = [((name, "voluntary"), used.voluntary_switches) for name, used in each]
    switches += [((name, "involuntary"), used.involuntary_switches) for name, used in each]
    yield _family("process_context_switches", switches)


def registry_of(view: PlatformView, max_users: int = MAX_USERS) -> CollectorRegistry:
    """A registry that holds the platform's metrics and nothing of the exporter's own process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PlatformCollector(view, max_users))
    return registry


@functools.cache
def platform_version() -> str:
    """The version: of the checkout that this file is in, else of the installed package."""
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"])
    return version("disruptor-trading-platform")


def _labelled(labels: Sequence[str], values: NDArray[Any]) -> list[Sample]:
    return [((label,), value) for label, value in zip(labels, values.tolist(), strict=True)]


def _family(name: str, samples: Iterable[Sample]) -> Metric:
    metric = BY_NAME[name]
    return _filled(metric.kind, name, metric.help, metric.label_names, samples)


def _from_counters(readings: Sequence[Reading]) -> Metric:
    spec = readings[0].spec
    labels = [label for label, _ in spec.labels]
    if spec.kind != HISTOGRAM:
        samples = [(_values(each), each.value) for each in readings if not each.is_absent]
        return _filled(spec.kind, spec.name, spec.help, labels, samples)
    family = HistogramMetricFamily(spec.name, spec.help, labels=labels)
    for reading in readings:
        buckets = [(_bound(bound), count) for bound, count in reading.exposed_buckets]
        family.add_metric(_values(reading), buckets, reading.sum)
    return family


def _filled(
    kind: str, name: str, text: str, labels: Sequence[str], samples: Iterable[Sample]
) -> Metric:
    family: CounterMetricFamily | GaugeMetricFamily
    if kind == COUNTER:
        family = CounterMetricFamily(name, text, labels=labels)
    else:
        family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, float(value))
    return family


def _values(reading: Reading) -> list[str]:
    return [value for _, value in reading.spec.labels]


def _bound(bound: float) -> str:
    text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
    return text
