"""A journal as the platform writes it, of any length: commands of a busy book, and what follows.

The commands are a mixed flow (``mixed``), repeated with new order numbers, of funded accounts,
with a price for Sentinel now and then; events and risk records are what the engines make of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from components.instruments import Instrument, InstrumentTable, MarginTier
from components.messages.code import OP_ACCOUNT, OP_DEPOSIT, OP_PRICE
from components.messages.command import Commands, new_commands
from components.oracle.derivation import Derivation
from components.oracle.store import Journal
from components.oracle.store.writer import Batch
from components.oracle.streams import STREAM_DTYPES
from components.units import MONEY_SCALE
from perf.workloads.mixed import ACCOUNTS, mixed_commands

BATCH: Final = 16_384
_TILE: Final = 100_000
_PRICE_EVERY: Final = 500
_START_NS: Final = 1_767_225_600_000_000_000
_STEP_NS: Final = 10_000
_DEPOSIT: Final = 100_000_000
_TABLE: Final = InstrumentTable(
    [Instrument("BENCH", 0, Decimal("0.01"), Decimal("0.01"), margin_tiers=(MarginTier(0, 5_000),))]
)


def commands_of(count: int) -> Iterator[Commands]:
    """``count`` commands in pieces, stamped 10 µs apart."""
    sent = 0
    tile = mixed_commands(_TILE)[1:]
    tile["op"][::_PRICE_EVERY] = OP_PRICE
    tile["price"][::_PRICE_EVERY] = 1_000_000
    tile["qty"][::_PRICE_EVERY] = 0
    pieces = [_opening()]
    while sent < count:
        piece = pieces.pop() if pieces else tile.copy()
        piece["order_id"] += np.where(piece["order_id"] > 0, sent, 0)
        piece = piece[: count - sent]
        piece["ts"] = _START_NS + np.arange(sent, sent + len(piece)) * _STEP_NS
        yield piece
        sent += len(piece)


def write_journal(path: Path, count: int, segment_bytes: int) -> dict[str, int]:
    """Write the journal of ``count`` commands; the last sequence of each stream."""
    derivation = Derivation()
    with Journal.open_writer(
        path, STREAM_DTYPES, sync="off", segment_bytes=segment_bytes
    ) as journal:
        for piece in commands_of(count):
            for start in range(0, len(piece), BATCH):
                _append(journal, derivation, piece[start : start + BATCH])
        return {stream: journal.last_sequence(stream) for stream in journal.streams}


def _append(journal: Journal, derivation: Derivation, commands: Commands) -> None:
    first = derivation.commands_last + 1
    told = [(d.events.copy(), d.risks.copy()) for d in derivation.feed(commands)]
    batches: list[Batch] = [("commands", first, [commands])]
    for stream, arrays in (("events", [e for e, _ in told]), ("risk", [r for _, r in told])):
        if any(len(each) for each in arrays):
            batches.append((stream, journal.last_sequence(stream) + 1, arrays))
    journal.append(batches)


def _opening() -> Commands:
    """The instrument, and an account with a deposit for each trader."""
    accounts = new_commands(2 * ACCOUNTS)
    accounts["account"] = np.repeat(np.arange(1, ACCOUNTS + 1), 2)
    accounts["op"] = np.tile((OP_ACCOUNT, OP_DEPOSIT), ACCOUNTS)
    accounts["price"][1::2] = _DEPOSIT * MONEY_SCALE
    opening: Commands = np.concatenate((_TABLE.to_commands(), accounts))
    return opening
