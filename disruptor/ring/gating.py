"""Gating sequences: the consumers that a producer must not lap, joined and left while running.

A consumer owns one line of the ring's words and alone writes its sequence.  One exchange takes the
line and names its taker, the state that makes producers look at it comes after all the rest, and
``HELD`` says until the end that the line is only being joined.  So whoever dies inside ``join`` or
``leave`` is found as the dead owner of a line without a state, or of one that is being joined;
``free_half_joined`` gives it back.

A producer that looks for the slowest consumer reads one line after the other, and may miss one
that joins behind its eye.  Let it have read the cursor, C, before it looked.  What it finds is
never taken for more than C.  If it missed the newcomer, the newcomer became visible after that
look and read the cursor after it became visible, so it begins at C or later, and nothing that was
promised to it can be overwritten.  Both sides have a fence between their store (the cursor, the
state) and their load (the state, the cursor), without which both could read the old value.

A consumer may be registered so that it is *evicted* when it is further behind than it may be.  The
producer that finds it so, while it looks for room, turns its state from GATING to EVICTED and no
longer counts it.  The consumer may be reading at that moment, so it copies first and looks at its
state afterwards: a byte that was overwritten came after the eviction, hence a copy after which the
state is still GATING is whole.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import entry, internal
from disruptor.memory.atomics import (
    acquire_fence,
    compare_exchange,
    fence,
    fetch_add,
    load_acquire,
    store_release,
)
from disruptor.ring.availability import was_published
from disruptor.ring.layout import (
    ALERT,
    BEHIND,
    CLAIM_HIGH,
    CLAIM_LOW,
    CONSUMED_EPOCH,
    CONSUMER_COUNT,
    CONSUMERS_MAX,
    CURSOR,
    EVICTED,
    EVICTED_COUNT,
    FIRST_CONSUMER,
    FIRST_PRODUCER,
    FREE,
    GAPS,
    GATING,
    HELD,
    JOINING,
    LAG_MAX,
    NAME,
    NAME_WORDS,
    OBSERVING,
    OWNER,
    PRODUCER_COUNT,
    PUBLISHED_EPOCH,
    RESERVED,
    SEQUENCE,
    STATE,
    WAITS,
    WORDS_PER_LINE,
    Ring,
)
from disruptor.ring.wait_strategy import signal

NO_LINE: Final = -1
TOO_LATE: Final = -2


@entry
def consumer_word(line: int, word: int) -> int:
    """Index of a word of the consumer in ``line`` (0 … CONSUMERS_MAX - 1)."""
    return FIRST_CONSUMER + line * WORDS_PER_LINE + word


@entry
def join(
    ring: Ring, start: int, gates: bool, lag_max: int, joiner: int, owner: int, name: np.ndarray
) -> int:
    """Take a free consumer line at sequence ``start``; its number.

    NO_LINE when all are taken.  ``start`` is the last sequence that the consumer has *already*
    dealt with; -1 means the cursor of this moment, for a consumer that joins a running ring.
    TOO_LATE when producers may have begun to overwrite what comes after ``start``.  ``joiner``:
    the calling process, packed; ``owner``: whose death will be the consumer's.  ``lag_max``: see
    ``layout.LAG_MAX``.  ``name``: int64, shape (NAME_WORDS,).
    """
    words = ring.words
    for line in range(CONSUMERS_MAX):
        if not compare_exchange(words, consumer_word(line, OWNER), FREE, joiner):
            continue
        at = load_acquire(words, CURSOR) if start < 0 else start
        _fill(ring, line, at, lag_max, name)
        # release: who sees the state sees the rest of the line
        store_release(words, consumer_word(line, STATE), GATING if gates else OBSERVING)
        fence()  # our state is visible before we read how far producers have gone
        if start < 0:
            store_release(words, consumer_word(line, SEQUENCE), load_acquire(words, CURSOR))
        elif gates and not _is_still_held(ring, line, start):
            leave(ring, line, joiner)
            return TOO_LATE
        store_release(words, consumer_word(line, HELD), RESERVED)
        store_release(words, consumer_word(line, OWNER), owner)
        return line
    return NO_LINE


@internal
def _fill(ring: Ring, line: int, at: int, lag_max: int, name: np.ndarray) -> None:
    words = ring.words
    words[consumer_word(line, HELD)] = JOINING
    words[consumer_word(line, ALERT)] = 0
    words[consumer_word(line, WAITS)] = 0
    words[consumer_word(line, GAPS)] = 0
    words[consumer_word(line, BEHIND)] = 0
    words[consumer_word(line, LAG_MAX)] = lag_max
    for number in range(NAME_WORDS):
        words[consumer_word(line, NAME) + number] = name[number]
    store_release(words, consumer_word(line, SEQUENCE), at)
    while True:
        count = load_acquire(words, CONSUMER_COUNT)
        if count > line or compare_exchange(words, CONSUMER_COUNT, count, line + 1):
            return


@internal
def _is_still_held(ring: Ring, newcomer: int, start: int) -> bool:
    """Whether no producer can have taken more than ``start`` for the slowest sequence."""
    words = ring.words
    if load_acquire(words, CURSOR) <= start:
        return True
    for line in range(load_acquire(words, CONSUMER_COUNT)):
        if line == newcomer or load_acquire(words, consumer_word(line, STATE)) != GATING:
            continue
        if load_acquire(words, consumer_word(line, SEQUENCE)) <= start:
            return True
    return False


@entry
def leave(ring: Ring, line: int, leaver: int) -> None:
    """Stop gating and free the line; the consumer must not touch it afterwards.

    ``leaver``: the calling process, packed; if it dies in here, the line is found by its name.
    """
    words = ring.words
    store_release(words, consumer_word(line, OWNER), leaver)
    store_release(words, consumer_word(line, STATE), FREE)
    store_release(words, consumer_word(line, OWNER), FREE)
    signal(words, CONSUMED_EPOCH)


@entry
def free_half_joined(ring: Ring, line: int, owner: int) -> bool:
    """Give back the line of a process that is proven dead, if it died in ``join`` or ``leave``."""
    words = ring.words
    if load_acquire(words, consumer_word(line, OWNER)) != owner:
        return False
    state = load_acquire(words, consumer_word(line, STATE))
    if state != FREE and load_acquire(words, consumer_word(line, HELD)) != JOINING:
        return False
    store_release(words, consumer_word(line, STATE), FREE)
    signal(words, CONSUMED_EPOCH)
    return compare_exchange(words, consumer_word(line, OWNER), owner, FREE)


@entry
def still_gates(ring: Ring, line: int) -> bool:
    """Whether all that this consumer has read or copied so far was whole; only if it gates."""
    acquire_fence()  # pairs with the claimer's release fence: our reads are done before this load
    return load_acquire(ring.words, consumer_word(line, STATE)) == GATING


@internal
def _evict(ring: Ring, line: int) -> None:
    words = ring.words
    if compare_exchange(words, consumer_word(line, STATE), GATING, EVICTED):
        fetch_add(words, EVICTED_COUNT, 1)
        store_release(words, consumer_word(line, ALERT), 1)
        signal(words, PUBLISHED_EPOCH)
        signal(words, CONSUMED_EPOCH)


@internal
def minimum_gating_sequence(ring: Ring) -> int:
    """The sequence up to which all slots may be claimed anew, one capacity further.

    It is the lowest of the cursor, the gating consumers' sequences and, with several producers,
    of what comes before each unpublished claim: a slot whose writer is slow is not free, even
    when no consumer waits for it.
    """
    words = ring.words
    cursor = load_acquire(words, CURSOR)
    fence()  # our cursor is visible before we look who gates, see the module's docstring
    readable = _before_unpublished_claims(ring, cursor)
    lowest = readable
    for line in range(load_acquire(words, CONSUMER_COUNT)):
        if load_acquire(words, consumer_word(line, STATE)) != GATING:
            continue
        # acquire: pairs with the consumer's release; it has finished reading those slots
        sequence = load_acquire(words, consumer_word(line, SEQUENCE))
        lag_max = load_acquire(words, consumer_word(line, LAG_MAX))
        if lag_max > 0 and readable - sequence > lag_max:
            _evict(ring, line)
        else:
            lowest = min(lowest, sequence)
    return lowest


@internal
def _before_unpublished_claims(ring: Ring, highest: int) -> int:
    words = ring.words
    lowest = highest
    for line in range(load_acquire(words, PRODUCER_COUNT)):
        at = FIRST_PRODUCER + line * WORDS_PER_LINE
        low = load_acquire(words, at + CLAIM_LOW)
        if low == 0:
            continue
        for sequence in range(low, min(lowest, load_acquire(words, at + CLAIM_HIGH)) + 1):
            if not was_published(ring, sequence):
                lowest = sequence - 1
                break
    return lowest
