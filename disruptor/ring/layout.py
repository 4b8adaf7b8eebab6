"""Where everything of a ring lies in its segment: offsets, padding, fingerprint.

    byte 0        segment header (memory/segment.py)
         64       ring header: capacity, slot size, producers, fingerprint, size of the description
         256      the event's description, JSON, at most 3,840 bytes
         4096     words: lines of 128 bytes, one concern a line, one writer a line
                    line 0   cursor            word 0: highest published (single producer) or
                                               highest claimed (multi-producer)
                    line 1   claims            word 0: next sequence to claim (single producer)
                                               word 1: cached minimum of the gating sequences
                                               word 2: highest ever claimed by a producer that
                                                       died since (single producer)
                    line 2   published signal  word 0: epoch   word 1: somebody sleeps
                    line 3   consumed signal   word 0: epoch   word 1: somebody sleeps
                    line 4   stalls            word 0: how often a producer met a full ring
                    line 5   registry          word 0: consumer lines used   word 1: producer lines
                    line 6   tallies           void events; consumers evicted, removed, replaced
                    line 8   consumers, 32 lines: sequence, state, owner, alert, name, policy
                    line 40  producers, 16 lines: claim low and high, unpublished, owner, name
         …        published: one word a slot, the sequence that was published there last;
                  multi-producer only
         …        voids: one word a slot, the sequence that was voided there last
         …        slots, on a page of their own

A line is 128 bytes and not 64, because the prefetcher of current cores fetches lines in pairs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import LayoutMismatchError, SegmentError
from disruptor.memory.segment import HEADER_BYTES, PAGE_BYTES

KIND: Final = "ring"
VERSION: Final = 3

WORDS_PER_LINE: Final = 16
CURSOR: Final = 0 * WORDS_PER_LINE
NEXT: Final = 1 * WORDS_PER_LINE
GATE_CACHE: Final = NEXT + 1
ABANDONED: Final = NEXT + 2  # slots up to this sequence may hold what a dead producer began
PUBLISHED_EPOCH: Final = 2 * WORDS_PER_LINE
CONSUMED_EPOCH: Final = 3 * WORDS_PER_LINE
SLEEPERS_OFFSET: Final = 1  # from an epoch to the flag that somebody sleeps on it
STALLS: Final = 4 * WORDS_PER_LINE
CONSUMER_COUNT: Final = 5 * WORDS_PER_LINE
PRODUCER_COUNT: Final = CONSUMER_COUNT + 1
# Counted on a line of their own, which consumers read for each batch and next to nobody writes.
VOIDED: Final = 6 * WORDS_PER_LINE
EVICTED_COUNT: Final = VOIDED + 1
REMOVED_COUNT: Final = VOIDED + 2
REPLACED_COUNT: Final = VOIDED + 3

CONSUMERS_MAX: Final = 32
PRODUCERS_MAX: Final = 16
FIRST_CONSUMER: Final = 8 * WORDS_PER_LINE
FIRST_PRODUCER: Final = FIRST_CONSUMER + CONSUMERS_MAX * WORDS_PER_LINE
WORD_COUNT: Final = FIRST_PRODUCER + PRODUCERS_MAX * WORDS_PER_LINE

# Words of a line, of consumers and producers alike.
OWNER: Final = 1  # who, in one word, see ProcessIdentity.packed; FREE when nobody
NAME: Final = 5
NAME_WORDS: Final = 6
# Of a consumer's line.
SEQUENCE: Final = 0
STATE: Final = 2
ALERT: Final = 3
WAITS: Final = ALERT + 1  # how often it waited; a consumer's control array is these two words
LAG_MAX: Final = 11  # evicted when further behind; 0: never; TAP: it only copies
GAPS: Final = 12  # events that a tap missed
HELD: Final = 13  # JOINING, RESERVED or TAKEN
BEHIND: Final = 14  # bit n: it waits for the consumer in line n
# Of a producer's line.
CLAIM_LOW: Final = 0
CLAIM_HIGH: Final = 11
UNPUBLISHED: Final = 12  # how many sequences are claimed and not published, for the owner alone

FREE: Final = 0
GATING: Final = 1
OBSERVING: Final = 2  # has a sequence that producers do not wait for
EVICTED: Final = 3  # gated until it was too far behind

TAP: Final = -1

RESERVED: Final = 0  # nobody reads yet
TAKEN: Final = 1
JOINING: Final = 2

NEVER_VOIDED: Final = 0
"""The voids' word of a slot of which no event was ever void; the first sequence is at least 1."""

