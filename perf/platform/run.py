"""One run of the platform under load, from its start to its report.

The platform is the launcher's, in processes of its own, with the default configuration but for
the load generator, the probe, and what is measured.  CPU, context switches and bytes written are
read from the kernel when the load begins and when it ends, memory while it runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import yaml
from numpy.typing import NDArray

from components.launcher.warm_up import warm_up
from disruptor.supervisor.control_block import ControlBlock
from perf.platform import load, probe

_ROOT: Final = Path(__file__).resolve().parents[2]
_OPERATIONAL: Final = "Press Ctrl+C to shutdown"
_LIMIT_S: Final = 180.0
_POLL_S: Final = 0.01
_OURS: Final = ("feed", "probe")
"""The processes that are the measurement's, not the platform's."""


@dataclass(frozen=True)
class Setting:
    """What is run.  ``rate`` in commands a second, 0 for as fast as the platform takes them."""

    workload: str = "mixed"
    rate: int = 0
    seconds: float = 3.0
    commands: int = 0  # how many, where the rate is 0; both 0: at rest
    sync: str = "commit"
    gate: str = "output"
    wait: str = "adaptive"
    slice_s: float = 0.0  # of a long run: how often memory and latencies are noted; 0: at the end
    rest_s: float = 0.0  # how long it is left alone after the load, to come to an end by itself
    configuration: Mapping[str, Any] = field(default_factory=dict)  # what it needs besides


@dataclass(frozen=True)
class Usage:
    """What the platform's processes took while the load lasted; without generator and probe."""

    cpu_s: float
    switches: int
    written_bytes: int
    pss_bytes: int  # in the end
    own_over_time: tuple[int, ...] = ()  # of each slice, without pages of files


@dataclass(frozen=True)
class Outcome:
    """``latencies``: a histogram a hop, of perf.platform.histogram; ``seconds``: until the last
    command was durable and answered."""

    startup_s: float
    usage: Usage
    commands: int = 0
    seconds: float = 0.0
    late: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    latencies: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    slices: tuple[dict[str, NDArray[np.int64]], ...] = ()


def run_platform(setting: Setting, look: Callable[[Path], object] | None = None) -> Outcome:
    """Start, load, stop; RuntimeError with the platform's words if it does not do so.

    ``look`` is given the journal's folder before that goes.  With a cold cache the kernels are compiled before, so that every start is a warm one.
    """
    warm_up(print)
    root = os.environ.get("PERF_DIRECTORY", ".")
    with tempfile.TemporaryDirectory(prefix="platform-perf-", dir=root) as made:
        folder = Path(made).resolve()
        config = folder / "platform.yaml"
        name = f"perf-{os.getpid()}"
        config.write_text(yaml.safe_dump(_configuration(name, setting, folder)))
        started = time.monotonic()
        with _launched(config, folder) as platform:
            _wait_for_line(platform, folder)
            startup = time.monotonic() - started
            usage = _measured(name, setting, folder, platform)
            time.sleep(setting.rest_s)
            platform.send_signal(signal.SIGTERM)
            if platform.wait(_LIMIT_S) != 0:
                raise RuntimeError(f"the platform failed:\n{(folder / 'output').read_text()}")
        if look is not None:
            look(folder / "journal")
        if not setting.rate and not setting.commands:
            return Outcome(startup, usage)
        return _outcome(startup, usage, folder)


def _configuration(name: str, setting: Setting, folder: Path) -> dict[str, Any]:
    options = {
        "workload": setting.workload,
        "rate": setting.rate,
        "seconds": setting.seconds,
        "commands": setting.commands,
        "folder": str(folder),
    }
    generator = {"run": "perf.platform.load:run", "options": options, "restart": "never"}
    seat = {
        "run": "perf.platform.probe:run",
        "reads": ["commands", "events", "risk"],
        "after": {"commands": ["oracle"]},
        "group": "edge",
        "options": {"folder": str(folder), "slice_s": setting.slice_s},
    }
    processes: dict[str, Any] = {"feed": generator, "probe": seat}
    for process in ("feed", "titan", "sentinel", "oracle", "probe"):
        processes.setdefault(process, {})["wait"] = setting.wait
    return {
        "extends": str(_ROOT / "config" / "trading.yaml"),
        "name": name,
        "processes": processes,
        "durability": {"sync": setting.sync, "gate": setting.gate},
        "oracle": {"path": str(folder / "journal")},
        "metrics": {"port": 0},
        "status_interval_s": 0,
        "accounts": [],
        "feed": {"order_flow": {"orders_per_second": 0}},
        **setting.configuration,
    }


