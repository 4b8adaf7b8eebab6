"""Every message of ITCH 5.0 is read as the specification lays it out."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from components.messages.json_lines import TextError
from components.titan.exchange_data.itch import LAYOUTS, parse, read, read_stream
from tests.components.titan.exchange_data import itch_bytes as spec


def all_kinds() -> list[bytes]:
    return [
        spec.system("O"),
        spec.directory("AAPL"),
        spec.add(1, "B", 100, "AAPL", 1_500_000),
        spec.add_attributed(2, "S", 100, "AAPL", 1_500_100, "NITE"),
        spec.executed(1, 40),
        spec.executed_at(1, 10, 1_499_900),
        spec.reduced(1, 10),
        spec.deleted(1),
        spec.replaced(2, 3, 50, 1_500_200),
        *spec.one_of_each_other_kind(),
    ]


def test_every_kind_has_the_size_that_the_specification_gives() -> None:
    assert {kind: layout.size_bytes for kind, layout in LAYOUTS.items()} == spec.SIZES


def test_every_kind_is_parsed() -> None:
    found = list(read_stream(io.BytesIO(spec.file_of(*all_kinds())), "all"))

    assert sorted(kind for kind, _ in found) == sorted(spec.SIZES)
    assert all(message is not None and message.kind == kind for kind, message in found)


def test_the_header_is_read_to_its_last_bit() -> None:
    payload = spec.message("D", spec.number(2**64 - 1, 8), 0xFFFE, 0x8123_4567_89AB, 0xFEDC)
    message = parse(payload, "here")

    assert message is not None
    assert (message.locate, message.tracking, message.time_ns) == (0xFFFE, 0xFEDC, 0x8123_4567_89AB)
    assert message.fields == {"reference": 2**64 - 1}


def test_an_attributed_add_gives_every_field() -> None:
    payload = spec.add_attributed(7, "S", 300, "BRK.A", 4_294_967_295, "JPMS", time=34_200 * 10**9)
    message = parse(payload, "here")

    assert message is not None
    assert message.time_ns == 34_200 * 10**9
    assert message.fields == {
        "reference": 7, "side": "S", "shares": 300, "stock": "BRK.A", "price": 4_294_967_295,
        "attribution": "JPMS",
    }  # fmt: skip


def test_a_net_order_imbalance_gives_every_field() -> None:
    payload = next(each for each in spec.one_of_each_other_kind() if each[:1] == b"I")
    message = parse(payload, "here")

    assert message is not None
    assert message.fields == {
        "paired_shares": 1_000, "imbalance_shares": 200, "direction": "B", "stock": "AAPL",
        "far_price": 1_500_000, "near_price": 1_500_000, "reference_price": 1_500_000,
        "cross_type": "O", "price_variation": "L",
    }  # fmt: skip


def test_an_unknown_type_is_passed_over_by_its_length() -> None:
    content = spec.file_of(b"z" * 30, spec.deleted(1))
    found = list(read_stream(io.BytesIO(content), "file"))

    assert [kind for kind, _ in found] == ["z", "D"]
    assert found[0][1] is None


def test_a_length_of_zero_ends_the_file() -> None:
    content = spec.file_of(spec.deleted(1)) + b"\0\0" + spec.file_of(spec.deleted(2))

    assert len(list(read_stream(io.BytesIO(content), "file"))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            spec.file_of(spec.deleted(1)) + b"\0\x13D",
            "file, byte 21: the file ends within a message",
        ),
        (spec.file_of(spec.deleted(1)) + b"\0", "file, byte 21: the file ends within a message"),
        (
            spec.file_of(spec.deleted(1) + b"?"),
            "file, byte 0: message D (order delete) has 20 bytes; it must have 19",
        ),
    ],
)
def test_what_is_cut_off_or_of_a_wrong_size_is_named_by_its_place(
    content: bytes, message: str
) -> None:
    with pytest.raises(TextError) as told:
        list(read_stream(io.BytesIO(content), "file"))

    assert str(told.value).startswith(message)


def test_a_gzipped_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    content = spec.file_of(*all_kinds())
    plain, packed = tmp_path / "day.itch", tmp_path / "day.itch.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))

    assert list(read(plain)) == list(read(packed))
