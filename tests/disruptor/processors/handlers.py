"""Compiled handlers at module level, as the framework asks for."""

from __future__ import annotations

from typing import Any

from disruptor.compiled import compiled


@compiled
def add_up(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    """state: sum of values, events, ends of batches, last sequence."""
    state[0] += event["value"]
    state[1] += 1
    if end_of_batch:
        state[2] += 1
    state[3] = sequence
