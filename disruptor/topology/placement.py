"""Which CPU each process gets on the machine at hand, and with which wait strategy.

One YAML serves two cores and sixteen: a CPU number beyond the machine is folded back onto it,
``auto`` spreads over what is free, and ``busy_spin`` becomes ``adaptive`` where spinning would
only keep others off the CPU; whoever shares a CPU spins for a moment at most, since what it waits
for may want that CPU to come about.  Each of these is said in a warning, none is an error.  The plan is
a function of the topology and the list of CPUs, so two starts place alike.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from disruptor.ring.wait_strategy import BLOCK, WaitStrategy, wait_strategy
from disruptor.topology.model import Process, Topology, Wait

_SPINS_ON_A_SHARED_CPU: Final = 50
_YIELDS_ON_A_SHARED_CPU: Final = 200
"""How often a wait that ends in blocking looks, and offers the CPU to others, before it blocks."""


@dataclass(frozen=True)
class Placement:
    """For each process its CPU (None: not pinned) and wait strategy, and what was changed."""

    cpus: Mapping[str, int | None]
    waits: Mapping[str, Wait]
    warnings: tuple[str, ...]

    def shares_cpu(self, name: str) -> bool:
        """Whether others are pinned to the process's CPU, too."""
        cpu = self.cpus[name]
        return cpu is not None and list(self.cpus.values()).count(cpu) > 1


def strategy_of(wait: str, shares_cpu: bool) -> WaitStrategy:
    """The wait strategy of that name, as it is on a CPU of one's own or on a shared one."""
    chosen = wait_strategy(wait)
    if shares_cpu and chosen.then == BLOCK and chosen.spins > _SPINS_ON_A_SHARED_CPU:
        return chosen._replace(spins=_SPINS_ON_A_SHARED_CPU, yields=_YIELDS_ON_A_SHARED_CPU)
    return chosen


def plan(topology: Topology, allowed: Sequence[int] | None = None) -> Placement:
    """Place every process on ``allowed`` CPUs, by default those of the calling process."""
    usable = sorted(os.sched_getaffinity(0) if allowed is None else set(allowed))
    assert usable, "a process always may run on some CPU"
    warnings: list[str] = []
    cpus: dict[str, int | None] = {}
    for name, process in topology.processes.items():
        cpus[name] = _explicit(name, process, usable, warnings)
    cpus.update(_spread(topology, cpus, usable))
    waits = _waits(topology, cpus, len(usable), warnings)
    return Placement(cpus, waits, tuple(warnings))


def _explicit(
    name: str, process: Process, usable: Sequence[int], warnings: list[str]
) -> int | None:
    if not isinstance(process.cpu, int):
        return None
    if process.cpu in usable:
        return process.cpu
    given = usable[process.cpu % len(usable)]
    listed = ", ".join(map(str, usable))
    warnings.append(
        f"processes.{name}.cpu: CPU {process.cpu} is not among the allowed ({listed}); using {given}"
    )
    return given


def _spread(
    topology: Topology, taken: Mapping[str, int | None], usable: Sequence[int]
) -> dict[str, int]:
    """A CPU for each ``auto`` process.

    With a CPU for each, each has its own, and the lowest is left to the system if one is over.
    With fewer, the groups divide the CPUs: the fullest group gets a spare one first.
    """
    waiting = [name for name, each in topology.processes.items() if each.cpu == "auto"]
    if not waiting:
        return {}
    free = [cpu for cpu in usable if cpu not in taken.values()] or list(usable)
    if len(free) >= len(waiting):
        first = 1 if len(free) > len(waiting) else 0
        return dict(zip(waiting, free[first:], strict=False))
    groups: dict[str, list[str]] = {}
    for name in waiting:
        group = topology.processes[name].group
        groups.setdefault(f"group {group}" if group else f"process {name}", []).append(name)
    if len(groups) >= len(free):
        return {
            name: free[turn % len(free)]
            for turn, names in enumerate(groups.values())
            for name in names
        }
    shares = dict.fromkeys(groups, 1)
    for _ in range(len(free) - len(groups)):
        fullest = max(groups, key=lambda group: len(groups[group]) / shares[group])
        shares[fullest] += 1
    placed: dict[str, int] = {}
    for group, names in groups.items():
        own, free = free[: shares[group]], free[shares[group] :]
        placed.update({name: own[turn % len(own)] for turn, name in enumerate(names)})
    return placed


def _waits(
    topology: Topology, cpus: Mapping[str, int | None], cpu_count: int, warnings: list[str]
) -> dict[str, Wait]:
    waits: dict[str, Wait] = {name: each.wait for name, each in topology.processes.items()}
    spinning = [name for name, wait in waits.items() if wait == "busy_spin"]
    for name in spinning:
        sharing = [other for other in cpus if other != name and cpus[other] == cpus[name]]
        if cpus[name] is None:
            crowded = len(spinning) >= cpu_count
            reason = f"{len(spinning)} processes spin on {cpu_count} CPUs"
        else:
            crowded = bool(sharing)
            reason = f"CPU {cpus[name]} is shared with {', '.join(sharing)}"
        if crowded:
            waits[name] = "adaptive"
            warnings.append(f"processes.{name}.wait: {reason}; using adaptive instead of busy_spin")
    return waits
