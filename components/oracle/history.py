"""Reading the platform's journal as a person does: the last lines, lines as they come, ranges.

Commands, events and risk are three streams; side by side they are told in the order in which
things happened: by the sequence of the command that caused them, the command first, then what
Titan answered, then what Sentinel made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.instruments import DEFINING_OPS, InstrumentTable
from components.messages.command import COMMAND
from components.messages.command_text import format_command
from components.messages.event_text import format_event
from components.messages.risk_text import format_risk
from components.oracle.store import Journal

FORMATTERS: dict[str, Callable[[np.void, InstrumentTable], bytes]] = {
    "commands": format_command,
    "events": partial(format_event, complete=True),
    "risk": format_risk,
}
"""How each stream is told, in the order of cause and effect."""


class Line(NamedTuple):
    """One record, and where it belongs."""

    command: int
    rank: int
    sequence: int
    stream: str
    record: np.void


class Instruments:
    """The instrument table that the commands so far define; reads each command once."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0
        self._definitions = np.zeros(0, COMMAND)
        self._table = InstrumentTable(())

    def table(self) -> InstrumentTable:
        """As of the journal's present end; what it has given up is told by a snapshot."""
        last = self._journal.last_sequence("commands")
        if not self._seen and self._journal.first_sequence("commands") > 1:
            self._take_snapshot(last)
        for _, chunk in self._journal.read("commands", self._seen + 1, last):
            chosen = chunk[np.isin(chunk["op"], DEFINING_OPS)]
            if len(chosen):
                self._definitions = np.concatenate((self._definitions, chosen))
                self._table = InstrumentTable.from_commands(self._definitions)
        self._seen = last
        return self._table

    def _take_snapshot(self, last: int) -> None:
        from components.oracle.starts import start_before

        start = start_before(self._journal, last)
        if start is not None:
            self._definitions = start.configuring
            self._table = InstrumentTable.from_commands(self._definitions)
            self._seen = start.commands_last


def last_lines(journal: Journal, upto: dict[str, int], count: int) -> list[Line]:
    """The last ``count`` records of the streams up to these sequences, in the order of cause."""
    after = {
        stream: max(journal.first_sequence(stream) - 1, last - count)
        for stream, last in upto.items()
    }
    lines = lines_between(journal, after, upto)
    return lines[max(0, len(lines) - count) :]


def lines_between(journal: Journal, after: dict[str, int], upto: dict[str, int]) -> list[Line]:
    """The records after one set of sequences up to another, in the order of cause."""
    lines: list[Line] = []
    for stream, last in upto.items():
        lines += _lines(journal, stream, after[stream] + 1, last)
    lines.sort(key=lambda line: line[:3])
    return lines


def ends(journal: Journal, streams: tuple[str, ...]) -> dict[str, int]:
    """The last sequence of each stream."""
    return {stream: journal.last_sequence(stream) for stream in streams}


def _lines(journal: Journal, stream: str, first: int, last: int) -> list[Line]:
    rank = tuple(FORMATTERS).index(stream)
    lines = []
    for start, chunk in journal.read(stream, first, last):
        causes = _causes(stream, start, chunk)
        for place, record in enumerate(chunk):
            lines.append(Line(int(causes[place]), rank, start + place, stream, record))
    return lines


def _causes(stream: str, start: int, chunk: NDArray[np.void]) -> NDArray[np.int64]:
    if stream == "commands":
        return np.arange(start, start + len(chunk), dtype=np.int64)
    return np.asarray(chunk["seq"])
