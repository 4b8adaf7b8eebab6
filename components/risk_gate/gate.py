"""The loop around Titan while the risk gate is on: verdicts, commands, and what follows from them.

    prepare verdicts ──► Titan applies ──► Sentinel follows the events ──► what rests is listed ──┐
            ▲                                                                                     │
            └─────────────────────────────────────────────────────────────────────────────────────┘

A round ends before the next order of an account that Sentinel knows, since its verdict may depend on
what came before.  All of it is one kernel, which holds both engines; who runs without the gate
never compiles it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from components.messages.code import OP_RISK_GATE
from components.messages.command import Commands, new_commands
from components.risk_gate.open_orders import OpenOrders, new_open_orders, note_orders
from components.risk_gate.verdict import prepare
from components.sentinel.engine.apply import dispatch
from components.sentinel.engine.outbox import SentinelOutbox, largest_bound, new_outbox
from components.sentinel.engine.snapshot import canonical_bytes, restore
from components.sentinel.engine.state import SentinelState
from components.titan.engine.apply import apply_batch
from components.titan.engine.state import RISK_GATE, Outbox, TitanState
from disruptor.compiled import entry, internal

_ROUND_MAX: Final = 256


@entry
def apply_gated(
    titan: TitanState,
    sentinel: SentinelState,
    orders: OpenOrders,
    answers: SentinelOutbox,
    prepared: NDArray[Any],
    commands: NDArray[Any],
    first_sequence: int,
    outbox: Outbox,
) -> int:
    """Apply commands through the gate while both outboxes have room; how many."""
    applied = 0
    while applied < len(commands) and largest_bound(sentinel) <= answers.risks.size:
        count = prepare(titan, sentinel, orders, commands, applied, prepared)
        begin = outbox.count[0]
        done = apply_batch(titan, prepared[:count], first_sequence + applied, outbox)
        _follow(sentinel, answers, outbox, begin)
        note_orders(titan, sentinel, orders, prepared[:done])
        applied += done
        if done < count:
            break
    return applied


@internal
def _follow(sentinel: SentinelState, answers: SentinelOutbox, outbox: Outbox, begin: int) -> None:
    """Let the Sentinel see the events from there on; what it says of them, the other one says."""
    for number in range(begin, outbox.count[0]):
        answers.risk_count[0] = 0
        answers.order_count[0] = 0
        dispatch(sentinel, outbox.slots[number], answers)


class RiskGate:
    """A Titan and the Sentinel that its verdicts come from, both after the same command."""

    def __init__(self, titan: TitanState, sentinel: SentinelState) -> None:
        self.titan = titan
        self.sentinel = sentinel
        self.orders: OpenOrders = new_open_orders(titan, sentinel)
        self.prepared: Commands = new_commands(_ROUND_MAX)
        self.answers: SentinelOutbox = new_outbox(0, 0)
        self.make_room()

    @classmethod
    def beside(cls, titan: TitanState, sentinel: SentinelState) -> RiskGate:
        """One with a copy of a Sentinel that others go on with."""
        return cls(titan, restore(canonical_bytes(sentinel)))

    def apply_batch(self, commands: Commands, first_sequence: int, outbox: Outbox) -> int:
        """As Titan's ``apply_batch``, with verdicts as soon as a command turns the gate on."""
        applied = 0
        while True:
            applied += int(
                apply_gated(
                    self.titan,
                    self.sentinel,
                    self.orders,
                    self.answers,
                    self.prepared,
                    commands[applied:],
                    first_sequence + applied,
                    outbox,
                )
            )
            if applied == len(commands) or not self.make_room():
                return applied

    def make_room(self) -> bool:
        """Enlarge what Sentinel's answers go to, if its limits ask for that; whether they did.

        Memory is given to what is touched: each answer overwrites the last one.
        """
        bound = int(largest_bound(self.sentinel))
        if bound <= self.answers.risks.size:
            return False
        self.answers = new_outbox(bound, bound)
        return True

    @property
    def last_command(self) -> np.void:
        """The last command that began a round, with its verdict and worst price."""
        first: np.void = self.prepared[0]
        return first


def verdicts_needed(titan: TitanState, commands: Commands) -> bool:
    """Whether Titan is past the command that turns the gate on, or one of these does."""
    return bool(titan.totals[RISK_GATE] != 0 or (commands["op"] == OP_RISK_GATE).any())
