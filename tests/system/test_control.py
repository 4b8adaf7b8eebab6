"""bin/ctl on a running platform: looked at, restarted piece by piece, reloaded, saved, drained."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from disruptor.memory.segment import existing
from disruptor.supervisor.control_block import ControlBlock
from tests.system.platform_run import PlatformRun, oracle, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


def test_a_platform_is_looked_at_restarted_reloaded_saved_and_drained(
    name: str, tmp_path: Path
) -> None:
    journal, config = tmp_path / "events", tmp_path / "mine.yaml"
    trading = Path(__file__).parents[2] / "config" / "trading.yaml"
    config.write_text(f"extends: {trading}\nlog_level: info\n", "utf-8")

    def ctl(*arguments: str) -> dict[str, object]:
        ran = program("components.launcher.ctl", "--name", name, "--json", *arguments)
        assert ran.returncode == 0, ran.stderr
        told: dict[str, object] = json.loads(ran.stdout)
        return told

    with PlatformRun(name, journal, "--config", str(config)) as run:
        run.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
        status = ctl("status")
        for engine in ("titan", "sentinel", "oracle", "feed"):
            ctl("restart", engine, "--set", f"processes.{engine}.wait=sleeping")
        refused = program(
            "components.launcher.ctl", "--name", name, "restart", "titan", "--set",
            "rings.risk.capacity=1024",
        )  # fmt: skip
        saved = ctl("snapshot")
        config.write_text(f"extends: {trading}\nlog_level: warning\nname: other\n", "utf-8")
        os.kill(run.pid, signal.SIGHUP)
        run.read_until("reload: taken at once: log_level")
        run.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
        block = ControlBlock.attach(name)
        restarts = {each.name: each.restarts for each in block.snapshots()}
        levels = {int(line.log_level[0]) for line in block.lines}
        block.close()
        ctl("drain")
        assert run.wait() == 0

    assert [each["state"] for each in status["processes"]] == ["running"] * 6  # type: ignore[attr-defined]
    assert {"titan", "sentinel", "oracle", "feed"} == {n for n, count in restarts.items() if count}
    assert levels == {30}
    assert refused.returncode == 1
    assert "a restart of titan does not take rings.risk.capacity" in refused.stderr
    assert Path(str(saved["path"])).is_file()
    assert "Goodbye." in run.output
    assert existing(f"{name}.") == []
    assert oracle(journal, "replay").returncode == 0
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


def test_nobody_there_is_one_sentence(name: str) -> None:
    ran = program("components.launcher.ctl", "--name", name, "status")

    assert ran.returncode == 1
    assert ran.stderr == f"Error: no platform '{name}' runs here for this user\n"
