"""Processes of the live platform killed and stopped under load: they come back, nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.configuration.platforms import CONFIG
from tests.faults.platform_drill import PROCESSES, drilled

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.timeout(600)]

HANGS = tuple(
    argument
    for name in ("titan", "sentinel", "oracle")
    for argument in ("--set", f"processes.{name}.hang_after_s=3")
)


@pytest.fixture
def name(segment_prefix: str) -> str:
    return segment_prefix.rstrip(".")


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "events"


def test_processes_are_killed_and_stopped_under_load_and_come_back(
    name: str, journal: Path
) -> None:
    with drilled(name, journal, 1, *HANGS) as drill:
        for victim in (*PROCESSES, "sentinel", "titan"):
            drill.work(20)
            drill.kill(victim)
        drill.hang("titan")

    for victim in PROCESSES:
        assert f"process {victim} failed: killed by SIGKILL; restarting" in drill.run.output
    assert "process titan failed: it gave no sign of life for" in drill.run.output


@pytest.mark.soak
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", range(5))
def test_two_hundred_deaths(name: str, journal: Path, seed: int) -> None:
    """Five runs of 50: more kills than stops, at random moments, sometimes of two at once, some
    successors of new code among them; the last two runs with two Titans."""
    others = ("feed", "oracle", "monitor", "snapshots")
    engines: tuple[str, ...] = ("titan",)
    shards: tuple[str, ...] = ()
    if seed >= 3:
        engines, shards = (
            ("titan-0", "titan-1", "merge"),
            ("--config", str(CONFIG / "sharded.yaml")),
        )
    with drilled(name, journal, seed, *shards, *HANGS) as drill:
        for _ in range(50):
            if drill.chance.random() < 0.6:
                drill.work(drill.chance.randint(1, 300))
            how = drill.chance.random()
            if how < 0.15:
                drill.hang(drill.chance.choice((*engines, "sentinel", "oracle")))
            elif how < 0.2:
                drill.renew(drill.chance.choice((*engines, "sentinel", *others)))
            else:
                drill.kill(drill.chance.choice((*engines, "sentinel", *others)))

    for victim, seconds in sorted(drill.seconds.items()):
        print(f"{victim}: {len(seconds)} deaths, at most {max(seconds):.2f} s")
