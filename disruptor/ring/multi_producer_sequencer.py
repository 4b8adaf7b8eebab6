"""Claim and publish for any number of producers in any number of processes.

The cursor is the highest *claimed* sequence; which of the claimed ones are published is told by
the lap words (availability.py).  A claim is a compare-and-exchange on the cursor, tried only when
there is room for it, so a producer that waits for room owns nothing and may die without a trace.

A producer that dies between claim and publish leaves a hole that stops every consumer.  So that
the hole can be attributed, each producer owns a line in which it writes the range that it is
about to claim *before* the exchange, and clears it after publishing:

    1  line.low, line.high := next, next + n - 1      intent
    2  compare-and-exchange cursor                     claim; on failure go to 1 with new numbers
    3  write the slots, store their laps               publish
    4  line.low := 0                                   done

Death after 1: the range may belong to somebody else, who published or will publish it.  After 2:
the range is this producer's and unpublished.  After 3: all of it is published.  Hence a sequence
is void exactly when it is at or below the cursor, unpublished, inside the line of a dead
producer, and inside the line of no living one (which might own it, or be about to learn that it
does not).  ``void_claims`` decides so and publishes zeroed slots in their place.  Where the lines
of two dead producers overlap, either may be blamed: the slot is void all the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import entry, inlined, internal
from disruptor.memory.atomics import (
    compare_exchange,
    fetch_add,
    load_acquire,
    load_relaxed,
    store_relaxed,
    store_release,
)
from disruptor.ring.availability import is_published, mark_published
from disruptor.ring.gating import minimum_gating_sequence
from disruptor.ring.layout import (
    CLAIM_HIGH,
    CLAIM_LOW,
    CURSOR,
    FIRST_PRODUCER,
    FREE,
    GATE_CACHE,
    GATING,
    PID,
    PRODUCER_COUNT,
    PRODUCERS_MAX,
    PUBLISHED_EPOCH,
    START_TIME,
    STATE,
    VOIDED,
    WORDS_PER_LINE,
    Ring,
)
from disruptor.ring.wait_strategy import signal

FULL: Final = -1
NO_LINE: Final = -1


@entry
def producer_word(line: int, word: int) -> int:
    """Index of a word of the producer in ``line`` (0 … PRODUCERS_MAX - 1)."""
    return FIRST_PRODUCER + line * WORDS_PER_LINE + word


@entry
def register(ring: Ring, pid: int, start_time: int) -> int:
    """Take a free producer line; its number, or NO_LINE when all are taken."""
    words = ring.words
    for line in range(PRODUCERS_MAX):
        if compare_exchange(words, producer_word(line, STATE), FREE, GATING):
            words[producer_word(line, CLAIM_LOW)] = 0
            words[producer_word(line, PID)] = pid
            words[producer_word(line, START_TIME)] = start_time
            while True:
                count = load_acquire(words, PRODUCER_COUNT)
                if count > line or compare_exchange(words, PRODUCER_COUNT, count, line + 1):
                    return line
    return NO_LINE


@entry
def unregister(ring: Ring, line: int) -> None:
    """Give the line back; everything claimed must have been published."""
    store_release(ring.words, producer_word(line, STATE), FREE)


@internal
def remaining_capacity(ring: Ring) -> int:
    """Free slots at this moment, 0 … capacity."""
    claimed = load_acquire(ring.words, CURSOR)
    return ring.slots.size - (claimed - minimum_gating_sequence(ring, claimed))


@inlined
def try_next(ring: Ring, line: int, count: int) -> int:
    """Claim ``count`` slots (1 … capacity) for the producer in ``line``; the highest, or FULL."""
    words = ring.words
    while True:
        cursor = load_acquire(words, CURSOR)
        claimed = cursor + count
        wrap_point = claimed - ring.slots.size
        # relaxed: a hint that only ever lags; a stale value sends us to the exact minimum
        if wrap_point > load_relaxed(words, GATE_CACHE):
            gate = minimum_gating_sequence(ring, cursor)
            store_relaxed(words, GATE_CACHE, gate)
            if wrap_point > gate:
                store_relaxed(words, producer_word(line, CLAIM_LOW), 0)
                return FULL
        store_relaxed(words, producer_word(line, CLAIM_HIGH), claimed)
        # release: before the exchange, so that a claim is never without its owner's name
        store_release(words, producer_word(line, CLAIM_LOW), cursor + 1)
        if compare_exchange(words, CURSOR, cursor, claimed):
            return claimed


@inlined
def publish(ring: Ring, line: int, low: int, high: int) -> None:
    """Show the sequences low … high, the whole claim; they become readable up to the first gap."""
    mark_published(ring, low, high)
    # release: the claim is forgotten only after its laps are visible
    store_release(ring.words, producer_word(line, CLAIM_LOW), 0)
    signal(ring.words, PUBLISHED_EPOCH)


@internal
def _is_claimed_by_the_living(ring: Ring, dead: np.ndarray, sequence: int) -> bool:
    words = ring.words
    for line in range(load_acquire(words, PRODUCER_COUNT)):
        if dead[line] != 0 or load_acquire(words, producer_word(line, STATE)) == FREE:
            continue
        low = load_acquire(words, producer_word(line, CLAIM_LOW))
        high = load_acquire(words, producer_word(line, CLAIM_HIGH))
        if low != 0 and low <= sequence <= high:
            return True
    return False


@entry
def void_claims(ring: Ring, dead_line: int, dead: np.ndarray, zero: np.ndarray) -> int:
    """Publish a zeroed event for each sequence that a dead producer took with it; how many.

    Only for a caller that holds proof of the death, one at a time.  ``dead``: int64, shape
    (PRODUCERS_MAX,), non-zero where the line's owner is proven dead.  ``zero``: one zeroed event,
    shape (1,).  Returns -1, having voided what it could, while a living producer's claim
    overlaps: call again a moment later.
    """
    words = ring.words
    low = load_acquire(words, producer_word(dead_line, CLAIM_LOW))
    high = load_acquire(words, producer_word(dead_line, CLAIM_HIGH))
    voided = 0
    contested = False
    if low != 0:
        mask = np.uint64(ring.slots.size - 1)
        for sequence in range(low, min(high, load_acquire(words, CURSOR)) + 1):
            if is_published(ring, sequence):
                continue
            if _is_claimed_by_the_living(ring, dead, sequence):
                contested = True
                continue
            if is_published(ring, sequence):  # its owner published between the two looks
                continue
            ring.slots[np.uint64(sequence) & mask] = zero[0]
            mark_published(ring, sequence, sequence)
            voided += 1
    fetch_add(words, VOIDED, voided)
    signal(words, PUBLISHED_EPOCH)
    if contested:
        return -1
    unregister(ring, dead_line)
    return voided
