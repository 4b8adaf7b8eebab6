"""The handlers and producers of the ring's scenarios in plain Python, by the same names.

An event is a list of eight integers, in the order of its dtype; a handler takes the result so far
and the event, may write into it, and returns the new result.
"""

from __future__ import annotations

from perf.ring.events import OPERAND_TWO

Event = list[int]


def produce_values(number: int) -> Event:
    return [number, 0, 0, 0, 0, 0, 0, 0]


def produce_operands(number: int) -> Event:
    return [number, OPERAND_TWO - number, 0, 0, 0, 0, 0, 0]


produce_fizz_buzz = produce_values


def add(result: int, event: Event) -> int:
    return result + event[0]


def subtract(result: int, event: Event) -> int:
    return result - event[0]


def bitwise_and(result: int, event: Event) -> int:
    return result & event[0]


def step_one(result: int, event: Event) -> int:
    event[2] = event[0] + event[1]
    return result


def step_two(result: int, event: Event) -> int:
    event[3] = event[2] + 3
    return result


def step_three(result: int, event: Event) -> int:
    return result + (event[3] & 4 == 4)


def fizz(result: int, event: Event) -> int:
    event[1] = event[0] % 3 == 0
    return result


def buzz(result: int, event: Event) -> int:
    event[2] = event[0] % 5 == 0
    return result


def fizz_buzz(result: int, event: Event) -> int:
    return result + (event[1] != 0 and event[2] != 0)
