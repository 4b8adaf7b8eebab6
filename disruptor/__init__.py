"""A shared-memory Disruptor: rings between processes, without locks and without copies.

    supervisor    starts, watches, drains and restarts the processes of a topology
    topology      YAML to rings and processes; what is wrong with it; which CPU for whom
    processors    the consumer's loop, with handlers in three tiers
    ring          sequences, sequencers, barriers, wait strategies, the ring buffer
    memory        segments, atomics, system calls, counters
    compiled      how kernels are compiled and cached

Each floor imports only those below it.  The public names are loaded when they are first used, so
that a process that needs a ring pays for no YAML.

Words.  *Claim*: take slots to write.  *Publish*: make them readable.  *Cursor*: the highest
sequence published (with one producer) or claimed (with several).  *Gating*: a consumer whose
sequence producers must not lap.  *Barrier*: how far a consumer may read.  *Lap*: one round of the
ring.  *Void event*: the zeroed slot of a producer that died.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disruptor.errors import DisruptorError
    from disruptor.processors.batch_event_processor import BatchEventProcessor
    from disruptor.processors.handler import Compiled, Lifecycle, PerBatch
    from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer
    from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy
    from disruptor.supervisor.child import ProcessContext
    from disruptor.supervisor.supervisor import Supervisor

_HOMES = {
    "BatchEventProcessor": "disruptor.processors.batch_event_processor",
    "Compiled": "disruptor.processors.handler",
    "Consumer": "disruptor.ring.ring_buffer",
    "DisruptorError": "disruptor.errors",
    "Lifecycle": "disruptor.processors.handler",
    "PerBatch": "disruptor.processors.handler",
    "ProcessContext": "disruptor.supervisor.child",
    "Producer": "disruptor.ring.ring_buffer",
    "RingBuffer": "disruptor.ring.ring_buffer",
    "Supervisor": "disruptor.supervisor.supervisor",
    "WaitStrategy": "disruptor.ring.wait_strategy",
    "wait_strategy": "disruptor.ring.wait_strategy",
}

__all__ = [
    "BatchEventProcessor",
    "Compiled",
    "Consumer",
    "DisruptorError",
    "Lifecycle",
    "PerBatch",
    "ProcessContext",
    "Producer",
    "RingBuffer",
    "Supervisor",
    "WaitStrategy",
    "wait_strategy",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
