"""A million frames and more that were bent and broken: no exception, no price that is none.

What the compiled reader takes of them it reads as the parser does.
"""

from __future__ import annotations

import random

import orjson
import pytest

from .test_parser_fuzz import DOCUMENTS, PARSER, SCANNED, assert_sound

INPUTS = 1_200_000
PIECES = [
    *(b"NaN", b"Infinity", b"-0", b"1e9", b"-1", b"0", b"9" * 25, b"null", b"true", b'""', b"[]"),
    *(b"{}", b'"', b"\\", b",", b":", b"{", b"}", b"\x00", b"\xff\xfe", b'"p"', b'"e"', b'"trade"'),
    *(b'"61685.99"', b"0.001", b'"data"', b'"stream"', b'"@depth5"', b"1" * 400),
]


def bent(generator: random.Random, seeds: list[bytes]) -> bytes:
    """A seed frame with some of its bytes replaced, cut out, doubled, or crossed with another's."""
    frame = bytearray(generator.choice(seeds))
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(frame) + 1)
        act = generator.randrange(5)
        if act == 0:
            frame[at : at + generator.randrange(6)] = generator.choice(PIECES)
        elif act == 1:
            del frame[at : at + generator.randrange(20)]
        elif act == 2:
            frame[at:at] = frame[at : at + generator.randrange(30)]
        elif act == 3 and frame:
            frame[at % len(frame)] = generator.randrange(256)
        else:
            other = generator.choice(seeds)
            frame[at:] = other[generator.randrange(len(other)) :]
    return bytes(frame)


@pytest.mark.soak
@pytest.mark.timeout(7_200)
def test_a_million_bent_frames() -> None:
    generator = random.Random(20_260_101)
    seeds = [orjson.dumps(each) for each in DOCUMENTS]
    taken = 0
    for number in range(INPUTS):
        frame = bent(generator, seeds)
        messages = PARSER.parse(frame)
        assert_sound(messages)
        scanned = SCANNED.read(frame)
        assert scanned is None or messages == (scanned,)
        taken += scanned is not None
        if number % 1_000 == 0 and any(type(each).__name__ == "Trade" for each in messages):
            seeds[-1] = frame  # go on from one that was taken
    assert taken > INPUTS // 200
