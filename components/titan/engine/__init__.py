"""Titan as a pure state machine: commands in, events out, nothing else touched.

state.py          the arrays              apply.py        the one door, and its loop
place amend cancel pass_through           one command each
matching.py       the one loop            orders/         what is special about some orders
ladder price_tree order_index positions expiry order_pool      where things are found
market_data answers fees snapshot invariants                   what is told, saved, checked
"""

from components.titan.engine.apply import apply, apply_batch, outbox_bound
from components.titan.engine.invariants import check_invariants
from components.titan.engine.market_data import best, depth
from components.titan.engine.snapshot import canonical_bytes, restore, state_hash
from components.titan.engine.state import Outbox, TitanState, new_outbox, new_state

__all__ = [
    "Outbox",
    "TitanState",
    "apply",
    "apply_batch",
    "best",
    "canonical_bytes",
    "check_invariants",
    "depth",
    "new_outbox",
    "new_state",
    "outbox_bound",
    "restore",
    "state_hash",
]
