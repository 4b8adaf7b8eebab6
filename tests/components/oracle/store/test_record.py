"""The bytes of one record, and what the chain demands of it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.oracle.store import JournalCorruptError, record
from components.oracle.store.chain import Link, StreamLayout, follow
from components.oracle.store.record import HEADER_BYTES, RecordHeader

LAYOUT = StreamLayout(name="orders", text="{}", fingerprint=77, itemsize=8)


def sealed(link: Link, body: bytes, **changes: object) -> tuple[bytes, bytearray]:
    fields: dict[str, object] = {
        "stream": "orders",
        "first_sequence": link.sequence + 1,
        "count": len(body) // 8,
        "first_ts": link.last_ts,
        "last_ts": link.last_ts,
        "commit": link.commit + 1,
        "layout": 77,
        "previous": link.digest,
    }
    header = RecordHeader(**{**fields, **changes})  # type: ignore[arg-type]
    value = bytearray(HEADER_BYTES) + body
    record.seal(memoryview(value), header)
    return record.key_of(header.first_sequence), value


def test_the_digest_is_sha256_over_header_and_body() -> None:
    _, value = sealed(LAYOUT.genesis(), bytes(16))

    expected = hashlib.sha256(bytes(value[:104]) + bytes(16)).digest()
    assert expected == bytes(value[104:136])


def test_a_header_reads_back_what_was_sealed() -> None:
    link = Link(sequence=40, digest=b"d" * 32, last_ts=-5, commit=9)
    _, value = sealed(link, bytes(80))
    header = record.parse(memoryview(value))

    assert (
        header.stream,
        header.first_sequence,
        header.count,
        header.last_sequence,
    ) == ("orders", 41, 10, 50)
    assert (
        header.first_ts,
        header.last_ts,
        header.commit,
        header.layout,
        header.previous,
    ) == (-5, -5, 10, 77, b"d" * 32)


def test_following_a_record_moves_the_link() -> None:
    key, value = sealed(LAYOUT.genesis(), bytes(24), last_ts=5)
    link = follow(LAYOUT, LAYOUT.genesis(), key, memoryview(value))

    assert Link(sequence=3, digest=bytes(value[104:136]), last_ts=5, commit=1) == link


def test_a_genesis_belongs_to_one_name_and_one_layout() -> None:
    other_name = StreamLayout("other", "{}", 77, 8).genesis()
    other_text = StreamLayout("orders", "{ }", 77, 8).genesis()

    assert len({LAYOUT.genesis().digest, other_name.digest, other_text.digest}) == 3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stream": "other"}, "belongs to stream 'other'"),
        ({"first_sequence": 2}, "expected 1"),
        ({"count": 4}, "it says 4 events of 8 bytes, but holds 24 bytes"),
        ({"count": 0}, "it says 0 events"),
        ({"layout": 78}, "its layout is 000000000000004e"),
        ({"previous": b"x" * 32}, "it follows a record with the digest 7878"),
        ({"commit": 0}, "go back behind"),
        ({"last_ts": -1}, "go back behind"),
    ],
)
def test_a_record_that_does_not_fit_is_named(changes: dict[str, object], words: str) -> None:
    key, value = sealed(LAYOUT.genesis(), bytes(24), **changes)
    with pytest.raises(JournalCorruptError, match="stream orders, record") as caught:
        follow(LAYOUT, LAYOUT.genesis(), key, memoryview(value))

    assert words in str(caught.value)


@given(place=st.integers(0, HEADER_BYTES + 39), bit=st.integers(0, 7))
def test_no_bit_of_a_record_can_change_unseen(place: int, bit: int) -> None:
    key, value = sealed(LAYOUT.genesis(), bytes(range(40)))
    value[place] ^= 1 << bit
    with pytest.raises(JournalCorruptError, match="stream orders"):
        follow(LAYOUT, LAYOUT.genesis(), key, memoryview(value))


@given(size=st.integers(0, HEADER_BYTES + 39))
def test_a_cut_record_is_refused(size: int) -> None:
    key, value = sealed(LAYOUT.genesis(), bytes(40))
    with pytest.raises(JournalCorruptError, match="stream orders"):
        follow(LAYOUT, LAYOUT.genesis(), key, memoryview(value)[:size])
