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

A reader with ``lag_max`` that is too far behind is detached by the producers, ends with EvictedError
and, if its policy allows it, joins again at the newest event.

A process that dies is started again while the others run and the rings stand; its successor takes
over its places in the rings.  One that lives and hangs is killed first, see ``pulse``.  Those that
read what it writes are told, in their control lines.

A successor after a death is forked, which takes no time, and has the code that the supervisor was
started with.  One that a person asks for has the code of now, see ``handover``, if there is a
recipe for it; what it replaces works until it is ready, and works on if it never is.  One that then
fails before it runs gives its place to the code that the supervisor has.  From then on the process
stays with the code that it was given: after a death, its successor is made from disk as well.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from disruptor.errors import DisruptorError, ProcessFailedError
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.child import ProcessContext, become
from disruptor.supervisor.control_block import (
    BACKOFF,
    DRAINING,
    FAILED,
    RESTORING,
    RUNNING,
    STARTING,
    STATE_NAMES,
    STOP,
    STOPPED,
    ControlBlock,
)
from disruptor.supervisor.control_socket import ControlError
from disruptor.supervisor.handover import Candidate, Order, Proposal, Recipe
from disruptor.supervisor.place import Child
from disruptor.supervisor.pulse import cpu_time_of
from disruptor.supervisor.restart_policy import (
    delay_before_restart,
    may_restart,
    recent_restarts,
)
from disruptor.topology.graph import Graph
from disruptor.topology.model import Process, Topology
from disruptor.topology.placement import Placement, strategy_of
from disruptor.topology.reference import event_dtype, run_function

_POLL_S: Final = 0.002
_READY_TIMEOUT_S: Final = 120.0
_STOP_WITHIN_S: Final = 2.0
_FROM_NOW: Final = -1
_PIECES: Final = 4
"""Producers claim up to this part of a ring at once."""

