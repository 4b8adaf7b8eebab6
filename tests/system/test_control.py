"""bin/ctl on a running platform: looked at, restarted piece by piece, reloaded, saved, drained."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from disruptor.memory.segment import existing
from disruptor.supervisor.control_block import ControlBlock
from tests.system.platform_run import ROOT, PlatformRun, oracle, program

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the source that may be changed while a platform runs from it."""
    for folder in ("disruptor", "components", "config"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_platform_is_looked_at_given_new_code_reloaded_saved_and_drained(
    name: str, tree: Path
) -> None:
    journal, config = tree / "events", tree / "mine.yaml"
    trading = tree / "config" / "trading.yaml"
    titan, sentinel = (tree / "components" / each / "process.py" for each in ("titan", "sentinel"))
    config.write_text(f"extends: {trading}\nlog_level: info\n", "utf-8")

    def ctl(*arguments: str) -> dict[str, object]:
        ran = program("components.launcher.ctl", "--name", name, "--json", *arguments)
        assert ran.returncode == 0, ran.stderr
        told: dict[str, object] = json.loads(ran.stdout)
        return told

    with PlatformRun(name, journal, "--config", str(config), root=tree) as crashes:
        crashes.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
    # The rings go on from where the journal ends, and no snapshot is as new as that.
    with PlatformRun(name, journal, "--config", str(config), root=tree) as run:
        run.wait_for_metric("titan_executions_total", 5, symbol="BTCUSDT")
        status = ctl("status")
        titan.write_text(
            titan.read_text("utf-8").replace(
                "    context.ready()\n",
                "    context.ready()\n    print('a new broom', flush=True)\n",
            ),
            "utf-8",
        )
        as_it_was = sentinel.read_text("utf-8")
        sentinel.write_text("import no_such_thing\n", "utf-8")
        for each in ("titan", "feed"):
            ctl("restart", each, "--set", f"processes.{each}.wait=sleeping")
        broken = program("components.launcher.ctl", "--name", name, "restart", "sentinel")
        sentinel.write_text(as_it_was, "utf-8")
        ctl("restart", "sentinel")
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
    restarted = {name: count for name, count in restarts.items() if count}
    assert restarted == {"titan": 1, "feed": 1, "sentinel": 1}
    assert "a new broom" in run.output
    assert broken.returncode == 1
    assert broken.stderr == (
        "Error: no successor of sentinel with the code of now: ModuleNotFoundError: "
        "No module named 'no_such_thing'\n"
    )
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
