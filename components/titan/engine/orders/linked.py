"""Orders whose end, or first trade, concerns other orders: pairs, and brackets.

    pair      link ◄──► link            one cancels the other, as soon as one trades, triggers or ends
    bracket   entry ──link──► first exit ◄──link──► second exit      ──entry──► entry, of both exits

An exit waits until its entry is done, in the list of stops with a stop price that nothing reaches.
Then it is *armed* with the quantity that the entry traded, or *doomed* if that is none; armed
exits are a pair.  What is armed or doomed stands in the queue until its turn (stop.py); a doomed
order that something meets before that is cancelled there and then (encounter.py).
"""

from __future__ import annotations

import numpy as np

from components.messages.code import BUY
from components.titan.engine.state import (
    FATE_ARMING,
    FATE_DOOMED,
    LAYER_LINKED,
    NO_KEY,
    QUEUE_TAIL,
    TitanState,
)
from disruptor.compiled import inlined, internal, pasted


@inlined
def unreachable_stop(side: int) -> int:
    """A stop price that no reference price reaches."""
    return NO_KEY if side == BUY else 0


@inlined
def push(state: TitanState, slot: np.uint32, fate: int) -> None:
    """Let it stand in the queue until its turn comes."""
    state.terms[slot]["fate"] = fate
    state.queue[state.totals[QUEUE_TAIL]] = slot
    state.totals[QUEUE_TAIL] += 1


@internal
def is_doomed(state: TitanState, slot: np.uint32) -> bool:
    """Whether it has no links any more and only waits to be cancelled."""
    if not state.orders[slot]["layers"] & LAYER_LINKED:
        return False
    return state.terms[slot]["fate"] == FATE_DOOMED


@internal
def is_entry(state: TitanState, slot: np.uint32) -> bool:
    """Whether it is the entry of a bracket that is not done yet."""
    link = state.terms[slot]["link"]
    return link != 0 and state.terms[link]["entry"] == slot


@internal
def doom(state: TitanState, slot: np.uint32) -> None:
    """It will be cancelled; it keeps its layer, so that whoever meets it looks here."""
    terms = state.terms[slot]
    terms["link"] = 0
    terms["entry"] = 0
    push(state, slot, FATE_DOOMED)


@pasted
def tie(state: TitanState, one: np.uint32, other: np.uint32) -> None:
    """Make a pair of two orders."""
    state.terms[one]["link"] = other
    state.terms[other]["link"] = one
    state.terms[one]["entry"] = 0
    state.terms[other]["entry"] = 0
    state.terms[one]["fate"] = 0
    state.terms[other]["fate"] = 0
    state.orders[one]["layers"] |= LAYER_LINKED
    state.orders[other]["layers"] |= LAYER_LINKED


@internal
def untie(state: TitanState, slot: np.uint32) -> None:
    """It has nothing to do with others any more."""
    state.terms[slot]["link"] = 0
    state.terms[slot]["entry"] = 0
    state.orders[slot]["layers"] &= ~LAYER_LINKED & 0xFF


@internal
def partner_of(state: TitanState, slot: np.uint32) -> np.uint32:
    """The other one of its pair; 0 for an entry, or an order without links."""
    if is_entry(state, slot):
        return np.uint32(0)
    return state.terms[slot]["link"]


@internal
def doom_partner(state: TitanState, slot: np.uint32) -> None:
    """It triggers: the other one of its pair will be cancelled."""
    partner = partner_of(state, slot)
    untie(state, slot)
    if partner != 0:
        doom(state, partner)


@internal
def unlink(state: TitanState, slot: np.uint32) -> None:
    """A linked order has ended: seal the fate of those that it is linked with."""
    if is_entry(state, slot):
        _seal_exits(state, slot)
        return
    entry = state.terms[slot]["entry"]
    if entry != 0:
        untie(state, entry)
    partner = state.terms[slot]["link"]
    untie(state, slot)
    if partner != 0:
        doom(state, partner)


@pasted
def _seal_exits(state: TitanState, slot: np.uint32) -> None:
    first = state.terms[slot]["link"]
    second = state.terms[first]["link"]
    traded = state.terms[slot]["traded"]
    untie(state, slot)
    _seal_exit(state, first, traded)
    if second != 0:
        _seal_exit(state, second, traded)


@internal
def _seal_exit(state: TitanState, slot: np.uint32, traded: int) -> None:
    if traded == 0:
        doom(state, slot)
        return
    state.terms[slot]["entry"] = 0
    state.terms[slot]["traded"] = traded
    push(state, slot, FATE_ARMING)
