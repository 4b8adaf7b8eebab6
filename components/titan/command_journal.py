"""Journals of commands as streams of bytes, in three forms: JSON lines, CSV and binary.

    jsonl    a JSON object a line, in decimals, as DESIGN and ``command_text`` say
    csv      a header of field names, then integers as they are stored: ticks, lots, codes; what
             ``bin/oracle export --stream commands --format csv`` writes
    binary   a line that describes the record's layout, then the records themselves

Each reader yields what has come so far, at most BATCH commands at a time, so that memory is
bounded and a pause of the input flushes what is known.  At something malformed it first yields
all that came before, then raises TextError, which names the line or the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import numpy as np

from components.instruments import InstrumentTable
from components.messages.command import COMMAND, Commands, new_commands
from components.messages.command_text import parse_command
from components.messages.json_lines import TextError, did_you_mean
from disruptor.ring.layout import describe

BATCH: Final = 1024
_CHUNK_BYTES: Final = 1 << 16
_HEADER_BYTES_MAX: Final = 1 << 13
_FIELDS: Final = COMMAND.names or ()
_IGNORED_COLUMN: Final = "sequence"
_BOUNDS: Final = {name: np.iinfo(COMMAND[name]) for name in _FIELDS}

Reader = Callable[[BinaryIO, InstrumentTable], Iterator[Commands]]


def read_json_lines(source: BinaryIO, instruments: InstrumentTable) -> Iterator[Commands]:
    """Blank lines count for nothing."""
    number = 0
    for chunk in _line_chunks(source):
        commands = new_commands(len(chunk))
        count = 0
        for line in chunk:
            number += 1
            if not line.strip():
                continue
            try:
                parse_command(line, instruments, commands[count], f"line {number}")
                instruments = instruments.after(commands[count])
            except TextError:
                yield commands[:count]
                raise
            count += 1
        yield commands[:count]


def read_csv(source: BinaryIO, instruments: InstrumentTable) -> Iterator[Commands]:
    """Columns in any order; one that is not there is zero, ``sequence`` is ignored."""
    columns: list[str] | None = None
    number = 0
    for chunk in _line_chunks(source):
        commands = new_commands(len(chunk))
        count = 0
        for line in chunk:
            number += 1
            text = line.strip()
            if not text:
                continue
            if columns is None:
                columns = _columns(text, number)
                continue
            try:
                _parse_row(text, columns, commands[count], number)
            except TextError:
                yield commands[:count]
                raise
            count += 1
        yield commands[:count]


def _columns(header: bytes, number: int) -> list[str]:
    names = [name.strip() for name in header.decode("utf-8", "replace").split(",")]
    for name in names:
        if name not in (*_FIELDS, _IGNORED_COLUMN):
            hint = did_you_mean(name, _FIELDS)
            raise TextError(
                f"line {number}: unknown column {name!r}{hint}; write {', '.join(_FIELDS)}"
            )
    if "op" not in names or len(set(names)) != len(names):
        raise TextError(f"line {number}: the header must name each column once, op among them")
    return names


def _parse_row(text: bytes, columns: list[str], into: np.void, number: int) -> None:
    values = text.split(b",")
    if len(values) != len(columns):
        raise TextError(
            f"line {number}: found {len(values)} values; the header has {len(columns)} columns"
        )
    for name, written in zip(columns, values, strict=True):
        if name == _IGNORED_COLUMN:
            continue
        bounds = _BOUNDS[name]
        try:
            value = int(written)
        except ValueError:
            value = bounds.max + 1
        if not bounds.min <= value <= bounds.max:
            found = written.decode("utf-8", "replace").strip()
            raise TextError(
                f"line {number}: {name}: found {found!r}; write a whole number "
                f"from {bounds.min} to {bounds.max}"
            )
        into[name] = value


def header_line(record: np.dtype) -> bytes:
    """The first line of a binary journal: the record's layout, as canonical JSON."""
    return describe(record) + b"\n"


def read_binary(source: BinaryIO, instruments: InstrumentTable) -> Iterator[Commands]:
    """Records behind the line that describes them, which must be today's layout."""
    header = source.readline(_HEADER_BYTES_MAX)
    if not header:
        return
    if header != header_line(COMMAND):
        raise TextError(
            "line 1: this does not describe the commands of this version; "
            f"write {header_line(COMMAND).decode().strip()}"
        )
    read = getattr(source, "read1", source.read)
    rest = b""
    records = 0
    while data := read(_CHUNK_BYTES):
        rest += data
        whole = len(rest) // COMMAND.itemsize
        commands = np.frombuffer(rest, COMMAND, whole).copy()
        for begin in range(0, whole, BATCH):
            yield commands[begin : begin + BATCH]
        records += whole
        rest = rest[whole * COMMAND.itemsize :]
    if rest:
        raise TextError(
            f"record {records + 1}: found {len(rest)} bytes; a record has {COMMAND.itemsize}"
        )


READERS: Final[dict[str, Reader]] = {
    "jsonl": read_json_lines,
    "csv": read_csv,
    "binary": read_binary,
}


def _line_chunks(source: BinaryIO) -> Iterator[list[bytes]]:
    """Whole lines as they come: all that a read returned, at most BATCH at a time."""
    read = getattr(source, "read1", source.read)
    rest = b""
    while data := read(_CHUNK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        for begin in range(0, len(lines), BATCH):
            yield lines[begin : begin + BATCH]
    if rest:
        yield [rest]
