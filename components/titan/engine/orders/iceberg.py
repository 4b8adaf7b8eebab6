"""Icebergs: a large order of which one slice is shown, and counted, at a time; or nothing.

An order shows at most ``display_qty``; the rest is hidden in its terms.  When a slice is traded
the next one goes to the back of the level at once.  ``HIDDEN_SLICES`` counts what live icebergs
may yet show: with it the number of events that one command can cause is known beforehand.

A hidden order is an iceberg that shows nothing.  It keeps its place behind what is shown at its
price, and just before each trade it shows what will be traded.
"""

from __future__ import annotations

import numpy as np

from components.titan.engine.ladder import enter_level, quit_level, show_less
from components.titan.engine.state import (
    HIDDEN_SLICES,
    LAYER_HIDDEN,
    LAYER_ICEBERG,
    TitanState,
)
from disruptor.compiled import internal


@internal
def hidden_slices(state: TitanState, slot: np.uint32) -> int:
    """How many more slices the order will show; a hidden one shows only what trades."""
    terms = state.terms[slot]
    if state.orders[slot]["layers"] & LAYER_HIDDEN:
        return 0
    return -(-terms["hidden"] // terms["display_qty"])


@internal
def forget_slices(state: TitanState, slot: np.uint32) -> None:
    """The order leaves the book; what it hid no longer counts."""
    state.totals[HIDDEN_SLICES] -= hidden_slices(state, slot)


@internal
def hide(state: TitanState, slot: np.uint32) -> None:
    """Before it comes to rest or waits: show one slice of ``qty`` and hide the others."""
    order = state.orders[slot]
    terms = state.terms[slot]
    whole = order["qty"]
    order["qty"] = min(whole, terms["display_qty"])
    terms["hidden"] = whole - order["qty"]
    state.totals[HIDDEN_SLICES] += hidden_slices(state, slot)


@internal
def unhide(state: TitanState, slot: np.uint32) -> None:
    """Before it takes: ``qty`` is all of it again."""
    forget_slices(state, slot)
    state.orders[slot]["qty"] += state.terms[slot]["hidden"]
    state.terms[slot]["hidden"] = 0


@internal
def show_next_slice(state: TitanState, slot: np.uint32) -> bool:
    """The slice shown is traded: show the next at the back; False if none is left."""
    terms = state.terms[slot]
    if terms["hidden"] == 0:
        return False
    order = state.orders[slot]
    if order["layers"] & LAYER_HIDDEN:
        return True
    quit_level(state, slot)
    order["qty"] = min(terms["hidden"], terms["display_qty"])
    terms["hidden"] -= order["qty"]
    state.totals[HIDDEN_SLICES] -= 1
    enter_level(state, slot)
    return True


@internal
def reveal(state: TitanState, slot: np.uint32, qty: int) -> None:
    """A hidden order is about to trade at most ``qty``, at once: show that much."""
    shown = min(state.terms[slot]["hidden"], qty)
    state.terms[slot]["hidden"] -= shown
    show_less(state, slot, -shown)


@internal
def shrink_resting(state: TitanState, slot: np.uint32, open_qty: int) -> None:
    """Lower a resting order's open quantity in its place; the hidden part goes first."""
    order = state.orders[slot]
    shown = min(order["qty"], open_qty)
    if order["layers"] & LAYER_ICEBERG:
        forget_slices(state, slot)
        state.terms[slot]["hidden"] = open_qty - shown
        state.totals[HIDDEN_SLICES] += hidden_slices(state, slot)
    show_less(state, slot, order["qty"] - shown)
