"""Claim and publish for any number of producers in any number of processes.

The cursor is the highest *claimed* sequence; which of the claimed ones are published is told by
a word beside each slot (availability.py).  A claim is a compare-and-exchange on the cursor, tried only when
there is room for it, so a producer that waits for room owns nothing and may die without a trace.

A producer that dies between claim and publish leaves a hole that stops every consumer.  So that
the hole can be attributed, each producer owns a line in which it writes the range that it is
about to claim *before* the exchange, and clears it after publishing:

    intent     line.low, line.high := cursor + 1, cursor + n
    claim      compare-and-exchange the cursor; on failure back to intent with new numbers
    write      the slots
    mark       store their sequences beside them       publish
    clear      line.low := 0

Death after ``intent``: the range may belong to somebody else, who published or will publish it.
After ``claim``: the range is this producer's and unpublished.  After ``mark``: all of it is
published, and may be consumed and overwritten by now.  Hence a sequence is void exactly when it is
at or below the cursor, was never published, lies inside the line of a dead producer, and inside
the line of no living one (which might own it, or be about to learn that it does not).
``void_claims`` decides so and publishes void events (voids.py) in their place.  Where the lines of two dead
producers overlap, either may be blamed: the slot is void all the same.

"Was never published" compares with "less than" and not with "other than": the line of a
producer that died before ``clear``, or before its exchange failed, names sequences that the ring
may have left laps ago, and their slots are somebody else's.

A producer that holds several claims, or publishes one in parts, has one line for all of them, from
the first to the last, until nothing is unpublished.  What lies between may be others', and the
rule above bears that.  tests/verification checks all of this in every interleaving.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import entry, inlined, internal
from disruptor.memory.atomics import (
    compare_exchange,
    load_acquire,
    pause,
    prefetch_for_write,
    release_fence,
    store_relaxed,
    store_release,
)
from disruptor.ring.availability import mark_published, was_published
from disruptor.ring.gating import minimum_gating_sequence
from disruptor.ring.layout import (
    CLAIM_HIGH,
    CLAIM_LOW,
    CONSUMED_EPOCH,
    CURSOR,
    FIRST_PRODUCER,
    FREE,
    GATE_CACHE,
    OWNER,
    PRODUCER_COUNT,
    PRODUCERS_MAX,
    PUBLISHED_EPOCH,
    UNPUBLISHED,
    WORDS_PER_LINE,
    Ring,
)
from disruptor.ring.voids import mark_void
from disruptor.ring.wait_strategy import signal

FULL: Final = -1
NO_LINE: Final = -1

_AHEAD: Final = 5
"""How many sequences in advance a claim asks for the cache lines that it, or another, will write.
The next exchange waits until all earlier stores are done, so a store that must first fetch its line
from the consumer holds everything up: 22 M events/s without this, 44 M with it."""

_BACKOFF: Final = 128
"""Pauses after a lost exchange, some 1.2 µs, in which the winner claims on with the cursor's line in
its cache: three producers that share two cores come to 45 M events/s, against 16 M without."""


@entry
def producer_word(line: int, word: int) -> int:
    """Index of a word of the producer in ``line`` (0 … PRODUCERS_MAX - 1)."""
    return FIRST_PRODUCER + line * WORDS_PER_LINE + word


@entry
def register(ring: Ring, owner: int) -> int:
    """Take a free producer line for ``owner`` (packed); its number, or NO_LINE when all are taken.

    One exchange both takes the line and names its owner, so that no line is ever held by nobody,
    or by the process that held it before.
    """
    words = ring.words
    for line in range(PRODUCERS_MAX):
        if compare_exchange(words, producer_word(line, OWNER), FREE, owner):
            words[producer_word(line, UNPUBLISHED)] = 0
            while True:
                count = load_acquire(words, PRODUCER_COUNT)
                if count > line or compare_exchange(words, PRODUCER_COUNT, count, line + 1):
                    return line
    return NO_LINE


@entry
def unregister(ring: Ring, line: int) -> bool:
    """Give the line back; False, and nothing is done, while something claimed is unpublished."""
    if load_acquire(ring.words, producer_word(line, CLAIM_LOW)) != 0:
        return False
    store_release(ring.words, producer_word(line, OWNER), FREE)
    return True


@internal
def remaining_capacity(ring: Ring) -> int:
    """Free slots at this moment, 0 … capacity."""
    gate = minimum_gating_sequence(ring)
    return max(0, ring.slots.size - (load_acquire(ring.words, CURSOR) - gate))


@inlined
def _fetch_ahead(ring: Ring, low: int, high: int) -> None:
    mask = np.uint64(ring.slots.size - 1)
    for sequence in range(low + _AHEAD, high + _AHEAD + 1):
        slot = np.uint64(sequence) & mask
        prefetch_for_write(ring.slots, slot)
        prefetch_for_write(ring.published, slot)


@inlined
def try_next(ring: Ring, line: int, count: int) -> int:
    """Claim ``count`` slots (1 … capacity) for the producer in ``line``; the highest, or FULL."""
    words = ring.words
    owns_nothing = words[producer_word(line, UNPUBLISHED)] == 0
    while True:
        cursor = load_acquire(words, CURSOR)
        claimed = cursor + count
        wrap_point = claimed - ring.slots.size
        # acquire: whoever found this gate saw the consumers leave those slots, and so do we
        if wrap_point > load_acquire(words, GATE_CACHE):
            if owns_nothing:
                # release: voiders that see it see the marks of what we published before
                store_release(words, producer_word(line, CLAIM_LOW), 0)
            gate = minimum_gating_sequence(ring)
            # release: pairs with the acquire above; an older gate may overwrite a newer one,
            # which costs a look and no more
            store_release(words, GATE_CACHE, gate)
            if wrap_point > gate:
                return FULL
        store_relaxed(words, producer_word(line, CLAIM_HIGH), claimed)
        if owns_nothing:
            # release: before the exchange, so that a claim is never without its owner's name
            store_release(words, producer_word(line, CLAIM_LOW), cursor + 1)
        if compare_exchange(words, CURSOR, cursor, claimed):
            # release: a tap that copies anything of what is written now sees the claim afterwards
            release_fence()
            words[producer_word(line, UNPUBLISHED)] += count
            _fetch_ahead(ring, cursor + 1, claimed)
            return claimed
        for _ in range(_BACKOFF):
            pause()


@inlined
def publish(ring: Ring, line: int, low: int, high: int) -> None:
    """Show the claimed sequences low … high; they become readable up to the first gap."""
    words = ring.words
    mark_published(ring, low, high)
    left = words[producer_word(line, UNPUBLISHED)] - (high - low + 1)
    words[producer_word(line, UNPUBLISHED)] = left
    if left == 0:
        # release: the claim is forgotten only after its marks are visible
        store_release(words, producer_word(line, CLAIM_LOW), 0)
    signal(words, PUBLISHED_EPOCH)


@internal
def _is_claimed_by_the_living(ring: Ring, dead: np.ndarray, sequence: int) -> bool:
    words = ring.words
    for line in range(load_acquire(words, PRODUCER_COUNT)):
        if dead[line] != 0 or load_acquire(words, producer_word(line, OWNER)) == FREE:
            continue
        low = load_acquire(words, producer_word(line, CLAIM_LOW))
        high = load_acquire(words, producer_word(line, CLAIM_HIGH))
        if low != 0 and low <= sequence <= high:
            return True
    return False


@entry
def void_claims(ring: Ring, dead_line: int, dead: np.ndarray, zero: np.ndarray) -> int:
    """Publish a void event for each sequence that a dead producer took with it; how many.

    Only for a caller that holds proof of the death, one at a time.  ``dead``: int64, shape
    (PRODUCERS_MAX,), non-zero where the line's owner is proven dead.  ``zero``: one zeroed event,
    shape (1,).  The line is freed, unless a living producer's claim overlaps: then what could be
    was voided; call again a moment later.
    """
    words = ring.words
    low = load_acquire(words, producer_word(dead_line, CLAIM_LOW))
    high = load_acquire(words, producer_word(dead_line, CLAIM_HIGH))
    voided = 0
    contested = False
    if low != 0:
        for sequence in range(low, min(high, load_acquire(words, CURSOR)) + 1):
            if was_published(ring, sequence):
                continue
            if _is_claimed_by_the_living(ring, dead, sequence):
                contested = True
                continue
            if was_published(ring, sequence):  # its owner published between the two looks
                continue
            mark_void(ring, sequence, zero)
            mark_published(ring, sequence, sequence)
            voided += 1
    signal(words, PUBLISHED_EPOCH)
    if not contested:
        store_release(words, producer_word(dead_line, CLAIM_LOW), 0)
        store_release(words, producer_word(dead_line, OWNER), FREE)
        signal(words, CONSUMED_EPOCH)  # its line held producers back
    return voided