_DESCRIPTION_OFFSET: Final = 256
_DESCRIPTION_BYTES_MAX: Final = PAGE_BYTES - _DESCRIPTION_OFFSET
CAPACITY_MAX: Final = 2**26

RING_HEADER: Final = np.dtype(
    [
        ("capacity", np.int64),
        ("slot_bytes", np.int64),
        ("multi_producer", np.int64),
        ("description_bytes", np.int64),
        ("fingerprint", "S32"),
    ]
)
assert HEADER_BYTES + RING_HEADER.itemsize <= _DESCRIPTION_OFFSET


class Ring(NamedTuple):
    """A mapped ring as compiled code sees it; every function of this package takes it first."""

    words: NDArray[np.int64]  # shape (WORD_COUNT,)
    published: NDArray[np.int64]  # shape (capacity,), or (0,) with a single producer
    voids: NDArray[np.int64]  # shape (capacity,)
    slots: NDArray[Any]  # shape (capacity,), the event's dtype


def describe(event: np.dtype) -> bytes:
    """The event's layout as canonical JSON: names, offsets, formats, sizes, all the way down."""
    encoded = json.dumps(_told(event), separators=(",", ":")).encode()
    if len(encoded) > _DESCRIPTION_BYTES_MAX:
        raise LayoutMismatchError(
            f"the event's description needs {len(encoded)} bytes; "
            f"the most is {_DESCRIPTION_BYTES_MAX}: use fewer fields"
        )
    return encoded


def _told(kind: np.dtype[Any]) -> Any:
    if kind.subdtype:
        return {"each": _told(kind.subdtype[0]), "shape": list(kind.subdtype[1])}
    if kind.fields:
        fields: Any = kind.fields
        rows = [[name, _told(fields[name][0]), int(fields[name][1])] for name in kind.names or ()]
        return {"fields": rows, "size": kind.itemsize}
    return kind.str


def event_from(description: bytes) -> np.dtype[Any]:
    """The dtype that ``describe`` told of."""
    return _built(json.loads(description))


def _built(told: Any) -> np.dtype[Any]:
    if isinstance(told, str):
        return np.dtype(told)
    if "each" in told:
        return np.dtype((_built(told["each"]), tuple(told["shape"])))
    names, kinds, offsets = zip(*told["fields"], strict=True)
    return np.dtype(
        {
            "names": names,
            "formats": [_built(kind) for kind in kinds],
            "offsets": offsets,
            "itemsize": told["size"],
        }
    )


def pack_name(name: str) -> NDArray[np.int64]:
    """A producer's or consumer's name as its line holds it, shape (NAME_WORDS,).

    SegmentError when it is longer than 48 bytes.
    """
    encoded, size = name.encode(), NAME_WORDS * 8
    if len(encoded) > size:
        raise SegmentError(f"the name {name!r} has {len(encoded)} bytes; the most is {size}")
    return np.frombuffer(encoded.ljust(size, b"\0"), np.int64)


def fingerprint(description: bytes) -> bytes:
    """Half a SHA-256 in hex: equal for equal layouts."""
    return hashlib.sha256(description).hexdigest()[:32].encode()


def description_offset() -> int:
    """Byte at which the event's description starts."""
    return _DESCRIPTION_OFFSET


def published_offset() -> int:
    """Byte at which the words of what is published start."""
    return _page_end(PAGE_BYTES + WORD_COUNT * 8)


def voids_offset(capacity: int, multi_producer: bool) -> int:
    """Byte at which the voids' words start."""
    return _page_end(published_offset() + (capacity * 8 if multi_producer else 0))


def slots_offset(capacity: int, multi_producer: bool) -> int:
    """Byte at which the slots start."""
    return _page_end(voids_offset(capacity, multi_producer) + capacity * 8)


def segment_bytes(capacity: int, slot_bytes: int, multi_producer: bool) -> int:
    """Size of the whole segment."""
    return slots_offset(capacity, multi_producer) + capacity * slot_bytes


def _page_end(offset: int) -> int:
    return -(-offset // PAGE_BYTES) * PAGE_BYTES
