"""The multi-producer protocol as a model: disruptor/ring/multi_producer_sequencer.py in steps.

One step is one access to shared memory.  Memory is sequentially consistent here, which leaves room
for larger worlds; ``weak_claim_model`` has the orderings that the code asks for, and no more.

    producer   idle ─► look ─► intent_high ─► intent_low ─► claim ─► write ─► mark ─► clear ─► idle
                        └► clear_intent ─► cursor_c ─► gate (full or cached) ─► intent_high
               from every step: die
    consumer   reads the next sequence when its mark is there, then advances
    voider     holds proof of one death: low, high ─► cursor ─► per sequence: mark? claimed? mark?
               zero, mark ─► free the line
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

NOBODY = -1
VOID = -2
FAULT_NONE = ""


class P(NamedTuple):
    """A producer: what is in its registers, and its line."""

    step: str = "idle"
    cursor: int = 0
    bound: int = 0  # C and then the gate, while it looks for room
    left: int = 1  # claims that it will still make
    low: int = 0  # the line
    high: int = 0
    freed: bool = False


class V(NamedTuple):
    """The voider: whose line it works on."""

    step: str = "idle"
    line: int = 0
    low: int = 0
    high: int = 0
    at: int = 0
    other: int = 0
    other_low: int = 0
    contested: bool = False
    tries: int = 0


class State(NamedTuple):
    producers: tuple[P, ...]
    voider: V
    cursor: int
    gate_cache: int
    marks: tuple[int, ...]  # the sequence that was published in each slot last
    slots: tuple[tuple[int, int], ...]  # (sequence, writer)
    owners: tuple[int, ...]  # ghost: who won the exchange for sequence 1 + index
    consumed: int
    fault: str


@dataclass(frozen=True)
class Rules:
    """What the protocol does; a mutation turns one of them off."""

    producers: int = 2
    capacity: int = 2
    claims: int = 2
    count: int = 1
    gates: bool = True  # whether the consumer holds producers back
    deaths: int = 1
    void_by_less_than: bool = True
    spares_the_living: bool = True
    looks_twice: bool = True
    intent_first: bool = True
    gate_counts_claims: bool = True
    checks_room: bool = True


def start(rules: Rules) -> State:
    return State(
        producers=tuple(P(left=rules.claims) for _ in range(rules.producers)),
        voider=V(),
        cursor=0,
        gate_cache=0,
        marks=(-1,) * rules.capacity,
        slots=((0, NOBODY),) * rules.capacity,
        owners=(),
        consumed=0,
        fault=FAULT_NONE,
    )


Steps = Iterator[tuple[str, State]]


def successors(rules: Rules) -> Callable[[State], Steps]:
    """All that may happen next, for ``explore``."""

    def of(state: State) -> Steps:
        dead = sum(each.step == "dead" for each in state.producers)
        for number, producer in enumerate(state.producers):
            if producer.step == "dead":
                continue
            for name, following in _producer_step(rules, state, number, producer):
                yield f"p{number}.{name}", following
            if dead < rules.deaths and producer.step != "idle":
                gone = producer._replace(step="dead", cursor=0, bound=0, left=0)
                yield f"p{number}.die", _with(state, number, gone)
        yield from _consumer_step(rules, state)
        yield from _voider_step(rules, state)

    return of


def _with(state: State, number: int, producer: P, **changes: object) -> State:
    changed = (*state.producers[:number], producer, *state.producers[number + 1 :])
    return state._replace(producers=changed, **changes)  # type: ignore[arg-type]


def _put(values: tuple, at: int, value: object) -> tuple:
    return (*values[:at], value, *values[at + 1 :])


def _producer_step(rules: Rules, state: State, number: int, p: P) -> Steps:
    step, size = p.step, rules.capacity
    if step == "idle":
        if p.left:
            yield "look", _with(state, number, p._replace(step="room", cursor=state.cursor))
    elif step == "room":
        fits = p.cursor + rules.count - size <= state.gate_cache or not rules.checks_room
        following = "intent_high" if fits else "clear_intent"
        yield "gate_cache", _with(state, number, p._replace(step=following))
    elif step == "clear_intent":
        yield step, _with(state, number, p._replace(step="gate_cursor", low=0))
    elif step == "gate_cursor":
        yield step, _with(state, number, p._replace(step="gate_consumer", bound=state.cursor))
    elif step == "gate_consumer":
        bound = min(p.bound, state.consumed) if rules.gates else p.bound
        yield step, _with(state, number, p._replace(step="gate_0", bound=bound))
    elif step.startswith("gate_"):
        yield step, _look_at_line(rules, state, number, p, int(step[5:]))
    elif step == "store_gate":
        fits = p.cursor + rules.count - size <= p.bound
        gone = p._replace(step="intent_high" if fits else "idle", bound=0)
        gone = gone if fits else gone._replace(cursor=0)
        yield step, _with(state, number, gone, gate_cache=p.bound)
    elif step == "intent_high":
        following = "intent_low" if rules.intent_first else "claim"
        high = p.cursor + rules.count
        yield step, _with(state, number, p._replace(step=following, high=high))
    elif step == "intent_low":
        following = "claim" if rules.intent_first else "write"
        yield step, _with(state, number, p._replace(step=following, low=p.cursor + 1))
    elif step == "claim":
        yield step, _claim(rules, state, number, p)
    else:
        yield step, _publish(rules, state, number, p)


def _look_at_line(rules: Rules, state: State, number: int, p: P, line: int) -> State:
    last = line + 1 == rules.producers
    following = "store_gate" if last else f"gate_{line + 1}"
    bound, other = p.bound, state.producers[line]
    if rules.gate_counts_claims and other.low:
        for sequence in range(other.low, min(bound, other.high) + 1):
            if not _was_published(rules, state, sequence):
                bound = sequence - 1
                break
    return _with(state, number, p._replace(step=following, bound=bound))


def _claim(rules: Rules, state: State, number: int, p: P) -> State:
    if state.cursor != p.cursor:
        return _with(state, number, p._replace(step="room", cursor=state.cursor))
    claimed = p.cursor + rules.count
    owned = p._replace(step="write" if rules.intent_first else "intent_low", left=p.left - 1)
    owners = state.owners + (number,) * rules.count
    return _with(state, number, owned, cursor=claimed, owners=owners)


def _publish(rules: Rules, state: State, number: int, p: P) -> State:
    """``write`` and ``mark`` go through the claim one slot at a time; bound counts those done."""
    size, sequence = rules.capacity, p.cursor + 1 + p.bound
    at = sequence % size
    done = p.bound + 1 == rules.count
    if p.step == "write":
        fault = state.fault
        if state.owners[sequence - 1] == VOID:
            fault = f"the claim {sequence} of the living producer {number} was voided"
        following = p._replace(step="mark" if done else "write", bound=0 if done else p.bound + 1)
        slots = _put(state.slots, at, (sequence, number))
        return _with(state, number, following, slots=slots, fault=fault)
    if p.step == "mark":
        fault = state.fault
        if state.marks[at] >= sequence:
            fault = f"sequence {sequence} is published twice, or its slot's mark falls"
        following = p._replace(step="clear" if done else "mark", bound=0 if done else p.bound + 1)
        marks = _put(state.marks, at, sequence)
        return _with(state, number, following, marks=marks, fault=fault)
    return _with(state, number, p._replace(step="idle", low=0, cursor=0))


def _consumer_step(rules: Rules, state: State) -> Steps:
    sequence = state.consumed + 1
    at = sequence % rules.capacity
    if sequence > state.cursor:
        return
    if state.marks[at] != sequence:
        if not rules.gates and state.marks[at] > sequence:
            yield "c.skip", state._replace(consumed=sequence)  # lapped: it holds nobody back
        return
    owner = state.owners[sequence - 1]
    fault = state.fault
    if rules.gates and state.slots[at] != (sequence, owner):
        fault = f"the consumer read {state.slots[at]} at {sequence}, which {owner} claimed"
    yield "c.read", state._replace(consumed=sequence, fault=fault)


def _was_published(rules: Rules, state: State, sequence: int) -> bool:
    mark = state.marks[sequence % rules.capacity]
    return mark >= sequence if rules.void_by_less_than else mark == sequence


def _voider_step(rules: Rules, state: State) -> Steps:
    v = state.voider
    if v.step == "idle":
        for line, producer in enumerate(state.producers):
            if producer.step == "dead" and not producer.freed and v.tries < 2:
                yield "v.proof", state._replace(voider=V("line", line, tries=v.tries))
    elif v.step == "line":
        p = state.producers[v.line]
        high = min(p.high, state.cursor) if p.low else -1
        yield "v.line", state._replace(voider=v._replace(step="look", at=p.low, high=high))
    elif v.step == "look":
        yield "v.look", state._replace(voider=_first_look(rules, state, v))
    elif v.step == "living_low":
        other = state.producers[v.other]
        skip = other.step == "dead" or other.low == 0 or not rules.spares_the_living
        looked = v._replace(step="again") if v.other + 1 == rules.producers else None
        if not skip and other.low <= v.at:
            yield "v.low", state._replace(voider=v._replace(step="living_high"))
        elif looked:
            yield "v.low", state._replace(voider=looked)
        else:
            yield "v.low", state._replace(voider=v._replace(other=v.other + 1))
    elif v.step == "living_high":
        yield "v.high", state._replace(voider=_look_at_high(rules, state, v))
    elif v.step == "again":
        published = rules.looks_twice and _was_published(rules, state, v.at)
        following = v._replace(step="look", at=v.at + 1) if published else v._replace(step="zero")
        yield "v.again", state._replace(voider=following)
    elif v.step == "zero":
        yield "v.zero", _zero(rules, state, v)
    elif v.step == "mark":
        yield "v.mark", _mark(rules, state, v)
    elif v.step == "free":
        freed = state.producers[v.line]._replace(freed=True, low=0, high=0)
        yield "v.free", _with(state, v.line, freed, voider=V())


def _first_look(rules: Rules, state: State, v: V) -> V:
    if v.at > v.high:
        return V(tries=v.tries + 1) if v.contested else v._replace(step="free")
    if _was_published(rules, state, v.at):
        return v._replace(at=v.at + 1)
    return v._replace(step="living_low", other=0)


def _look_at_high(rules: Rules, state: State, v: V) -> V:
    if v.at <= state.producers[v.other].high:
        return v._replace(step="look", at=v.at + 1, contested=True)
    if v.other + 1 == rules.producers:
        return v._replace(step="again")
    return v._replace(step="living_low", other=v.other + 1)


def _zero(rules: Rules, state: State, v: V) -> State:
    owner = state.owners[v.at - 1]
    fault = state.fault
    if owner != NOBODY and owner != VOID and state.producers[owner].step != "dead":
        fault = f"the claim {v.at} of the living producer {owner} was voided"
    slots = _put(state.slots, v.at % rules.capacity, (v.at, VOID))
    return state._replace(slots=slots, fault=fault, voider=v._replace(step="mark"))


def _mark(rules: Rules, state: State, v: V) -> State:
    at = v.at % rules.capacity
    fault = state.fault
    if state.marks[at] >= v.at:
        fault = f"{v.at} was published already and is voided"
    return state._replace(
        marks=_put(state.marks, at, v.at),
        owners=_put(state.owners, v.at - 1, VOID),
        fault=fault,
        voider=v._replace(step="look", at=v.at + 1),
    )


def fault_of(rules: Rules) -> Callable[[State], str]:
    """What is wrong with a state: a fault met on the way, or an end that is not the right one."""

    def of(state: State) -> str:
        if state.fault:
            return state.fault
        at_rest = all(each.step in ("idle", "dead") for each in state.producers)
        freed = all(each.freed for each in state.producers if each.step == "dead")
        if at_rest and freed and state.voider.step == "idle":
            for sequence in range(state.consumed + 1, state.cursor + 1):
                if not _was_published(rules, state, sequence):
                    return f"sequence {sequence} is a hole that nobody will fill"
        return FAULT_NONE

    return of
