"""Handlers that topologies of the tests name."""

from __future__ import annotations

from typing import Any

import numpy as np

from disruptor.processors.exception_handler import ExceptionHandler, Verdict
from disruptor.processors.handler import HaltError, PerBatch
from disruptor.processors.rewind import RewindableError
from disruptor.supervisor.child import ProcessContext

NUMBER = np.dtype([("value", np.int64)])
NO_HANDLER = 7


def produce(context: ProcessContext) -> None:
    """1 … 100, and the end."""
    producer = context.producer("numbers")
    context.ready()
    numbers = np.zeros(100, NUMBER)
    numbers["value"] = np.arange(1, 101)
    producer.write(numbers)


def make_sum(context: ProcessContext) -> PerBatch:
    """Leaves the sum of what it was given as the process's result."""
    total = 0

    def add(numbers: Any, sequences: Any) -> None:
        nonlocal total
        total += int(numbers["value"].sum())
        context.line.result = total.to_bytes(32, "big")

    return PerBatch(add)


def make_failing(context: ProcessContext) -> Any:
    """Cannot bear multiples of 10; asks twice for each batch with a 55."""
    total, again = 0, 2

    def handle(event: Any, sequence: int, end_of_batch: bool) -> None:
        nonlocal total, again
        if event.value % 10 == 0:
            raise ValueError(f"no {event.value}")
        if event.value == 55 and again:
            again -= 1
            raise RewindableError("again")
        total += event.value
        context.line.result = total.to_bytes(32, "big")

    return handle


class SkipTens(ExceptionHandler):
    def on_event(self, error: Exception, sequence: int, event: Any) -> Verdict:
        return Verdict.SKIP if sequence % 10 == 0 else Verdict.HALT


def halt_at_fifty(event: Any, sequence: int, end_of_batch: bool) -> None:
    if sequence == 50:
        raise HaltError
