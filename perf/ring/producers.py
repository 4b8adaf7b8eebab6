"""Compiled producers: claim one or several slots, write them, publish; returns how many events."""

from __future__ import annotations

import numpy as np

from disruptor.compiled import entry
from disruptor.ring.layout import Ring
from disruptor.ring.sequencer import FULL, next_sequence, publish
from disruptor.ring.wait_strategy import WaitStrategy
from perf.ring.events import OPERAND_TWO

FOREVER_NS = 2**60


@entry
def produce_values(
    ring: Ring, line: int, count: int, batch: int, strategy: WaitStrategy, control: np.ndarray
) -> int:
    """``value`` = 0, 1, 2 …, claimed and published ``batch`` at a time."""
    mask = np.uint64(ring.slots.size - 1)
    number = 0
    while number < count:
        high = next_sequence(ring, line, batch, strategy, control, FOREVER_NS)
        if high == FULL:
            break
        for sequence in range(high - batch + 1, high + 1):
            ring.slots[np.uint64(sequence) & mask]["value"] = number
            number += 1
        publish(ring, line, high - batch + 1, high)
    return number


@entry
def produce_operands(
    ring: Ring, line: int, count: int, batch: int, strategy: WaitStrategy, control: np.ndarray
) -> int:
    """``operand_one`` counts up from 0, ``operand_two`` down from 777."""
    mask = np.uint64(ring.slots.size - 1)
    number = 0
    while number < count:
        high = next_sequence(ring, line, batch, strategy, control, FOREVER_NS)
        if high == FULL:
            break
        for sequence in range(high - batch + 1, high + 1):
            event = ring.slots[np.uint64(sequence) & mask]
            event["operand_one"] = number
            event["operand_two"] = OPERAND_TWO - number
            number += 1
        publish(ring, line, high - batch + 1, high)
    return number


@entry
def produce_fizz_buzz(
    ring: Ring, line: int, count: int, batch: int, strategy: WaitStrategy, control: np.ndarray
) -> int:
    """``value`` = 0, 1, 2 …, both flags down."""
    mask = np.uint64(ring.slots.size - 1)
    number = 0
    while number < count:
        high = next_sequence(ring, line, batch, strategy, control, FOREVER_NS)
        if high == FULL:
            break
        for sequence in range(high - batch + 1, high + 1):
            event = ring.slots[np.uint64(sequence) & mask]
            event["value"] = number
            event["fizz"] = 0
            event["buzz"] = 0
            number += 1
        publish(ring, line, high - batch + 1, high)
    return number
