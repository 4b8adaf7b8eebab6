"""What the handlers must have computed after ``count`` events of each producer."""

from __future__ import annotations

from perf.ring.events import OPERAND_TWO


def sum_of_values(count: int) -> int:
    """0 + 1 + … + (count - 1)."""
    return count * (count - 1) // 2


def minus_sum_of_values(count: int) -> int:
    """0 - 1 - … - (count - 1)."""
    return -sum_of_values(count)


def nothing(count: int) -> int:
    """The handler's result lies in the events alone."""
    return 0


def with_bit_two_set(count: int) -> int:
    """The operands add up to the same in each event, so all are counted or none."""
    return count if (OPERAND_TWO + 3) & 4 else 0


def multiples_of_fifteen(count: int) -> int:
    """Of 0 … count - 1."""
    return (count + 14) // 15
