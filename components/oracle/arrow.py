"""Records as Arrow tables, and Parquet files of them; needs the optional extra ``arrow``.

A record is a row, but Arrow keeps columns, so each field is copied once into a column of its own.
Numbers stay the integers that they are (ticks, lots, money in 1e-8); ``ts`` becomes a timestamp.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.oracle.store import JournalError

_INSTALL = "it comes with the extra: pip install 'disruptor-trading-platform[arrow]'"


class ArrowMissingError(JournalError):
    """pyarrow is not installed; the text says how to get it."""


def table_of(sequences: NDArray[np.int64], records: NDArray[Any]) -> Any:
    """A ``pyarrow.Table``: the records' sequences, then a column for each field."""
    pyarrow = _pyarrow()
    columns = {"sequence": pyarrow.array(np.asarray(sequences))}
    plain = np.asarray(records)
    if plain.dtype.names is None:
        columns["value"] = _column(pyarrow, plain)
    for name in plain.dtype.names or ():
        column = _column(pyarrow, plain[name])
        if name == "ts" and plain.dtype[name] == np.int64:
            column = column.view(pyarrow.timestamp("ns", tz="UTC"))
        columns[name] = column
    return pyarrow.table(columns)


def write_parquet(
    path: Path, chunks: Iterable[tuple[NDArray[np.int64], NDArray[Any]]], dtype: np.dtype
) -> int:
    """Write chunks of sequences and records as one file, zstd-compressed; how many records."""
    _pyarrow()
    from pyarrow import parquet

    empty = table_of(np.zeros(0, np.int64), np.zeros(0, dtype))
    count = 0
    try:
        with parquet.ParquetWriter(path, empty.schema, compression="zstd") as writer:
            for sequences, records in chunks:
                writer.write_table(table_of(sequences, records))
                count += len(records)
    except OSError as error:
        raise JournalError(f"cannot write {path}: {error.strerror or error}") from None
    return count


def _column(pyarrow: ModuleType, values: NDArray[Any]) -> Any:
    if values.ndim == 1:
        return pyarrow.array(np.ascontiguousarray(values))
    width = int(np.prod(values.shape[1:]))
    flat = pyarrow.array(np.ascontiguousarray(values).reshape(-1))
    return pyarrow.FixedSizeListArray.from_arrays(flat, width)


def _pyarrow() -> ModuleType:
    try:
        import pyarrow
    except ImportError:
        raise ArrowMissingError(f"Arrow and Parquet need pyarrow; {_INSTALL}") from None
    module: ModuleType = pyarrow
    return module
