"""The multi-producer protocol on weak memory: every ordering that the code asks for, and no more.

The steps are those of ``claim_model``, with each access as the code makes it: plain, relaxed,
acquire, release, or an exchange.  An event has two words, so that a torn one shows.

    producer   cursor? gate? ─► high (relaxed), low (release) ─► exchange the cursor
               ─► a, b (plain) ─► mark (release) ─► low := 0 (release)
               no room: low := 0 (release), cursor, fence, consumer, the others' lines, gate (release)
    consumer   mark (acquire) ─► a, b (plain) ─► its sequence (release)
    voider     a dead producer's line ─► per sequence: mark? the living's lines? mark?
               ─► a, b (plain) ─► mark (release) ─► low := 0 (release)

FORBIDDEN: an event that is torn, lost, doubled or read from another lap; a living producer's claim
that is voided; a hole that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.verification.weak_memory import Memory, drains, exchange, is_quiet, load, store

VOID: Final = 9
CURSOR: Final = 0
GATE: Final = 1
CONSUMED: Final = 2
FIRST_LINE: Final = 3
_STRIDE: Final = 16


@dataclass(frozen=True)
class Rules:
    """The size of the model, and the orderings; a test turns one of them off."""

    claims: tuple[int, ...] = (2, 1)  # of each producer
    capacity: int = 2
    deaths: int = 1
    mark_is_release: bool = True
    mark_is_acquire: bool = True
    clear_is_release: bool = True
    claim_is_ordered: bool = True  # the exchange waits for the line's stores
    advance_is_release: bool = True
    voider_looks_twice: bool = True

    @property
    def producers(self) -> int:
        return len(self.claims)

    @property
    def consumer(self) -> int:
        """The consumer's number among the processes; the voider's is the next."""
        return self.producers

    def low(self, line: int) -> int:
        return FIRST_LINE + 2 * line

    def high(self, line: int) -> int:
        return FIRST_LINE + 2 * line + 1

    def mark(self, sequence: int) -> int:
        return FIRST_LINE + 2 * self.producers + sequence % self.capacity

    def half(self, sequence: int, which: int) -> int:
        """Word ``which`` (0 or 1) of the event's slot."""
        marks = FIRST_LINE + 2 * self.producers + self.capacity
        return marks + 2 * (sequence % self.capacity) + which


class P(NamedTuple):
    """A producer's registers."""

    step: str = "idle"
    cursor: int = 0
    bound: int = 0
    left: int = 0
    freed: bool = False


class C(NamedTuple):
    """The consumer's registers: halves that it read before it was allowed to, if it can."""

    step: str = "mark"
    done: int = 0
    first: int = -1
    second: int = -1


class V(NamedTuple):
    """The voider's registers."""

    step: str = "idle"
    line: int = 0
    at: int = 0
    high: int = 0
    contested: bool = False
    tries: int = 0


class State(NamedTuple):
    memory: Memory
    producers: tuple[P, ...]
    consumer: C
    voider: V
    owners: tuple[int, ...]  # ghost: who won the exchange for sequence 1 + index
    fault: str = ""


Steps = Iterator[tuple[str, State]]


def start(rules: Rules) -> State:
    marks = (-1,) * rules.capacity
    words = (0, 0, 0) + (0, 0) * rules.producers + marks + (0, 0) * rules.capacity
    return State(
        memory=Memory(words, ((),) * (rules.producers + 2)),
        producers=tuple(P(left=count) for count in rules.claims),
        consumer=C(),
        voider=V(),
        owners=(),
    )


def written(sequence: int, writer: int) -> int:
    """What both words of an event hold."""
    return sequence * _STRIDE + writer + 1


def successors(rules: Rules) -> Callable[[State], Steps]:
    """All that may happen next, for ``explore``."""

    def of(state: State) -> Steps:
        for name, memory, word, value in drains(state.memory):
            fault = _fault_of_store(rules, state, word, value)
            yield name, state._replace(memory=memory, fault=fault)
        dead = sum(each.step == "dead" for each in state.producers)
        for number, producer in enumerate(state.producers):
            if producer.step == "dead":
                continue
            yield from _producer(rules, state, number, producer)
            if dead < rules.deaths and producer.step != "idle":
                yield f"p{number}.die", _at(state, number, P("dead"))
        yield from _consumer(rules, state)
        yield from _voider(rules, state)

    return of


def _fault_of_store(rules: Rules, state: State, word: int, value: int) -> str:
    """A mark that falls, or comes twice, is an event that is doubled or lost."""
    marks = range(rules.mark(0), rules.mark(0) + rules.capacity)
    if word in marks and state.memory.words[word] >= value:
        return f"sequence {value} is published twice, or its slot's mark falls"
    return state.fault


