"""A shared-memory Disruptor: rings between processes, without locks and without copies.

    supervisor    starts, watches, drains and restarts the processes of a topology
    topology      YAML to rings and processes; what is wrong with it; which CPU for whom
    dsl           a ring and the handlers around it, in threads or processes of one program
    processors    the consumer's loop, with handlers in three tiers
    ring          sequences, sequencers, barriers, wait strategies, the ring buffer
    memory        segments, atomics, system calls, counters
    compiled      how kernels are compiled and cached

Each floor imports only those below it.  The public names are loaded when they are first used, so
that a process that needs a ring pays for no YAML.

Words.  *Claim*: take slots to write.  *Publish*: make them readable.  *Cursor*: the highest
sequence published (with one producer) or claimed (with several).  *Gating*: a consumer whose
sequence producers must not lap.  *Barrier*: how far a consumer may read.  *Lap*: one round of the
ring.  *Void event*: a sequence that its producer gave up or died with; consumers skip it.  *Tap*: a
reader that holds nobody back and counts what it missed.  *Handler*: what a user does with events, in
one of three tiers.  *Processor*: the loop around a handler; it waits, hands over a batch, advances.
*Batch*: events that are handed over together; the last is flagged.  *Rewind*: a batch again, from its
first event.  *Partition*: one consumer's share of a ring's events.  *Poller*: for consumers that own
their loop.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disruptor.dsl.disruptor import Disruptor
    from disruptor.errors import DisruptorError
    from disruptor.processors.async_consumer import AsyncConsumer
    from disruptor.processors.batch_event_processor import BatchEventProcessor
    from disruptor.processors.event_poller import Batch, EventPoller, PollState
    from disruptor.processors.exception_handler import ExceptionHandler, Halt, Ignore, Log, Verdict
    from disruptor.processors.handler import (
        Compiled,
        EventFailedError,
        HaltError,
        Lifecycle,
        PerBatch,
    )
    from disruptor.processors.partition import Partition
    from disruptor.processors.rewind import (
        EventuallyGiveUp,
        PauseRewind,
        RewindableError,
        RewindStrategy,
        SimpleRewind,
    )
    from disruptor.processors.shared_state import shared_state
    from disruptor.ring.ring_buffer import Claim, Consumer, Producer, RingBuffer, Tap
    from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy
    from disruptor.supervisor.child import ProcessContext
    from disruptor.supervisor.supervisor import Supervisor

_HOMES = {
    "AsyncConsumer": "disruptor.processors.async_consumer",
    "Batch": "disruptor.processors.event_poller",
    "BatchEventProcessor": "disruptor.processors.batch_event_processor",
    "Claim": "disruptor.ring.ring_buffer",
    "Compiled": "disruptor.processors.handler",
    "Consumer": "disruptor.ring.ring_buffer",
    "Disruptor": "disruptor.dsl.disruptor",
    "DisruptorError": "disruptor.errors",
    "EventFailedError": "disruptor.processors.handler",
    "EventPoller": "disruptor.processors.event_poller",
    "EventuallyGiveUp": "disruptor.processors.rewind",
    "ExceptionHandler": "disruptor.processors.exception_handler",
    "Halt": "disruptor.processors.exception_handler",
    "HaltError": "disruptor.processors.handler",
    "Ignore": "disruptor.processors.exception_handler",
    "Lifecycle": "disruptor.processors.handler",
    "Log": "disruptor.processors.exception_handler",
    "Partition": "disruptor.processors.partition",
    "PauseRewind": "disruptor.processors.rewind",
    "PerBatch": "disruptor.processors.handler",
    "PollState": "disruptor.processors.event_poller",
    "ProcessContext": "disruptor.supervisor.child",
    "Producer": "disruptor.ring.ring_buffer",
    "RewindStrategy": "disruptor.processors.rewind",
    "RewindableError": "disruptor.processors.rewind",
    "RingBuffer": "disruptor.ring.ring_buffer",
    "SimpleRewind": "disruptor.processors.rewind",
    "Supervisor": "disruptor.supervisor.supervisor",
    "Tap": "disruptor.ring.ring_buffer",
    "Verdict": "disruptor.processors.exception_handler",
    "WaitStrategy": "disruptor.ring.wait_strategy",
    "shared_state": "disruptor.processors.shared_state",
    "wait_strategy": "disruptor.ring.wait_strategy",
}

__all__ = [
    "AsyncConsumer",
    "Batch",
    "BatchEventProcessor",
    "Claim",
    "Compiled",
    "Consumer",
    "Disruptor",
    "DisruptorError",
    "EventFailedError",
    "EventPoller",
    "EventuallyGiveUp",
    "ExceptionHandler",
    "Halt",
    "HaltError",
    "Ignore",
    "Lifecycle",
    "Log",
    "Partition",
    "PauseRewind",
    "PerBatch",
    "PollState",
    "ProcessContext",
    "Producer",
    "RewindStrategy",
    "RewindableError",
    "RingBuffer",
    "SimpleRewind",
    "Supervisor",
    "Tap",
    "Verdict",
    "WaitStrategy",
    "shared_state",
    "wait_strategy",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
