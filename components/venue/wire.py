"""Text frames as bytes on the wire, in the ways that no library sends them: in fragments, byte by byte.

RFC 6455, section 5: a server's frames are not masked; control frames may come between fragments.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

_FINAL: Final = 0x80
_CONTINUATION: Final = 0x0
_TEXT: Final = 0x1
_PING: Final = 0x9
_SHORT_MAX: Final = 125
_MEDIUM_MAX: Final = 0xFFFF


def fragments(payload: bytes, fragment_bytes: int) -> Iterator[bytes]:
    """A text message in frames of so many bytes; 0: in one."""
    step = fragment_bytes or max(len(payload), 1)
    for start in range(0, max(len(payload), 1), step):
        code = _TEXT if start == 0 else _CONTINUATION
        is_last = start + step >= len(payload)
        yield _frame(code | (_FINAL if is_last else 0), payload[start : start + step])


def ping(payload: bytes) -> bytes:
    """A ping."""
    return _frame(_FINAL | _PING, payload)


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size <= _SHORT_MAX:
        return bytes((first, size)) + payload
    if size <= _MEDIUM_MAX:
        return struct.pack(">BBH", first, 126, size) + payload
    return struct.pack(">BBQ", first, 127, size) + payload
