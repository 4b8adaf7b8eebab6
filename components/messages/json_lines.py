"""What all JSON lines have in common: one object a line, known keys, exact decimals, one error.

A line is *malformed* when it is no object, lacks a key, has one too many, or a value is of the
wrong type: that is ``TextError``, an error of the input.  A number that is well written but that
no engine could accept (off the grid, too large) is not: it becomes ``INVALID``, so that the engine
answers it like every other refusal and later lines keep their sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final

import orjson

from components.units import UnitError, parse_decimal

INVALID: Final = -1
"""Stands for a number off its grid or out of bounds; every rule of the engines refuses it."""

INT64_MAX: Final = 2**63 - 1


class TextError(ValueError):
    """A line cannot be read; one sentence: the place, the key, what was found, what is right."""


def read_object(line: bytes, place: str) -> dict[str, Any]:
    """The JSON object of one line."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise TextError(f"{place}: this is not JSON ({error}); write one object a line") from None
    if not isinstance(value, dict):
        raise TextError(f"{place}: found {_shown(value)}; write one JSON object a line")
    return value


class Reader:
    """Takes keys out of one object, so that what is left over at the end is an unknown key."""

    def __init__(self, values: dict[str, Any], place: str) -> None:
        self._values = values
        self._place = place
        self._known: list[str] = []

    def has(self, key: str) -> bool:
        """Whether the key is there; it then counts as known."""
        self._known.append(key)
        return key in self._values

    def is_null(self, key: str) -> bool:
        """Whether the key is there and says null; it then counts as known."""
        self._known.append(key)
        return key in self._values and self._values[key] is None

    def fail(self, key: str, expected: str) -> TextError:
        """The error of a key whose value is wrong."""
        if key in self._values:
            found = _shown(self._values[key])
            return TextError(f"{self._place}: {key}: found {found}; write {expected}")
        return TextError(f"{self._place}: {key} is missing; write {expected}")

    def integer(self, key: str, low: int, high: int, expected: str) -> int:
        """A whole number from ``low`` to ``high``."""
        self._known.append(key)
        value = self._values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.fail(key, expected)
        return value

    def name(self, key: str, codes: dict[str, int], default: str | None = None) -> int:
        """The code of one of several names."""
        self._known.append(key)
        value = self._values.get(key, default)
        if not isinstance(value, str) or value not in codes:
            raise self.fail(key, f"one of {', '.join(codes)}{did_you_mean(value, codes)}")
        return codes[value]

    def text(self, key: str, expected: str) -> str:
        """A string."""
        self._known.append(key)
        value = self._values.get(key)
        if not isinstance(value, str):
            raise self.fail(key, expected)
        return value

    def flag(self, key: str) -> bool:
        """true or false; false when it is not given."""
        self._known.append(key)
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.fail(key, "true or false")
        return value

    def choice(self, key: str, codes: Mapping[object, int], expected: str) -> int:
        """The code of one of several values, of whatever type; that of False when not given."""
        self._known.append(key)
        value = self._values.get(key, False)
        if not isinstance(value, (bool, str)) or value not in codes:
            raise self.fail(key, expected)
        return codes[value]

    def steps(self, key: str, step: Decimal, maximum: int) -> int:
        """A decimal string as a whole number of ``step``; ``INVALID`` if it cannot be one."""
        self._known.append(key)
        value = self._values.get(key)
        if not isinstance(value, str):
            raise self.fail(key, 'a decimal number as a string, e.g. "100.5"')
        try:
            return steps_of(parse_decimal(value), step, maximum)
        except UnitError:
            raise self.fail(key, 'a plain decimal number, e.g. "100.5"') from None

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        unknown = [key for key in self._values if key not in self._known]
        if unknown:
            known = ", ".join(dict.fromkeys(self._known))
            hint = did_you_mean(unknown[0], self._known)
            raise TextError(f"{self._place}: unknown key {unknown[0]!r}{hint}; known are {known}")


def steps_of(value: Decimal, step: Decimal, maximum: int) -> int:
    """``value`` as a whole number of ``step``, or ``INVALID`` when off the grid or too large."""
    if abs(value) > maximum * step:
        return INVALID
    steps, rest = divmod(value, step)
    return INVALID if rest else int(steps)


def did_you_mean(found: object, known: Iterable[str]) -> str:
    """A hint to the nearest known name, or nothing."""
    close = get_close_matches(str(found), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _shown(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
