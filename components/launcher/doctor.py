"""Whether a machine is fit for the platform, and what to change for the lowest latency.

``examine`` looks at the machine and changes nothing; ``findings`` is a function of what it saw, so
that every judgement can be tried without such a machine.

    bad     the platform would not run, or lose what it promises
    slow    it runs, and slower or less evenly than this machine could
    fine    nothing to do
"""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from components.configuration.model import PlatformConfiguration
from disruptor.errors import ConfigurationError
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY
from disruptor.ring import layout
from disruptor.topology.reference import event_dtype

Grade = Literal["fine", "slow", "bad"]

_MIB: Final = 1 << 20
_SYNC_BYTES: Final = 64 << 10
_SLOW_SYNC_MS: Final = 5.0
_FEW_FILES: Final = 1024
_DISK_RESERVE_BYTES: Final = 1 << 30
_BESIDE_RINGS_BYTES: Final = 16 * _MIB
"""Counters, tables, control block."""


@dataclass(frozen=True)
class Machine:
    """What was seen of a machine; a text is empty where the kernel does not tell."""

    cpus: int  # of the machine
    allowed: tuple[int, ...]  # of this process
    isolated: str
    governor: str
    huge_pages_shared: str
    clock_source: str
    shared_memory_free: int
    disk_free: int
    open_files: int
    swap_used: int
    sync_ms_median: float
    sync_ms_worst: float
    clock_resolution_ns: float
    is_clock_set: bool  # between now and the newest file of the journal


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's: what was looked at, how it is, what to do."""

    subject: str
    grade: Grade
    found: str
    advice: str = ""


def examine(journal: Path, syncs: int = 20) -> Machine:
    """Look at this machine and at the disk on which the journal lies, or will.

    ``syncs``: how often the disk is tried; it takes some milliseconds each.
    """
    disk = next(each for each in (journal, *journal.absolute().parents) if each.is_dir())
    times = _sync_times_ms(disk, syncs)
    return Machine(
        cpus=os.cpu_count() or 1,
        allowed=tuple(sorted(os.sched_getaffinity(0))),
        isolated=_read("/sys/devices/system/cpu/isolated"),
        governor=_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        huge_pages_shared=_chosen(_read("/sys/kernel/mm/transparent_hugepage/shmem_enabled")),
        clock_source=_read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        shared_memory_free=_free_bytes(Path(SHARED_MEMORY_DIRECTORY)),
        disk_free=_free_bytes(disk),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        swap_used=_swap_used(),
        sync_ms_median=statistics.median(times),
        sync_ms_worst=max(times),
        clock_resolution_ns=time.get_clock_info("monotonic").resolution * 1e9,
        is_clock_set=_newest_ns(journal) <= time.time_ns(),
    )


def findings(machine: Machine, configuration: PlatformConfiguration) -> list[Finding]:
    """All that there is to say about a machine on which this configuration shall run."""
    return [
        *_of_cpus(machine, configuration),
        *_of_memory(machine, configuration),
        *_of_disk(machine, configuration),
        *_of_clock(machine),
    ]


def require_fit(configuration: PlatformConfiguration) -> list[str]:
    """Refuse a start that would fail half way; what else a person should know, a line each.

    Raises ConfigurationError when /dev/shm has no room for the rings.
    """
    machine = examine(Path(configuration.oracle.path), syncs=0)
    bad = [each for each in findings(machine, configuration) if each.grade == "bad"]
    for each in bad:
        if each.subject == SHARED_MEMORY_DIRECTORY:
            raise ConfigurationError(f"{each.subject}: {each.found}: {each.advice}")
    return [f"{each.subject}: {each.found}: {each.advice}" for each in bad]


def fitting_profile(machine: Machine) -> tuple[str, str]:
    """The file of config/ that fits the machine, and why."""
    free = len(machine.allowed)
    if free >= _CPUS_FOR_DEDICATED:
        return "dedicated.yaml", f"{free} CPUs: each stage has its own and never sleeps"
    if free > 2:
        return "throughput.yaml", f"{free} CPUs: stages share some; large rings and batches"
    return "trading.yaml", f"{free} CPUs: stages share them and sleep when idle"


_CPUS_FOR_DEDICATED: Final = 6
"""Feed, Titan, Sentinel, Oracle, one for the rest and one for the system."""


def needed_shared_memory(configuration: PlatformConfiguration) -> int:
    """Bytes of /dev/shm that a platform takes."""
    rings = (
        layout.segment_bytes(ring.capacity, event_dtype(ring).itemsize, ring.producers == "multi")
        for ring in configuration.rings.values()
    )
    return sum(rings) + _BESIDE_RINGS_BYTES


