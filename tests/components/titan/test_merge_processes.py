"""Shards, merge and who reads them as processes, on rings far smaller than what one command causes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from components.configuration.model import TitanSettings
from components.instruments import Instrument, InstrumentTable
from components.messages import code as c
from components.messages.command import ALL_SYMBOLS, COMMAND
from components.messages.event import EVENT
from components.titan.shards import Deriver, combined_hash, new_shards, shards_hash
from disruptor.supervisor.child import ProcessContext
from disruptor.supervisor.control_block import RUNNING
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.model import Topology
from disruptor.topology.placement import plan
from tests.strategies import blank, listings, random_command, records

pytestmark = [pytest.mark.stress, pytest.mark.timeout(300)]

_RESTING = 24
_PATIENCE_NS = 60_000_000_000
_INSTRUMENTS = InstrumentTable(
    Instrument(name, index, Decimal("0.01"), Decimal("0.01")) for index, name in enumerate("ABC")
)


def keep(context: ProcessContext) -> None:
    """Appends what comes to a file; of each cancelled order a command goes back.

    As Sentinel, it never stops reading while the commands ring is full.
    """
    (ring,) = context.process.reads
    consumer, waiting = context.consumer(ring), context.line.pending
    back = context.producer("commands") if context.process.writes else None
    context.ready()
    with Path(context.options["path"]).open("ab") as file:
        while not context.has_drained(ring) or waiting[0]:
            high = consumer.wait(1_000_000)
            for batch in consumer.batches(high):
                file.write(batch.tobytes())
                if back is not None:
                    waiting[0] += int((batch["kind"] == c.EVENT_CANCELLED).sum())
            consumer.advance(high)
            while back is not None and waiting[0]:
                sequence = back.try_next()
                if sequence is None:
                    break
                back.slot(sequence)["op"] = c.OP_TIMER
                back.publish(sequence)
                waiting[0] -= 1
            context.beat()


def topology(name: str, folder: Path, shards: int, capacity: int) -> Topology:
    ring = {"capacity": capacity, "event": "components.messages.event:EVENT"}
    commands = {
        "capacity": 16, "event": "components.messages.command:COMMAND", "producers": "multi",
    }  # fmt: skip
    names = [f"titan-{number}" for number in range(shards)]
    rings = {f"events-{number}": ring for number in range(shards)}
    processes: dict[str, Any] = {
        each: {
            "run": "components.titan.process:run",
            "reads": ["commands"],
            "writes": [f"events-{number}"],
            "options": {"shard": number},
        }
        for number, each in enumerate(names)
    }
    processes["merge"] = {
        "run": "components.titan.merge_process:run",
        "reads": ["commands", *rings],
        "writes": ["events"],
        "after": {"commands": names},
        "restart": "on-failure",
        "max_restarts": 1_000_000,
        "restart_delay_max_s": 0.01,
    }
    kept = {"run": "tests.components.titan.test_merge_processes:keep"}
    processes["events-file"] = {
        **kept,
        "reads": ["events"],
        "writes": [{"ring": "commands", "blocking": False}],
        "options": {"path": str(folder / "events")},
    }
    processes["commands-file"] = {
        **kept,
        "reads": ["commands"],
        "options": {"path": str(folder / "commands")},
    }
    wanted = {"commands": commands, **rings, "events": ring}
    return Topology.model_validate({"name": name, "rings": wanted, "processes": processes})


def commands_that_fill_rings() -> np.ndarray:
    """Now and then one command ends many orders in every symbol."""
    rng = random.Random(3)
    chosen = listings()
    for turn in range(4):
        for number in range(_RESTING):
            order = {"account": 9, "price": 10 + number % 7, "qty": 1, "side": c.BUY}
            symbol = number % 3 if turn % 2 else 1
            chosen.append(
                blank(c.OP_PLACE, symbol=symbol, order_id=1000 * turn + number + 1, **order)
            )
        chosen.append(blank(c.OP_CANCEL_ALL, symbol=ALL_SYMBOLS, account=9))
        chosen += [random_command(rng) for _ in range(25)]
    rows = records(chosen)
    return rows[rows["op"] != c.OP_VOID]


def until(supervisor: Supervisor, condition: Callable[[], bool]) -> None:
    """Look after the processes until it is so."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        supervisor.poll()
        time.sleep(0.001)


def kill_merge(supervisor: Supervisor) -> None:
    """With kill -9, and wait until its successor runs."""
    line = next(each for each in supervisor.control.lines if each.name == "merge")
    owner = next(each.owner for each in supervisor.control.snapshots() if each.name == "merge")
    restarts = line.restarts
    os.kill(owner.pid, signal.SIGKILL)
    until(supervisor, lambda: line.restarts > restarts and line.state == RUNNING)


@pytest.mark.parametrize(("shards", "capacity", "kills"), [(2, 4, 0), (3, 8, 0), (2, 4, 25)])
def test_what_the_processes_publish_is_what_is_derived(
    segment_prefix: str, tmp_path: Path, shards: int, capacity: int, kills: int
) -> None:
    """Every ring is full time and again: dozens of events of a command, a ring of four; and the reader
    sends commands back, so that the circle is closed.  All arrives, and in the one order, also when
    the merge is killed meanwhile."""
    wanted = topology(segment_prefix.rstrip("."), tmp_path, shards, capacity)
    states = new_shards(shards)
    settings = SimpleNamespace(
        configuration=SimpleNamespace(titan=TitanSettings()),
        restored=SimpleNamespace(shards=states),
        instruments=_INSTRUMENTS,
    )
    commands = commands_that_fill_rings()
    pieces = [commands[start : start + 5] for start in range(0, len(commands), 5)]
    struck = set(random.Random(kills).sample(range(len(pieces)), kills))
    supervisor = Supervisor(wanted, plan(wanted), settings, {}, print)
    try:
        for name in supervisor.graph.start_order():
            supervisor.start(name)
        producer = supervisor.rings["commands"].producer("test")
        for number, piece in enumerate(pieces):
            producer.write(piece, _PATIENCE_NS)
            if number in struck:
                kill_merge(supervisor)
        producer.close()
        assert supervisor.wait_until_quiet(120)
        for ring in supervisor.rings.values():
            assert all(each.sequence == ring.cursor for each in ring.statistics().consumers)
        supervisor.stop_rest(60)
        hashes = [supervisor.result_of(f"titan-{number}") for number in range(shards)]
    finally:
        supervisor.kill()
        supervisor.unlink()

    told = np.frombuffer((tmp_path / "events").read_bytes(), EVENT)
    taken = np.frombuffer((tmp_path / "commands").read_bytes(), COMMAND)
    came_back = int((told["kind"] == c.EVENT_CANCELLED).sum())
    assert came_back >= 4 * _RESTING
    assert len(taken) == len(commands) + came_back
    derived = new_shards(shards)
    ((_, expected),) = Deriver(derived, 1 << 10).feed(taken, 1)
    assert told.tobytes() == expected.tobytes()
    assert combined_hash(hashes) == shards_hash(derived)
