"""Small platform journals: an instrument, two accounts, some orders, made by the engines."""

from __future__ import annotations

import random
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import numpy as np

from components.instruments import Instrument, InstrumentTable, MarginTier
from components.messages.code import (
    BUY,
    EVENT_ACCEPTED,
    EVENT_TOUCH,
    OP_ACCOUNT,
    OP_DEPOSIT,
    OP_PLACE,
    OP_PRICE,
    OP_SHARDS,
    RISK_ACCOUNT,
    SELL,
    SOURCE_GATEWAY,
    SOURCE_SENTINEL,
)
from components.messages.command import COMMAND, Commands, new_commands
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.oracle.platform_hash import platform_hash
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.sentinel import engine as sentinel_engine
from components.titan.shards import Deriver, new_shards, shards_hash, shards_told
from components.units import MONEY_SCALE

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def table_of(symbols: Iterable[str]) -> InstrumentTable:
    return InstrumentTable(
        Instrument(
            name=name,
            index=index,
            tick_size=Decimal("0.1"),
            lot_size=Decimal("0.001"),
            margin_tiers=(MarginTier(0, 5_000),),
        )
        for index, name in enumerate(symbols)
    )


TABLE = table_of(SYMBOLS[:1])
ACCOUNTS = tuple(range(1, 9))
OUTBOX_ROOM = 100_000
START_NS = 1_767_323_045_000_000_000


def set_up(symbols: Iterable[str] = SYMBOLS[:1]) -> Commands:
    """The instruments' commands, stamped."""
    commands = table_of(symbols).to_commands()
    commands["ts"] = START_NS
    return commands


def shards_command(count: int) -> Commands:
    commands = new_commands(1)
    commands["op"] = OP_SHARDS
    commands["qty"] = count
    return commands


def price(ticks: int, ts: int) -> Commands:
    commands = new_commands(1)
    commands["op"] = OP_PRICE
    commands["price"] = ticks
    commands["ts"] = ts
    return commands


def place(order_id: int, account: int, ticks: int, lots: int, ts: int, side: int = BUY) -> Commands:
    commands = new_commands(1)
    commands["op"] = OP_PLACE
    commands["source"] = SOURCE_GATEWAY
    commands["order_id"] = order_id
    commands["account"] = account
    commands["price"] = ticks
    commands["qty"] = lots
    commands["side"] = side
    commands["ts"] = ts
    return commands


def write_by_hand(path: Path) -> None:
    """A journal of four commands, two events and one risk record that no engine made."""
    commands = np.concatenate(
        [set_up(), price(500_000, START_NS + 1), place(7, 42, 499_999, 1500, START_NS + 2)]
    )
    events = np.zeros(2, EVENT)
    events["seq"] = 4
    events["kind"] = EVENT_ACCEPTED, EVENT_TOUCH
    events["account"], events["order_id"] = (42, 0), (7, 0)
    events["price"], events["qty"] = 499_999, 1500
    events["index"] = 0, 1
    risk = np.zeros(1, RISK)
    risk["seq"] = 3
    risk["kind"] = RISK_ACCOUNT
    risk["account"] = 42
    with Journal.open_writer(path, STREAM_DTYPES) as journal:
        journal.append([("commands", 1, [commands]), ("events", 1, [events]), ("risk", 1, [risk])])


