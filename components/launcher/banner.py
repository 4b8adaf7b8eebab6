"""The fixed texts of a run: greeting, table of processes, farewell."""

from __future__ import annotations

import os
from typing import Final

import click

from components.configuration.model import PlatformConfiguration
from components.launcher.recovery import Recovery
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.placement import Placement

_RULE: Final = "─" * 78


def greeting(configuration: PlatformConfiguration, recovery: Recovery) -> str:
    """Who we are, what feeds us, and where the journal stands."""
    restored = recovery.restored
    journal = f"{configuration.oracle.path} (sync: {configuration.durability.sync})"
    if restored.commands_last:
        journal += (
            f", restored from {restored.commands_last:,} commands, {restored.events_last:,} events"
        )
        if recovery.from_snapshot:
            journal += f" (snapshot after command {recovery.from_snapshot:,})"
    else:
        journal += ", new"
    lines = [
        _RULE,
        click.style("  DISRUPTOR TRADING PLATFORM", bold=True)
        + f"   {configuration.name} · {len(os.sched_getaffinity(0))} CPUs",
        _RULE,
        f"  feed      {configuration.feed.mode}: {', '.join(configuration.feed.symbols)}",
        f"  journal   {journal}",
        f"  set-up    {len(recovery.setup)} commands to publish",
    ]
    return "\n".join(lines)


def process_table(
    configuration: PlatformConfiguration, placement: Placement, supervisor: Supervisor
) -> str:
    """Each process: where it runs and what it does."""
    lines = [_RULE, f"  {'process':<10}{'pid':<9}{'cpu':<5}{'wait':<11}what it does", _RULE]
    for snapshot in supervisor.control.snapshots():
        process = configuration.processes[snapshot.name]
        cpu = placement.cpus[snapshot.name]
        reads = ", ".join(process.reads)
        writes = ", ".join(process.written())
        does = " → ".join(part for part in (reads, snapshot.name, writes) if part)
        lines.append(
            f"  {snapshot.name:<10}{snapshot.owner.pid:<9}"
            f"{'any' if cpu is None else cpu:<5}{placement.waits[snapshot.name]:<11}{does}"
        )
    return "\n".join([*lines, _RULE])


def farewell(commands: int, state_hash: str, seconds: float) -> str:
    """The last words of a run; ``state_hash`` is what ``bin/oracle hash`` prints.

    It is empty where not everything in the rings arrived: the engines may have parted anywhere.
    """
    if state_hash:
        how = f"cleanly after {seconds:.1f} s; the journal ends at command {commands:,}"
        state = f"state hash {state_hash}"
    else:
        how = f"after {seconds:.1f} s, before everything in the rings had arrived"
        state = "the next start goes on from the journal; bin/oracle hash tells its state"
    return "\n".join([_RULE, f"  stopped {how}", f"  {state}", "  Goodbye.", _RULE])
