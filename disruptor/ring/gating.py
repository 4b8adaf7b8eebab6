"""Gating sequences: the consumers that a producer must not lap, joined and left while running.

A consumer owns one line of the ring's words and alone writes its sequence.  A line is taken with
compare-and-exchange on its state, so that processes may join at the same time.

Joining while producers run: the line's sequence is set to the cursor and the state then set to
GATING.  A producer that computed its minimum just before may still lap the newcomer, so the
newcomer, once visible, moves its sequence up to the cursor again; what was published before that
moment was never promised to it.
"""

from __future__ import annotations

from typing import Final

from disruptor.compiled import entry, internal
from disruptor.memory.atomics import (
    compare_exchange,
    fence,
    load_acquire,
    store_release,
)
from disruptor.ring.layout import (
    CONSUMER_COUNT,
    CONSUMERS_MAX,
    CURSOR,
    FIRST_CONSUMER,
    FREE,
    GATING,
    OBSERVING,
    PID,
    SEQUENCE,
    START_TIME,
    STATE,
    WORDS_PER_LINE,
    Ring,
)

NO_LINE: Final = -1
_JOINING: Final = 3
_BEYOND_ALL: Final = 2**63 - 1


@entry
def consumer_word(line: int, word: int) -> int:
    """Index of a word of the consumer in ``line`` (0 … CONSUMERS_MAX - 1)."""
    return FIRST_CONSUMER + line * WORDS_PER_LINE + word


@entry
def join(ring: Ring, start: int, gates: bool, pid: int, start_time: int) -> int:
    """Take a free consumer line at sequence ``start``; its number, or NO_LINE when all are taken.

    ``start`` is the last sequence that the consumer has *already* dealt with; -1 means the cursor
    of this moment, for a consumer that joins a running ring.
    """
    words = ring.words
    for line in range(CONSUMERS_MAX):
        state = consumer_word(line, STATE)
        if not compare_exchange(words, state, FREE, _JOINING):
            continue
        words[consumer_word(line, PID)] = pid
        words[consumer_word(line, START_TIME)] = start_time
        at = load_acquire(words, CURSOR) if start < 0 else start
        store_release(words, consumer_word(line, SEQUENCE), at)
        while True:
            count = load_acquire(words, CONSUMER_COUNT)
            if count > line or compare_exchange(words, CONSUMER_COUNT, count, line + 1):
                break
        # release: who sees the state sees the sequence
        store_release(words, state, GATING if gates else OBSERVING)
        if start < 0:
            fence()  # our state is visible before we read how far producers have gone
            store_release(words, consumer_word(line, SEQUENCE), load_acquire(words, CURSOR))
        return line
    return NO_LINE


@entry
def leave(ring: Ring, line: int) -> None:
    """Stop gating and free the line; the consumer must not touch it afterwards."""
    store_release(ring.words, consumer_word(line, STATE), FREE)


@internal
def minimum_gating_sequence(ring: Ring, otherwise: int) -> int:
    """The lowest sequence of all gating consumers, or ``otherwise`` when there is none."""
    words = ring.words
    lowest = _BEYOND_ALL
    for line in range(load_acquire(words, CONSUMER_COUNT)):
        if load_acquire(words, consumer_word(line, STATE)) == GATING:
            # acquire: pairs with the consumer's release; it has finished reading those slots
            sequence = load_acquire(words, consumer_word(line, SEQUENCE))
            lowest = min(lowest, sequence)
    if lowest == _BEYOND_ALL:
        return otherwise
    return lowest
