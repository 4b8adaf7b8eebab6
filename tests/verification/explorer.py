"""Explores every state of a small model: depth first, each state once.

A model is a tuple that can be hashed, a function that gives each state's successors by the name
of the step, and a function that says what is wrong with a state.  A fault is told with the steps
that lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

Step = tuple[str, Any]


@dataclass(frozen=True)
class Exploration:
    """How many states there are, and the first fault with the steps to it, if any."""

    states: int
    fault: str
    steps: tuple[str, ...]


def explore(
    start: Hashable,
    successors: Callable[[Any], Iterable[Step]],
    fault_of: Callable[[Any], str],
) -> Exploration:
    """Every reachable state, until one is wrong; ``fault_of`` gives "" for a good one."""
    came_from: dict[Any, tuple[Any, str]] = {start: (None, "")}
    pending: list[Any] = [start]
    while pending:
        state = pending.pop()
        fault = fault_of(state)
        if fault:
            return Exploration(len(came_from), fault, _path(came_from, state))
        for name, following in successors(state):
            if following not in came_from:
                came_from[following] = (state, name)
                pending.append(following)
    return Exploration(len(came_from), "", ())


def _path(came_from: dict[Any, tuple[Any, str]], state: Any) -> tuple[str, ...]:
    steps = []
    while came_from[state][1]:
        state, name = came_from[state]
        steps.append(name)
    return tuple(reversed(steps))
