"""NASDAQ TotalView-ITCH 5.0: every message of the public specification, as named fields.

All numbers are big-endian and unsigned, all texts padded with spaces on the right.  Prices are
whole ten-thousandths of a dollar (those of market-wide circuit breakers hundred-millionths), time
is nanoseconds since midnight in six bytes.  Every message begins alike:

    type 1 byte | stock locate 2 | tracking number 2 | timestamp 6

A file holds messages one after another, each behind its length in two bytes; a length of zero ends
it.  Types that are not in the table are passed over by their length, and counted.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from components.messages.json_lines import TextError

_HEADER: Final = Struct(">cHHHI")  # the timestamp as its upper two and lower four bytes
_STOCK: Final = ("stock", "8s")


@dataclass(frozen=True)
class Layout:
    """One type of message: what it is, and its fields behind the common header."""

    name: str
    fields: tuple[tuple[str, str], ...]

    @property
    def body(self) -> Struct:
        """The fields as bytes."""
        return Struct(">" + "".join(form for _, form in self.fields))

    @property
    def size_bytes(self) -> int:
        """The whole message, its type included."""
        return _HEADER.size + self.body.size


LAYOUTS: Final = {
    "S": Layout("system event", (("event_code", "c"),)),
    "R": Layout(
        "stock directory",
        (
            _STOCK, ("market_category", "c"), ("financial_status", "c"), ("round_lot_size", "I"),
            ("round_lots_only", "c"), ("issue_classification", "c"), ("issue_sub_type", "2s"),
            ("authenticity", "c"), ("short_sale_threshold", "c"), ("ipo_flag", "c"),
            ("luld_tier", "c"), ("etp_flag", "c"), ("etp_leverage_factor", "I"),
            ("inverse_indicator", "c"),
        ),
    ),
    "H": Layout(
        "trading action", (_STOCK, ("trading_state", "c"), ("reserved", "c"), ("reason", "4s"))
    ),
    "Y": Layout("short sale restriction", (_STOCK, ("action", "c"))),
    "L": Layout(
        "market participant position",
        (
            ("mpid", "4s"), _STOCK, ("primary_market_maker", "c"), ("market_maker_mode", "c"),
            ("participant_state", "c"),
        ),
    ),
    "V": Layout(
        "circuit breaker levels", (("level_1", "Q"), ("level_2", "Q"), ("level_3", "Q"))
    ),
    "W": Layout("circuit breaker status", (("breached_level", "c"),)),
    "K": Layout(
        "ipo quoting period",
        (_STOCK, ("release_time", "I"), ("release_qualifier", "c"), ("ipo_price", "I")),
    ),
    "J": Layout(
        "auction collar",
        (_STOCK, ("reference_price", "I"), ("upper", "I"), ("lower", "I"), ("extension", "I")),
    ),
    "h": Layout("operational halt", (_STOCK, ("market_code", "c"), ("action", "c"))),
    "A": Layout(
        "add order",
        (("reference", "Q"), ("side", "c"), ("shares", "I"), _STOCK, ("price", "I")),
    ),
    "F": Layout(
        "add order with attribution",
        (
            ("reference", "Q"), ("side", "c"), ("shares", "I"), _STOCK, ("price", "I"),
            ("attribution", "4s"),
        ),
    ),
    "E": Layout(
        "order executed", (("reference", "Q"), ("shares", "I"), ("match_number", "Q"))
    ),
    "C": Layout(
        "order executed with price",
        (
            ("reference", "Q"), ("shares", "I"), ("match_number", "Q"), ("printable", "c"),
            ("price", "I"),
        ),
    ),
    "X": Layout("order cancel", (("reference", "Q"), ("shares", "I"))),
    "D": Layout("order delete", (("reference", "Q"),)),
    "U": Layout(
        "order replace",
        (("reference", "Q"), ("new_reference", "Q"), ("shares", "I"), ("price", "I")),
    ),
    "P": Layout(
        "trade",
        (
            ("reference", "Q"), ("side", "c"), ("shares", "I"), _STOCK, ("price", "I"),
            ("match_number", "Q"),
        ),
    ),
    "Q": Layout(
        "cross trade",
        (("shares", "Q"), _STOCK, ("cross_price", "I"), ("match_number", "Q"), ("cross_type", "c")),
    ),
    "B": Layout("broken trade", (("match_number", "Q"),)),
    "I": Layout(
        "net order imbalance",
        (
            ("paired_shares", "Q"), ("imbalance_shares", "Q"), ("direction", "c"), _STOCK,
            ("far_price", "I"), ("near_price", "I"), ("reference_price", "I"), ("cross_type", "c"),
            ("price_variation", "c"),
        ),
    ),
    "N": Layout("retail price improvement", (_STOCK, ("interest", "c"))),
    "O": Layout(
        "direct listing price discovery",
        (
            _STOCK, ("open_eligibility", "c"), ("minimum_price", "I"), ("maximum_price", "I"),
            ("near_price", "I"), ("near_time", "Q"), ("lower_collar", "I"), ("upper_collar", "I"),
        ),
    ),
}  # fmt: skip
"""By type; sizes in bytes are those of the specification, which the tests repeat."""

_BODIES: Final = {kind: layout.body for kind, layout in LAYOUTS.items()}
_NAMES: Final = {kind: tuple(name for name, _ in each.fields) for kind, each in LAYOUTS.items()}

Value = int | str


@dataclass(frozen=True, slots=True)
class Message:
    """One message: the common header, and its own fields by name."""

    kind: str
    locate: int
    tracking: int
    time_ns: int
    fields: dict[str, Value]

    def number(self, name: str) -> int:
        """A field that is a number."""
        value = self.fields[name]
        assert isinstance(value, int), name
        return value


def parse(payload: bytes, where: str) -> Message | None:
    """A message without its length; None for a type that the table does not have."""
    kind = payload[:1].decode("latin-1")
    body = _BODIES.get(kind)
    if body is None:
        return None
    if len(payload) != _HEADER.size + body.size:
        raise TextError(
            f"{where}: message {kind} ({LAYOUTS[kind].name}) has {len(payload)} bytes; "
            f"it must have {LAYOUTS[kind].size_bytes}"
        )
    _, locate, tracking, high, low = _HEADER.unpack_from(payload)
    values = [
        value.decode("latin-1").rstrip(" ") if isinstance(value, bytes) else value
        for value in body.unpack_from(payload, _HEADER.size)
    ]
    fields = dict(zip(_NAMES[kind], values, strict=True))
    return Message(kind, locate, tracking, high << 32 | low, fields)


def read(path: Path) -> Iterator[tuple[str, Message | None]]:
    """The type and content of each message of a file, gzipped or not."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as source:
        yield from read_stream(source, path.name)


def read_stream(
    source: BinaryIO | gzip.GzipFile, name: str
) -> Iterator[tuple[str, Message | None]]:
    """Messages behind their lengths; TextError where one is cut off or of a wrong size."""
    offset = 0
    while head := source.read(2):
        size = int.from_bytes(head, "big")
        where = f"{name}, byte {offset}"
        if len(head) == 2 and size == 0:
            return
        payload = source.read(size)
        if len(head) < 2 or len(payload) < size:
            raise TextError(f"{where}: the file ends within a message; it must end behind one")
        yield chr(payload[0]), parse(payload, where)
        offset += 2 + size
