"""Gating sequences: the consumers that a producer must not lap, joined and left while running.

A consumer owns one line of the ring's words and alone writes its sequence.  A line is taken with
compare-and-exchange on its state, so that processes may join at the same time, and shown only
when all of it is written: who dies before has not joined.

A producer that looks for the slowest consumer reads one line after the other, and may miss one
that joins behind its eye.  Let it have read the cursor, C, before it looked.  What it finds is
never taken for more than C.  If it missed the newcomer, the newcomer became visible after that
look and read the cursor after it became visible, so it begins at C or later, and nothing that was
promised to it can be overwritten.  Both sides have a fence between their store (the cursor, the
state) and their load (the state, the cursor), without which both could read the old value.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from disruptor.compiled import entry, internal
from disruptor.memory.atomics import (
    compare_exchange,
    fence,
    load_acquire,
    store_release,
)
from disruptor.ring.availability import was_published
from disruptor.ring.layout import (
    ALERT,
    CLAIM_HIGH,
    CLAIM_LOW,
    CONSUMER_COUNT,
    CONSUMERS_MAX,
    CURSOR,
    FIRST_CONSUMER,
    FIRST_PRODUCER,
    FREE,
    GATING,
    NAME,
    NAME_WORDS,
    OBSERVING,
    PID,
    PRODUCER_COUNT,
    SEQUENCE,
    START_TIME,
    STATE,
    WORDS_PER_LINE,
    Ring,
)

NO_LINE: Final = -1
TOO_LATE: Final = -2
_JOINING: Final = 3


@entry
def consumer_word(line: int, word: int) -> int:
    """Index of a word of the consumer in ``line`` (0 … CONSUMERS_MAX - 1)."""
    return FIRST_CONSUMER + line * WORDS_PER_LINE + word


@entry
def join(ring: Ring, start: int, gates: bool, pid: int, start_time: int, name: np.ndarray) -> int:
    """Take a free consumer line at sequence ``start``; its number.

    NO_LINE when all are taken.  ``start`` is the last sequence that the consumer has *already*
    dealt with; -1 means the cursor of this moment, for a consumer that joins a running ring.
    TOO_LATE when producers may have begun to overwrite what comes after ``start``.  ``name``:
    int64, shape (NAME_WORDS,).
    """
    words = ring.words
    for line in range(CONSUMERS_MAX):
        state = consumer_word(line, STATE)
        if not compare_exchange(words, state, FREE, _JOINING):
            continue
        words[consumer_word(line, PID)] = pid
        words[consumer_word(line, START_TIME)] = start_time
        words[consumer_word(line, ALERT)] = 0
        for number in range(NAME_WORDS):
            words[consumer_word(line, NAME) + number] = name[number]
        at = load_acquire(words, CURSOR) if start < 0 else start
        store_release(words, consumer_word(line, SEQUENCE), at)
        while True:
            count = load_acquire(words, CONSUMER_COUNT)
            if count > line or compare_exchange(words, CONSUMER_COUNT, count, line + 1):
                break
        # release: who sees the state sees the rest of the line
        store_release(words, state, GATING if gates else OBSERVING)
        fence()  # our state is visible before we read how far producers have gone
        if start < 0:
            store_release(words, consumer_word(line, SEQUENCE), load_acquire(words, CURSOR))
        elif gates and not _is_still_held(ring, line, start):
            leave(ring, line)
            return TOO_LATE
        return line
    return NO_LINE


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
def leave(ring: Ring, line: int) -> None:
    """Stop gating and free the line; the consumer must not touch it afterwards."""
    store_release(ring.words, consumer_word(line, STATE), FREE)


@internal
def minimum_gating_sequence(ring: Ring) -> int:
    """The sequence up to which all slots may be claimed anew, one capacity further.

    It is the lowest of the cursor, the gating consumers' sequences and, with several producers,
    of what comes before each unpublished claim: a slot whose writer is slow is not free, even
    when no consumer waits for it.
    """
    words = ring.words
    lowest = load_acquire(words, CURSOR)
    fence()  # our cursor is visible before we look who gates, see the module's docstring
    for line in range(load_acquire(words, CONSUMER_COUNT)):
        if load_acquire(words, consumer_word(line, STATE)) == GATING:
            # acquire: pairs with the consumer's release; it has finished reading those slots
            lowest = min(lowest, load_acquire(words, consumer_word(line, SEQUENCE)))
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
