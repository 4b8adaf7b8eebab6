"""Recordings are read line by line in all three forms, and a broken line is only skipped."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from components.feed.recording import RecordedFrame, parse_line, read_recording
from disruptor.errors import ConfigurationError
from tests.recordings import recording


def read(
    path: Path, *, line_bytes_max: int = 2**20
) -> tuple[list[RecordedFrame], list[tuple[str, str]]]:
    broken: list[tuple[str, str]] = []
    frames = list(
        read_recording(
            path,
            lambda reason, _, where: broken.append((reason, where)),
            line_bytes_max=line_bytes_max,
        )
    )
    return frames, broken


@pytest.mark.parametrize(
    ("line", "received_ns", "frame"),
    [
        (b'1723161255088176367 {"a":1}\n', 1_723_161_255_088_176_367, b'{"a":1}'),
        (b'1723161255088176367 {"a": 1}', 1_723_161_255_088_176_367, b'{"a": 1}'),
        (b'1626992741.06217: {"a":1}\n', 1_626_992_741_062_170_000, b'{"a":1}'),
        (b"1626992741: [1]\r\n", 1_626_992_741_000_000_000, b"[1]"),
        (b'https://x/y?z=1 -> 1633998512.320639: {"a":1}', 1_633_998_512_320_639_000, b'{"a":1}'),
    ],
)
def test_forms_of_a_line(line: bytes, received_ns: int, frame: bytes) -> None:
    assert parse_line(line, 4) == RecordedFrame(received_ns, frame, 4)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"12 x",
        b"12",
        b"12 ",
        b"-5 {}",
        b"99999999999999999999 {}",
        b"0 {}",
        b"9223372036854775807 {}",
        b"1.5 {}",
        b"x: {}",
        b"wss://host/path\n",
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_line_of_a_recording(line: bytes) -> None:
    assert parse_line(line, 1) is None


@pytest.mark.parametrize("packed", [False, True])
def test_broken_lines_are_reported_by_place_and_skipped(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "recording"
    lines = [
        b"wss://host/stream?streams=a <-> 1626992741.0",
        b'1000 {"n":1}',
        b"",
        b"broken \x00\xff",
        b"2000 " + b"{" * 5000,
        b'3000 {"n":2}',
        b"4000 {" + b"x" * 100,
    ]
    data = b"\n".join(lines)
    path.write_bytes(gzip.compress(data) if packed else data)
    frames, broken = read(path, line_bytes_max=1000)

    assert [frame.received_ns for frame in frames] == [1000, 3000, 4000]
    assert [frame.line_number for frame in frames] == [2, 6, 7]
    assert broken == [("broken_line", f"{path}:4"), ("oversized", f"{path}:5")]


def test_a_truncated_gzip_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    lines = b"".join(b'%d {"n":%d}\n' % (1000 + n, n * n * 7919) for n in range(20_000))
    packed = gzip.compress(lines)
    path.write_bytes(packed[: len(packed) // 2])
    frames, broken = read(path)

    assert len(frames) <= 20_000
    assert [reason for reason, _ in broken] == ["broken_file"]


def test_damaged_gzip_data_does_not_raise(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gz"
    packed = bytearray(gzip.compress(b'1000 {"n":1}\n' * 1000))
    packed[20:40] = b"\x55" * 20
    path.write_bytes(bytes(packed))

    assert read(path)[1][-1][0] in ("broken_file", "broken_line")


def test_a_missing_file_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"feed.recorded.path: cannot read .*No such file"):
        read(tmp_path / "nowhere.gz")


def test_empty_file_has_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(b"")

    assert read(path) == ([], [])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("BINANCE.ws.1.0.gz", 265),
        ("BINANCE_FUTURES.ws.1.0.gz", 1535),
        ("BINANCE.http.0.0.gz", 4),
        ("BINANCE_FUTURES.http.0.0.gz", 4),
    ],
)
def test_recordings_of_another_recorder_are_read_whole(name: str, lines: int) -> None:
    frames, broken = read(recording("binance-cryptofeed", name))

    assert len(frames) == lines
    assert broken == []
