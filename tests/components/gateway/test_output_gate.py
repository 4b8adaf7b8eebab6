"""Nothing leaves before it is on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.gateway.output_gate import OutputGate
from components.oracle.store import Journal


class Appender:
    """The process that writes the journal."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._hear()

    def tell(self, word: str) -> None:
        """Have it done."""
        assert self._child.stdin is not None
        print(word, file=self._child.stdin, flush=True)
        self._hear()

    def _hear(self) -> None:
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == "ok\n"


@contextmanager
def appender(path: Path) -> Iterator[Appender]:
    command = [sys.executable, "-m", "tests.components.gateway.journal_appender", str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        yield Appender(child)
        assert child.stdin is not None
        child.stdin.close()


def released(gate: OutputGate) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stream, records in gate.released():
        counts[stream] = counts.get(stream, 0) + len(records)
    return counts


def test_what_is_journaled_but_not_synced_stays_inside(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with appender(path) as writer, Journal.open_reader(path) as journal:
        gate = OutputGate(journal, "interval")
        careless = OutputGate(journal, "off")
        for _ in range(3):
            writer.tell("append")
        assert journal.last_sequence("events") == 3
        assert released(gate) == {}
        assert released(careless) == {"events": 3, "risk": 3}
        writer.tell("sync")
        assert released(gate) == {"events": 3, "risk": 3}
        assert released(gate) == {}
        writer.tell("append")
        assert released(gate) == {}
        writer.tell("sync")
        gate.skip()
        assert released(gate) == {}
        assert gate.left == {"events": 4, "risk": 4}
