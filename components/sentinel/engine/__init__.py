"""Sentinel as a pure state machine: events in, risk records and liquidation orders out.

state                              what is held, as arrays
accounts, positions                where it is found
margin, valuation                  exact arithmetic; what a wallet is worth now
bands, trigger_heap, full_scan     whom a price may concern
price, fills, cash                 a price, a trade, money
funding, isolated, rules, capacity rates, margin modes, set-up
liquidation, ranking               what follows, step by step and in which order
insurance_fund, deleveraging       who pays when the account cannot
ledger, conservation               money that came and went, and that it adds up
snapshot, invariants               canonical bytes, self-checks
outbox, apply                      what comes out; the one entry
"""

from components.sentinel.engine.apply import apply, apply_batch
from components.sentinel.engine.invariants import InvariantError, check_invariants
from components.sentinel.engine.outbox import SentinelOutbox, new_outbox, outbox_bound
from components.sentinel.engine.snapshot import (
    SnapshotError,
    canonical_bytes,
    restore,
    state_hash,
)
from components.sentinel.engine.state import SentinelState, new_state

__all__ = [
    "InvariantError",
    "SentinelOutbox",
    "SentinelState",
    "SnapshotError",
    "apply",
    "apply_batch",
    "canonical_bytes",
    "check_invariants",
    "new_outbox",
    "new_state",
    "outbox_bound",
    "restore",
    "state_hash",
]
