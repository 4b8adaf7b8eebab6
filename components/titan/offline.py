"""Titan from a journal of commands: the very state machine of the live process, without rings.

A batch of commands is applied and its events are written before the next one is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

import numpy as np

from components.instruments import InstrumentTable
from components.messages.code import EVENT_ARMED, EVENT_REJECTED, OP_INSTRUMENT, OP_RISK_GATE
from components.messages.command import Commands, new_commands
from components.messages.event import Events
from components.messages.json_lines import TextError
from components.risk_gate import RiskGate, verdicts_needed
from components.sentinel.engine import new_state as new_sentinel
from components.titan.engine.apply import apply_batch, outbox_bound
from components.titan.engine.snapshot import state_hash
from components.titan.engine.state import Outbox, TitanState, new_outbox, new_state
from components.titan.event_output import WRITERS

_ANSWERS: Final = (*range(1, EVENT_REJECTED + 1), EVENT_ARMED)
"""What is written unless everything is asked for."""
_OUTBOX_SLOTS: Final = 1 << 14


class OfflineTitan:
    """One run: the instruments are listed with sequence 0, the first command has sequence 1."""

    def __init__(
        self, instruments: InstrumentTable, *, every_event: bool = False, risk_gate: bool = False
    ) -> None:
        self.instruments = instruments
        self.state: TitanState = new_state(max_symbols=max(64, len(instruments)))
        self.sequence = 0
        self._every_event = every_event
        self._outbox: Outbox = new_outbox(_OUTBOX_SLOTS)
        self._gate = RiskGate(self.state, new_sentinel()) if risk_gate else None
        opening = instruments.to_commands()
        if risk_gate:
            opening = np.concatenate([opening, _turn_on()])
        for command in opening.reshape(-1, 1):
            list(self.apply(command, 0))

    def apply(self, commands: Commands, first_sequence: int) -> Iterator[Events]:
        """The events of some commands, in pieces that hold until the next one is asked for."""
        done = 0
        while done < len(commands):
            applied = self._match(commands[done:], first_sequence + done)
            done += applied
            if applied == 0:
                self._outbox = new_outbox(2 * int(outbox_bound(self.state)))
            events = self._outbox.slots[: int(self._outbox.count[0])]
            self._outbox.count[0] = 0
            if not self._every_event:
                events = events[np.isin(events["kind"], _ANSWERS)]
            yield events

    def _match(self, commands: Commands, first_sequence: int) -> int:
        if self._gate is not None:
            return self._gate.apply_batch(commands, first_sequence, self._outbox)
        if verdicts_needed(self.state, commands):
            raise TextError("risk_gate: it needs all that came before; start with the gate on")
        return int(apply_batch(self.state, commands, first_sequence, self._outbox))

    def run(self, batches: Iterable[Commands], output: BinaryIO, form: str = "jsonl") -> None:
        """Answer all batches; TextError at a malformed command, after those before it."""
        write = WRITERS[form](output, self._every_event)
        for commands in batches:
            for listing in commands[commands["op"] == OP_INSTRUMENT]:
                self.instruments = self.instruments.after(listing)
            for events in self.apply(commands, self.sequence + 1):
                write(events, self.instruments)
            self.sequence += len(commands)
            output.flush()

    def state_hash(self) -> bytes:
        """SHA-256 of the state after what was applied."""
        return state_hash(self.state)


def _turn_on() -> Commands:
    command = new_commands(1)
    command["op"] = OP_RISK_GATE
    command["qty"] = 1
    return command
