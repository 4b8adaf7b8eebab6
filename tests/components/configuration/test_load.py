"""The shipped configurations load; the command line wins over the environment and the file."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path

import pytest

from components.configuration import load_instruments, load_platform
from components.feed.settings import FeedSettings
from components.instruments import MarginTier
from components.units import MONEY_SCALE
from disruptor.errors import ConfigurationError
from disruptor.topology.graph import Graph
from disruptor.topology.placement import plan
from tests.components.configuration.platforms import CONFIG, TRADING, platform


def test_the_default_platform_is_what_the_file_says() -> None:
    read = platform()

    assert tuple(read.processes) == (
        "feed",
        "titan",
        "sentinel",
        "oracle",
        "monitor",
        "snapshots",
    )
    assert {name: ring.capacity for name, ring in read.rings.items()} == {
        "commands": 65_536,
        "events": 131_072,
        "risk": 65_536,
    }
    assert [account.user for account in read.accounts] == [1001, 1002, 1003]
    assert read.feed.settings().simulation.start_prices == {"BTCUSDT": Decimal(50_000)}
    assert read.feed.settings().simulation.volatility == 0.002
    assert read.risk.maintenance_margin == 5_000
    assert read.durability.sync == "commit"
    assert read.durability.gate == "output"
    assert read.metrics.port == 9000
    assert read.oracle.path == "./platform_events"


def test_the_default_graph_starts_readers_first() -> None:
    graph = Graph.of(platform())

    assert graph.start_order() == (
        "snapshots",
        "monitor",
        "oracle",
        "sentinel",
        "titan",
        "feed",
    )
    assert graph.gating("commands") == ("titan", "oracle")
    assert graph.gating("events") == ("sentinel", "oracle")


def test_on_two_cpus_the_engines_share_one() -> None:
    placed = plan(platform(), [0, 1])

    assert placed.cpus == {
        "feed": 0,
        "titan": 1,
        "sentinel": 1,
        "oracle": 0,
        "monitor": 0,
        "snapshots": None,
    }
    assert placed.warnings == ()


def test_input_gating_puts_titan_behind_the_journal() -> None:
    graph = Graph.of(platform("durability.gate=input"))

    assert graph.dependencies("titan", "commands") == ("oracle",)
    assert graph.dependencies("sentinel", "events") == ()
    assert Graph.of(platform()).dependencies("titan", "commands") == ()


@pytest.mark.parametrize(
    "name",
    ["binance", "hawkes", "mirror", "multi_symbol", "recorded", "script", "stress", "venues"],
)
def test_the_other_configurations_say_only_what_differs(name: str, tmp_path: Path) -> None:
    recording = tmp_path / "some.gz"
    recording.write_bytes(b"")

    read = load_platform(CONFIG / f"{name}.yaml", [f"feed.recorded.path={recording}"], {})

    assert read.name == name
    assert read.oracle.path == f"./{name}_events"
    assert read.processes == platform().processes
    assert read.instruments == platform().instruments


def test_a_recording_is_looked_for_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "day.gz").write_bytes(b"")
    base = tmp_path / "base" / "base.yaml"
    base.write_text(
        f"extends: {TRADING}\nfeed: {{mode: recorded, recorded: {{path: day.gz, speed: max}}}}\n"
    )
    path = tmp_path / "top.yaml"
    path.write_text("extends: base/base.yaml\nfeed: {recorded: {loop: true}}\n")

    settings = load_platform(path, [], {}).feed.settings()

    assert Path(settings.recorded.path).samefile(tmp_path / "base" / "day.gz")
    assert settings.recorded.speed == 0
    assert settings.recorded.loop


def test_a_recording_from_the_command_line_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.gz").write_bytes(b"")
    monkeypatch.chdir(tmp_path)

    read = platform("feed.mode=recorded", "feed.recorded.path=day.gz")

    assert read.feed.recorded.path == "day.gz"


def test_the_environment_overrides_the_file() -> None:
    read = platform(
        environment={
            "LOG_LEVEL": "WARNING",
            "PROMETHEUS_PORT": "9123",
            "ORACLE_PATH": "/tmp/1:30",
        }
    )

    assert (read.log_level, read.metrics.port, read.oracle.path) == ("warning", 9123, "/tmp/1:30")


def test_the_command_line_overrides_the_environment() -> None:
    read = platform("metrics.port=9200", environment={"PROMETHEUS_PORT": "nonsense"})

    assert read.metrics.port == 9200


def test_an_empty_variable_is_none() -> None:
    assert platform(environment={"PROMETHEUS_PORT": ""}).metrics.port == 9000


def test_decimals_are_exact_with_and_without_quotes() -> None:
    read = platform(
        "instruments.BTCUSDT.tick_size=0.1",
        'instruments.BTCUSDT.lot_size="0.001"',
        "accounts.0.collateral=1234.56789012",
        "accounts.1.collateral=7",
    )

    assert read.instrument_table()["BTCUSDT"].tick_size == Decimal("0.1")
    assert read.instrument_table()["BTCUSDT"].lot_size == Decimal("0.001")
    assert read.accounts[0].collateral == 123_456_789_012
    assert read.accounts[1].collateral == 7 * MONEY_SCALE


def test_a_feed_without_settings_has_the_feeds_own_defaults() -> None:
    assert platform("feed=null").feed.settings() == FeedSettings()


def test_an_instrument_without_tiers_has_the_platforms_margin() -> None:
    read = platform("risk.maintenance_margin=0.004")

    assert read.instrument_table()["BTCUSDT"].margin_tiers == (MarginTier(0, 4_000),)
    assert len(read.instrument_table()["ETHUSDT"].margin_tiers) == 4


def test_a_configuration_survives_the_way_to_another_process() -> None:
    read = platform("processes.titan.options.depth=0.10")

    assert pickle.loads(pickle.dumps(read)) == read


INSTRUMENT = "tick_size: '0.01', lot_size: '0.001', taker_fee_ppm: 5, stops_trigger: mark"


@pytest.mark.parametrize(
    "text",
    [
        f"instruments:\n  A: {{{INSTRUMENT}}}\n  B: {{{INSTRUMENT}}}\n",
        f"A: {{{INSTRUMENT}}}\nB: {{{INSTRUMENT}}}\n",
        f"- {{symbol: A, {INSTRUMENT}}}\n- {{symbol: B, {INSTRUMENT}}}\n",
        f"instruments:\n  - {{symbol: A, {INSTRUMENT}}}\n  - {{symbol: B, {INSTRUMENT}}}\n",
    ],
)
def test_instruments_alone_may_be_a_mapping_or_a_list(text: str, tmp_path: Path) -> None:
    path = tmp_path / "instruments.yaml"
    path.write_text(text)

    table = load_instruments(path)

    assert list(table) == ["A", "B"]
    assert table["B"].index == 1
    assert table["B"].taker_fee_ppm == 5
    assert table["B"].stops_on_mark


@pytest.mark.parametrize("name", ["instruments", "trading", "recorded"])
def test_any_shipped_file_gives_its_instruments(name: str) -> None:
    assert list(load_instruments(CONFIG / f"{name}.yaml")) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "A: {tick_size: '0.01', lot_sise: '1'}\n",
            'f.yaml:1: instruments.A.lot_sise: unknown key (did you mean "lot_size"?)',
        ),
        (
            "- {symbol: A, tick_size: '0.01', lot_size: '1'}\n- {tick_size: '1', lot_size: '1'}\n",
            "f.yaml:2: instruments.1: found no symbol; write a mapping with symbol: NAME",
        ),
        (
            (
                "- {symbol: A, tick_size: '1', lot_size: '1'}\n"
                "- {symbol: A, tick_size: '1', lot_size: '1'}\n"
            ),
            'f.yaml:2: instruments.1.symbol: found "A" a second time; define each symbol once',
        ),
        (
            "- {symbol: A, tick_size: '0.01', lot_size: x}\n",
            (
                'f.yaml:1: instruments.A.lot_size: found "x"; write a plain decimal number, '
                'e.g. "100.5"'
            ),
        ),
        (
            "A: {tick_size: '1', lot_size: '2', min_qty: '3'}\n",
            (
                "f.yaml:1: instruments.A.min_qty: found that min_qty 3 is off the grid; "
                "it must be a multiple of 2"
            ),
        ),
        (
            "A: {tick_size: '1', lot_size: '1', min_notional: 9, max_notional: 8}\n",
            "f.yaml:1: instruments.A.min_notional: found that min_notional is above max_notional",
        ),
        ("5\n", "f.yaml:1: found 5; write a mapping from symbols to their settings"),
        ("", "f.yaml:1: found nothing; write a mapping from symbols to their settings"),
        ("instruments: g.yaml\n", "f.yaml:1: instruments: there is no file g.yaml"),
        ("instruments: f.yaml\n", "f.yaml:1: instruments: f.yaml leads back to this file"),
    ],
)
def test_a_mistake_in_an_instruments_file_has_its_line(
    text: str, line: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load_instruments(path)

    lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert line in lines
    assert len(lines) <= 2
