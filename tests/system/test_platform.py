"""The whole platform as a user runs it: start, metrics, stop, verify, replay, restart, refusals."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
from decimal import Decimal
from pathlib import Path

import pytest

from components.oracle.api import Journal
from disruptor.kernel_cache import cache_directory
from disruptor.memory.process_identity import start_time_of
from disruptor.memory.segment import existing
from disruptor.supervisor.control_block import ControlBlock
from tests.recordings import recording
from tests.system.platform_run import Metrics, PlatformRun, oracle, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CRASH = ("--set", "feed.simulation.drift=-0.01")
"""A fall of one per cent a step, so that the default accounts are liquidated soon."""

GATE = ("--set", "titan.risk_gate=true")


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "events"


def gate_kernels() -> set[Path]:
    """What is cached of the loop around the gate, which nothing but a platform runs."""
    return set(cache_directory().glob("gated_pipeline-*/*"))


def users_of(metrics: Metrics) -> set[str]:
    """The users that the margin ratios tell of."""
    return {dict(labels)["user"] for sample, labels in metrics if sample == "sentinel_margin_ratio"}


def test_a_run_is_measured_stopped_verified_and_replayed(name: str, journal: Path) -> None:
    with PlatformRun(name, journal, *CRASH) as run:
        run.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        run.wait_for_metric("titan_executions_total", 20, symbol="BTCUSDT")
        run.wait_for_metric("titan_spread", 1e-9, symbol="BTCUSDT")  # absent while a side is empty
        run.wait_until(lambda metrics: {"1001", "1002", "1003"} <= users_of(metrics))
        metrics = run.metrics()
        children = [each.owner.pid for each in ControlBlock.attach(name).snapshots()]
        status = run.stop(signal.SIGTERM)

    names = {sample for sample, _ in metrics}
    assert status == 0, run.output
    assert {
        "sentinel_margin_ratio", "sentinel_process_time_micros_bucket", "price_feed_updates_total",
        "titan_orders_processed_total", "titan_execution_price_bucket",
        "titan_execution_quantity_bucket", "oracle_events_written_total",
        "sentinel_liquidation_loss_usd_bucket", "sentinel_accounts_at_risk",
        "price_feed_latency_ms_bucket", "price_feed_simulated_price",
        "ring_cursor", "ring_consumer_lag", "ring_remaining_capacity",
    } <= names  # fmt: skip
    assert metrics["sentinel_accounts_total", frozenset()] == 7
    assert {"1001", "1002", "1003"} <= users_of(metrics)
    up = {
        dict(labels)["process"]: value
        for (s, labels), value in metrics.items()
        if s == "process_up"
    }
    assert up == {"feed": 1, "titan": 1, "sentinel": 1, "oracle": 1, "monitor": 1, "snapshots": 1}
    assert "LIQUIDATION  account 1001  long 0.5 BTCUSDT" in run.output
    assert "checkpoint  commands #" in run.output
    assert "Goodbye." in run.output
    assert existing(f"{name}.") == []
    assert not any(start_time_of(pid) for pid in children)

    assert oracle(journal, "verify", "--deep").returncode == 0
    replayed = oracle(journal, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    report = json.loads(replayed.stdout)
    assert report["journaled"] == report["derived"]
    assert report["journaled"]["events"] > 100
    assert report["journaled"]["orders"] >= 1
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


def test_a_restart_continues_the_journal_without_a_gap(name: str, journal: Path) -> None:
    """With the risk gate on, which has to know the accounts again, and for which nothing is left to
    be compiled: the warm-up before the tests was as complete as that of a start."""
    compiled = gate_kernels()
    with PlatformRun(name, journal, *CRASH, *GATE) as first:
        first.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        assert first.stop(signal.SIGINT) == 0
    ended = json.loads(oracle(journal, "replay", "--json").stdout)
    with PlatformRun(name, journal, *GATE) as second:
        second.wait_for_metric("oracle_durable_sequence", ended["commands"] + 50, kind="commands")
        deposits = second.metrics()["sentinel_accounts_total", frozenset()]
        assert second.stop() == 0
    continued = oracle(journal, "replay", "--json")

    assert compiled
    assert gate_kernels() == compiled
    assert deposits == 7
    assert f"(snapshot after command {ended['commands']:,})" in second.output
    assert "set-up    0 commands to publish" in second.output
    assert f"restored from {ended['commands']:,} commands" in second.output
    assert continued.returncode == 0, continued.stdout
    assert json.loads(continued.stdout)["commands"] >= ended["commands"] + 50
    assert oracle(journal, "hash").stdout.strip() == second.state_hash()


@pytest.mark.fault
@pytest.mark.timeout(600)
def test_a_killed_engine_that_may_not_restart_stops_the_platform_and_the_next_start_recovers(
    name: str, journal: Path
) -> None:
    """One after the other, so that each start recovers from the death before it."""
    for victim, market in (("titan", CRASH), ("sentinel", ()), ("oracle", ())):
        never = ("--set", f"processes.{victim}.restart=never")
        with PlatformRun(name, journal, *market, *never) as run:
            run.wait_for_metric("titan_executions_total", 20, symbol="BTCUSDT")
            pids = {each.name: each.owner.pid for each in ControlBlock.attach(name).snapshots()}
            os.kill(pids[victim], signal.SIGKILL)
            assert run.wait() == 1
        assert f"process {victim} failed: killed by SIGKILL" in run.output
        assert existing(f"{name}.") == []
        assert oracle(journal, "replay").returncode == 0
    with PlatformRun(name, journal) as again:
        again.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
        assert again.stop() == 0

    replayed = oracle(journal, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout
    assert oracle(journal, "hash").stdout.strip() == again.state_hash()


@pytest.mark.fault
def test_everything_killed_at_once_leaves_a_journal_that_the_next_start_continues(
    name: str, journal: Path
) -> None:
    with PlatformRun(name, journal, *CRASH) as run:
        run.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        children = [each.owner.pid for each in ControlBlock.attach(name).snapshots()]
        for pid in (run.pid, *children):
            os.kill(pid, signal.SIGKILL)
        run.wait()
    with PlatformRun(name, journal) as again:
        again.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
        assert again.stop() == 0

    assert not any(start_time_of(pid) for pid in children)
    assert existing(f"{name}.") == []
    assert oracle(journal, "verify").returncode == 0
    assert oracle(journal, "replay").returncode == 0


@pytest.mark.fault
def test_a_killed_feed_is_restarted_in_place(name: str, journal: Path) -> None:
    with PlatformRun(name, journal) as run:
        run.wait_for_metric("price_feed_updates_total", 3, symbol="BTCUSDT")
        feed = ControlBlock.attach(name).snapshots()[0]
        os.kill(feed.owner.pid, signal.SIGKILL)
        run.wait_for_metric("process_restarts_total", 1, process=feed.name)
        run.wait_for_metric("price_feed_updates_total", 3, symbol="BTCUSDT")
        assert run.stop() == 0

    assert oracle(journal, "replay").returncode == 0
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


def test_a_second_instance_of_the_name_is_refused(name: str, journal: Path) -> None:
    with PlatformRun(name, journal) as run:
        refused = PlatformRun(name, journal.with_name("other"))
        assert refused.wait() == 1
        refused.__exit__(None, None, None)
        assert run.stop() == 0

    assert f"belongs to the running process {run.pid}" in refused.output


def test_a_journal_that_another_instance_holds_is_refused(name: str, journal: Path) -> None:
    with PlatformRun(name, journal) as run:
        refused = PlatformRun(f"{name}-b", journal)
        assert refused.wait() == 1
        refused.__exit__(None, None, None)
        assert run.stop() == 0

    assert "Error: " in refused.output
    assert str(journal) in refused.output
    assert existing(f"{name}-b") == []


def test_a_used_port_is_one_sentence_before_anything_starts(name: str, journal: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = program(
            "components.launcher.cli", "--set", f"name={name}", "--set", f"metrics.port={port}",
            "--set", f"oracle.path={journal}",
        )  # fmt: skip

    assert ran.returncode == 1
    assert f"Error: port {port} on 127.0.0.1 for metrics cannot be used" in ran.stderr
    assert not journal.exists()


def test_a_corrupt_journal_refuses_to_start_and_is_left_alone(name: str, journal: Path) -> None:
    with PlatformRun(name, journal) as run:
        run.wait_for_metric("oracle_durable_sequence", 100, kind="commands")
        assert run.stop() == 0
    data = next(journal.rglob("data.mdb"))
    content = bytearray(data.read_bytes())
    content[:] = content.replace(b"BTCUSDT", b"BTCUSDX")  # also where pages were copied on write
    data.write_bytes(content)
    refused = PlatformRun(name, journal)
    assert refused.wait() == 1
    refused.__exit__(None, None, None)

    assert "Error: " in refused.output
    assert "commands" in refused.output
    assert data.read_bytes() == bytes(content)


def test_a_wrong_key_names_file_line_and_what_would_be_right() -> None:
    ran = program("components.launcher.cli", "--set", "feed.mode=simulated")

    assert ran.returncode == 2
    assert "feed.mode" in ran.stderr
    assert "simulation" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--duration", "nan"), "write a number of seconds"),
        (("--set", "rings.commands.event=nope:NOPE"), "there is no module nope"),
        (("--set", "processes.feed.run=components.feed.process:nope"), "has no nope"),
        (("--config", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_starts(
    arguments: tuple[str, ...], sentence: str
) -> None:
    ran = program("components.launcher.cli", *arguments)

    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_sample_recording_liquidates_and_replays(name: str, journal: Path) -> None:
    config = Path(__file__).parents[2] / "config" / "recorded.yaml"
    arguments = ("--config", str(config), "--set", "feed.recorded.speed=max")
    with PlatformRun(name, journal, *arguments, "--set", "feed.recorded.loop=false") as run:
        run.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        assert run.stop() == 0

    assert "LIQUIDATION  account 1001" in run.output
    assert oracle(journal, "replay").returncode == 0
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


COIN_MARGINED = (
    "--set", 'instruments={BTCUSD_PERP: {tick_size: "0.1", lot_size: "0.01"}}',
    "--set", "feed.symbols=[BTCUSD_PERP]",
    "--set", "accounts=[]",
    "--set", "feed.simulation.start_prices=null",
)  # fmt: skip


def plain_trades(path: Path) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each trade of a recording, counted without any code of the platform."""
    trades = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            data = json.loads(line.split(" ", 1)[1]).get("data", {})
            if data.get("e") == "trade":
                trades.append((Decimal(data["p"]), Decimal(data["q"])))
    return trades


