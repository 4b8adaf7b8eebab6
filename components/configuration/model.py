"""The schema of a platform: a topology, and everything that trades on it.

A `PlatformConfiguration` is immutable and pickles, so each process is handed the whole; it
holds plain values, and its methods make the tables and settings that the components take.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Final, Literal

from pydantic import Field

from components.configuration import setup, sharding
from components.configuration.accounts import AccountSettings
from components.configuration.capacity import Capacity, RiskCapacity
from components.configuration.feed import Feed
from components.configuration.instruments import InstrumentSettings
from components.configuration.risk import RiskRule, RiskSettings
from components.configuration.values import Symbol
from components.instruments import InstrumentTable
from components.messages.command import Commands
from components.titan.merging import SHARDS_MAX
from disruptor.topology.model import Process, Strict, Topology, Write

JOURNAL: Final = "oracle"
"""The name of the process that makes commands durable."""
SNAPSHOTS: Final = "snapshots"
"""The name of the process that saves states, if there is one."""
GATEWAY: Final = "gateway"
"""The name of the process that serves clients, if ``gateway`` is set."""
COMMANDS: Final = "commands"
EVENTS: Final = "events"
RISK: Final = "risk"
STREAMS: Final = (COMMANDS, EVENTS, RISK)
"""The names of the rings that every platform has."""

LogLevel = Literal["debug", "info", "warning", "error"]


class Durability(Strict):
    """When the journal counts as written, and who waits for that."""

    sync: Literal["commit", "interval", "off"] = Field(
        default="commit", description="commit, interval or off"
    )
    interval_ms: int = Field(
        default=100,
        ge=1,
        le=60_000,
        description="milliseconds from 1 to 60000, with sync: interval",
    )
    gate: Literal["output", "input"] = Field(default="output", description="output or input")


class TitanSettings(Strict):
    """How many matching engines divide the symbols, and what one asks of an order beforehand."""

    shards: int = Field(
        default=1, ge=1, le=SHARDS_MAX, description=f"a number of processes from 1 to {SHARDS_MAX}"
    )
    risk_gate: bool = Field(default=False, description="true or false")


class SentinelSettings(Strict):
    """What Sentinel is given."""

    capacity: RiskCapacity = Field(default=RiskCapacity(), description="a mapping")


class Metrics(Strict):
    """Where Prometheus finds the metrics; port 0 takes any free one."""

    host: str = Field(
        default="127.0.0.1", min_length=1, description="a host name or address to listen on"
    )
    port: int = Field(default=9000, ge=0, le=65_535, description="a port from 0 to 65535")


class Gateway(Strict):
    """Where clients send commands and hear of their accounts; port 0 takes any free one.

    On this machine alone: the gateway knows no passwords.
    """

    host: Literal["127.0.0.1", "::1", "localhost"] = Field(
        default="127.0.0.1", description="127.0.0.1, ::1 or localhost"
    )
    port: int = Field(default=9100, ge=0, le=65_535, description="a port from 0 to 65535")
    clients_max: int = Field(default=64, ge=1, le=1024, description="a number from 1 to 1024")
    buffer_kb: int = Field(
        default=1024,
        ge=1,
        le=1 << 20,
        description="kibibytes that wait for a slow client before it is dropped, from 1",
    )


class Snapshots(Strict):
    """When the state is saved beside the journal, and for how long it is kept."""

    every_commands: int = Field(
        default=1_000_000, ge=0, description="a number of commands, 0 for never"
    )
    every_s: int = Field(
        default=900, ge=0, le=31_536_000, description="seconds of the commands' own time, or 0"
    )
    keep: int = Field(default=4, ge=2, le=10_000, description="a number from 2 to 10000")
    keep_days: float = Field(default=30.0, gt=0, le=36_500, description="days, above 0")


class RawRetention(Strict):
    """For how long the frames of a live feed are kept; nothing is derived from old ones."""

    keep: int = Field(
        default=0, ge=0, le=1_000_000, description="a number of segments, 0 for all of them"
    )
    keep_days: float = Field(default=0.0, ge=0, le=36_500, description="days, 0 for ever")


class Oracle(Strict):
    """Where the journal is kept, relative to the working directory, and in what pieces."""

    path: str = Field(
        default="./platform_events", min_length=1, description="the path of a directory"
    )
    segment_mb: int = Field(default=512, ge=1, le=65_536, description="mebibytes from 1 to 65536")
    snapshots: Snapshots = Field(default=Snapshots(), description="a mapping")
    raw: RawRetention = Field(default=RawRetention(), description="a mapping")


class PlatformConfiguration(Topology):
    """Everything that one platform is told."""

    instruments: dict[Symbol, InstrumentSettings] = Field(
        min_length=1, description="a mapping from symbols to their settings, or a path to one"
    )
    accounts: Annotated[tuple[AccountSettings, ...], Field(strict=False)] = Field(
        default=(), description="a list of {user, collateral, positions}"
    )
    capacity: Capacity = Field(default=Capacity(), description="a mapping")
    titan: TitanSettings = Field(default=TitanSettings(), description="a mapping")
    sentinel: SentinelSettings = Field(default=SentinelSettings(), description="a mapping")
    risk: RiskSettings = Field(default=RiskSettings(), description="a mapping")
    feed: Feed = Field(default=Feed(), description="a mapping")
    durability: Durability = Field(default=Durability(), description="a mapping")
    oracle: Oracle = Field(default=Oracle(), description="a mapping")
    metrics: Metrics = Field(default=Metrics(), description="a mapping")
    gateway: Gateway | None = Field(default=None, description="a mapping, or null for none")
    status_interval_s: float = Field(
        default=5.0, ge=0, le=86_400, description="seconds from 0 (never) to 86400"
    )
    log_level: LogLevel = Field(default="info", description="debug, info, warning or error")

    def instrument_table(self) -> InstrumentTable:
        """All instruments; an index is a place in the configuration."""
        return InstrumentTable(
            each.instrument(name, index, self.risk.maintenance_margin)
            for index, (name, each) in enumerate(self.instruments.items())
        )

    def funded_accounts(self) -> tuple[AccountSettings, ...]:
        """The accounts of the file, then those of the order flow."""
        flow = self.feed.order_flow
        made = (
            AccountSettings.model_construct(user=user, collateral=flow.collateral, positions=())
            for user in self.feed.order_flow_accounts()
        )
        return (*self.accounts, *made)

    def setup_commands(self) -> Commands:
        """All set-up commands of a new journal, in the order in which to publish them."""
        return self.setup_commands_after(InstrumentTable(()), (), None, Capacity(), RiskCapacity())

    def setup_commands_after(
        self,
        instruments: InstrumentTable,
        accounts: Collection[int],
        rule: RiskRule | None,
        capacity: Capacity,
        risk_capacity: RiskCapacity,
        risk_gate: bool = False,
        shards: int | None = None,
    ) -> Commands:
        """Those set-up commands that change what a journal already holds.

        The arguments are what was restored from it; call this on what `continuing` gave for the
        same instruments.
        """
        table, rules = self.instrument_table(), RiskRule.of(self.risk)
        return setup.commands(
            setup.Wanted(
                table,
                rules,
                self.funded_accounts(),
                self.capacity,
                self.sentinel.capacity,
                self.titan.risk_gate,
                self.titan.shards,
            ),
            setup.Known(instruments, accounts, rule, capacity, risk_capacity, risk_gate, shards),
        )

    def continuing(self, instruments: InstrumentTable) -> PlatformConfiguration:
        """Itself, with each instrument of a journal at the index that it has there.

        Raises ConfigurationError when a known instrument is given another grid, or all are too many.
        """
        merged = setup.merged_instruments(self.instruments, instruments, self.oracle.path)
        self.capacity.refuse(len(merged), self.oracle.path)
        return self.model_copy(update={"instruments": merged})

    def with_gateway(self) -> PlatformConfiguration:
        """Itself, with a process for the gateway where one is wanted and the file names none."""
        if self.gateway is None or GATEWAY in self.processes:
            return self
        process = Process(
            run="components.gateway.process:run",
            writes=(Write(ring=COMMANDS),),
            group="edge",
            restart="on-failure",
        )
        return self.model_copy(update={"processes": {**self.processes, GATEWAY: process}})

    def sharded(self) -> PlatformConfiguration:
        """Itself, with a process for each shard of Titan if there are several."""
        return self.model_copy(update=sharding.expanded(self))

    def shard_names(self) -> tuple[str, ...]:
        """The processes of Titan's shards, in their order."""
        return sharding.shard_names(self.titan.shards)

    def gated(self) -> PlatformConfiguration:
        """Itself, or under ``gate: input`` with every reader of commands behind the journal."""
        journal = self.processes.get(JOURNAL)
        if self.durability.gate != "input" or journal is None or COMMANDS not in journal.reads:
            return self
        processes = {
            name: each if name == JOURNAL else _behind_journal(each)
            for name, each in self.processes.items()
        }
        return self.model_copy(update={"processes": processes})


def _behind_journal(process: Process) -> Process:
    """Who follows another reader is behind the journal with that one."""
    if COMMANDS not in process.reads or process.after.get(COMMANDS):
        return process
    after = {**process.after, COMMANDS: (JOURNAL,)}
    return process.model_copy(update={"after": after})