_WORKING: Final = (RUNNING, DRAINING)
_COMING: Final = (STARTING, RESTORING)


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
        warn: Callable[[str], None] | None = None,
        recipe: Recipe | None = None,
    ) -> None:
        """Create the rings and the control block, and register every consumer.

        ``settings`` is handed to every process.  ``say`` prints one line to the operator, ``warn`` one
        about what is not as usual; by default it is ``say``.  ``pause`` sleeps between two looks, in
        every wait; it may raise to end the wait.  ``recipe`` makes the same topology and settings
        from disk; without it every successor is forked.
        """
        self.topology = topology
        self.graph = Graph.of(topology)
        self._placement = placement
        self._settings = settings
        self._recipe = recipe
        self._say = say
        self._warn = warn or say
        self._pause = pause
        self.control = ControlBlock.create(topology.name, list(topology.processes))
        self._children = {
            name: Child(line)
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

        Kills what hangs, restarts what may be restarted, and raises ProcessFailedError for what
        may not.
        """
        self._void_claims()
        now = time.monotonic()
        for name, child in self._children.items():
            if child.pid and self._reap(child):
                self._after_death(name, child)
            elif child.pid and child.is_asked_to_restart:
                if now >= child.kill_at:
                    os.kill(child.pid, signal.SIGKILL)
            elif child.pid:
                self._kill_if_hung(name, child, now)
            if child.restart_at and time.monotonic() >= child.restart_at:
                self._start_again(name, child)
            self._look_at_candidate(name, child)
        self._tell_who_is_missing()

    def wait(self, timeout_s: float, others: Sequence[int] = ()) -> None:
        """Sleep until a child ends, one of the other file descriptors is readable, or it is time
        for the next ``poll``."""
        ended = select.poll()
        for descriptor in others:
            ended.register(descriptor, select.POLLIN)
        for child in self._children.values():
            if child.pid:
                ended.register(child.pidfd, select.POLLIN)
            if child.candidate is not None:
                ended.register(child.candidate, select.POLLIN)
        ended.poll(timeout_s * 1_000)

    def require_restartable(self, name: str) -> None:
        """ControlError for a process that does not run, or that there is not."""
        child = self._children.get(name)
        if child is None:
            raise ControlError(
                f"there is no process {name!r}; there are {', '.join(self._children)}"
            )
        if not child.pid:
            raise ControlError(
                f"process {name} does not run now: it is {STATE_NAMES[child.line.state]}"
            )

    def restart(self, name: str, proposal: Proposal | None = None) -> None:
        """Give a process a successor with the code and parameters of now; ``poll`` carries it out.

        With a proposal it has the parameters of that.  ControlError for one that does not run.  See
        ``refusal`` for what became of it.
        """
        self.require_restartable(name)
        child = self._children[name]
        self._withdraw(child)
        child.refusal = ""
        if self._recipe is None:
            if proposal is not None:
                proposal.taken()
            self._end(name, child)
        else:
            child.proposal = proposal
            child.is_wanted_anew = True

    def refusal(self, name: str) -> str:
        """Why the successor that was asked for last did not take the place; empty if it did, or may."""
        return self._children[name].refusal

    def accept(self) -> None:
        """Take the proposals of all successors that run by now, before the next ``poll`` does."""
        for child in self._children.values():
            if child.has_passed:
                self._accept(child)

    def reconfigure(
        self, topology: Topology, placement: Placement, settings: Any, recipe: Recipe | None = None
    ) -> None:
        """Take other parameters for the processes; each has its own from its next start on.

        The rings, and who reads and writes them, must be the same.
        """
        self.topology, self._placement, self._settings = topology, placement, settings
        self._recipe = recipe

    def set_log_level(self, level: int) -> None:
        """Let all processes log at this level from now on."""
        for child in self._children.values():
            child.line.log_level[0] = level

    def stop_producers(self) -> None:
        """Stop the processes that read no ring and write one; the first step of a drain."""
        processes = self.topology.processes
        producers = [name for name, each in processes.items() if each.writes and not each.reads]
        for child in self._children.values():
            if child.pid:
                self._withdraw(child)
        self._stop(producers, _STOP_WITHIN_S)

    def wait_until_quiet(self, timeout_s: float) -> bool:
        """Wait until everything published is consumed; False when the time was not enough."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.rests():
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
            self._withdraw(child)
            if child.pid:
                child.is_expected_to_end = True
                self._kill(child)

    def running(self) -> tuple[str, ...]:
        """The processes that have not ended, and those that wait for another try."""
        return tuple(
            name for name, child in self._children.items() if child.pid or child.is_coming_back
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
        for reader in self.graph.readers[name]:
            self._register(ring, name, reader, initial)
        return ring

    def _register(self, ring: RingBuffer, name: str, reader: str, start: int) -> None:
        gates = reader in self.graph.gating(name)
        lag_max = self.topology.processes[reader].lag_max
        ring.register_consumer(reader, start=start, gates=gates, lag_max=lag_max)

    def _join_again(self, reader: str) -> None:
        """Give a reader that was detached a new place, at the newest event; the rest is lost to it."""
        for name in self.topology.processes[reader].reads:
            ring = self.rings[name]
            for each in ring.statistics().consumers:
                if each.name == reader and each.is_evicted:
                    ring.remove_consumer(reader)
                    self._register(ring, name, reader, _FROM_NOW)
                    self._warn(
                        f"ring {name}: {reader} was more than {each.lag_max:,} events behind and "
                        f"was detached at {each.sequence:,}; it goes on at {ring.cursor:,}"
                    )

    def _fork(self, name: str, child: Child) -> None:
        process = self.topology.processes[name]
        self._join_again(name)
        run = run_function(process)
        context = ProcessContext(
            platform=self.topology.name,
            name=name,
            settings=self._settings,
            process=process,
            strategy=strategy_of(self._placement.waits[name], self._placement.shares_cpu(name)),
            line=child.line,
            rings=self.rings,
            graph=self.graph,
        )
        child.begin()
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        child.pid = os.fork()
        if child.pid == 0:
            become(context, run, self._placement.cpus[name], supervisor)
        child.pidfd = os.pidfd_open(child.pid)

    def _start_again(self, name: str, child: Child) -> None:
        child.restart_at = 0.0
        if child.is_anew:
            child.is_wanted_anew = True
        else:
            child.line.count_restart()
            self._fork(name, child)

    def _look_at_candidate(self, name: str, child: Child) -> None:
        """Make, hear, refuse or let in the successor with the code of now that a process shall have."""
        candidate = child.candidate
        if candidate is None:
            if child.is_wanted_anew and self._is_next(child):
                child.is_wanted_anew = False
                child.candidate = self._candidate(name)
            return
        candidate.look()
        if candidate.refusal:
            self._refuse(name, child, candidate.refusal)
        elif candidate.is_ready and not child.pid:
            self._hand_over(name, child, candidate)
        elif candidate.is_ready and not child.is_asked_to_restart:
            self._end(name, child)

    def _is_next(self, child: Child) -> bool:
        """Whether no other candidate gets ready; one whose place is taken gives way to an empty place."""
        for other in self._children.values():
            if other.candidate is None or other.candidate.is_ready:
                continue
            if child.pid or not other.pid:
                return False
            proposal = other.proposal
            self._withdraw(other)
            other.is_wanted_anew, other.proposal = True, proposal
        return True

    def _candidate(self, name: str) -> Candidate:
        proposal = self._children[name].proposal
        recipe = self._recipe if proposal is None else proposal.recipe
        placement = self._placement if proposal is None else proposal.placement
        assert recipe is not None, "only with a recipe is anything wanted anew"
        return Candidate(
            Order(
                platform=self.topology.name,
                process=name,
                supervisor=os.getpid(),
                cpu=placement.cpus[name],
                wait=placement.waits[name],
                shares_cpu=placement.shares_cpu(name),
                make=recipe.make,
                given=recipe.given,
            )
        )

    def _accept(self, child: Child) -> None:
        child.is_on_trial = False
        tried, child.tried = child.tried, None
        if tried is not None:
            tried.taken()

    def _refuse(self, name: str, child: Child, why: str) -> None:
        self._withdraw(child)
        child.refusal = f"no successor of {name} with the code of now: {why}"
        if child.pid and child.is_asked_to_restart:
            self._warn(f"{child.refusal}; the process in place was asked to end, and starts again")
        elif child.pid:
            self._warn(f"{child.refusal}; the process in place works on")
        elif not child.restart_at:
            self._fall_back(child, child.refusal)

    def _fall_back(self, child: Child, why: str) -> None:
        """Let the code that the supervisor has take the place."""
        self._warn(f"{why}; the code with which this run began takes its place")
        child.is_anew = child.is_on_trial = False
        child.tried = None
        child.line.state = BACKOFF
        child.restart_at = time.monotonic()

    def _end(self, name: str, child: Child) -> None:
        """End a process to start it anew.

        One that only writes is asked to end, so that it can close what it has open; any other is
        killed, since it continues from rings and journal anyway.
        """
        child.is_asked_to_restart = True
        child.kill_at = time.monotonic()
        if self.topology.processes[name].reads:
            return
        child.kill_at += _STOP_WITHIN_S
        child.line.order[0] = STOP
        for ring in self.rings.values():
            ring.wake_everybody()

    def _hand_over(self, name: str, child: Child, candidate: Candidate) -> None:
        self._join_again(name)
        child.line.count_restart()
        child.begin()
        child.candidate = None
        child.pid, child.pidfd = candidate.pid, os.pidfd_open(candidate.pid)
        child.is_anew = child.is_on_trial = True
        child.tried, child.proposal = child.proposal, None
        candidate.go()

    def _withdraw(self, child: Child) -> None:
        child.is_wanted_anew = False
        child.proposal = None
        if child.candidate is not None:
            child.candidate.withdraw()
            child.candidate = None

    def _reap(self, child: Child) -> bool:
        """Collect a child that has ended; True when it had."""
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if child.has_passed:
            self._accept(child)
        if pid == 0:
            return False
        self._forget(child)
        if child.killed_because:
            child.line.failure = child.killed_because
        elif os.WIFSIGNALED(status):
            child.line.failure = f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
        is_failed = status != 0 or bool(child.killed_because)
        child.line.state = FAILED if is_failed else STOPPED
        return True

    def _kill(self, child: Child) -> None:
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        self._forget(child)

    def _forget(self, child: Child) -> None:
        os.close(child.pidfd)
        child.pid, child.pidfd = 0, -1

    def _kill_if_hung(self, name: str, child: Child, now: float) -> None:
        limit = self.topology.processes[name].hang_after_s
        if not limit:
            return
        sign = int(child.line.heartbeat[0])
        if child.line.state in _COMING:
            sign += cpu_time_of(child.pid)  # it works; what it loads at once may take a while
        silent_s = child.pulse.look(sign, self._may_wait(name), now)
        if silent_s >= limit and not child.killed_because:
            child.killed_because = f"it gave no sign of life for {silent_s:.1f} s and was killed"
            os.kill(child.pid, signal.SIGKILL)

    def _may_wait(self, name: str) -> bool:
        """Whether the process may be waiting for room in a ring that others do not empty."""
        for ring in self.topology.processes[name].written(blocking=True):
            at = self.rings[ring].statistics()
            if at.remaining_capacity < at.capacity // _PIECES:
                return True
        return False

    def _after_death(self, name: str, child: Child) -> None:
        if child.is_expected_to_end:
            return
        process = self.topology.processes[name]
        now = time.monotonic()
        if child.is_asked_to_restart:
            child.is_asked_to_restart = False
            how = "its successor takes over" if child.candidate else "restarting now"
            self._say(f"process {name} was ended; {how}")
            child.line.state = BACKOFF
            child.restart_at = now if child.candidate is None else 0.0
            return
        if child.is_on_trial:
            child.refusal = self._why(name, child)
            self._fall_back(child, f"{child.refusal} before it ran")
            return
        recent = recent_restarts(process, child.restarts_at, now)
        failed = child.line.state == FAILED
        if not may_restart(process, failed, recent):
            if failed or process.restart != "on-failure":
                raise ProcessFailedError(self._why(name, child) + _gives_up(process, recent))
            return
        delay = delay_before_restart(process, recent)
        when = f"in {delay:.1f} s" if delay else "now"
        self._warn(f"{self._why(name, child)}; restarting {when}{self._who_waits_for(name)}")
        child.line.state = BACKOFF
        child.restart_at = now + delay
        child.restarts_at.append(now)

    def _who_waits_for(self, name: str) -> str:
        waiting = [other for other in self._children if name in self.graph.upstream(other)]
        return f"; meanwhile {', '.join(waiting)} get nothing from it" if waiting else ""

    def _tell_who_is_missing(self) -> None:
        names = list(self._children)
        working = {name for name, each in self._children.items() if each.line.state in _WORKING}
        for name, child in self._children.items():
            missing = set(self.graph.upstream(name)) - working
            child.line.missing[0] = sum(1 << names.index(other) for other in missing)

    def _why(self, name: str, child: Child) -> str:
        reason = child.line.failure or "it ended without being asked to"
        return f"process {name} failed: {reason}"

    def _void_claims(self) -> None:
        for ring in self.rings.values():
            if ring.is_multi_producer:
                voided = ring.void_dead_claims()
                if voided:
                    self._warn(f"ring {ring.name}: voided {voided} events of a dead producer")

    def rests(self) -> bool:
        """Whether every reader has all that was published, and nobody owes anything."""
        cursors = [ring.cursor for ring in self.rings.values()]
        for ring, cursor in zip(self.rings.values(), cursors, strict=True):
            if any(consumer.sequence < cursor for consumer in ring.statistics().consumers):
                return False
        for child in self._children.values():
            if child.is_coming_back or (child.pid and child.line.state in _COMING):
                return False  # it may still have to publish what its predecessor had decided
            if child.line.pending[0]:
                return False
        return cursors == [ring.cursor for ring in self.rings.values()]

    def _stop(self, names: list[str], timeout_s: float) -> None:
        for name in names:
            self._withdraw(self._children[name])
        running = [self._children[name] for name in names if self._children[name].pid]
        for child in running:
            child.is_expected_to_end = True
            if child.line.state in (STARTING, RESTORING, RUNNING):
                child.line.state = DRAINING
            child.line.order[0] = STOP
        for ring in self.rings.values():
            ring.wake_everybody()
        deadline = time.monotonic() + timeout_s
        while running and time.monotonic() < deadline:
            running = [child for child in running if not self._reap(child)]
            if running:
                self._pause(_POLL_S)
        for child in running:
            self._kill(child)
            child.line.failure = f"did not stop within {timeout_s:.0f} s and was killed"
            child.line.state = FAILED
        self._void_claims()
        for name in names:
            if self._children[name].line.state == FAILED:
                self._warn(self._why(name, self._children[name]))


def _gives_up(process: Process, recent: int) -> str:
    if process.restart == "never" or recent < process.max_restarts:
        return ""
    return (
        f"; it was restarted {recent} times within {process.restart_window_s:.0f} s, which is "
        "max_restarts"
    )
