"""A fixed file of commands through everything that decides: what comes out, as digests.

    python -m tests.components.oracle.golden DIRECTORY

prints them as JSON.  It needs nothing that only tests need, so that any interpreter can say it.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from components.configuration import load_instruments
from components.instruments import InstrumentTable
from components.messages.code import EVENT_TRADE, RISK_LIQUIDATION
from components.messages.command import Commands, new_commands
from components.messages.command_text import parse_command
from components.oracle.derivation import Derivation
from components.oracle.replay import replay
from components.oracle.store import Journal
from components.oracle.store.writer import Batch
from components.oracle.streams import STREAM_DTYPES
from components.titan.offline import OfflineTitan

DATA: Final = Path(__file__).parents[2] / "data" / "golden"
_BATCH: Final = 50


def digests(path: Path) -> dict[str, str | int]:
    """Write a journal of the commands to ``path``; its heads, and the states that follow from it."""
    instruments = load_instruments(DATA / "instruments.yaml")
    commands = _parsed(instruments)
    written = _write(path, np.concatenate((instruments.to_commands(), commands)))
    with Journal.open_reader(path) as journal:
        report = replay(journal)
        heads = {f"head of {name}": journal.head(name).hex() for name in journal.streams}
    assert report.ok, report.differences
    return {
        **written,
        **heads,
        "titan": report.titan_hash,
        "sentinel": report.sentinel_hash,
        "platform": report.platform_hash,
        "bin/titan": hashlib.sha256(_answers(instruments, commands)).hexdigest(),
    }


def _parsed(instruments: InstrumentTable) -> Commands:
    lines = (DATA / "commands.jsonl").read_bytes().splitlines()
    commands = new_commands(len(lines))
    for number, line in enumerate(lines):
        parse_command(line, instruments, commands[number], f"line {number + 1}")
    return commands


def _write(path: Path, commands: Commands) -> dict[str, str | int]:
    """Journal commands and what follows; Sentinel's orders come back behind each batch."""
    derivation, trades, liquidations = Derivation(), 0, 0
    with Journal.open_writer(path, STREAM_DTYPES) as journal:
        waiting = [commands[start : start + _BATCH] for start in range(0, len(commands), _BATCH)]
        while waiting:
            batch = waiting.pop(0)
            first = derivation.commands_last + 1
            told = [tuple(each.copy() for each in answers) for answers in derivation.feed(batch)]
            events, risks, orders = (np.concatenate(each) for each in zip(*told, strict=True))
            trades += int((events["kind"] == EVENT_TRADE).sum())
            liquidations += int((risks["kind"] == RISK_LIQUIDATION).sum())
            if len(orders):
                waiting.insert(0, orders)
            batches: list[Batch] = [("commands", first, [batch])]
            for name, records in (("events", events), ("risk", risks)):
                batches.append((name, journal.last_sequence(name) + 1, [records]))
            journal.append(batches)
    return {"trades": trades, "liquidations": liquidations}


def _answers(instruments: InstrumentTable, commands: Commands) -> bytes:
    def batches() -> Iterator[Commands]:
        yield commands

    output = io.BytesIO()
    OfflineTitan(instruments, every_event=True).run(batches(), output)
    return output.getvalue()


if __name__ == "__main__":
    print(json.dumps(digests(Path(sys.argv[1])), indent=1))
