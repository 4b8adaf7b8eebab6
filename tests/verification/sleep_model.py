"""Sleeping and waking as a model: disruptor/ring/wait_strategy.py in steps.

    publisher   store (a) ─► load_flag (b) ─► lower_flag ─► move_epoch ─► wake (c)
    sleeper     look ─► read_epoch (1) ─► raise_flag (2) ─► barrier (3) ─► look_again (4)
                ─► sleep (5) ─► look

The publisher's plain stores wait in a buffer and become visible later, in order, in a step of
their own (``drain``), so its load of the flag may pass its store of the sequence.  An atomic
read-modify-write waits until the buffer is empty; the sleeper's barrier empties it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

FLAG = 0  # in the buffer: the flag is lowered; any other number is the sequence stored


class Sleeper(NamedTuple):
    step: str = "look"
    seen: int = 0
    consumed: int = 0


class State(NamedTuple):
    sequence: int
    flag: int
    epoch: int
    buffer: tuple[int, ...]
    step: str  # the publisher's
    published: int
    sleepers: tuple[Sleeper, ...]


@dataclass(frozen=True)
class Rules:
    """What the protocol does; a mutation turns one of them off."""

    events: int = 2
    sleepers: int = 1
    barrier: bool = True
    epoch_before_flag: bool = True
    looks_again: bool = True


def start(rules: Rules) -> State:
    return State(0, 0, 0, (), "store", 0, (Sleeper(),) * rules.sleepers)


Steps = Iterator[tuple[str, State]]


def successors(rules: Rules) -> Callable[[State], Steps]:
    """All that may happen next, for ``explore``."""

    def of(state: State) -> Steps:
        yield from _publisher(rules, state)
        if state.buffer:
            yield "drain", _drained(state, 1)
        for number, sleeper in enumerate(state.sleepers):
            step = _sleeper(rules, state, sleeper)
            if step:
                moved, changed = step
                others = (*state.sleepers[:number], moved, *state.sleepers[number + 1 :])
                yield f"s{number}.{sleeper.step}", changed._replace(sleepers=others)

    return of


def _drained(state: State, count: int) -> State:
    for stored in state.buffer[:count]:
        state = state._replace(flag=0) if stored == FLAG else state._replace(sequence=stored)
    return state._replace(buffer=state.buffer[count:])


def _publisher(rules: Rules, state: State) -> Steps:
    if state.step == "store" and state.published < rules.events:
        number = state.published + 1
        buffer = (*state.buffer, number)
        yield "p.store", state._replace(buffer=buffer, published=number, step="load_flag")
    elif state.step == "load_flag":
        up = state.flag != 0 and FLAG not in state.buffer
        yield "p.load_flag", state._replace(step="lower_flag" if up else "store")
    elif state.step == "lower_flag":
        yield "p.lower_flag", state._replace(buffer=(*state.buffer, FLAG), step="move_epoch")
    elif state.step == "move_epoch" and not state.buffer:
        yield "p.move_epoch", state._replace(epoch=state.epoch + 1, step="wake")
    elif state.step == "wake":
        woken = tuple(
            each._replace(step="look") if each.step == "asleep" else each for each in state.sleepers
        )
        yield "p.wake", state._replace(sleepers=woken, step="store")


def _sleeper(rules: Rules, state: State, s: Sleeper) -> tuple[Sleeper, State] | None:
    first, second = ("read_epoch", "raise_flag")
    if not rules.epoch_before_flag:
        first, second = second, first
    if s.step in ("look", "look_again"):
        if state.sequence > s.consumed:
            return s._replace(step="look", consumed=state.sequence, seen=0), state
        if s.consumed == rules.events:
            return None
        return s._replace(step=first if s.step == "look" else "sleep"), state
    if s.step in ("read_epoch", "raise_flag"):
        following = second if s.step == first else "barrier"
        if s.step == "read_epoch":
            return s._replace(step=following, seen=state.epoch), state
        return s._replace(step=following), state._replace(flag=1)
    if s.step == "barrier":
        drained = _drained(state, len(state.buffer)) if rules.barrier else state
        return s._replace(step="look_again" if rules.looks_again else "sleep"), drained
    if s.step == "sleep":
        return s._replace(step="asleep" if state.epoch == s.seen else "look", seen=0), state
    return None


def fault_of(rules: Rules) -> Callable[[State], str]:
    """Somebody sleeps, everything is published and visible, and nobody will wake it."""

    def of(state: State) -> str:
        done = state.step == "store" and state.published == rules.events and not state.buffer
        asleep = [each for each in state.sleepers if each.step == "asleep"]
        if done and any(each.consumed < state.sequence for each in asleep):
            return "a sleeper was not woken"
        return ""

    return of