def _at(state: State, number: int, producer: P, memory: Memory | None = None) -> State:
    changed = (*state.producers[:number], producer, *state.producers[number + 1 :])
    return state._replace(producers=changed, memory=memory or state.memory)


def _producer(rules: Rules, state: State, number: int, p: P) -> Steps:
    memory, step = state.memory, p.step
    if step == "idle":
        if p.left:
            cursor = load(memory, number, CURSOR)
            yield f"p{number}.cursor", _at(state, number, p._replace(step="room", cursor=cursor))
    elif step == "room":
        fits = p.cursor + 1 - rules.capacity <= load(memory, number, GATE)
        if fits:
            yield f"p{number}.room", _at(state, number, p._replace(step="intent"))
        else:
            after = store(memory, number, rules.low(number), 0, release=True)
            yield f"p{number}.full", _at(state, number, p._replace(step="look"), after)
    elif step == "look":
        bound = load(memory, number, CURSOR)
        yield f"p{number}.look", _at(state, number, p._replace(step="fence", bound=bound))
    elif step == "fence":
        if is_quiet(memory, number):
            bound = min(p.bound, load(memory, number, CONSUMED))
            yield f"p{number}.fence", _at(state, number, p._replace(step="line 0", bound=bound))
    elif step.startswith("line "):
        yield f"p{number}.{step}", _look_at_line(rules, state, number, p, int(step[5:]))
    elif step == "gate":
        after = store(memory, number, GATE, p.bound, release=True)
        fits = p.cursor + 1 - rules.capacity <= p.bound
        following = p._replace(step="intent" if fits else "idle", bound=0)
        yield f"p{number}.gate", _at(state, number, following, after)
    elif step == "intent":
        after = store(memory, number, rules.high(number), p.cursor + 1, release=False)
        after = store(after, number, rules.low(number), p.cursor + 1, release=True)
        yield f"p{number}.intent", _at(state, number, p._replace(step="claim"), after)
    elif step == "claim":
        if is_quiet(memory, number) or not rules.claim_is_ordered:
            yield f"p{number}.claim", _claim(state, number, p)
    else:
        yield f"p{number}.{step}", _publish(rules, state, number, p)


def _look_at_line(rules: Rules, state: State, number: int, p: P, line: int) -> State:
    """One step, though the code takes three loads: the line's owner only makes it more careful."""
    memory, bound = state.memory, p.bound
    low = load(memory, number, rules.low(line))
    if low:
        for sequence in range(low, min(bound, load(memory, number, rules.high(line))) + 1):
            if load(memory, number, rules.mark(sequence)) < sequence:
                bound = sequence - 1
                break
    following = "gate" if line + 1 == rules.producers else f"line {line + 1}"
    return _at(state, number, p._replace(step=following, bound=bound))


def _claim(state: State, number: int, p: P) -> State:
    seen = state.memory.words[CURSOR]
    if seen != p.cursor:
        return _at(state, number, p._replace(step="room", cursor=seen))
    owned = _at(
        state,
        number,
        p._replace(step="first", left=p.left - 1),
        exchange(state.memory, CURSOR, p.cursor + 1),
    )
    return owned._replace(owners=(*state.owners, number))


def _publish(rules: Rules, state: State, number: int, p: P) -> State:
    sequence = p.cursor + 1
    value = written(sequence, number)
    word, value, release, following = {
        "first": (rules.half(sequence, 0), value, False, "second"),
        "second": (rules.half(sequence, 1), value, False, "mark"),
        "mark": (rules.mark(sequence), sequence, rules.mark_is_release, "clear"),
        "clear": (rules.low(number), 0, rules.clear_is_release, "idle"),
    }[p.step]
    fault = state.fault
    if state.owners[sequence - 1] == VOID:
        fault = f"the claim {sequence} of the living producer {number} was voided"
    after = store(state.memory, number, word, value, release=release)
    cursor = 0 if following == "idle" else p.cursor
    done = _at(state, number, p._replace(step=following, cursor=cursor), after)
    return done._replace(fault=fault)


