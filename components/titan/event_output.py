"""Titan's events as streams of bytes: the three forms of command_journal.py, for the other side."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from components.instruments import InstrumentTable
from components.messages.event import EVENT, Events
from components.messages.event_text import format_event
from components.titan.command_journal import header_line

Writer = Callable[[Events, InstrumentTable], None]


def json_lines_writer(output: BinaryIO, every_event: bool) -> Writer:
    """An object a line, in decimals; complete with fees, flags and times if all are wanted."""

    def write(events: Events, instruments: InstrumentTable) -> None:
        for event in events:
            output.write(format_event(event, instruments, complete=every_event) + b"\n")

    return write


def csv_writer(output: BinaryIO, every_event: bool) -> Writer:
    """A header of field names, then the integers as they are stored."""
    output.write(",".join(EVENT.names or ()).encode() + b"\n")

    def write(events: Events, instruments: InstrumentTable) -> None:
        for record in events.tolist():
            output.write(",".join(map(str, record)).encode() + b"\n")

    return write


def binary_writer(output: BinaryIO, every_event: bool) -> Writer:
    """A line that describes the record, then the records."""
    output.write(header_line(EVENT))

    def write(events: Events, instruments: InstrumentTable) -> None:
        output.write(events.tobytes())

    return write


WRITERS: Final[dict[str, Callable[[BinaryIO, bool], Writer]]] = {
    "jsonl": json_lines_writer,
    "csv": csv_writer,
    "binary": binary_writer,
}
