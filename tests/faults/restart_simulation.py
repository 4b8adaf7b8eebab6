"""The platform in one thread: real engines, real rings, a real journal, and a seeded scheduler.

Feed, Titan, Sentinel, Oracle and the keeper of snapshots are generators; each ``yield`` is a place
where another one may go on, or where this one dies as by kill -9: what it had in memory is gone, what
it wrote into rings and journal stands.  Its successor begins as in the live processes, by
``resume_titan``, ``resume_sentinel``, or where the journal ends.  Claims of the dead are void.

The same seed gives the same run.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    BUY,
    OP_ACCOUNT,
    OP_DEPOSIT,
    OP_PLACE,
    OP_PRICE,
    OP_VOID,
    SELL,
    SOURCE_FEED,
)
from components.messages.command import COMMAND, Commands, new_commands
from components.oracle import snapshots
from components.oracle.replay import RestoredState, restore
from components.oracle.resumption import newest_start, resume_sentinel, resume_titan
from components.oracle.sentinel_run import SentinelRun
from components.oracle.shadow import Schedule, Shadow
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.sentinel import engine as sentinel_engine
from components.titan.shards import Deriver, new_shards
from components.units import MONEY_SCALE
from disruptor.memory.process_identity import ProcessIdentity
from disruptor.ring import layout, status
from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer
from tests.components.oracle.platform_samples import ACCOUNTS, START_NS, set_up

CAPACITIES = {"commands": 64, "events": 128, "risk": 128}
PIECE_MAX = 8
OUTBOX_RECORDS = 1 << 14
NOBODY = ProcessIdentity(2**22 + 1, 1)
"""A pid that no process has."""

Steps = Generator[None]


class Simulation:
    """One run of ``commands_wanted`` commands of the feed; ``run`` ends when all is journaled."""

    def __init__(self, prefix: str, path: Path, seed: int, commands_wanted: int) -> None:
        self.chance = random.Random(seed)
        self.path = path
        self.kills = dict.fromkeys(("feed", "titan", "sentinel", "oracle", "snapshots"), 0)
        self._owed_orders = 0
        self._stepping: list[str] = []
        self.commands = np.concatenate((_opening(), self._random_commands(commands_wanted)))
        self._published = 0  # how many of them the feed knows to be in the ring
        self.rings = {
            name: RingBuffer.create(
                f"{prefix}{name}", STREAM_DTYPES[name], CAPACITIES[name],
                multi_producer=name == "commands",
            )
            for name in STREAM_DTYPES
        }  # fmt: skip
        readers = {"titan": ["commands"], "sentinel": ["events"], "oracle": [*self.rings]}
        for reader, read in readers.items():
            for ring in read:
                self.rings[ring].register_consumer(reader, start=0)
        self.journal = Journal.open_writer(path, STREAM_DTYPES, sync="off", segment_bytes=1 << 18)
        self._empty = restore(self.journal)
        self._before = dict.fromkeys(self.rings, 0)
        self._makers: dict[str, Callable[[], Steps]] = {
            "feed": self._feed,
            "titan": self._titan,
            "sentinel": self._sentinel,
            "oracle": self._oracle,
            "snapshots": self._snapshots,
        }
        self._alive = {name: make() for name, make in self._makers.items()}

    def close(self) -> None:
        """Remove what lies in shared memory."""
        for actor in self._alive.values():
            actor.close()
        self.journal.close()
        for ring in self.rings.values():
            ring.unlink()
            ring.close()

    def run(self, kill_chance: float, steps_max: int) -> None:
        """Interleave and kill until everything wanted is published, consumed and journaled."""
        names = [*self._makers]
        for _ in range(steps_max):
            name = self.chance.choice(names)
            if self.chance.random() < kill_chance:
                self._kill(name)
            else:
                self._step(name)
            if self._rests():
                return
        raise AssertionError(f"it did not come to rest: {self._where()}")

    def _step(self, name: str) -> None:
        self._stepping.append(name)
        next(self._alive[name])
        self._stepping.pop()

    def _others_go_on(self) -> None:
        """Let one of those that do not restore just now take a step."""
        others = [name for name in self._makers if name not in self._stepping]
        if others:
            self._step(self.chance.choice(others))

    def _kill(self, name: str) -> None:
        self.kills[name] += 1
        self._alive[name].close()
        ring = self.rings["commands"]
        for line in range(int(ring.view.words[layout.PRODUCER_COUNT])):
            at = status.producer_at(line)
            if status.name_at(ring.view.words, at) == name:
                ring.view.words[at + layout.OWNER] = NOBODY.packed
        ring.void_dead_claims()
        self._alive[name] = self._makers[name]()

    def _rests(self) -> bool:
        if self._published < len(self.commands) or self._owed_orders:
            return False
        return all(
            consumer.sequence == ring.cursor
            for ring in self.rings.values()
            for consumer in ring.statistics().consumers
        )

    def _where(self) -> str:
        return "; ".join(
            f"{name} at {ring.cursor}: "
            + ", ".join(f"{each.name} {each.sequence}" for each in ring.statistics().consumers)
            for name, ring in self.rings.items()
        )

    def _began(self) -> RestoredState:
        """Where the run began, with states of its own for each who asks, as after a fork."""
        sentinel = sentinel_engine.new_state()
        return replace(self._empty, shards=new_shards(1), sentinel_state=sentinel)

    def _feed(self) -> Steps:
        producer = self.rings["commands"].producer("feed")
        while True:
            yield
            count = self.chance.randint(1, PIECE_MAX)
            piece = self.commands[self._published : self._published + count]
            high = producer.try_next(len(piece)) if len(piece) else None
            if high is None:
                continue
            yield
            low = high - len(piece) + 1
            _fill(producer, low, piece)
            yield  # dead here: the claim is void, and nobody was told otherwise
            producer.publish(low, high)
            self._published += len(piece)

    def _titan(self) -> Steps:
        commands = self.rings["commands"].consumer("titan")
        found = resume_titan(
            self.journal, self._began(), commands, self.rings["commands"], self.rings["events"],
            self._others_go_on, before=self._before, is_gated=False,
        )  # fmt: skip
        deriver, applied = Deriver((found.state,), OUTBOX_RECORDS), found.applied
        producer = self.rings["events"].producer()
        yield
        yield from _publish(producer, found.owed)
        commands.advance(applied)
        while True:
            yield
            for batch in _batches(commands, self.chance.randint(1, 12)):
                for _, events in deriver.feed(batch, applied + 1):
                    yield from _publish(producer, events.copy())
                applied += len(batch)
                commands.advance(applied)
                yield

    def _sentinel(self) -> Steps:
        events = self.rings["events"].consumer("sentinel")
        found = resume_sentinel(
            self.journal, self._began(), events, self.rings, self._others_go_on,
            before=self._before,
        )  # fmt: skip
        run, applied = SentinelRun(found.state), found.applied
        risk = self.rings["risk"].producer()
        producer = self.rings["commands"].producer("sentinel")
        owed = [found.owed_orders]
        self._owed_orders = len(found.owed_orders)
        yield
        yield from self._send(producer, owed)
        yield from _publish(risk, found.owed)
        events.advance(applied)
        while True:
            yield
            yield from self._send(producer, owed)
            for batch in _batches(events, self.chance.randint(1, 12)):
                for told in run.feed(batch):
                    owed[0] = np.concatenate((owed[0], told.orders))
                    self._owed_orders = len(owed[0])
                    risks = told.risks.copy()
                    yield from self._send(producer, owed)
                    yield from _publish(risk, risks)
                applied += len(batch)
                events.advance(applied)
                yield

    def _send(self, producer: Producer, owed: list[Commands]) -> Steps:
        """As many of the orders as there is room for, in claims of some."""
        while len(owed[0]):
            count = min(len(owed[0]), self.chance.randint(1, 3))
            high = producer.try_next(count)
            if high is None:
                return
            yield
            _fill(producer, high - count + 1, owed[0][:count])
            yield
            producer.publish(high - count + 1, high)
            owed[0] = owed[0][count:]
            self._owed_orders = len(owed[0])
            yield

    def _oracle(self) -> Steps:
        journal = self.journal
        consumers = {name: ring.consumer("oracle") for name, ring in self.rings.items()}
        for name, consumer in consumers.items():
            consumer.advance(journal.last_sequence(name))
        while True:
            yield
            highs = {name: consumers[name].available() for name in reversed(consumers)}
            batches = [
                (name, each.sequence + 1, each.batches(highs[name]))
                for name, each in consumers.items()
                if highs[name] > each.sequence
            ]
            yield
            if batches:
                journal.append(batches)
            yield
            for name, consumer in consumers.items():
                consumer.advance(highs[name])
                yield

    def _snapshots(self) -> Steps:
        journal = self.journal
        start = newest_start(journal, self._began().as_snapshot(), {})
        shadow = Shadow(journal, start, Schedule(97, 0))
        while True:
            yield
            for is_due in shadow.advance(journal.last_sequence("commands")):
                if is_due:
                    journal.sync()
                    yield
                    if shadow.is_durable():
                        snapshots.save(journal, shadow.snapshot())
                yield

    def _random_commands(self, count: int) -> Commands:
        """Orders around a random walk that is wide enough to liquidate."""
        made, chance, ticks = new_commands(count), self.chance, 500_000
        made["source"] = SOURCE_FEED
        for number, command in enumerate(made, 1):
            ticks = min(max(ticks + chance.randint(-2_500, 2_500), 300_000), 700_000)
            command["ts"] = START_NS + 1_000 * number
            if chance.random() < 0.25:
                command["op"], command["price"] = OP_PRICE, ticks
                continue
            command["op"], command["order_id"] = OP_PLACE, number
            command["side"], command["account"] = (
                chance.choice((BUY, SELL)),
                chance.choice(ACCOUNTS),
            )
            command["price"] = ticks + chance.randint(-500, 500)
            command["qty"] = chance.randint(1, 400)
        return made


def _opening() -> Commands:
    accounts = new_commands(2 * len(ACCOUNTS))
    accounts["op"] = [OP_ACCOUNT, OP_DEPOSIT] * len(ACCOUNTS)
    accounts["account"] = np.repeat(ACCOUNTS, 2)
    accounts["price"] = [0, 300 * MONEY_SCALE] * len(ACCOUNTS)
    accounts["ts"] = START_NS
    return np.concatenate((set_up(), accounts))


def _fill(producer: Producer, low: int, records: NDArray[np.void]) -> None:
    for number, record in enumerate(records):
        slot = producer.slot(low + number)
        for name in records.dtype.names or ():
            slot[name] = record[name]


def _batches(consumer: Consumer, count_max: int) -> list[NDArray[np.void]]:
    high = min(consumer.available(), consumer.sequence + count_max)
    return [batch.copy() for batch in consumer.batches(high)]


def _publish(producer: Producer, records: NDArray[np.void]) -> Steps:
    """In pieces, so that it may die within the output of one command."""
    done = 0
    while done < len(records):
        piece = records[done : done + PIECE_MAX]
        high = producer.try_next(len(piece))
        if high is not None:
            low = high - len(piece) + 1
            _fill(producer, low, piece)
            yield
            producer.publish(low, high)
            done += len(piece)
        yield


def without_voids(commands: Commands) -> Commands:
    """Those that somebody wrote."""
    return commands[commands["op"] != OP_VOID]


def derived_anew(commands: Commands) -> dict[str, NDArray[np.void]]:
    """What a platform that never died makes of these commands."""
    titan = Deriver(new_shards(1), OUTBOX_RECORDS)
    sentinel = SentinelRun(sentinel_engine.new_state())
    events, risks, orders = [], [], [np.zeros(0, COMMAND)]
    for _, told in titan.feed(commands, 1):
        events.append(told.copy())
        for answers in sentinel.feed(told):
            risks.append(answers.risks.copy())
            orders.append(answers.orders.copy())
    return {
        "events": np.concatenate(events),
        "risk": np.concatenate(risks),
        "orders": np.concatenate(orders),
    }
