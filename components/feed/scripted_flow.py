"""A scripted flow: the commands of a file, each at its time after the start.

One command an entry, in the platform's JSON form with ``at_s`` beside it, as JSON lines or as a
YAML list (by the file's suffix):

    {"at_s": 1.5, "op": "place", "symbol": "BTCUSDT", "id": 1, "account": 9001, "side": "buy",
     "price": "49900", "qty": "0.5"}

A file that cannot be read whole is refused before anything is sent; what is well written but out of
bounds meets the same gate as every other command.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
import yaml

from components.feed.order_flow import NEVER, UnpricedFlow
from components.instruments import InstrumentTable
from components.messages.code import (
    OP_AMEND,
    OP_BRACKET,
    OP_CANCEL,
    OP_CANCEL_ALL,
    OP_NAMES,
    OP_PLACE,
    OP_REPLACE,
    SOURCE_ORDER_FLOW,
)
from components.messages.command import UNKNOWN_SYMBOL, Commands, new_commands
from components.messages.command_text import parse_command
from components.messages.json_lines import TextError, read_object
from disruptor.errors import ConfigurationError

OPERATIONS: Final = (OP_PLACE, OP_REPLACE, OP_BRACKET, OP_CANCEL, OP_AMEND, OP_CANCEL_ALL)
AT_S_MAX: Final = 10_000_000
_KEY: Final = "feed.order_flow.path"


class ScriptedFlow(UnpricedFlow):
    """Sends what ``read_script`` gave; the mass cancels are for the accounts that it names."""

    def __init__(self, script: Commands) -> None:
        super().__init__(sorted({int(account) for account in script["account"]} - {0}))
        self._script = script
        self._sent = 0
        self._start_ns = 0

    @property
    def next_due_ns(self) -> int:
        if self._sent == len(self._script):
            return NEVER
        return self._start_ns + int(self._script["ts"][self._sent])

    def open(self, now_ns: int) -> Commands:
        self._start_ns = now_ns
        return super().open(now_ns)

    def due(self, now_ns: int) -> Commands:
        end = int(np.searchsorted(self._script["ts"], now_ns - self._start_ns, side="right"))
        commands = self._script[self._sent : end].copy()
        commands["ts"] += self._start_ns
        self._sent = max(self._sent, end)
        return commands


def read_script(path: Path, instruments: InstrumentTable) -> Commands:
    """The commands of a file, ``ts`` in ns after the start; ConfigurationError if one is wrong."""
    try:
        entries = list(_entries(path))
        script = new_commands(len(entries))
        last_ns = 0
        for command, (entry, place) in zip(script, entries, strict=True):
            at_ns = _read_entry(entry, place, instruments, command)
            if at_ns < last_ns:
                raise TextError(f"{place}: at_s: found a time before the one above; keep the order")
            command["ts"] = last_ns = at_ns
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ConfigurationError(f"{_KEY}: {path} cannot be read: {problem}") from problem
    except TextError as problem:
        raise ConfigurationError(f"{_KEY}: {problem}") from problem
    script["source"] = SOURCE_ORDER_FLOW
    return script


def _entries(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Each entry of a file and its place."""
    text = path.read_bytes()
    if path.suffix in (".yaml", ".yml"):
        document = yaml.safe_load(text)
        if not isinstance(document, list):
            raise TextError(f"{path}: write a list of commands")
        for number, entry in enumerate(document):
            if not isinstance(entry, dict):
                raise TextError(f"{path}: entry {number}: write a mapping")
            yield entry, f"{path}: entry {number}"
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield read_object(line, f"{path}:{number}"), f"{path}:{number}"


def _read_entry(
    entry: dict[str, Any], place: str, instruments: InstrumentTable, into: np.void
) -> int:
    """Fill ``into``; returns the entry's time in ns."""
    at_s = entry.pop("at_s", None)
    if isinstance(at_s, bool) or not isinstance(at_s, (int, float)) or not 0 <= at_s <= AT_S_MAX:
        raise TextError(f"{place}: at_s: found {at_s!r}; write seconds from 0 to {AT_S_MAX}")
    parse_command(orjson.dumps(entry), instruments, into, place)
    if int(into["op"]) not in OPERATIONS:
        allowed = ", ".join(OP_NAMES[each] for each in OPERATIONS)
        raise TextError(f"{place}: op: found {entry['op']!r}; write one of {allowed}")
    if int(into["symbol"]) == UNKNOWN_SYMBOL:
        known = ", ".join(instruments)
        raise TextError(f"{place}: symbol: found {entry['symbol']!r}; instruments are {known}")
    return round(at_s * 1e9)
