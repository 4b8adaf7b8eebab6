"""Claim and publish for one producer: no read-modify-write anywhere.

The producer alone writes ``NEXT`` (what it has claimed) and the cursor (what it has published).
A claim takes capacity before it moves ``NEXT``, so a claim that fails changes nothing.  If the
producer dies between claim and publish, the cursor still stands at the last published event and
its successor starts from there: the unpublished claim never existed for anyone else.  Only a tap,
which copies slots that nobody keeps for it, must know that they may have been written to; so the
successor remembers, before it takes the claim back, how far it went.
"""

from __future__ import annotations

from typing import Final

from disruptor.compiled import entry, inlined, internal
from disruptor.memory.atomics import load_acquire, release_fence, store_relaxed, store_release
from disruptor.ring.gating import minimum_gating_sequence
from disruptor.ring.layout import ABANDONED, CURSOR, GATE_CACHE, NEXT, PUBLISHED_EPOCH, Ring
from disruptor.ring.voids import forget_voids
from disruptor.ring.wait_strategy import signal

FULL: Final = -1


@entry
def take_over(ring: Ring) -> None:
    """Become the producer: forget what a predecessor claimed and never published."""
    words = ring.words
    published, claimed = load_acquire(words, CURSOR), load_acquire(words, NEXT)
    forget_voids(ring, published + 1, claimed)
    # release: a tap that sees the lower NEXT sees how far slots may have been overwritten
    store_release(words, ABANDONED, max(claimed, load_acquire(words, ABANDONED)))
    store_release(words, NEXT, published)
    words[GATE_CACHE] = minimum_gating_sequence(ring)


@internal
def remaining_capacity(ring: Ring) -> int:
    """Free slots at this moment, 0 … capacity."""
    claimed = ring.words[NEXT]
    return ring.slots.size - (claimed - minimum_gating_sequence(ring))


@inlined
def try_next(ring: Ring, count: int) -> int:
    """Claim ``count`` slots (1 … capacity); the highest sequence claimed, or FULL."""
    words = ring.words
    claimed = words[NEXT] + count
    wrap_point = claimed - ring.slots.size
    if wrap_point > words[GATE_CACHE]:
        gate = minimum_gating_sequence(ring)
        words[GATE_CACHE] = gate
        if wrap_point > gate:
            return FULL
    store_relaxed(words, NEXT, claimed)
    # release: a tap that copies anything of what is written now sees the claim afterwards
    release_fence()
    return claimed


@inlined
def publish(ring: Ring, low: int, high: int) -> None:
    """Show everything up to ``high``; ``low`` is only there for symmetry."""
    # release: pairs with the consumers' acquire of the cursor; the slots' bytes come first
    store_release(ring.words, CURSOR, high)
    signal(ring.words, PUBLISHED_EPOCH)