def _consumer(rules: Rules, state: State) -> Steps:
    c, me, memory = state.consumer, rules.consumer, state.memory
    sequence = c.done + 1
    first, second = rules.half(sequence, 0), rules.half(sequence, 1)
    if c.step == "mark":
        if not rules.mark_is_acquire and c.first < 0:
            yield "c.early", _reads(state, c._replace(first=load(memory, me, first)))
        if load(memory, me, rules.mark(sequence)) == sequence:
            following = "first" if rules.advance_is_release else "advance"
            yield "c.mark", _reads(state, c._replace(step=following))
    elif c.step == "first":
        early = c.first if c.first >= 0 else load(memory, me, first)
        yield "c.first", _reads(state, c._replace(step="second", first=early))
    elif c.step == "second":
        read = c._replace(step="advance", second=load(memory, me, second))
        then = read if rules.advance_is_release else _next(read)
        fault = _fault_of_reading(state, read)
        yield "c.second", _reads(state, then)._replace(fault=fault)
    else:
        after = store(memory, me, CONSUMED, sequence, release=rules.advance_is_release)
        then = _next(c) if rules.advance_is_release else c._replace(step="first")
        yield "c.advance", _reads(state, then)._replace(memory=after)


def _reads(state: State, consumer: C) -> State:
    return state._replace(consumer=consumer)


def _next(c: C) -> C:
    return C(done=c.done + 1)


def _fault_of_reading(state: State, c: C) -> str:
    sequence = c.done + 1
    expected = written(sequence, state.owners[sequence - 1])
    if (c.first, c.second) != (expected, expected):
        return f"the consumer read {c.first}, {c.second} at {sequence} instead of {expected}"
    return state.fault


def _voider(rules: Rules, state: State) -> Steps:
    v, me, memory = state.voider, rules.consumer + 1, state.memory
    if v.step == "idle":
        for line, p in enumerate(state.producers):
            if p.step == "dead" and not p.freed and is_quiet(memory, line) and v.tries < 2:
                low = load(memory, me, rules.low(line))
                high = min(load(memory, me, rules.high(line)), load(memory, me, CURSOR))
                found = V("look" if low else "free", line, low, high if low else 0, tries=v.tries)
                yield "v.proof", state._replace(voider=found)
    elif v.step == "look":
        if v.at > v.high:
            following = V(tries=v.tries + 1) if v.contested else v._replace(step="free")
        elif load(memory, me, rules.mark(v.at)) >= v.at:
            following = v._replace(at=v.at + 1)
        else:
            following = v._replace(step="living")
        yield "v.look", state._replace(voider=following)
    elif v.step == "living":
        contested = any(
            0 < load(memory, me, rules.low(line)) <= v.at <= load(memory, me, rules.high(line))
            for line, p in enumerate(state.producers)
            if p.step != "dead" or not is_quiet(memory, line)  # no proof before it has ended
        )
        skipped = v._replace(step="look", at=v.at + 1, contested=True)
        yield "v.living", state._replace(voider=skipped if contested else v._replace(step="again"))
    elif v.step == "again":
        published = rules.voider_looks_twice and load(memory, me, rules.mark(v.at)) >= v.at
        following = v._replace(step="look", at=v.at + 1) if published else v._replace(step="void")
        yield "v.again", state._replace(voider=following)
    elif v.step == "void":
        yield "v.void", _void(rules, state, v, me)
    else:
        yield from _free(rules, state, v, me)


def _void(rules: Rules, state: State, v: V, me: int) -> State:
    owner = state.owners[v.at - 1]
    fault = state.fault
    if owner != VOID and state.producers[owner].step != "dead":
        fault = f"the claim {v.at} of the living producer {owner} was voided"
    memory = state.memory
    for which in (0, 1):
        word = rules.half(v.at, which)
        memory = store(memory, me, word, written(v.at, VOID), release=False)
    memory = store(memory, me, rules.mark(v.at), v.at, release=rules.mark_is_release)
    owners = (*state.owners[: v.at - 1], VOID, *state.owners[v.at :])
    following = v._replace(step="look", at=v.at + 1)
    return state._replace(memory=memory, owners=owners, voider=following, fault=fault)


def _free(rules: Rules, state: State, v: V, me: int) -> Steps:
    memory = store(state.memory, me, rules.low(v.line), 0, release=True)
    freed = state.producers[v.line]._replace(freed=True)
    yield "v.free", _at(state, v.line, freed, memory)._replace(voider=V())


def fault_of(rules: Rules) -> Callable[[State], str]:
    """What is wrong with a state: a fault met on the way, or a hole that nobody will fill."""

    def of(state: State) -> str:
        if state.fault:
            return state.fault
        at_rest = all(each.step in ("idle", "dead") for each in state.producers)
        freed = all(each.freed for each in state.producers if each.step == "dead")
        is_done = at_rest and freed and state.voider.step == "idle"
        if is_done and not any(state.memory.buffers):
            for sequence in range(state.consumer.done + 1, state.memory.words[CURSOR] + 1):
                if state.memory.words[rules.mark(sequence)] < sequence:
                    return f"sequence {sequence} is a hole that nobody will fill"
        return ""

    return of
