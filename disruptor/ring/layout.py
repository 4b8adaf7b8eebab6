"""Where everything of a ring lies in its segment: offsets, padding, fingerprint.

    byte 0        segment header (memory/segment.py)
         64       ring header: capacity, slot size, producers, fingerprint, size of the description
         256      the event's description, JSON, at most 3,840 bytes
         4096     words: lines of 128 bytes, one concern a line, one writer a line
                    line 0   cursor            word 0: highest published (single producer) or
                                               highest claimed (multi-producer)
                    line 1   claims            word 0: next sequence to claim (single producer)
                                               word 1: cached minimum of the gating sequences
                    line 2   published signal  word 0: epoch   word 1: somebody sleeps
                    line 3   consumed signal   word 0: epoch   word 1: somebody sleeps
                    line 4   tallies           word 0: producer stalls   word 1: voided events
                    line 5   registry          word 0: consumer lines used   word 1: producer lines
                    line 8   consumers, 32 lines: sequence, state, pid, start time, alert, name
                    line 40  producers, 16 lines: claim low and high, unpublished, owner, name
         …        laps: one word a slot, multi-producer only
         …        slots, on a page of their own

A line is 128 bytes and not 64, because the prefetcher of current cores fetches lines in pairs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import LayoutMismatchError
from disruptor.memory.segment import HEADER_BYTES, PAGE_BYTES

KIND: Final = "ring"
VERSION: Final = 2

WORDS_PER_LINE: Final = 16
CURSOR: Final = 0 * WORDS_PER_LINE
NEXT: Final = 1 * WORDS_PER_LINE
GATE_CACHE: Final = NEXT + 1
PUBLISHED_EPOCH: Final = 2 * WORDS_PER_LINE
CONSUMED_EPOCH: Final = 3 * WORDS_PER_LINE
SLEEPERS_OFFSET: Final = 1  # from an epoch to the flag that somebody sleeps on it
STALLS: Final = 4 * WORDS_PER_LINE
VOIDED: Final = STALLS + 1
CONSUMER_COUNT: Final = 5 * WORDS_PER_LINE
PRODUCER_COUNT: Final = CONSUMER_COUNT + 1

CONSUMERS_MAX: Final = 32
PRODUCERS_MAX: Final = 16
FIRST_CONSUMER: Final = 8 * WORDS_PER_LINE
FIRST_PRODUCER: Final = FIRST_CONSUMER + CONSUMERS_MAX * WORDS_PER_LINE
WORD_COUNT: Final = FIRST_PRODUCER + PRODUCERS_MAX * WORDS_PER_LINE

# Words of a consumer's line.
SEQUENCE: Final = 0
STATE: Final = 1
PID: Final = 2
START_TIME: Final = 3
ALERT: Final = 4
NAME: Final = 5
NAME_WORDS: Final = 6
# Words of a producer's line: NAME as above, and
CLAIM_LOW: Final = 0
OWNER: Final = 1  # who, in one word, see ProcessIdentity.packed; FREE when nobody
CLAIM_HIGH: Final = 11
UNPUBLISHED: Final = 12  # how many sequences are claimed and not published, for the owner alone

FREE: Final = 0
GATING: Final = 1
OBSERVING: Final = 2  # has a sequence that producers do not wait for

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
    laps: NDArray[np.int64]  # shape (capacity,), or (0,) with a single producer
    slots: NDArray[Any]  # shape (capacity,), the event's dtype


def describe(event: np.dtype) -> bytes:
    """The event's layout as canonical JSON: names, offsets, formats, size."""
    fields: Any = event.fields or {}
    rows = [[name, kind.str, int(at)] for name, (kind, at, *_) in fields.items()]
    # A sub-array or nested record has a ``str`` that says too little; its full form says all.
    rows = [
        row if event[row[0]].kind != "V" else [row[0], repr(event[row[0]]), row[2]] for row in rows
    ]
    text = {"fields": rows or [["", event.str, 0]], "size": event.itemsize}
    encoded = json.dumps(text, separators=(",", ":")).encode()
    if len(encoded) > _DESCRIPTION_BYTES_MAX:
        raise LayoutMismatchError(
            f"the event's description needs {len(encoded)} bytes; "
            f"the most is {_DESCRIPTION_BYTES_MAX}: use fewer fields"
        )
    return encoded


def event_from(description: bytes) -> np.dtype[Any]:
    """The dtype that ``describe`` told of."""
    told: dict[str, Any] = json.loads(description)
    rows: list[Any] = told["fields"]
    if rows[0][0] == "":
        return np.dtype(rows[0][1])
    return np.dtype(
        {
            "names": [row[0] for row in rows],
            "formats": [row[1] for row in rows],
            "offsets": [row[2] for row in rows],
            "itemsize": told["size"],
        }
    )


def fingerprint(description: bytes) -> bytes:
    """Half a SHA-256 in hex: equal for equal layouts."""
    return hashlib.sha256(description).hexdigest()[:32].encode()


def description_offset() -> int:
    """Byte at which the event's description starts."""
    return _DESCRIPTION_OFFSET


def laps_offset() -> int:
    """Byte at which the lap words start."""
    return _page_end(PAGE_BYTES + WORD_COUNT * 8)


def slots_offset(capacity: int, multi_producer: bool) -> int:
    """Byte at which the slots start."""
    return _page_end(laps_offset() + (capacity * 8 if multi_producer else 0))


def segment_bytes(capacity: int, slot_bytes: int, multi_producer: bool) -> int:
    """Size of the whole segment."""
    return slots_offset(capacity, multi_producer) + capacity * slot_bytes


def _page_end(offset: int) -> int:
    return -(-offset // PAGE_BYTES) * PAGE_BYTES
