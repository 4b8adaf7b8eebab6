"""Oracle for programs and notebooks: few verbs over a journal, arrays in and out.

    journal = Journal.open("platform_events")
    trades = journal.events(kind="trade", symbol="BTCUSDT", since="2026-01-02T03:04:05Z")
    trades["price"].mean(), trades.sequences, trades.arrow()
    journal.state_at(12345).positions()

A journal of the platform has the streams commands, events and risk; one of another pipeline has
whatever streams it was created with, of any fixed dtype:

    with Journal.create("ticks", {"ticks": dtype}) as journal:
        journal.append(ticks=array)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from components.messages.code import by_name
from components.oracle import arrow, moment
from components.oracle.history import Instruments
from components.oracle.platform_state import PlatformState
from components.oracle.platform_state import state_at as _state_at
from components.oracle.query import SYSTEM_EVENTS, select
from components.oracle.replay import ReplayReport, replay
from components.oracle.store import Journal as Store
from components.oracle.store import JournalError, JournalInfo
from components.oracle.store.writer import SyncMode
from components.oracle.subjects import KIND_NAMES
from components.oracle.trace import Life, trace

if TYPE_CHECKING:
    from components.instruments import InstrumentTable
    from components.oracle.changes import Changes
    from components.oracle.what_if import WhatIf

Moment = str | int | datetime | np.datetime64
"""A time: ISO 8601, nanoseconds since the epoch, a datetime (UTC unless it says otherwise)."""

_NO_SEQUENCES: Final = np.zeros(0, np.int64)


class Records(np.ndarray):
    """Records of one stream: a structured array that knows each record's sequence."""

    sequences: NDArray[np.int64]
    """Of each record; empty for what was computed rather than chosen from records."""

    def __new__(cls, records: NDArray[Any], sequences: NDArray[np.int64]) -> Records:
        """A view of ``records``; nothing is copied."""
        made = np.asarray(records).view(cls)
        made.sequences = sequences
        return made

    def __array_finalize__(self, source: NDArray[Any] | None) -> None:
        """Whatever is computed from records has no sequences of its own."""
        self.sequences = _NO_SEQUENCES

    def __getitem__(self, key: Any) -> Any:
        """As an array; rows that are chosen keep their sequences, a field is a plain array."""
        chosen = super().__getitem__(key)
        if not isinstance(chosen, Records):
            return chosen
        if isinstance(key, str):
            return chosen.view(np.ndarray)
        if len(self.sequences) == len(self) and chosen.dtype == self.dtype and chosen.ndim == 1:
            chosen.sequences = self.sequences[key]
        return chosen

    def arrow(self) -> Any:
        """As a ``pyarrow.Table``, sequences first; ArrowMissingError without pyarrow."""
        known = self.sequences if len(self.sequences) == len(self) else np.arange(1, len(self) + 1)
        return arrow.table_of(known, self)


