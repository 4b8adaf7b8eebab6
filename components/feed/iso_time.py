"""ISO 8601 times of venues as milliseconds since the epoch, without floats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from components.units import TIMESTAMP_MAX

BAD: Final = -1
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_MS_MAX: Final = TIMESTAMP_MAX // 1_000_000


def milliseconds(text: object) -> int:
    """``text`` as ms since the epoch, rounded down; BAD if it is no time with a zone."""
    if type(text) is not str:
        return BAD
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return BAD
    if moment.tzinfo is None:
        return BAD
    ms = (moment - _EPOCH) // _MS
    return ms if 0 < ms <= _MS_MAX else BAD