@contextlib.contextmanager
def _launched(config: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("ORACLE_PATH", "PROMETHEUS_PORT", "LOG_LEVEL")
    }
    command = [sys.executable, "-u", "-m", "components.launcher.cli", "--config", str(config)]
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environment, "PYTHONPATH": str(_ROOT)},
        ) as platform,
    ):
        try:
            yield platform
        finally:
            if platform.poll() is None:
                platform.kill()


def _wait_for_line(platform: subprocess.Popen[bytes], folder: Path) -> None:
    _wait_until(lambda: _OPERATIONAL in (folder / "output").read_text(), platform, folder)


def _wait_until(
    is_so: Any, platform: subprocess.Popen[bytes], folder: Path, limit_s: float = _LIMIT_S
) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        if platform.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the platform failed:\n{(folder / 'output').read_text()}")
        time.sleep(_POLL_S)


def _measured(
    name: str, setting: Setting, folder: Path, platform: subprocess.Popen[bytes]
) -> Usage:
    """What its processes take from the load's beginning to its end, or for some seconds at rest."""
    block = ControlBlock.attach(name)
    processes = [
        psutil.Process(each.owner.pid) for each in block.snapshots() if each.name not in _OURS
    ]
    block.close()
    processes.append(psutil.Process(platform.pid))
    if setting.rate or setting.commands:
        _wait_until((folder / load.STARTED).exists, platform, folder)
    before = [_taken(each) for each in processes]
    noted: list[int] = []
    next_note = time.monotonic() + setting.slice_s

    def is_over() -> bool:
        nonlocal next_note
        if setting.slice_s and time.monotonic() >= next_note:
            next_note += setting.slice_s
            noted.append(sum(map(_own_memory, processes)))
        return (folder / load.REPORT).exists()

    if setting.rate or setting.commands:
        _wait_until(is_over, platform, folder, _LIMIT_S + setting.seconds)
    else:
        time.sleep(setting.seconds)
    after = [_taken(each) for each in processes]
    cpu, switches, written = (np.array(after) - np.array(before)).sum(axis=0)
    return Usage(float(cpu), int(switches), int(written), _memory(processes), tuple(noted))


def _memory(processes: list[psutil.Process]) -> int:
    return int(sum(each.memory_full_info().pss for each in processes))


def _own_memory(process: psutil.Process) -> int:
    """A process's share of anonymous and shared memory, in bytes."""
    told = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines()
    kilobytes = (line.split() for line in told)
    return 1024 * sum(int(rest[1]) for rest in kilobytes if rest[0] in ("Pss_Anon:", "Pss_Shmem:"))


def _taken(process: psutil.Process) -> tuple[float, int, int]:
    times, switches = process.cpu_times(), process.num_ctx_switches()
    written = process.io_counters().write_bytes
    return times.user + times.system, switches.voluntary + switches.involuntary, written


def _outcome(startup: float, usage: Usage, folder: Path) -> Outcome:
    report = json.loads((folder / load.REPORT).read_text())
    if report["rejected"]:
        raise RuntimeError(f"{report['rejected']} commands of the load were refused at ingress")
    with np.load(folder / probe.REPORT) as seen:
        totals, ends = seen["slices"], seen["ends"]
    ended = max(int(ends[probe.HOPS.index("event")]), int(ends[probe.HOPS.index("durable")]))
    return Outcome(
        startup,
        usage,
        report["commands"],
        (ended - report["started_ns"]) / 1e9,
        np.array(report["lateness"]),
        _by_hop(totals[-1]),
        tuple(_by_hop(each) for each in np.diff(totals, axis=0)),
    )


def _by_hop(histograms: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    return dict(zip(probe.HOPS, histograms, strict=True))
