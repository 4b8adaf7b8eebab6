"""Reads the raw journal, block by block, also while a feed writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import zstandard

from components.oracle.raw import BLOCKS, FRAMES, STREAMS, raw_path
from components.oracle.raw.tail import Entry, entries
from components.oracle.store import Journal
from components.oracle.store.segments import places


def has_raw(journal: Path) -> bool:
    """Whether a platform's journal has a raw one beside it."""
    return bool(places(raw_path(journal)))


def read_entries(path: Path) -> Iterator[Entry]:
    """All entries of the raw journal in ``path``, in the order in which they were written.

    JournalTrimmedError if retention removes a segment before it was read.
    """
    unpacker = zstandard.ZstdDecompressor()
    with Journal.open_reader(path, STREAMS) as journal:
        last = journal.last_sequence(BLOCKS)
        for _, blocks in journal.read(BLOCKS, journal.first_sequence(BLOCKS), last):
            for block in blocks:
                first, size = int(block["offset"]), int(block["size_bytes"])
                parts = [chunk for _, chunk in journal.read(FRAMES, first, first + size - 1)]
                yield from entries(unpacker.decompress(np.concatenate(parts).tobytes()))
