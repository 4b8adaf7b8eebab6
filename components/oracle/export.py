"""A stream's records elsewhere: JSON lines in decimals, CSV and Parquet in the integers stored."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from components.oracle.moment import range_of_times
from components.oracle.store import Journal, JournalError

JSON_LINES: Final = "jsonl"
CSV: Final = "csv"
PARQUET: Final = "parquet"
FORMATS: Final = (JSON_LINES, CSV, PARQUET)


class Chosen(NamedTuple):
    """A stream's records between two of its sequences, both inclusive."""

    stream: str
    first: int
    last: int


def chosen(
    journal: Journal,
    stream: str,
    *,
    first: int | None = None,
    last: int | None = None,
    since: int | None = None,
    until: int | None = None,
) -> Chosen:
    """The records between sequences and times, all inclusive."""
    begin, end = range_of_times(journal, stream, since, until)
    return Chosen(stream, max(first or begin, begin), end if last is None else min(last, end))


def lines(journal: Journal, records: Chosen, form: str) -> Iterator[bytes]:
    """JSON lines or CSV, each line without its newline."""
    return _csv_lines(journal, records) if form == CSV else _json_lines(journal, records)


def to_file(journal: Journal, records: Chosen, form: str, path: Path) -> int:
    """Write a file in any format; how many records.  Nothing is left of one that fails."""
    partial = path.with_name(f"{path.name}.part")
    try:
        if form == PARQUET:
            _write_parquet(journal, records, partial)
        else:
            with partial.open("wb") as out:
                out.writelines(line + b"\n" for line in lines(journal, records, form))
        partial.replace(path)
    except OSError as error:
        raise JournalError(f"cannot write {path}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return max(0, records.last - records.first + 1)


def _json_lines(journal: Journal, records: Chosen) -> Iterator[bytes]:
    from components.oracle.history import FORMATTERS, Instruments

    table = Instruments(journal).table()
    tell = FORMATTERS[records.stream]
    for _, chunk in _read(journal, records):
        for record in chunk:
            yield tell(record, table)


def _csv_lines(journal: Journal, records: Chosen) -> Iterator[bytes]:
    """A header, then each record's sequence and its fields as the integers that they are."""
    names = journal.dtype(records.stream).names or ()
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="")

    def told(*values: object) -> bytes:
        line.seek(0)
        line.truncate()
        writer.writerow(values)
        return line.getvalue().encode()

    yield told("sequence", *names)
    for start, chunk in _read(journal, records):
        for sequence, record in enumerate(chunk.tolist(), start):
            yield told(sequence, *record)


def _write_parquet(journal: Journal, records: Chosen, path: Path) -> None:
    from components.oracle.arrow import write_parquet

    chunks = (
        (np.arange(start, start + len(chunk), dtype=np.int64), chunk)
        for start, chunk in _read(journal, records)
    )
    write_parquet(path, chunks, journal.dtype(records.stream))


def _read(journal: Journal, records: Chosen) -> Iterator[tuple[int, np.ndarray]]:
    if records.first > records.last:
        return iter(())
    return journal.read(records.stream, records.first, records.last)
