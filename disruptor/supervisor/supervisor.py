"""Starts, watches, drains and stops the processes of a topology.

The supervisor is one single-threaded process.  It owns every ring and the control block, forks
the children, restarts those whose policy allows it, and in the end unlinks what it made.

Draining is in three steps.  First the pure producers (processes that read no ring) are stopped.
Then the supervisor waits until the pipeline rests.  It reads all cursors, sees that every consumer
has reached them, then that no process has decided output that it has not published, and then
reads the cursors again: they must not have moved.  This is sound because a process publishes what
follows from an event, or says that it is pending, before it advances past that event: what was
published during the looks shows in the cursors, and what was not is still pending, or its cause
still unread.  Last, the others are stopped, producers first.

Dead producers are looked for in every ``poll``, also those that the supervisor did not start: a
hole that cannot be filled at once, because a living producer's claim overlaps, is filled then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from disruptor.errors import DisruptorError, ProcessFailedError
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.ring.wait_strategy import wait_strategy
from disruptor.supervisor.child import ProcessContext, become
from disruptor.supervisor.control_block import (
    BACKOFF,
    FAILED,
    RUNNING,
    STARTING,
    STOP,
    STOPPED,
    ControlBlock,
    ControlLine,
)
from disruptor.supervisor.restart_policy import delay_before_restart, may_restart
from disruptor.topology.graph import Graph
from disruptor.topology.model import Topology
from disruptor.topology.placement import Placement
from disruptor.topology.reference import event_dtype, run_function

_POLL_S: Final = 0.002
_READY_TIMEOUT_S: Final = 120.0


@dataclass
class _Child:
    """One supervised process; ``pid`` is 0 while none runs."""

    line: ControlLine
    pid: int = 0
    restart_at: float = 0.0
    is_expected_to_end: bool = False


class Supervisor:
    """Owns one running topology; for one thread, which must not start others before ``start``."""

    def __init__(
        self,
        topology: Topology,
        placement: Placement,
        settings: Any,
        initial_sequences: Mapping[str, int],
        say: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create the rings and the control block, and register every consumer.

        ``settings`` is handed to every process.  ``say`` prints one line to the operator.
        ``pause`` sleeps between two looks, in every wait; it may raise to end the wait.
        """
        self.topology = topology
        self.graph = Graph.of(topology)
        self._placement = placement
        self._settings = settings
        self._say = say
        self._pause = pause
        self.control = ControlBlock.create(topology.name, list(topology.processes))
        self._children = {
            name: _Child(line)
            for name, line in zip(topology.processes, self.control.lines, strict=True)
        }
        self.rings: dict[str, RingBuffer] = {}
        try:
            for name in topology.rings:
                self.rings[name] = self._create_ring(name, initial_sequences.get(name, 0))
        except DisruptorError:
            self.unlink()
            raise

    def start(self, name: str) -> None:
        """Fork one process and wait until it is ready; ProcessFailedError when it never is."""
        child = self._children[name]
        self._fork(name, child)
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while child.line.state != RUNNING:
            if self._reap(child) or child.line.state == FAILED:
                raise ProcessFailedError(self._why(name, child))
            if time.monotonic() > deadline:
                raise ProcessFailedError(f"{name} was not ready within {_READY_TIMEOUT_S:.0f} s")
            self._pause(_POLL_S)

    def poll(self) -> None:
        """Look after the children; call it some times a second.

        Restarts what may be restarted, and raises ProcessFailedError for what may not.
        """
        self._void_claims()
        for name, child in self._children.items():
            if child.pid and self._reap(child):
                self._after_death(name, child)
            elif child.restart_at and time.monotonic() >= child.restart_at:
                child.restart_at = 0.0
                child.line.count_restart()
                self._fork(name, child)

    def stop_producers(self) -> None:
        """Stop the processes that read no ring and write one; the first step of a drain."""
        processes = self.topology.processes
        producers = [name for name, each in processes.items() if each.writes and not each.reads]
        self._stop(producers, 2.0)

    def wait_until_quiet(self, timeout_s: float) -> bool:
        """Wait until everything published is consumed; False when the time was not enough."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._rests():
                return True
            self.poll()
            self._pause(_POLL_S)
        return False

    def stop_rest(self, timeout_s: float = 4.0) -> None:
        """Stop everything that still runs, producers before their consumers."""
        for name in self.graph.drain_order():
            self._stop([name], timeout_s)

    def kill(self) -> None:
        """End all children at once; whatever is not durable is lost, nothing else."""
        for child in self._children.values():
            if child.pid:
                child.is_expected_to_end = True
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
                child.pid = 0

    def running(self) -> tuple[str, ...]:
        """The processes that have not ended, and those that wait for another try."""
        return tuple(
            name for name, child in self._children.items() if child.pid or child.restart_at
        )

    def result_of(self, name: str) -> bytes:
        """The 32 bytes that a process left at its end."""
        return self._children[name].line.result

    def unlink(self) -> None:
        """Remove all shared memory of the supervisor; after the children have ended."""
        for ring in self.rings.values():
            ring.unlink()
            ring.close()
        self.rings.clear()
        self.control.unlink()

    def _create_ring(self, name: str, initial: int) -> RingBuffer:
        settings = self.topology.rings[name]
        ring = RingBuffer.create(
            f"{self.topology.name}.{name}",
            event_dtype(settings),
            settings.capacity,
            multi_producer=settings.producers == "multi",
            initial_sequence=initial,
        )
        gating = self.graph.gating(name)
        for reader in self.graph.readers[name]:
            ring.register_consumer(reader, start=initial, gates=reader in gating)
        return ring

    def _fork(self, name: str, child: _Child) -> None:
        process = self.topology.processes[name]
        run = run_function(process)
        context = ProcessContext(
            platform=self.topology.name,
            name=name,
            settings=self._settings,
            process=process,
            strategy=wait_strategy(self._placement.waits[name]),
            line=child.line,
            rings=self.rings,
            graph=self.graph,
        )
        child.line.state = STARTING
        child.line.failure = ""
        child.is_expected_to_end = False
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        child.pid = os.fork()
        if child.pid == 0:
            become(context, run, self._placement.cpus[name], supervisor)

    def _reap(self, child: _Child) -> bool:
        """Collect a child that has ended; True when it had."""
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0:
            return False
        child.pid = 0
        if os.WIFSIGNALED(status):
            child.line.failure = f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
            child.line.state = FAILED
        elif child.line.state != FAILED:
            child.line.state = STOPPED
        return True

    def _after_death(self, name: str, child: _Child) -> None:
        if child.is_expected_to_end:
            return
        process = self.topology.processes[name]
        failed = child.line.state == FAILED
        if not may_restart(process, failed, child.line.restarts):
            if failed or process.restart != "on-failure":
                raise ProcessFailedError(self._why(name, child))
            return
        delay = delay_before_restart(child.line.restarts)
        self._say(f"{self._why(name, child)}; restarting in {delay:.1f} s")
        child.line.state = BACKOFF
        child.restart_at = time.monotonic() + delay

    def _why(self, name: str, child: _Child) -> str:
        reason = child.line.failure or "it ended without being asked to"
        return f"process {name} failed: {reason}"

    def _void_claims(self) -> None:
        for ring in self.rings.values():
            if ring.is_multi_producer:
                voided = ring.void_dead_claims()
                if voided:
                    self._say(f"ring {ring.name}: voided {voided} events of a dead producer")

    def _rests(self) -> bool:
        cursors = [ring.cursor for ring in self.rings.values()]
        for ring, cursor in zip(self.rings.values(), cursors, strict=True):
            if any(consumer.sequence < cursor for consumer in ring.statistics().consumers):
                return False
        if any(child.line.pending[0] for child in self._children.values()):
            return False
        return cursors == [ring.cursor for ring in self.rings.values()]

    def _stop(self, names: list[str], timeout_s: float) -> None:
        running = [self._children[name] for name in names if self._children[name].pid]
        for child in running:
            child.is_expected_to_end = True
            child.line.order[0] = STOP
        for ring in self.rings.values():
            ring.wake_everybody()
        deadline = time.monotonic() + timeout_s
        while running and time.monotonic() < deadline:
            running = [child for child in running if not self._reap(child)]
            if running:
                self._pause(_POLL_S)
        for child in running:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
            child.pid = 0
            child.line.failure = f"did not stop within {timeout_s:.0f} s and was killed"
            child.line.state = FAILED
        self._void_claims()
        for name in names:
            if self._children[name].line.state == FAILED:
                self._say(self._why(name, self._children[name]))