def _of_cpus(machine: Machine, configuration: PlatformConfiguration) -> Iterator[Finding]:
    pinned = sum(each.cpu != "none" for each in configuration.processes.values())
    free = len(machine.allowed)
    found = f"{free} of {machine.cpus} may be used; {pinned} processes want one each"
    if free < pinned:
        yield Finding("CPUs", "slow", found, f"a machine with {pinned + 1}, or the profile below")
    else:
        yield Finding("CPUs", "fine", found)
    if free < machine.cpus:
        yield Finding(
            "affinity", "slow", f"only CPUs {', '.join(map(str, machine.allowed))}",
            "start it without taskset, or give its container all CPUs",
        )  # fmt: skip
    if machine.isolated:
        yield Finding("isolation", "fine", f"CPUs {machine.isolated} are kept from the scheduler")
    elif free > pinned:
        yield Finding(
            "isolation", "slow", "the scheduler may put others on the stages' CPUs",
            "boot with isolcpus=, nohz_full= and rcu_nocbs= for the CPUs of the stages",
        )  # fmt: skip
    if machine.governor not in ("", "performance"):
        yield Finding(
            "governor", "slow", f"{machine.governor}: the clock rises only under load",
            "cpupower frequency-set -g performance",
        )  # fmt: skip
    elif machine.governor:
        yield Finding("governor", "fine", machine.governor)


def _of_memory(machine: Machine, configuration: PlatformConfiguration) -> Iterator[Finding]:
    needed = needed_shared_memory(configuration)
    found = f"{machine.shared_memory_free // _MIB:,} MiB free, {needed // _MIB:,} MiB needed"
    if machine.shared_memory_free < needed:
        yield Finding(
            SHARED_MEMORY_DIRECTORY, "bad", found,
            f"mount -o remount,size={2 * needed // _MIB}M {SHARED_MEMORY_DIRECTORY}; in docker "
            f"--shm-size={2 * needed // _MIB}m; or smaller rings",
        )  # fmt: skip
    else:
        yield Finding(SHARED_MEMORY_DIRECTORY, "fine", found)
    if machine.huge_pages_shared in ("never", "deny"):
        yield Finding(
            "huge pages", "slow", "not for shared memory",
            "echo within_size > /sys/kernel/mm/transparent_hugepage/shmem_enabled",
        )  # fmt: skip
    elif machine.huge_pages_shared:
        yield Finding("huge pages", "fine", f"{machine.huge_pages_shared}, for shared memory")
    if machine.swap_used:
        yield Finding(
            "swap", "slow", f"{machine.swap_used // _MIB:,} MiB are swapped out",
            "swapoff -a, or vm.swappiness=0",
        )  # fmt: skip
    if machine.open_files < _FEW_FILES:
        yield Finding("open files", "bad", f"at most {machine.open_files}", "ulimit -n 4096")


def _of_disk(machine: Machine, configuration: PlatformConfiguration) -> Iterator[Finding]:
    needed = 2 * (configuration.oracle.segment_mb << 20) + _DISK_RESERVE_BYTES
    found = f"{machine.disk_free // _MIB:,} MiB free"
    if machine.disk_free < needed:
        yield Finding(
            "disk", "bad", found,
            f"make {needed // _MIB:,} MiB free, give oracle.path another disk, or archive old "
            "segments with bin/oracle archive",
        )  # fmt: skip
    else:
        yield Finding("disk", "fine", found)
    syncs = f"fsync {machine.sync_ms_median:.2f} ms, at worst {machine.sync_ms_worst:.2f} ms"
    is_waited_for = configuration.durability.sync == "commit"
    if machine.sync_ms_median > _SLOW_SYNC_MS and is_waited_for:
        yield Finding(
            "fsync", "slow", syncs,
            "a disk with power-loss protection, or durability.sync=interval, which may lose the "
            "last interval_ms when the machine stops",
        )  # fmt: skip
    else:
        yield Finding("fsync", "fine", syncs)


def _of_clock(machine: Machine) -> Iterator[Finding]:
    if not machine.is_clock_set:
        yield Finding(
            "clock", "bad", "it is behind the journal's newest file",
            "set it (chronyd, ntpd), else the platform's time stands until it has caught up",
        )  # fmt: skip
    source = machine.clock_source
    resolution = f"{source or 'unknown source'}, {machine.clock_resolution_ns:.0f} ns"
    if source and source not in (
        "tsc",
        "arch_sys_counter",
        "kvm-clock",
        "hyperv_clocksource_tsc_page",
    ):
        yield Finding(
            "clock source", "slow", f"{resolution}: a system call each look",
            "boot with tsc=reliable, if the machine's is",
        )  # fmt: skip
    else:
        yield Finding("clock source", "fine", resolution)


def _sync_times_ms(directory: Path, count: int) -> list[float]:
    path = directory / f".doctor.{os.getpid()}"
    times: list[float] = []
    if not count:
        return [0.0]
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        for _ in range(count):
            os.pwrite(descriptor, os.urandom(_SYNC_BYTES), 0)
            started = time.perf_counter()
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - started) * 1e3)
    finally:
        os.close(descriptor)
        path.unlink()
    return times


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""


def _chosen(listed: str) -> str:
    """The one in brackets of the kernel's "always [advise] never"."""
    return listed.partition("[")[2].partition("]")[0] or listed


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _swap_used() -> int:
    told = dict(
        line.split(":", 1)
        for line in _read("/proc/meminfo").splitlines()
        if line.startswith("Swap")
    )
    if not {"SwapTotal", "SwapFree"} <= told.keys():
        return 0
    total, free = (int(told[name].split()[0]) for name in ("SwapTotal", "SwapFree"))
    return (total - free) << 10


def _newest_ns(journal: Path) -> int:
    if not journal.is_dir():
        return 0
    return max((each.stat().st_mtime_ns for each in journal.iterdir()), default=0)