def journaled_trades(journal: Path, symbol: str) -> list[tuple[Decimal, Decimal]]:
    """Price and quantity of each price command that the journal has, none of them flagged."""
    with Journal.open(journal) as opened:
        instrument = opened.instruments[symbol]
        commands = opened.commands(kind="price", symbol=symbol)
        assert not commands["flags"].any()
        return [
            (price * instrument.tick_size, qty * instrument.lot_size)
            for price, qty in commands[["price", "qty"]].tolist()
        ]


@pytest.mark.parametrize(
    ("file", "symbol", "trades", "tickers", "depths", "arguments"),
    [
        ("usdm_btcusdt_20240808.gz", "BTCUSDT", 21_313, 66_089, 6_551, ()),
        ("spot_btcusdt_20240808.gz", "BTCUSDT", 9_757, 28_040, 3_451, ()),
        ("cm_btcusd_perp_20240808.gz", "BTCUSD_PERP", 2_286, 19_136, 26_847, COIN_MARGINED),
    ],
)
def test_a_real_recording_runs_through_the_whole_platform(
    name: str, journal: Path, file: str, symbol: str, trades: int, tickers: int, depths: int,
    arguments: tuple[str, ...],
) -> None:  # fmt: skip
    path = recording("binance-hftbacktest", file)
    config = Path(__file__).parents[2] / "config" / "recorded.yaml"
    with PlatformRun(
        name, journal, "--config", str(config), "--set", f"feed.recorded.path={path}",
        "--set", "feed.recorded.speed=max", "--set", "feed.recorded.loop=false", *arguments,
    ) as run:  # fmt: skip
        run.wait_for_metric("price_feed_updates_total", trades, symbol=symbol)
        run.wait_for_metric("price_feed_frames_total", depths, kind="depth")
        run.wait_for_metric("price_feed_frames_total", tickers, kind="book_ticker")
        metrics = run.metrics()
        assert run.stop() == 0

    def counted(metric: str, **labels: str) -> float:
        return metrics[metric, frozenset(labels.items())]

    assert counted("price_feed_updates_total", symbol=symbol) == trades
    assert counted("price_feed_frames_total", kind="depth") == depths
    assert counted("price_feed_frames_total", kind="book_ticker") == tickers
    assert counted("price_feed_frames_total", kind="snapshot") == 1
    assert counted("price_feed_gaps_total", symbol=symbol) == 0
    assert counted("price_feed_duplicates_total", symbol=symbol) == 0
    assert counted("price_feed_stale_total", symbol=symbol) == 0
    assert journaled_trades(journal, symbol) == plain_trades(path)
    replayed = oracle(journal, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


def test_simulated_prices_go_on_from_the_journals_last_ones(name: str, journal: Path) -> None:
    """A restart is not a price jump that would liquidate somebody."""
    with PlatformRun(name, journal, *CRASH) as first:
        first.wait_for_metric("price_feed_updates_total", 30, symbol="BTCUSDT")
        assert first.stop() == 0
    with PlatformRun(name, journal) as second:
        second.wait_for_metric("price_feed_updates_total", 1, symbol="BTCUSDT")
        price = second.metrics()["price_feed_simulated_price", frozenset({("symbol", "BTCUSDT")})]
        assert second.stop() == 0

    assert 30_000 < price < 42_000, "it began at 50,000 again, or ran away"


def test_a_second_signal_ends_everything_at_once(name: str, journal: Path) -> None:
    with PlatformRun(name, journal) as run:
        run.wait_for_metric("oracle_durable_sequence", 50, kind="commands")
        feed = ControlBlock.attach(name).snapshots()[0].owner.pid
        os.kill(feed, signal.SIGSTOP)  # a feed that does not stop makes the drain wait
        os.kill(run.pid, signal.SIGINT)
        run.read_until("draining")
        assert run.stop(signal.SIGINT) == 1

    assert "stopped at once" in run.output
    assert existing(f"{name}.") == []
    assert oracle(journal, "verify").returncode == 0
    assert oracle(journal, "replay").returncode == 0


def test_a_signal_before_the_platform_is_operational_ends_it(name: str, journal: Path) -> None:
    run = PlatformRun(name, journal)
    run.read_until("DISRUPTOR TRADING PLATFORM")  # printed before the first process is started
    assert run.stop(signal.SIGTERM) == 1
    run.__exit__(None, None, None)

    assert "stopped at once" in run.output
    assert existing(f"{name}.") == []
