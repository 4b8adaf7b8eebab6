"""Several Titans: how ``titan: {shards: N}`` becomes processes and rings, and a journaled number.

    titan ──► titan-0 … titan-(N-1), each with a ring events-0 … events-(N-1)
              merge: reads those and the commands ring, there behind all shards; writes events

What the file names itself stays as it is written there, so a shard can have a CPU of its own.  All
of them are restarted as the file says of titan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from components.messages.code import OP_SHARDS
from components.messages.command import Commands, new_commands
from disruptor.errors import ConfigurationError
from disruptor.supervisor.restart_policy import POLICY_KEYS
from disruptor.topology.document import Mistake
from disruptor.topology.model import Process, Ring, Write

if TYPE_CHECKING:
    from components.configuration.model import PlatformConfiguration

TITAN: Final = "titan"
MERGE: Final = "merge"
_COMMANDS: Final = "commands"
_EVENTS: Final = "events"


def shard_names(count: int) -> tuple[str, ...]:
    """The processes of so many shards, in their order."""
    return (TITAN,) if count == 1 else tuple(f"{TITAN}-{number}" for number in range(count))


def _ring_of(number: int) -> str:
    return f"{_EVENTS}-{number}"


def expanded(configuration: PlatformConfiguration) -> dict[str, Any]:
    """The rings and processes in which the one Titan has become several; nothing to change is {}."""
    count = configuration.titan.shards
    template = configuration.processes.get(TITAN)
    if count == 1 or template is None:
        return {}
    made: dict[str, Process] = {
        name: template.model_copy(
            update={
                "writes": (Write(ring=_ring_of(number)),),
                "options": {**template.options, "shard": number},
            }
        )
        for number, name in enumerate(shard_names(count))
    }
    made[MERGE] = _merge(template, count)
    processes: dict[str, Process] = {}
    for name, each in configuration.processes.items():
        processes |= {name: each} if name != TITAN else made
    processes |= {name: each for name, each in configuration.processes.items() if name in made}
    rings: dict[str, Ring] = dict(configuration.rings)
    for number in range(count):
        rings.setdefault(_ring_of(number), rings[_EVENTS])
    return {"processes": processes, "rings": rings}


def _merge(template: Process, count: int) -> Process:
    return Process(
        run="components.titan.merge_process:run",
        reads=(_COMMANDS, *(_ring_of(number) for number in range(count))),
        writes=(Write(ring=_EVENTS),),
        after={_COMMANDS: shard_names(count)},
        group=template.group,
        wait=template.wait,
        **{key: getattr(template, key) for key in POLICY_KEYS},
    )


def mistakes(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """Shards of which there are too few processes, or that cannot do what is asked of them."""
    count, processes = configuration.titan.shards, configuration.processes
    missing = [name for name in (*shard_names(count), MERGE) if name not in processes]
    if count > 1 and TITAN not in processes and missing:
        text = (
            f"found {count}, but there is no process {TITAN} of which to make {', '.join(missing)}"
        )
        yield Mistake(("titan", "shards"), f"{text}; write it, or these")
    if count > 1 and configuration.titan.risk_gate:
        text = (
            f"found true with shards: {count}; write false, or shards: 1, because the gate must see"
        )
        yield Mistake(("titan", "risk_gate"), f"{text} an account's orders in all symbols")


def shards_command(count: int) -> Commands:
    """The command that journals how many there are."""
    commands = new_commands(1)
    commands["op"] = OP_SHARDS
    commands["qty"] = count
    return commands


def refuse_another_number(configuration: PlatformConfiguration, journaled: int) -> None:
    """ConfigurationError if the journal was written by another number of shards.

    Where each order of an account may be depends on it, and with that what was refused.
    """
    count = configuration.titan.shards
    if count != journaled:
        raise ConfigurationError(
            f"titan.shards: found {count}, but the journal {configuration.oracle.path} was written "
            f"with {journaled}; write {journaled}, or another oracle.path for a new journal"
        )
