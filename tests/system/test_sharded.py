"""A platform with two Titans: each killed in place, then all; continued, verified, replayed; its
number is its journal's."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.control_block import RUNNING, ControlBlock
from tests.components.configuration.platforms import CONFIG
from tests.system.platform_run import PlatformRun, oracle

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.timeout(300)]

SHARDED = (
    *("--config", str(CONFIG / "sharded.yaml")),
    *("--set", "rings.commands.capacity=256", "--set", "rings.events.capacity=64"),
    *("--set", "feed.simulation.drift=-0.01"),
)
"""Small rings, and a fall in which accounts are liquidated: the circle is full at times."""


def kill_in_place(name: str, victim: str) -> None:
    """With kill -9, and wait until its successor runs and events come again."""
    block = ControlBlock.attach(name)
    line = next(each for each in block.lines if each.name == victim)
    owner = next(each.owner for each in block.snapshots() if each.name == victim)
    os.kill(owner.pid, signal.SIGKILL)
    deadline = time.monotonic() + 90
    while not line.restarts or line.state != RUNNING:
        assert time.monotonic() < deadline, f"{victim} did not come back"
        time.sleep(0.002)
    block.close()
    events = RingBuffer.attach(f"{name}.events")
    seen = events.cursor
    while events.cursor < seen + 100:
        assert time.monotonic() < deadline, f"nothing comes after {victim} came back"
        time.sleep(0.002)
    events.close()


def test_two_titans_are_killed_continued_and_replayed(segment_prefix: str, tmp_path: Path) -> None:
    name, journal = segment_prefix.rstrip("."), tmp_path / "events"
    with PlatformRun(name, journal, *SHARDED) as run:
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            run.wait_for_metric("titan_executions_total", 10, symbol=symbol)
        run.wait_for_metric("sentinel_liquidations_total", 1, symbol="BTCUSDT")
        for victim in ("titan-1", "merge", "titan-0"):
            kill_in_place(name, victim)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    for victim in ("titan-1", "merge", "titan-0"):
        assert f"process {victim} failed: killed by SIGKILL; restarting now" in run.output

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