class Journal:
    """A journal, opened for reading by ``open``, or for writing too by ``create``."""

    def __init__(self, store: Store) -> None:
        self.store: Final = store
        self._instruments = Instruments(store)

    @classmethod
    def open(cls, path: str | Path) -> Journal:
        """For reading, also while a platform writes it."""
        return cls(Store.open_reader(Path(path)))

    @classmethod
    def create(
        cls, path: str | Path, streams: Mapping[str, DTypeLike], *, sync: SyncMode = "commit"
    ) -> Journal:
        """For writing: a new journal with these streams, or one to be continued."""
        dtypes = {name: np.dtype(each) for name, each in streams.items()}
        return cls(Store.open_writer(Path(path), dtypes, sync=sync))

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of all streams."""
        return self.store.streams

    @property
    def instruments(self) -> InstrumentTable:
        """What is traded, by name; by index through ``at``."""
        return self._instruments.table()

    def info(self) -> JournalInfo:
        """What the journal holds, without reading all of it."""
        return self.store.info()

    def append(self, **records: NDArray[Any]) -> None:
        """Append to one or several streams in one commit: all of it or nothing."""
        self.store.append(
            [
                (stream, self.store.last_sequence(stream) + 1, [np.asarray(each)])
                for stream, each in records.items()
            ]
        )

    def read(
        self,
        stream: str,
        *,
        first: int | None = None,
        last: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> Records:
        """Records of any stream between two sequences and two times, all inclusive."""
        first, last = self._range(stream, first, last, since, until)
        chunks = list(self.store.read(stream, first, last)) if first <= last else []
        sequences = np.arange(first, max(last, first - 1) + 1, dtype=np.int64)
        return Records(_joined([chunk for _, chunk in chunks], self.store.dtype(stream)), sequences)

    def chunks(
        self, stream: str, first: int | None = None, last: int | None = None
    ) -> Iterator[Records]:
        """Records of any stream in pieces of some megabytes, for what memory cannot hold."""
        begin = self.store.first_sequence(stream) if first is None else first
        for start, chunk in self.store.read(stream, begin, last):
            yield Records(chunk, np.arange(start, start + len(chunk), dtype=np.int64))

    def commands(self, **asked: Any) -> Records:
        """Commands; see ``events`` for what may be asked."""
        return self._select("commands", **asked)

    def events(self, **asked: Any) -> Records:
        """Events, narrowed by any of: kind (a name, such as "trade" or "OrderExecuted", or several),
        symbol (a name), account, order (an id), first and last (sequences), since and until (times).
        """
        return self._select("events", **asked)

    def risk(self, **asked: Any) -> Records:
        """Risk records; see ``events`` for what may be asked."""
        return self._select("risk", **asked)

    def state_at(self, at: str | int | None = None) -> PlatformState:
        """Books, orders, positions and balances after a command or at a time."""
        return _state_at(self.store, at)

    def replay(self, *, first: int = 1, to: int | None = None) -> ReplayReport:
        """Derive everything again and compare it with what was journaled."""
        return replay(self.store, first=first, to=to)

    def what_if(self, changes: Changes, *, to: int | None = None) -> WhatIf:
        """What would have been different."""
        from components.oracle.what_if import what_if

        return what_if(self.store, changes, to=to)

    def trace(self, order: int, account: int | None = None) -> list[Life]:
        """The lives of an order."""
        return trace(self.store, order, account)

    def close(self) -> None:
        """Let go of the files; arrays stay valid."""
        self.store.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _range(
        self,
        stream: str,
        first: int | None,
        last: int | None,
        since: Moment | None,
        until: Moment | None,
    ) -> tuple[int, int]:
        end = self.store.last_sequence(stream)
        last = end if last is None else min(last, end)
        first = self.store.first_sequence(stream) if first is None else first
        if since is not None:
            first = max(first, self.store.end_by_time(stream, _nanoseconds(since) - 1) + 1)
        if until is not None:
            last = min(last, self.store.end_by_time(stream, _nanoseconds(until)))
        return first, last

    def _select(
        self,
        stream: str,
        *,
        kind: str | Sequence[str] | None = None,
        symbol: str | None = None,
        account: int | None = None,
        order: int | None = None,
        first: int | None = None,
        last: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> Records:
        if (kind, symbol, account, order) == (None, None, None, None):
            return self.read(stream, first=first, last=last, since=since, until=until)
        first, last = self._range(stream, first, last, since, until)
        found: list[tuple[NDArray[np.int64], NDArray[Any]]] = []
        if first <= last:
            found += select(
                self.store,
                stream,
                kinds=None if kind is None else _kinds(stream, kind),
                symbol=None if symbol is None else self._symbol(symbol),
                account=account,
                order=order,
                first=first,
                last=last,
            )
        sequences = _joined([each for each, _ in found], np.dtype(np.int64))
        return Records(_joined([each for _, each in found], self.store.dtype(stream)), sequences)

    def _symbol(self, name: str) -> int:
        table = self.instruments
        if name not in table:
            raise JournalError(f"there is no symbol {name}; there are {', '.join(table) or 'none'}")
        return table[name].index


def replay_all(path: str | Path) -> ReplayReport:
    """Derive everything from a journal's commands and compare it with what was journaled."""
    return replay_from(path, 1)


def replay_from(path: str | Path, first: int) -> ReplayReport:
    """``replay_all``, but compare only what commands from ``first`` on give."""
    with Journal.open(path) as journal:
        return journal.replay(first=first)


def compute_state_hash(path: str | Path, at: str | int | None = None) -> str:
    """The platform's state hash after a command, at a time, or at the end."""
    return state_at(path, at).hashes().platform


def state_at(path: str | Path, at: str | int | None = None) -> PlatformState:
    """The platform's state after a command, at a time, or at the end."""
    with Journal.open(path) as journal:
        return journal.state_at(at)


def _kinds(stream: str, kind: str | Sequence[str]) -> list[int]:
    names = [kind] if isinstance(kind, str) else kind
    codes = by_name(dict(KIND_NAMES[stream]))
    system = {name: code for name, (where, code) in SYSTEM_EVENTS.items() if where == stream}
    known = {**codes, **system}
    for name in names:
        if name not in known:
            raise JournalError(f"{stream} has no kind {name!r}; there are {', '.join(known)}")
    return [known[name] for name in names]


def _nanoseconds(when: Moment) -> int:
    if isinstance(when, str):
        return moment.time_from_text(when)
    if isinstance(when, np.datetime64):
        return int(when.astype("datetime64[ns]").astype(np.int64))
    if isinstance(when, datetime):
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return moment.time_from_text(aware.astimezone(UTC).isoformat())
    return int(when)


def _joined(parts: list[NDArray[Any]], dtype: np.dtype) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
