"""The live platform under load, with somebody who kills and stops its processes, and a client.

The client is a producer of its own on the commands ring.  What it was told is in the ring must be in
the journal in the end, exactly once and at the very sequence, whoever died meanwhile: the rings
stand, and nobody in them loses anything.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from components.messages.code import BUY, OP_PLACE, SELL, SOURCE_GATEWAY
from components.messages.command import COMMAND, new_commands
from components.oracle.replay import restore
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.sentinel import engine as sentinel_engine
from components.titan import engine as titan_engine
from disruptor.memory.process_identity import ProcessIdentity
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.control_block import ControlBlock, ProcessSnapshot
from tests.system.platform_run import PlatformRun, oracle, program

PROCESSES: Final = ("feed", "titan", "sentinel", "oracle", "monitor", "snapshots")
_PATIENCE_S: Final = 90.0
_CLIENT: Final = 1003

LOAD: Final = (
    "--set", "feed.simulation.drift=-0.002", "--set", "feed.simulation.interval_ms=10",
    "--set", "feed.order_flow.orders_per_second=2000",
    "--set", "oracle.snapshots.every_commands=3000",
)  # fmt: skip
EAGER: Final = tuple(
    argument
    for name in PROCESSES
    for key, value in (
        ("max_restarts", 1_000_000), ("restart_delay_s", 0.01), ("restart_delay_max_s", 0.01),
    )
    for argument in ("--set", f"processes.{name}.{key}={value}")
)  # fmt: skip


class Client:
    """Publishes small orders, and remembers the sequence of each."""

    def __init__(self, name: str) -> None:
        self._ring = RingBuffer.attach(f"{name}.commands", COMMAND)
        self._producer = self._ring.producer("client")
        self.acknowledged: dict[int, int] = {}  # sequence: order's id

    def place(self, count: int) -> None:
        """So many orders, one claim each."""
        for _ in range(count):
            order = new_commands(1)
            number = len(self.acknowledged) + 1
            order["op"], order["source"] = OP_PLACE, SOURCE_GATEWAY
            order["account"], order["order_id"] = _CLIENT, 10**12 + number
            order["side"] = BUY if number % 2 else SELL
            order["price"], order["qty"] = 100 if number % 2 else 10**9, 1
            order["ts"] = time.time_ns()
            with self._producer.claim() as claim:
                claim.write(order)
            self.acknowledged[claim.high] = int(order["order_id"][0])

    def close(self) -> None:
        """Leave the ring."""
        self._producer.close()
        self._ring.close()


class Drill:
    """One platform, its client, and the deaths that it has seen; ``with`` checks it in the end."""

    def __init__(self, run: PlatformRun, journal: Path, seed: int) -> None:
        self.run = run
        self.journal = journal
        self.chance = random.Random(seed)
        self.seconds: dict[str, list[float]] = {}
        self.client = Client(run.name)
        self.owners: set[ProcessIdentity] = set()
        self._control = ControlBlock.attach(run.name)

    def close(self) -> None:
        """Let go of the rings."""
        self.client.close()
        self._control.close()

    def status(self, name: str) -> ProcessSnapshot:
        """One process, as its control line tells."""
        return next(each for each in self._control.snapshots() if each.name == name)

    def kill(self, name: str) -> None:
        """Kill it, and wait until a successor runs."""
        self._strike(name, signal.SIGKILL)

    def hang(self, name: str) -> None:
        """Stop it, and wait until it was found, killed and replaced."""
        self._strike(name, signal.SIGSTOP)

    def work(self, commands: int) -> None:
        """Wait until Oracle has journaled so many commands more, the client placing some."""
        self.client.place(3)
        ring = self._ring_cursor()
        self._until(lambda: self._durable() >= ring + commands, f"{commands} commands more")

    def renew(self, name: str) -> None:
        """Give it a successor with the code of now, by command; until one runs.

        On a machine that starves it, that one may be taken for hung before it runs, and the place be
        given back.
        """
        self._until(lambda: self.status(name).state == "running", f"{name} running")
        before = self.status(name)
        asked = program("components.launcher.ctl", "--name", self.run.name, "restart", name)
        is_starved = "it gave no sign of life" in asked.stderr
        assert asked.returncode == 0 or is_starved, f"{asked.stderr}; {self.run.told()}"
        self._until(lambda: self._has_successor(before), f"a successor of {name}")
        self.owners |= {before.owner, self.status(name).owner}

    def _has_successor(self, before: ProcessSnapshot) -> bool:
        now = self.status(before.name)
        return now.restarts > before.restarts and now.state == "running"

    def _strike(self, name: str, number: int) -> None:
        self._until(lambda: self.status(name).state == "running", f"{name} running")
        victim = self.status(name)
        struck = time.monotonic()
        os.kill(victim.owner.pid, number)
        self._until(lambda: self._has_successor(victim), f"a successor of {name}")
        self.owners |= {victim.owner, self.status(name).owner}
        self.seconds.setdefault(name, []).append(time.monotonic() - struck)

    def _until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not is_so():
            states = {each.name: each.state for each in self._control.snapshots()}
            assert time.monotonic() < deadline, f"never: {what}; {states}; {self.run.told()}"
            time.sleep(0.002)

    def _ring_cursor(self) -> int:
        return self.client._ring.cursor

    def _durable(self) -> int:
        at = self.client._ring.statistics().consumers
        return next(each.sequence for each in at if each.name == "oracle")


@contextmanager
def drilled(name: str, journal: Path, seed: int, *arguments: str) -> Iterator[Drill]:
    """A platform to strike at; when that is over it is drained, and everything about it checked."""
    with PlatformRun(name, journal, *LOAD, *EAGER, *arguments) as run:
        drill = Drill(run, journal, seed)
        try:
            yield drill
            drill.work(50)
        finally:
            drill.close()
        assert run.stop() == 0, run.output
    assert run.left() == []
    assert [owner.pid for owner in drill.owners if owner.is_alive()] == []
    check_journal(journal, drill.client.acknowledged)
    assert oracle(journal, "hash").stdout.strip() == run.state_hash()


def check_journal(path: Path, acknowledged: dict[int, int]) -> None:
    """Proven, replayed alike, every acknowledged command once, every order of Sentinel's once,
    and the money that came in is where it should be."""
    verified = oracle(path, "verify", "--deep")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    replayed = oracle(path, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    report = json.loads(replayed.stdout)
    assert report["journaled"] == report["derived"]
    with Journal.open_reader(path, STREAM_DTYPES) as journal:
        commands = np.concatenate([chunk for _, chunk in journal.read("commands")])
        state = restore(journal)
    from_client = np.flatnonzero(commands["source"] == SOURCE_GATEWAY)
    found = dict(
        zip((from_client + 1).tolist(), commands["order_id"][from_client].tolist(), strict=True)
    )
    assert found == acknowledged
    for shard in state.shards:
        titan_engine.check_invariants(shard)
    sentinel_engine.check_invariants(state.sentinel_state)
