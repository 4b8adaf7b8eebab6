"""One run of a topology of one's own: from its YAML file to its end.

    load, check ► make the rings ► fork consumers before producers ► watch
    ► stop the producers ► wait until the rings rest ► stop the rest ► unlink

The run ends at a signal, after ``duration_s``, or when all processes that only write have ended
by themselves; what they published is consumed first.  A second signal ends it at once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from disruptor.errors import DisruptorError, ProcessFailedError
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.load import load_topology
from disruptor.topology.model import Topology
from disruptor.topology.placement import plan
from disruptor.topology.reference import event_dtype, run_function

_POLL_S: Final = 0.02
_QUIET_WITHIN_S: Final = 60.0


class EndedAtOnceError(DisruptorError):
    """The operator does not want to wait for a drain."""


def load_runnable(path: Path, overrides: Sequence[str] = ()) -> Topology:
    """The topology of a file, everything that it names looked up.

    Raises ConfigurationError or GraphError; then nothing was started.
    """
    topology = load_topology(path, overrides)
    for ring in topology.rings.values():
        event_dtype(ring)
    for process in topology.processes.values():
        run_function(process)
    return topology


def run_topology(
    topology: Topology, say: Callable[[str], None], duration_s: float | None = None
) -> None:
    """Run it in this process's main thread, with children, until its end.

    ``say`` prints one line to the operator.  Raises ProcessFailedError for a child that failed;
    in every case no child and no shared memory is left.
    """
    placement = plan(topology)
    for warning in placement.warnings:
        say(f"warning: {warning}")
    signals = _Signals()
    supervisor = Supervisor(topology, placement, None, {}, say, signals.pause)
    try:
        for name in supervisor.graph.start_order():
            supervisor.start(name)
        _watch(supervisor, signals, duration_s)
        supervisor.stop_producers()
        if not supervisor.wait_until_quiet(_QUIET_WITHIN_S):
            raise ProcessFailedError(
                f"topology {topology.name}: the rings did not run empty in {_QUIET_WITHIN_S:.0f} s"
            )
        supervisor.stop_rest()
    finally:
        supervisor.kill()
        supervisor.unlink()
        signals.restore()


def _watch(supervisor: Supervisor, signals: _Signals, duration_s: float | None) -> None:
    """Look after the children until it is time to drain."""
    processes = supervisor.topology.processes
    producers = {name for name, each in processes.items() if each.writes and not each.reads}
    end = None if duration_s is None else time.monotonic() + duration_s
    while signals.count == 0:
        supervisor.poll()
        if producers and not producers & set(supervisor.running()):
            return
        if end is not None and time.monotonic() >= end:
            return
        signals.pause(_POLL_S)


class _Signals:
    """Counts Ctrl+C and SIGTERM: the first drains, a second ends at the next safe place."""

    def __init__(self) -> None:
        self.count = 0
        numbers = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._on_signal) for number in numbers}

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.count > 1:
            raise EndedAtOnceError("stopped at once; what was in the rings is lost")

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
