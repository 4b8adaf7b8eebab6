"""Oracle: the journal that proves what happened; ``api`` for programs, ``cli`` for people.

The names below are loaded when they are asked for: a process that only writes the journal has no
use for queries.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from components.oracle.api import (
        Journal,
        Records,
        compute_state_hash,
        replay_all,
        replay_from,
        state_at,
    )
    from components.oracle.changes import Changes
    from components.oracle.store import verify

_HOMES: Final = {
    "Changes": "components.oracle.changes",
    "Journal": "components.oracle.api",
    "Records": "components.oracle.api",
    "compute_state_hash": "components.oracle.api",
    "replay_all": "components.oracle.api",
    "replay_from": "components.oracle.api",
    "state_at": "components.oracle.api",
    "verify": "components.oracle.store",
}

__all__ = [
    "Changes",
    "Journal",
    "Records",
    "compute_state_hash",
    "replay_all",
    "replay_from",
    "state_at",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
