"""One script of failures that a handler of any tier plays, in a thread or in a process.

The handlers note every event that they are shown in shared memory, and at planned sequences fail,
ask for their batch again, or halt: in the way of their tier.  So one test serves all of them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.handler import (
    HALT,
    REWIND,
    Compiled,
    EventFailedError,
    HaltError,
    Handler,
    PerBatch,
)
from disruptor.processors.rewind import RewindableError
from disruptor.processors.shared_state import shared_state
from disruptor.ring.ring_buffer import Consumer
from tests.disruptor.processors.handlers import Trace, trace

Tier = Literal["event", "batch", "compiled"]
Placement = Literal["thread", "process"]

EVENT = np.dtype([("value", np.int64), ("double", np.int64)])
CALLS_MAX = 5_000
FAIL = 7
DEADLINE_S = 60.0


def events(*numbers: int) -> NDArray[Any]:
    made = np.zeros(len(numbers), EVENT)
    made["value"] = numbers
    return made


class Script:
    """What a handler shall do, and what it saw."""

    def __init__(self) -> None:
        self._trace = Trace(
            seen=shared_state(np.int64, (CALLS_MAX, 3)),
            calls=shared_state(np.int64),
            codes=shared_state(np.int64, CALLS_MAX),
            times=shared_state(np.int64, CALLS_MAX),
        )

    def plan(self, sequence: int, code: int, times: int = 1) -> None:
        """At ``sequence`` give ``code``, as often as that."""
        self._trace.codes[sequence] = code
        self._trace.times[sequence] = times

    def handler(self, tier: Tier) -> Handler:
        if tier == "compiled":
            return Compiled(trace, self._trace)
        if tier == "batch":
            return PerBatch(self._batch)
        return self._event

    @property
    def seen(self) -> list[tuple[int, int, bool]]:
        """(value, sequence, end of batch) of each call, in order."""
        rows = self._trace.seen[: self._trace.calls[0]].tolist()
        return [(value, sequence, bool(end)) for value, sequence, end in rows]

    @property
    def sequences(self) -> list[int]:
        return [sequence for _, sequence, _ in self.seen]

    def _event(self, event: Any, sequence: int, end_of_batch: bool) -> None:
        self._raise(sequence, self._note(event["value"], sequence, end_of_batch))

    def _batch(self, view: NDArray[Any], second: Any) -> None:
        sequences = second if isinstance(second, np.ndarray) else second + np.arange(len(view))
        for value, sequence in zip(view["value"].tolist(), sequences.tolist(), strict=True):
            self._raise(sequence, self._note(value, sequence, sequence == sequences[-1]))

    def _note(self, value: int, sequence: int, end_of_batch: bool) -> int:
        at = int(self._trace.calls[0])
        self._trace.seen[at] = value, sequence, end_of_batch
        self._trace.calls[0] = at + 1
        if self._trace.times[sequence] > 0:
            self._trace.times[sequence] -= 1
            return int(self._trace.codes[sequence])
        return 0

    def _raise(self, sequence: int, code: int) -> None:
        if code == REWIND:
            raise RewindableError("again")
        if code == HALT:
            raise HaltError
        if code:
            raise EventFailedError(sequence, code)


@dataclass
class Run:
    """A processor that runs in its own thread or process; ``end`` says how it ended."""

    placement: Placement
    processor: BatchEventProcessor
    _ended: list[str] = field(default_factory=list)
    _thread: threading.Thread | None = None
    _child: int = 0
    _pipe: int = -1

    def start(self) -> Run:
        if self.placement == "thread":
            self._thread = threading.Thread(target=lambda: self._ended.append(self._outcome()))
            self._thread.start()
            return self
        self._pipe, write_end = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.write(write_end, self._outcome().encode())
            os._exit(0)
        os.close(write_end)
        return self

    def end(self) -> str:
        """``returned``, or the error that ``run`` raised."""
        if self._thread is not None:
            self._thread.join(DEADLINE_S)
            assert not self._thread.is_alive()
            return self._ended[0]
        told = os.read(self._pipe, 4096).decode()
        os.close(self._pipe)
        assert os.waitpid(self._child, 0)[1] == 0
        return told

    def _outcome(self) -> str:
        try:
            self.processor.run()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "returned"


def wait_for_sequence(consumer: Consumer, sequence: int) -> None:
    wait_until(lambda: consumer.sequence >= sequence)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.001)
