"""Who is connected, and who hears what: lines in are published, released records go out.

Nobody here waits for a client.  What a client does not read is kept for it up to a limit; beyond
that the client is dropped, and may come back.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from components.configuration.model import EVENTS, Gateway
from components.gateway.account_lines import lines_for
from components.gateway.counters import GatewayCounters
from components.gateway.order_entry import Login, OrderEntry, read_line
from components.gateway.output_gate import OutputGate
from components.instruments import InstrumentTable
from components.messages.command import Commands
from components.messages.json_lines import TextError

LINE_BYTES_MAX: Final = 4096
ACCOUNTS_MAX: Final = 64
"""Accounts of one connection."""


@dataclass(frozen=True)
class Platform:
    """What the hub stands on."""

    table: InstrumentTable
    entry: OrderEntry
    gate: OutputGate
    counters: GatewayCounters


class Hub:
    """All connections; for one event loop."""

    def __init__(self, settings: Gateway, platform: Platform) -> None:
        self.settings = settings
        self.platform = platform
        self.is_closing = False
        self.answered = 0
        """The last command whose events have left."""
        self._sessions: set[Session] = set()
        self._listeners: dict[int, list[Session]] = {}
        self._accounts = np.zeros(0, np.int64)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody waits for what is released."""
        return bool(self._listeners)

    def session(self) -> Session:
        """For a connection that comes."""
        return Session(self)

    def join(self, session: Session) -> bool:
        """Take a connection in; False when there are too many."""
        if len(self._sessions) >= self.settings.clients_max:
            return False
        self._sessions.add(session)
        self.platform.counters.clients(len(self._sessions))
        return True

    def leave(self, session: Session) -> None:
        """Forget a connection."""
        self._sessions.discard(session)
        for account in session.accounts:
            self._listeners[account].remove(session)
            if not self._listeners[account]:
                del self._listeners[account]
        self._index_accounts()
        self.platform.counters.clients(len(self._sessions))

    def log_in(self, session: Session, account: int) -> int:
        """From now on the session hears of the account; the event after which it begins."""
        if not self._listeners:
            self.platform.gate.skip()
        if account not in session.accounts:
            session.accounts.add(account)
            self._listeners.setdefault(account, []).append(session)
            self._index_accounts()
        return self.platform.gate.left[EVENTS]

    def deliver(self) -> None:
        """Send what may leave now to those whom it concerns, and drop who is too slow."""
        for stream, records in self.platform.gate.released():
            self._send(stream, records)
        for session in tuple(self._sessions):
            if session.waiting_bytes() > self.settings.buffer_kb << 10:
                self.platform.counters.dropped()
                session.drop()

    def close(self) -> None:
        """Let what was sent go out, and end all connections."""
        for session in tuple(self._sessions):
            session.close()

    def _send(self, stream: str, records: NDArray[Any]) -> None:
        count = 0
        for account, line in lines_for(stream, records, self._accounts, self.platform.table):
            for session in self._listeners.get(account, ()):
                session.send(line)
                count += 1
        if count:
            self.platform.counters.answered(count, time.time_ns() - int(records["ts"][-1]))
        if stream == EVENTS:
            self.answered = int(records["seq"].max(initial=self.answered))

    def _index_accounts(self) -> None:
        self._accounts = np.array(sorted(self._listeners), np.int64)


class Session(asyncio.Protocol):
    """One connection: commands in, one JSON object a line; answers out."""

    def __init__(self, hub: Hub) -> None:
        self.accounts: set[int] = set()
        self._hub = hub
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._lines = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._hub.join(self):
            most = self._hub.settings.clients_max
            self._refuse(f"there are {most} connections already; try again later")
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio."""
        self._hub.leave(self)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: publish all commands of the lines that are complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        commands = [each for line in lines if (each := self._read(line)) is not None]
        if commands:
            self._publish(np.concatenate(commands))
        if len(self._rest) > LINE_BYTES_MAX:
            self._refuse(f"line {self._lines + 1}: longer than {LINE_BYTES_MAX} bytes")
            self.close()

    def send(self, line: bytes) -> None:
        """Hand over a line, newline included; never waits."""
        if self._transport is not None:
            self._transport.write(line)

    def waiting_bytes(self) -> int:
        """What the client has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def drop(self) -> None:
        """End it now, whatever still waits."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End it when what waits has gone out."""
        if self._transport is not None:
            self._transport.close()

    def _read(self, line: bytes) -> Commands | None:
        self._lines += 1
        if not line.strip():
            return None
        try:
            if len(line) > LINE_BYTES_MAX:
                raise TextError(f"line {self._lines}: longer than {LINE_BYTES_MAX} bytes")
            asked = read_line(line, f"line {self._lines}", self.accounts, self._hub.platform.table)
            if not isinstance(asked, Login):
                return asked
            self._log_in(asked.account)
        except TextError as error:
            self._refuse(str(error))
        return None

    def _log_in(self, account: int) -> None:
        if len(self.accounts) >= ACCOUNTS_MAX:
            raise TextError(f"line {self._lines}: at most {ACCOUNTS_MAX} accounts a connection")
        after = self._hub.log_in(self, account)
        self.send(orjson.dumps({"login": account, "after_event": after}) + b"\n")

    def _publish(self, commands: Commands) -> None:
        hub = self._hub
        count = 0 if hub.is_closing else hub.platform.entry.publish(commands)
        hub.platform.counters.published(count)
        why = "the platform is stopping" if hub.is_closing else "the platform is busy; try again"
        for command in commands[count:]:
            self._refuse(f"order {command['order_id']} of {command['account']}: {why}")

    def _refuse(self, why: str) -> None:
        self._hub.platform.counters.refused()
        self.send(orjson.dumps({"error": why}) + b"\n")
