"""The child's side of supervision: what happens before, around and after a process's own code.

A child is forked from the supervisor, so it has the compiled kernels, the mapped rings and the
configuration already.  It dies with its supervisor, leaves Ctrl+C and SIGTERM to it, sits on its
CPU, and tells its state through its control line.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from disruptor.dsl.workers import detach
from disruptor.errors import DisruptorError
from disruptor.memory.libc import monotonic_ns
from disruptor.memory.process_identity import current_process
from disruptor.ring.ring_buffer import Consumer, Producer, RingBuffer
from disruptor.ring.wait_strategy import WaitStrategy
from disruptor.supervisor.control_block import (
    FAILED,
    RESTORING,
    RUNNING,
    STOP,
    STOPPED,
    ControlLine,
)
from disruptor.topology.graph import Graph
from disruptor.topology.model import Process

_PR_SET_NAME: Final = 15

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessContext:
    """All that a process's run function is given; for that process alone."""

    platform: str
    name: str
    settings: Any  # what the caller of the supervisor passed for everybody
    process: Process
    strategy: WaitStrategy
    line: ControlLine
    rings: Mapping[str, RingBuffer]
    graph: Graph

    @property
    def options(self) -> Mapping[str, Any]:
        """The process's own mapping in YAML."""
        return self.process.options

    @property
    def is_restart(self) -> bool:
        """Whether a predecessor of this process died in this very run."""
        return self.line.restarts > 0

    def consumer(self, ring: str) -> Consumer:
        """This process's place on a ring that it reads, behind those that YAML puts before it."""
        after = self.graph.dependencies(self.name, ring)
        return self.rings[ring].consumer(self.name, after=after, strategy=self.strategy)

    def producer(self, ring: str) -> Producer:
        """This process as a producer of a ring that it writes."""
        return self.rings[ring].producer(self.name, self.strategy)

    def restoring(self) -> None:
        """Say that the state is being restored; ``beat`` meanwhile."""
        self.line.state = RESTORING
        self.beat()

    def ready(self) -> None:
        """Say that everything is restored and the work begins; the supervisor waits for it."""
        self.line.state = RUNNING
        self.beat()

    def beat(self) -> None:
        """Show that the loop turns; call it some times a second."""
        self.line.heartbeat[0] = monotonic_ns()
        level = int(self.line.log_level[0])
        if level and level != logging.root.level:
            logging.root.setLevel(level)

    def should_stop(self) -> bool:
        """Whether to finish what has arrived and return."""
        return bool(self.line.order[0] == STOP)

    def has_drained(self, *rings: str) -> bool:
        """Whether to return now: told to stop, and nothing is left to read on these rings."""
        if not self.should_stop():
            return False
        for name in rings:
            ring = self.rings[name]
            at = ring.statistics()
            mine = [each.sequence for each in at.consumers if each.name == self.name]
            if mine and mine[0] < at.cursor:
                return False
        return True


RunFunction = Callable[[ProcessContext], None]


def become(context: ProcessContext, run: RunFunction, cpu: int | None, supervisor: int) -> None:
    """Turn the forked process into this child; never returns."""
    status = 1
    try:
        detach(supervisor)
        _name_process(f"{context.platform}:{context.name}")
        multiprocessing.current_process().name = context.name  # logs tell it
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        gc.freeze()
        context.line.take(current_process())
        run(context)
        context.line.state = STOPPED
        status = 0
    except DisruptorError as error:
        context.line.failure = str(error)
        context.line.state = FAILED
    except BaseException as error:
        _log.exception("process %s failed", context.name)
        context.line.failure = f"{type(error).__name__}: {error}"
        context.line.state = FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _name_process(name: str) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
