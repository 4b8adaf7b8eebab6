"""What the doctor says of machines, good and bad, and of this one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.configuration import PlatformConfiguration, load_platform
from components.launcher.doctor import (
    Machine,
    examine,
    findings,
    fitting_profile,
    needed_shared_memory,
)

ROOT = Path(__file__).parents[3]
GOOD = Machine(
    cpus=8,
    allowed=tuple(range(8)),
    isolated="1-4",
    governor="performance",
    huge_pages_shared="within_size",
    clock_source="tsc",
    shared_memory_free=1 << 34,
    disk_free=1 << 40,
    open_files=65_536,
    swap_used=0,
    sync_ms_median=0.1,
    sync_ms_worst=0.4,
    clock_resolution_ns=1.0,
    is_clock_set=True,
)


def platform(file: str = "trading.yaml", *overrides: str) -> PlatformConfiguration:
    return load_platform(ROOT / "config" / file, overrides, {})


def test_a_good_machine_needs_nothing() -> None:
    found = findings(GOOD, platform())

    assert {each.grade for each in found} == {"fine"}
    assert not any(each.advice for each in found)


@pytest.mark.parametrize(
    ("what", "subject", "grade", "advice"),
    [
        ({"allowed": (0, 1)}, "CPUs", "slow", "a machine with 6"),
        ({"allowed": (0, 1)}, "affinity", "slow", "without taskset"),
        ({"isolated": ""}, "isolation", "slow", "isolcpus="),
        ({"governor": "powersave"}, "governor", "slow", "cpupower"),
        ({"huge_pages_shared": "never"}, "huge pages", "slow", "shmem_enabled"),
        ({"shared_memory_free": 1 << 20}, "/dev/shm", "bad", "remount,size="),
        ({"swap_used": 1 << 30}, "swap", "slow", "swapoff"),
        ({"open_files": 256}, "open files", "bad", "ulimit -n"),
        ({"disk_free": 1 << 28}, "disk", "bad", "bin/oracle archive"),
        ({"sync_ms_median": 30.0}, "fsync", "slow", "power-loss protection"),
        ({"is_clock_set": False}, "clock", "bad", "chronyd"),
        ({"clock_source": "hpet"}, "clock source", "slow", "tsc=reliable"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    what: dict[str, Any], subject: str, grade: str, advice: str
) -> None:
    found = {each.subject: each for each in findings(replace(GOOD, **what), platform())}

    assert found[subject].grade == grade
    assert advice in found[subject].advice


def test_a_slow_disk_matters_only_to_those_who_wait_for_it() -> None:
    slow = replace(GOOD, sync_ms_median=30.0)

    assert {each.grade for each in findings(slow, platform("throughput.yaml"))} == {"fine"}


@pytest.mark.parametrize(
    ("cpus", "file"), [(1, "trading"), (2, "trading"), (4, "throughput"), (6, "dedicated")]
)
def test_the_profile_follows_the_cpus_and_exists(cpus: int, file: str) -> None:
    found, _ = fitting_profile(replace(GOOD, allowed=tuple(range(cpus))))

    assert found == f"{file}.yaml"
    assert platform(found).processes["titan"].run == "components.titan.process:run"


def test_larger_rings_need_more_memory() -> None:
    assert needed_shared_memory(platform("throughput.yaml")) > 8 * needed_shared_memory(platform())


def test_this_machine_can_be_examined_and_nothing_stays(tmp_path: Path) -> None:
    machine = examine(tmp_path / "journal")

    assert machine.allowed
    assert machine.sync_ms_worst >= machine.sync_ms_median > 0
    assert machine.is_clock_set
    assert list(tmp_path.iterdir()) == []


def test_the_program_tells_findings_and_profile(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "components.launcher.doctor_cli", "--json", "--set",
         f"oracle.path={tmp_path}/journal"],
        capture_output=True, text=True, check=False, timeout=100, cwd=ROOT,
    )  # fmt: skip
    told = json.loads(ran.stdout)

    bad = [each for each in told["findings"] if each["grade"] == "bad"]
    assert ran.returncode == (1 if bad else 0)
    assert (ROOT / "config" / told["profile"]).is_file()
