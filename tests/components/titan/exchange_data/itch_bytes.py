"""ITCH 5.0 messages written by the specification's tables, without the reader's help.

Each function names offset by offset what the specification says; integers are big-endian, texts
are padded with spaces, prices are in ten-thousandths of a dollar.
"""

from __future__ import annotations

SIZES = {
    "S": 12, "R": 39, "H": 25, "Y": 20, "L": 26, "V": 35, "W": 12, "K": 28, "J": 35, "h": 21,
    "A": 36, "F": 40, "E": 31, "C": 36, "X": 23, "D": 19, "U": 35, "P": 44, "Q": 40, "B": 19,
    "I": 50, "N": 20, "O": 48,
}  # fmt: skip
"""Bytes of each message in the specification, its type included."""


def number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big")


def text(value: str, size: int) -> bytes:
    return value.encode().ljust(size, b" ")


def message(kind: str, body: bytes, locate: int = 1, time: int = 0, tracking: int = 0) -> bytes:
    """Type, stock locate (offset 1), tracking number (3), timestamp (5, six bytes), the rest."""
    header = kind.encode() + number(locate, 2) + number(tracking, 2) + number(time, 6)
    assert len(header + body) == SIZES[kind]
    return header + body


def file_of(*messages: bytes) -> bytes:
    """Each behind its length."""
    return b"".join(number(len(each), 2) + each for each in messages)


def directory(stock: str, locate: int = 1) -> bytes:
    body = text(stock, 8) + b"Q" + b"N" + number(100, 4) + b"N" + b"C" + text("Z", 2) + b"P"
    return message("R", body + b"N" + b"N" + b"1" + b"N" + number(0, 4) + b"N", locate)


def add(reference: int, side: str, shares: int, stock: str, price: int, **header: int) -> bytes:
    body = number(reference, 8) + side.encode() + number(shares, 4) + text(stock, 8)
    return message("A", body + number(price, 4), **header)


def add_attributed(
    reference: int, side: str, shares: int, stock: str, price: int, mpid: str, **header: int
) -> bytes:
    body = number(reference, 8) + side.encode() + number(shares, 4) + text(stock, 8)
    return message("F", body + number(price, 4) + text(mpid, 4), **header)


def executed(reference: int, shares: int, match: int = 1, **header: int) -> bytes:
    return message("E", number(reference, 8) + number(shares, 4) + number(match, 8), **header)


def executed_at(reference: int, shares: int, price: int, **header: int) -> bytes:
    body = number(reference, 8) + number(shares, 4) + number(1, 8) + b"N" + number(price, 4)
    return message("C", body, **header)


def reduced(reference: int, shares: int, **header: int) -> bytes:
    return message("X", number(reference, 8) + number(shares, 4), **header)


def deleted(reference: int, **header: int) -> bytes:
    return message("D", number(reference, 8), **header)


def replaced(reference: int, new: int, shares: int, price: int, **header: int) -> bytes:
    body = number(reference, 8) + number(new, 8) + number(shares, 4) + number(price, 4)
    return message("U", body, **header)


def system(event: str) -> bytes:
    return message("S", event.encode(), locate=0)


def one_of_each_other_kind() -> list[bytes]:
    """The messages that say nothing about resting orders."""
    stock = text("AAPL", 8)
    price = number(1_500_000, 4)
    return [
        message("H", stock + b"T" + b" " + text("", 4)),
        message("Y", stock + b"0"),
        message("L", text("NITE", 4) + stock + b"Y" + b"N" + b"A"),
        message("V", number(4_000_00000000, 8) * 3, locate=0),
        message("W", b"1", locate=0),
        message("K", stock + number(34_200, 4) + b"A" + price),
        message("J", stock + price * 3 + number(1, 4)),
        message("h", stock + b"Q" + b"H"),
        message("P", number(0, 8) + b"B" + number(50, 4) + stock + price + number(9, 8)),
        message("Q", number(70_000, 8) + stock + price + number(10, 8) + b"O"),
        message("B", number(9, 8)),
        message(
            "I",
            number(1_000, 8) + number(200, 8) + b"B" + stock + price * 3 + b"O" + b"L",
        ),
        message("N", stock + b"A"),
        message("O", stock + b"Y" + price * 3 + number(34_200_000_000_000, 8) + price * 2),
    ]
