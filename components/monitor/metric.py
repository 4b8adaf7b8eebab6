"""What a metric is: its name, its unit, its labels, and the counters that hold it.

Words in shared memory are integers; what one of them is worth depends on the unit and, for prices
and quantities, on the instrument's grid.  Bounds of histograms are therefore written here in the
unit that is exposed, and become words once the instrument is known: rounded down to its grid,
which no observation on that grid can tell from the bound itself.  So all symbols have the same
bounds, and their histograms can be added.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from components.instruments import Instrument, InstrumentTable
from components.units import MONEY_SCALE, PPM
from disruptor.memory.counters import COUNTER, GAUGE, HISTOGRAM, CounterSpec

COUNT: Final = "count"
PRICE: Final = "quote currency"
QUANTITY: Final = "base currency"
SPREAD: Final = "quote currency, ask − bid"
MONEY: Final = "quote currency, total"
RATIO: Final = "ratio"
SECONDS: Final = "seconds"
MILLISECONDS: Final = "milliseconds"
MICROSECONDS: Final = "microseconds"
BYTES: Final = "bytes"

_SCALES: Final = {
    COUNT: Decimal(1),
    BYTES: Decimal(1),
    MONEY: Decimal(1) / MONEY_SCALE,
    RATIO: Decimal(1) / PPM,
    SECONDS: Decimal("1e-9"),
    MILLISECONDS: Decimal("1e-6"),
    MICROSECONDS: Decimal("1e-3"),
}
"""Worth of one word; times are nanoseconds in every word."""

STEPS: Final = 4
"""Of log-linear bounds in an octave."""

UNKNOWN: Final = "unknown"
"""The symbol of what named no instrument; its index is the number of instruments."""


@dataclass(frozen=True)
class Label:
    """A label and the values it takes; no values means that they are known at run time only."""

    name: str
    values: tuple[str, ...] = ()


SYMBOL: Final = Label("symbol")
SYMBOL_OR_UNKNOWN: Final = Label("symbol", (UNKNOWN,))


@dataclass(frozen=True)
class Metric:
    """One family of series.  ``name`` is without ``_total``; ``process`` is its only writer."""

    name: str
    kind: str
    process: str
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    bounds: tuple[Decimal, ...] = ()
    initially: int = 0
    exposed_every: int = 1

    @property
    def exposed_name(self) -> str:
        """The name that queries use; histograms add ``_bucket``, ``_sum`` and ``_count`` to it."""
        return f"{self.name}_total" if self.kind == COUNTER else self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """In the order in which the labels are declared."""
        return tuple(label.name for label in self.labels)

    def specs(self, instruments: InstrumentTable) -> Iterator[CounterSpec]:
        """One counter a combination of labels, the last label running fastest."""
        for values in itertools.product(*(_values(label, instruments) for label in self.labels)):
            labels = tuple(zip(self.label_names, values, strict=True))
            scale = self._scale(instruments.get(dict(labels).get("symbol", "")))
            yield CounterSpec(
                name=self.name,
                kind=self.kind,
                help=self.help,
                labels=labels,
                scale=float(scale),
                bounds=tuple(int(bound / scale) for bound in self.bounds),
                initially=self.initially,
                exposed_bounds=tuple(float(bound) for bound in self.bounds),
                exposed_every=self.exposed_every,
            )

    def _scale(self, instrument: Instrument | None) -> Decimal:
        if self.unit in (PRICE, SPREAD):
            return instrument.tick_size if instrument else Decimal(1)
        if self.unit == QUANTITY:
            return instrument.lot_size if instrument else Decimal(1)
        return _SCALES[self.unit]


def _values(label: Label, instruments: InstrumentTable) -> tuple[str, ...]:
    if label.name == "symbol":
        return (*instruments, *label.values)
    return label.values


def one_two_five(first: str, last: str) -> tuple[Decimal, ...]:
    """Bounds 1, 2, 5 of each decade, e.g. from "0.01" to "1000000", both included."""
    low, high = Decimal(first), Decimal(last)
    powers = range(low.adjusted(), high.adjusted() + 1)
    bounds = (Decimal(step).scaleb(power) for power in powers for step in (1, 2, 5))
    return tuple(bound for bound in bounds if low <= bound <= high)


def doubling(first: str, count: int) -> tuple[Decimal, ...]:
    """``count`` bounds, each twice the one before."""
    return tuple(Decimal(first) * (1 << power) for power in range(count))


def log_linear(first: str, octaves: int) -> tuple[Decimal, ...]:
    """STEPS bounds in each octave from ``first``, evenly apart, and the last octave's end.

    Any value lies within a fifth of the bound above it, over as many octaves as one likes.
    """
    low = Decimal(first)
    bounds = (
        low * (1 << octave) * (STEPS + step) / STEPS
        for octave in range(octaves)
        for step in range(STEPS)
    )
    return (*bounds, low * (1 << octaves))


__all__ = [
    "BYTES",
    "COUNT",
    "COUNTER",
    "GAUGE",
    "HISTOGRAM",
    "MICROSECONDS",
    "MILLISECONDS",
    "MONEY",
    "PRICE",
    "QUANTITY",
    "RATIO",
    "SECONDS",
    "SPREAD",
    "STEPS",
    "SYMBOL",
    "SYMBOL_OR_UNKNOWN",
    "UNKNOWN",
    "Label",
    "Metric",
    "doubling",
    "log_linear",
    "one_two_five",
]
