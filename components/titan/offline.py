"""Titan over JSON lines: commands in, events out, the very state machine of the live process.

Lines are read in chunks, parsed into a batch, applied, and written before the next chunk is read,
so memory is bounded and a pause of the input flushes what is known.  A malformed line ends the
run: everything before it has been answered and written.  Blank lines count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from components.instruments import InstrumentTable
from components.messages.code import EVENT_REJECTED
from components.messages.command import Commands, new_commands
from components.messages.command_text import parse_command
from components.messages.event_text import format_event
from components.messages.json_lines import TextError
from components.titan.engine.apply import apply_batch, outbox_bound
from components.titan.engine.snapshot import state_hash
from components.titan.engine.state import Outbox, TitanState, new_outbox, new_state

BATCH: Final = 1024
_CHUNK_BYTES: Final = 1 << 16
_OUTBOX_SLOTS: Final = 1 << 14


class OfflineTitan:
    """One run: the instruments are listed with sequence 0, the first line has sequence 1."""

    def __init__(self, instruments: InstrumentTable, *, every_event: bool = False) -> None:
        self.instruments = instruments
        self.state: TitanState = new_state(max_symbols=max(64, len(instruments)))
        self.sequence = 0
        self._every_event = every_event
        self._outbox: Outbox = new_outbox(_OUTBOX_SLOTS)
        for command in instruments.to_commands().reshape(-1, 1):
            list(self.apply(command, 0))

    def apply(self, commands: Commands, first_sequence: int) -> Iterator[bytes]:
        """The event lines of some commands, without newlines."""
        done = 0
        while done < len(commands):
            applied = apply_batch(self.state, commands[done:], first_sequence + done, self._outbox)
            done += applied
            if applied == 0:
                self._outbox = new_outbox(2 * int(outbox_bound(self.state)))
            events = self._outbox.slots[: int(self._outbox.count[0])]
            for event in events:
                if self._every_event or 0 < event["kind"] <= EVENT_REJECTED:
                    yield format_event(event, self.instruments, complete=self._every_event)
            self._outbox.count[0] = 0

    def run(self, lines: Iterator[list[bytes]], output: BinaryIO) -> None:
        """Answer all chunks of lines; TextError at a malformed one, after those before it."""
        number = 0
        for chunk in lines:
            commands = new_commands(len(chunk))
            count = 0
            failure: TextError | None = None
            for line in chunk:
                number += 1
                if not line.strip():
                    continue
                try:
                    place = f"line {number}"
                    parse_command(line, self.instruments, commands[count], place)
                except TextError as error:
                    failure = error
                    break
                count += 1
            for answer in self.apply(commands[:count], self.sequence + 1):
                output.write(answer + b"\n")
            self.sequence += count
            output.flush()
            if failure is not None:
                raise failure

    def state_hash(self) -> bytes:
        """SHA-256 of the state after what was applied."""
        return state_hash(self.state)


def read_chunks(source: BinaryIO) -> Iterator[list[bytes]]:
    """Whole lines as they come: all that a read returned, at most BATCH at a time."""
    read = getattr(source, "read1", source.read)
    rest = b""
    while data := read(_CHUNK_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        for begin in range(0, len(lines), BATCH):
            yield lines[begin : begin + BATCH]
    if rest:
        yield [rest]