class Platform:
    """What a run of the platform journals, derived one command at a time, without any ring.

    Sentinel's orders come back into the commands some commands later, as they do live.
    """

    def __init__(self, seed: int, *, is_set_up: bool = True, shards: int = 1) -> None:
        self._chance = random.Random(seed)
        self.shards = new_shards(shards)
        self._titan = Deriver(self.shards, OUTBOX_ROOM)
        self._sentinel = sentinel_engine.new_state()
        self._orders: list[np.ndarray] = []
        self.commands: list[np.ndarray] = []
        self.events: list[np.ndarray] = []
        self.risk: list[np.ndarray] = []
        self.ts = START_NS
        if not is_set_up:
            return
        if shards > 1:
            self.publish(shards_command(shards))
        for command in set_up(SYMBOLS[:shards]):
            self.publish(command)
        for account in ACCOUNTS:
            self.publish(_account_command(OP_ACCOUNT, account))
            self.publish(_account_command(OP_DEPOSIT, account, price=2_000 * MONEY_SCALE))

    @classmethod
    def replaying(cls, commands: Commands) -> Platform:
        """A platform that was given these very commands, times included."""
        platform = cls(0, is_set_up=False, shards=shards_told(commands))
        for command in commands:
            platform.apply(np.array(command, COMMAND).reshape(1))
        return platform

    def publish(self, command: np.ndarray | np.void) -> None:
        """Stamp a command, give it the next sequence, and derive what follows from it."""
        record = np.array(command, COMMAND).reshape(1)
        if record["source"][0] != SOURCE_SENTINEL:
            self.ts += 1_000
            record["ts"] = self.ts
        self.apply(record)

    def apply(self, record: Commands) -> None:
        """Derive what follows from one command."""
        self.commands.append(record)
        ((applied, told),) = self._titan.feed(record, len(self.commands))
        assert applied == 1
        for event in told:
            self.events.append(np.array([event], EVENT))
            answers = sentinel_engine.new_outbox(1_000, 1_000)
            assert sentinel_engine.apply_batch(self._sentinel, self.events[-1], 0, answers) == 1
            self.risk += [np.array([each], RISK) for each in answers.risks[: answers.risk_count[0]]]
            self._orders += [
                np.array([each], COMMAND) for each in answers.orders[: answers.order_count[0]]
            ]

    def run(self, count: int) -> None:
        """Random orders around a random walk that is wide enough to liquidate."""
        ticks = 500_000
        for number in range(count):
            ticks = min(max(ticks + self._chance.randint(-2_500, 2_500), 300_000), 700_000)
            choice = self._chance.random()
            if choice < 0.2:
                self.publish(self._anywhere(price(ticks, 0)))
            elif choice < 0.9:
                side = self._chance.choice((BUY, SELL))
                at = ticks + self._chance.randint(-500, 500)
                account = self._chance.choice(ACCOUNTS)
                lots = self._chance.randint(1, 400)
                self.publish(self._anywhere(place(number + 1, account, at, lots, 0, side)))
            elif self._orders:
                self.publish(self._orders.pop(0))

    def _anywhere(self, command: Commands) -> Commands:
        """The command in any of the symbols."""
        if len(self.shards) > 1:
            command["symbol"] = self._chance.randrange(len(self.shards))
        return command

    def pending(self) -> np.ndarray:
        """Sentinel's orders that are not among the commands yet."""
        return np.concatenate([*self._orders, np.zeros(0, COMMAND)])

    def streams(self) -> dict[str, np.ndarray]:
        """All three streams."""
        return {
            "commands": np.concatenate(self.commands),
            "events": np.concatenate(self.events),
            "risk": np.concatenate(self.risk),
        }

    def hash(self) -> str:
        """What the live platform would report."""
        return platform_hash(
            len(self.commands),
            shards_hash(self.shards),
            sentinel_engine.state_hash(self._sentinel),
        )


def _account_command(operation: int, account: int, **fields: int) -> Commands:
    commands = new_commands(1)
    commands["op"] = operation
    commands["account"] = account
    for name, value in fields.items():
        commands[name] = value
    return commands


def write(path: Path, streams: dict[str, np.ndarray], batch: int = 1000) -> None:
    """Journal the streams in appends of about this many records each."""
    with Journal.open_writer(path, STREAM_DTYPES, sync="off") as journal:
        longest = max(map(len, streams.values()))
        for start in range(0, longest, batch):
            journal.append(
                [
                    (name, start + 1, [records[start : start + batch]])
                    for name, records in streams.items()
                    if start < len(records)
                ]
            )
