"""What a ring's words say to somebody who only looks: no compiled code, nothing written.

The numbers are read one after the other while the ring runs, each untorn.  They are true one by
one and need not fit each other to the last event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disruptor.memory.process_identity import ProcessIdentity
from disruptor.ring import layout

Words = NDArray[np.int64]

NO_LINE = -1


@dataclass(frozen=True)
class ConsumerStatus:
    """One consumer of a ring, as anybody may see it."""

    name: str
    sequence: int
    gates: bool  # whether producers wait for it now
    owner: ProcessIdentity
    policy: str  # gate, evict, observe or tap
    lag_max: int  # evicted when further behind; 0 for the other policies
    is_evicted: bool
    is_reserved: bool  # registered, and nobody has begun to read
    waits: int  # how often it found nothing to read
    gaps: int  # events that a tap missed
    after: tuple[str, ...]  # the consumers that it waits for


@dataclass(frozen=True)
class ProducerStatus:
    """One producer of a multi-producer ring; ``low`` is 0 while it has claimed nothing."""

    name: str
    owner: ProcessIdentity
    low: int
    high: int
    unpublished: int


@dataclass(frozen=True)
class RingStatistics:
    """What a ring looks like at one moment; the numbers are read one after the other."""

    name: str
    capacity: int
    cursor: int  # highest published (single producer) or highest claimed (multi-producer)
    remaining_capacity: int
    in_flight: int  # sequences that are claimed and not yet published
    stalls: int  # how often a producer met a full ring
    voided: int
    evicted: int
    removed: int  # dead consumers taken out
    replaced: int  # dead consumers whose place was taken over
    consumers: tuple[ConsumerStatus, ...]
    producers: tuple[ProducerStatus, ...]


def consumer_at(line: int) -> int:
    """Index of the first word of the consumer in ``line``."""
    return layout.FIRST_CONSUMER + line * layout.WORDS_PER_LINE


def producer_at(line: int) -> int:
    """Index of the first word of the producer in ``line``."""
    return layout.FIRST_PRODUCER + line * layout.WORDS_PER_LINE


def name_at(words: Words, at: int) -> str:
    """The name in the line that starts at word ``at``."""
    packed = words[at + layout.NAME : at + layout.NAME + layout.NAME_WORDS].tobytes()
    return packed.rstrip(b"\0").decode(errors="replace")


def owner_at(words: Words, at: int) -> ProcessIdentity:
    """The owner of the line that starts at word ``at``."""
    return ProcessIdentity.unpacked(int(words[at + layout.OWNER]))


def has_joined(words: Words, at: int) -> bool:
    """Whether a consumer's line is taken by somebody who came to the end of joining."""
    state, held = words[at + layout.STATE], words[at + layout.HELD]
    return bool(state != layout.FREE and held != layout.JOINING)


def line_of(words: Words, name: str) -> int:
    """Line of the consumer with this name, or NO_LINE."""
    for line in range(int(words[layout.CONSUMER_COUNT])):
        at = consumer_at(line)
        if has_joined(words, at) and name_at(words, at) == name:
            return line
    return NO_LINE


def consumers_of(words: Words) -> tuple[ConsumerStatus, ...]:
    """All consumers that have joined."""
    lines = range(int(words[layout.CONSUMER_COUNT]))
    return tuple(_consumer(words, line) for line in lines if has_joined(words, consumer_at(line)))


def _consumer(words: Words, line: int) -> ConsumerStatus:
    at = consumer_at(line)
    state, lag_max = int(words[at + layout.STATE]), int(words[at + layout.LAG_MAX])
    behind = int(words[at + layout.BEHIND])
    others = (other for other in range(layout.CONSUMERS_MAX) if behind >> other & 1)
    return ConsumerStatus(
        name=name_at(words, at),
        sequence=int(words[at + layout.SEQUENCE]),
        gates=state == layout.GATING,
        owner=owner_at(words, at),
        policy=_policy(state, lag_max),
        lag_max=max(0, lag_max),
        is_evicted=state == layout.EVICTED,
        is_reserved=int(words[at + layout.HELD]) == layout.RESERVED,
        waits=int(words[at + layout.WAITS]),
        gaps=int(words[at + layout.GAPS]),
        after=tuple(name_at(words, consumer_at(other)) for other in others),
    )


def _policy(state: int, lag_max: int) -> str:
    if lag_max == layout.TAP:
        return "tap"
    if lag_max > 0:
        return "evict"
    return "gate" if state == layout.GATING else "observe"


def producers_of(words: Words) -> tuple[ProducerStatus, ...]:
    """All producers of a multi-producer ring, none of another."""
    found = []
    for line in range(int(words[layout.PRODUCER_COUNT])):
        at = producer_at(line)
        if words[at + layout.OWNER] == layout.FREE:
            continue
        low, unpublished = int(words[at + layout.CLAIM_LOW]), int(words[at + layout.UNPUBLISHED])
        found.append(
            ProducerStatus(
                name=name_at(words, at),
                owner=owner_at(words, at),
                low=low,
                high=int(words[at + layout.CLAIM_HIGH]) if low else 0,
                unpublished=unpublished,
            )
        )
    return tuple(found)


def statistics_of(name: str, words: Words, capacity: int, is_multi: bool) -> RingStatistics:
    """The whole ring."""
    consumers, producers = consumers_of(words), producers_of(words)
    cursor = int(words[layout.CURSOR])
    gate = min((each.sequence for each in consumers if each.gates), default=cursor)
    own = 0 if is_multi else max(0, int(words[layout.NEXT]) - cursor)
    return RingStatistics(
        name=name,
        capacity=capacity,
        cursor=cursor,
        remaining_capacity=max(0, min(capacity, capacity - (cursor - gate))),
        in_flight=own + sum(each.unpublished for each in producers),
        stalls=int(words[layout.STALLS]),
        voided=int(words[layout.VOIDED]),
        evicted=int(words[layout.EVICTED_COUNT]),
        removed=int(words[layout.REMOVED_COUNT]),
        replaced=int(words[layout.REPLACED_COUNT]),
        consumers=consumers,
        producers=producers,
    )
