"""The monitor as a supervised process."""

from __future__ import annotations

import socket
import urllib.request
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from components.monitor import process
from components.monitor.exporter import ExporterSettings
from components.monitor.platform_view import SharedMemoryView
from disruptor.errors import ConfigurationError
from tests.components.monitor.conftest import Platform


@dataclass
class Context:
    """As much of a process' context as the monitor uses; it is told to stop at the third look."""

    platform: str
    settings: Any
    calls: list[str] = field(default_factory=list)

    def ready(self) -> None:
        self.calls.append("ready")

    def beat(self) -> None:
        self.calls.append("beat")

    def should_stop(self) -> bool:
        return self.calls.count("beat") == 2


@pytest.fixture(autouse=True)
def priorities(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the monitor would have set; the tests' own process keeps its priority."""
    wanted: list[int] = []
    monkeypatch.setattr("os.setpriority", lambda which, who, value: wanted.append(value))
    return wanted


def context_of(platform: Platform, port: int) -> Context:
    configuration = SimpleNamespace(
        metrics=SimpleNamespace(host="127.0.0.1", port=port),
        oracle=SimpleNamespace(path="/nonexistent"),
    )
    return Context(platform.name, SimpleNamespace(configuration=configuration))


def test_it_is_ready_beats_and_ends_when_told(busy: Platform) -> None:
    context = context_of(busy, 0)
    process.run(context)  # type: ignore[arg-type]

    assert context.calls == ["ready", "beat", "beat"]


@pytest.mark.parametrize(("had", "has"), [(0, 10), (10, 10), (15, 15)])
def test_it_gives_way_to_the_pipeline_and_never_asks_for_more_than_it_was_given(
    busy: Platform, priorities: list[int], monkeypatch: pytest.MonkeyPatch, had: int, has: int
) -> None:
    monkeypatch.setattr("os.getpriority", lambda which, who: had)
    process.run(context_of(busy, 0))  # type: ignore[arg-type]

    assert priorities == [has]


def test_it_is_not_ready_when_the_port_is_taken(busy: Platform) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        context = context_of(busy, taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match="is in use by another program"):
            process.run(context)  # type: ignore[arg-type]

    assert context.calls == []


def test_the_port_is_free_again_afterwards(busy: Platform) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        process.run(context_of(busy, port))  # type: ignore[arg-type]

    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5)


def test_the_defaults_are_where_the_platform_promises_its_metrics() -> None:
    assert (ExporterSettings().host, ExporterSettings().port) == ("127.0.0.1", 9000)


def test_a_view_follows_a_platform_that_ends_and_comes_back(busy: Platform) -> None:
    view = SharedMemoryView(busy.name)
    assert view.is_running()
    assert view.counters().keys() == busy.blocks.keys()

    busy.blocks["feed"].unlink()
    busy.control.unlink()

    assert not view.is_running()
    assert "feed" not in view.counters()
    assert list(view.processes()) == []
    view.close()
