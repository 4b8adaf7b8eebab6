"""A platform with two Titans: killed, continued, verified, replayed; its number is its journal's."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from disruptor.memory.segment import existing
from disruptor.supervisor.control_block import ControlBlock
from tests.components.configuration.platforms import CONFIG
from tests.system.platform_run import PlatformRun, oracle

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.timeout(300)]

SHARDED = (
    *("--config", str(CONFIG / "sharded.yaml")),
    *("--set", "rings.commands.capacity=256", "--set", "rings.events.capacity=64"),
    *("--set", "feed.simulation.drift=-0.01"),
)
"""Small rings, and a fall in which accounts are liquidated: the circle is full at times."""


def test_two_titans_are_killed_continued_and_replayed(segment_prefix: str, tmp_path: Path) -> None:
    name, journal = segment_prefix.rstrip("."), tmp_path / "events"
    with PlatformRun(name, journal, *SHARDED) as run:
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            run.wait_for_metric("titan_executions_total", 10, symbol=symbol)
        run.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        processes = {each.name: each.owner.pid for each in ControlBlock.attach(name).snapshots()}
        assert {"titan-0", "titan-1", "merge"} <= set(processes)
        os.kill(processes["titan-1"], signal.SIGKILL)
        assert run.wait() == 1
    assert "process titan-1 failed: killed by SIGKILL" in run.output
    assert existing(f"{name}.") == []

    with PlatformRun(name, journal, *SHARDED) as again:
        again.wait_for_metric("titan_executions_total", 10, symbol="ETHUSDT")
        again.wait_for_metric("titan_executions_total", 10, symbol="BTCUSDT")
        assert again.stop() == 0
    assert "the rings did not run empty" not in again.output
    assert "saved a snapshot after command" in again.output, "the shadow came to the same state"

    assert oracle(journal, "verify", "--deep").returncode == 0
    replayed = oracle(journal, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    report = json.loads(replayed.stdout)
    assert report["journaled"] == report["derived"]
    assert oracle(journal, "hash").stdout.strip() == again.state_hash()

    alone = PlatformRun(name, journal, *SHARDED, "--set", "titan.shards=1")
    assert alone.wait() == 1
    alone.__exit__(None, None, None)
    assert f"the journal {journal} was written with 2; write 2, or another" in alone.output
