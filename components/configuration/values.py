"""The types of configured values: decimals, money, ratios and names, exact from YAML text.

A decimal may be written with or without quotes; its digits count, never a float's value.  Each
type's error is a whole sentence, because `disruptor.topology.load` takes it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from components.units import (
    ACCOUNT_MAX,
    MONEY_MAX,
    MONEY_SCALE,
    PPM,
    PRICE_TICKS_MAX,
    money_from_text,
    parse_decimal,
    plain,
    ppm_from_text,
)
from disruptor.topology.document import WrittenFloat
from disruptor.topology.model import shown


def seconds(default: float, most: int, *, or_none: bool = False) -> Any:
    """A field of seconds, above 0 or with ``or_none`` from 0, up to ``most``."""
    text = f"seconds from 0 to {most}"
    if or_none:
        return Field(default=default, ge=0, le=most, description=text)
    return Field(default=default, gt=0, le=most, description=text)


def decimal_from(value: object) -> Decimal:
    """A configured decimal, exactly; raises ValueError with a sentence."""
    if isinstance(value, Decimal):
        return value
    text = value.text if isinstance(value, WrittenFloat) else value
    try:
        return parse_decimal(text)
    except ValueError:
        raise ValueError(
            f'found {shown(value)}; write a plain decimal number, e.g. "100.5"'
        ) from None


def _between(low: Decimal, high: Decimal) -> Callable[[object], Decimal]:
    def check(value: object) -> Decimal:
        number = decimal_from(value)
        if not low <= number <= high:
            raise ValueError(
                f"found {shown(value)}; write a number from {plain(low)} to {plain(high)}"
            )
        return number

    return check


def _money(value: object) -> int:
    number = decimal_from(value)
    most = Decimal(MONEY_MAX) / MONEY_SCALE
    if not 0 <= number <= most:
        raise ValueError(f"found {shown(value)}; write an amount from 0 to {plain(most)}")
    if number * MONEY_SCALE % 1:
        raise ValueError(f"found {shown(value)}; write an amount of at most 8 decimals")
    return money_from_text(plain(number))


def _ratio(value: object) -> int:
    number = decimal_from(value)
    if not 0 <= number <= 1 or number * PPM % 1:
        raise ValueError(
            f"found {shown(value)}; write a ratio from 0 to 1 with at most 6 decimals, "
            'e.g. "0.005" for half a per cent'
        )
    return ppm_from_text(plain(number))


def _positive_ratio(value: object) -> int:
    ppm = _ratio(value)
    if ppm == 0:
        raise ValueError(f"found {shown(value)}; write a ratio above 0, at most 1")
    return ppm


PositiveDecimal = Annotated[
    Decimal, BeforeValidator(_between(Decimal(1) / 10**12, Decimal(PRICE_TICKS_MAX)))
]
"""A price, quantity or step; whether it is on a grid is judged where the grid is known."""

Money = Annotated[int, BeforeValidator(_money)]
"""Money units of 1e-8, from a decimal amount of the quote currency; not negative."""

Ratio = Annotated[int, BeforeValidator(_ratio)]
"""Parts per million, from a decimal ratio."""

PositiveRatio = Annotated[int, BeforeValidator(_positive_ratio)]
"""Parts per million above zero, from a decimal ratio."""

User = Annotated[
    int, Field(ge=1, le=ACCOUNT_MAX, description=f"an account number from 1 to {ACCOUNT_MAX}")
]

Symbol = Annotated[
    str,
    Field(pattern=r"^[!-~]{1,16}$", description="a symbol of 1 to 16 ASCII letters and digits"),
]
