"""Compiled handlers at module level, as the framework asks for."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from disruptor.compiled import compiled


@compiled
def add_up(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    """state: sum of values, events, ends of batches, last sequence."""
    state[0] += event["value"]
    state[1] += 1
    if end_of_batch:
        state[2] += 1
    state[3] = sequence


class Trace(NamedTuple):
    """What a handler of the parametrised suite saw, and what it is to do about it."""

    seen: np.ndarray  # value, sequence, end of batch; a row a call
    calls: np.ndarray  # so far, shape (1,)
    codes: np.ndarray  # what to return for each sequence, at most ``times[sequence]`` times
    times: np.ndarray


@njit
def trace(state: Any, event: Any, sequence: int, end_of_batch: bool) -> int:
    """Note the call, and return the code that is planned for the sequence."""
    at = state.calls[0]
    state.seen[at, 0] = event.value
    state.seen[at, 1] = sequence
    state.seen[at, 2] = end_of_batch
    state.calls[0] = at + 1
    if state.times[sequence] > 0:
        state.times[sequence] -= 1
        return state.codes[sequence]
    return 0


@njit
def fail_at_three(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    state[0] += 1
    if sequence == 3:
        raise ValueError("no three")


@njit
def write_double(state: Any, event: Any, sequence: int, end_of_batch: bool) -> None:
    """Into the event itself, for whoever is behind."""
    event["double"] = 2 * event["value"]
