"""Sentinel as a pure state machine: events in, risk records and liquidation orders out.

state       what is held, as arrays            accounts, positions   where it is found
margin      exact arithmetic                   ledger                conservation
scan        a price     fills   a trade        cash, rules           everything else
liquidation, ranking, insurance_fund           what follows
outbox      what comes out                     apply                 the one entry
snapshot, invariants                           canonical bytes, self-checks
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
