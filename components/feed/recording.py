"""Reads recordings of raw frames; a broken line is reported and skipped, never the end of it.

Three forms of a line, plain or gzipped, told apart line by line:

    1723161255088176367 {"stream":…}                      receive time, ns, as hftbacktest writes;
                                                          our own recordings are of this form
    1626992741.06217: {"stream":…}                        receive time, s, as cryptofeed writes
    https://…symbol=NKNUSDT… -> 1633998512.320639: {…}    the same, the answer to a request

cryptofeed's first line, the address of the connection alone, and empty lines are passed over.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Generator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import Final, NamedTuple, cast

from components.units import TIMESTAMP_MAX
from disruptor.errors import ConfigurationError

_GZIP_MAGIC: Final = b"\x1f\x8b"
_SECONDS: Final = re.compile(rb"(?:[a-z]+://\S+ -> )?([0-9]{1,10})(?:\.([0-9]{1,9}))?: (?=[\[{])")
_ADDRESS: Final = re.compile(rb"[a-z]+://\S+")
_FIRST_BRACES: Final = (b"{"[0], b"["[0])
_BUFFER_BYTES: Final = 2**20

OnBroken = Callable[[str, bytes, str], None]
"""Called with a reason, the line's beginning, and ``file:line``."""


class RecordedFrame(NamedTuple):
    """One frame as it was received."""

    received_ns: int
    frame: bytes  # none where something else happened
    line_number: int
    venue: int = 0  # its place among those of the feed
    lost: tuple[tuple[str, str], ...] = ()  # kinds, and the venue's names of symbols
    is_opened: bool = False  # a connection was made
    session: bytes = b""  # a feed began, and parses with this
    is_continued: bool = False  # or had begun before, and goes on


def read_recording(
    path: Path, on_broken: OnBroken, *, line_bytes_max: int
) -> Generator[RecordedFrame]:
    """The frames of ``path`` in the order of its lines.

    Raises ConfigurationError, before the first frame, if the file cannot be opened.
    """
    try:
        raw = path.open("rb")
        is_gzip = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
    except OSError as problem:
        raise ConfigurationError(
            f"feed.recorded.path: cannot read {str(path)!r}: {problem.strerror}"
        ) from problem
    with raw:
        if is_gzip:
            unpacked = cast("RawIOBase", gzip.GzipFile(fileobj=raw))
            yield from _frames(
                BufferedReader(unpacked, _BUFFER_BYTES), path, on_broken, line_bytes_max
            )
        else:
            yield from _frames(raw, path, on_broken, line_bytes_max)


def _frames(
    lines: BufferedReader, path: Path, on_broken: OnBroken, line_bytes_max: int
) -> Generator[RecordedFrame]:
    number = 0
    while True:
        number += 1
        try:
            line = lines.readline(line_bytes_max)
        except (OSError, EOFError, zlib.error) as problem:
            on_broken("broken_file", str(problem).encode(), f"{path}:{number}")
            return
        if not line:
            return
        if len(line) == line_bytes_max and not line.endswith(b"\n"):
            on_broken("oversized", line, f"{path}:{number}")
            if not _skip_line(lines, line_bytes_max):
                return
            continue
        frame = parse_line(line, number)
        if frame is not None:
            yield frame
        elif line.strip() and not _ADDRESS.match(line):
            on_broken("broken_line", line, f"{path}:{number}")


def _skip_line(lines: BufferedReader, step: int) -> bool:
    """Read on to the end of an oversized line; False if the file ends or breaks before it."""
    try:
        while rest := lines.readline(step):
            if rest.endswith(b"\n"):
                return True
    except (OSError, EOFError, zlib.error):
        return False
    return False


def parse_line(line: bytes, number: int) -> RecordedFrame | None:
    """The frame of one line in any of the three forms, or None if it is none of them."""
    head, space, rest = line.partition(b" ")
    if space and head.isdigit() and len(head) <= 19:
        received_ns, frame = int(head), rest.strip()
        if not frame or frame[0] not in _FIRST_BRACES:
            return None
    else:
        match = _SECONDS.match(line)
        if match is None:
            return None
        seconds, fraction = match.groups(b"")
        received_ns = int(seconds + fraction.ljust(9, b"0"))
        frame = line[match.end() :].strip()
    if not 1 <= received_ns <= TIMESTAMP_MAX:
        return None
    return RecordedFrame(received_ns, frame, number)
