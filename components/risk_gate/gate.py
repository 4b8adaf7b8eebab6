"""The loop around Titan while the risk gate is on: verdicts, commands, and what follows from them.

    prepare verdicts ──► Titan applies ──► Sentinel follows the events ──► what rests is listed ──┐
            ▲                                                                                     │
            └─────────────────────────────────────────────────────────────────────────────────────┘

A round ends before the next order of an account that Sentinel knows, since its verdict may depend on
what came before.  The loop is Python over compiled steps: in one kernel each of the two engines
would be compiled once more, and whoever runs without the gate would pay for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from components.messages.code import OP_RISK_GATE
from components.messages.command import Commands, new_commands
from components.messages.event import Events
from components.risk_gate.open_orders import new_open_orders, note_orders
from components.risk_gate.verdict import prepare
from components.sentinel.engine.apply import apply_batch as follow_batch
from components.sentinel.engine.outbox import new_outbox, outbox_bound
from components.sentinel.engine.snapshot import canonical_bytes, restore
from components.sentinel.engine.state import SentinelState, limits_of
from components.titan.engine.apply import apply_batch
from components.titan.engine.state import RISK_GATE, Outbox, TitanState

_ROUND_MAX: Final = 256
_OUTBOX_RECORDS: Final = 1 << 12


class RiskGate:
    """A Titan and the Sentinel that its verdicts come from, both after the same command."""

    def __init__(self, titan: TitanState, sentinel: SentinelState) -> None:
        self.titan = titan
        self.sentinel = sentinel
        self._orders = new_open_orders(titan, sentinel)
        self._round: Commands = new_commands(_ROUND_MAX)
        self._answers = new_outbox(_OUTBOX_RECORDS, _OUTBOX_RECORDS)

    @classmethod
    def beside(cls, titan: TitanState, sentinel: SentinelState) -> RiskGate:
        """One with a copy of a Sentinel that others go on with."""
        return cls(titan, restore(canonical_bytes(sentinel), **limits_of(sentinel)))

    def apply_batch(self, commands: Commands, first_sequence: int, outbox: Outbox) -> int:
        """As Titan's ``apply_batch``, with verdicts as soon as a command turns the gate on."""
        applied = 0
        while applied < len(commands):
            count = int(
                prepare(self.titan, self.sentinel, self._orders, commands, applied, self._round)
            )
            prepared = self._round[:count]
            begin = int(outbox.count[0])
            done = int(apply_batch(self.titan, prepared, first_sequence + applied, outbox))
            self._follow(outbox.slots[begin : int(outbox.count[0])])
            note_orders(self.titan, self.sentinel, self._orders, prepared[:done])
            applied += done
            if done < count:
                break
        return applied

    @property
    def last_command(self) -> np.void:
        """The last command that began a round, with its verdict and worst price."""
        first: np.void = self._round[0]
        return first

    def _follow(self, events: Events) -> None:
        """Let the Sentinel see the events; what it says of them, the other one says."""
        done = 0
        while done < len(events):
            box = self._answers
            box.risk_count[0] = box.order_count[0] = 0
            done = int(follow_batch(self.sentinel, events, done, box))
            if done < len(events):
                room = max(2 * int(outbox_bound(self.sentinel)), box.risks.size)
                self._answers = new_outbox(room, room)


def verdicts_needed(titan: TitanState, commands: Commands) -> bool:
    """Whether Titan is past the command that turns the gate on, or one of these does."""
    return bool(titan.totals[RISK_GATE] != 0 or (commands["op"] == OP_RISK_GATE).any())
