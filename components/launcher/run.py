"""One run of the platform, from a configuration to its farewell.

check the port ► recover the journal ► make the rings ► fork consumers before producers
► publish what the journal lacks of the configuration ► start the feed ► watch
► stop the feed ► wait until the rings rest ► stop the rest, sync ► state hash ► unlink
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from pathlib import Path
from typing import Final

import click
import numpy as np

from components.configuration.model import SNAPSHOTS, PlatformConfiguration
from components.launcher.anew import recipe
from components.launcher.banner import farewell, greeting, process_table
from components.launcher.control import Control, Live, Load
from components.launcher.doctor import require_fit
from components.launcher.interrupts import Interrupts
from components.launcher.recovery import Recovery, ReplayProgress, recover
from components.launcher.status import StatusBoard, clock
from components.launcher.warm_up import remove_segments, warm_up
from components.launcher.watches import Watches
from components.messages.code import OP_RESUME, SOURCE_SETUP
from components.messages.command import new_commands
from components.monitor.catalogue import LAUNCHER, specs_for
from components.monitor.platform_view import counters_name
from components.oracle.platform_hash import platform_hash
from components.run_settings import RunSettings
from components.titan.shards import combined_hash
from disruptor.errors import ConfigurationError, DisruptorError, ProcessFailedError
from disruptor.memory.counters import CounterBlock, put
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing, reclaim
from disruptor.memory.spare import give_back
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.placement import plan

_LOG: Final = logging.getLogger("components.launcher")
_POLL_S: Final = 0.05
_ENGINES: Final = ("components.titan.process:run", "components.sentinel.process:run")
_CHECKPOINT_EVERY: Final = 6  # status lines
_QUIET_WITHIN_S: Final = 3.0
_COMPILER: Final = "llvmlite"


def run_platform(
    configuration: PlatformConfiguration,
    interrupts: Interrupts,
    duration_s: float | None,
    started_at: float,
    load: Load,
) -> None:
    """Run until a signal, the end of ``duration_s``, or a failure, which is raised.

    ``started_at``: the monotonic time at which the command was given.  ``load`` reads the
    configuration anew, with further overrides.
    """
    interrupts.prepare(remove_segments)
    configuration = configuration.sharded().gated()
    _check_port(configuration)
    _refuse_second_instance(configuration)
    for line in require_fit(configuration):
        _LOG.warning(line)
    titan = configuration.titan
    warm_up(click.echo, merge=titan.shards > 1, gate=titan.risk_gate)
    recovery = recover(configuration, ReplayProgress(click.echo))
    for note in recovery.notes:
        click.echo(f"journal: {note}")
    give_back(_COMPILER)
    interrupts.start()
    run = _Run(recovery, interrupts, started_at)
    try:
        run.start(load)
        interrupts.operate()
        run.watch(duration_s)
        run.drain()
    except ProcessFailedError:
        run.save_what_is_left()
        raise
    finally:
        run.clean_up()


class _Run:
    """The live part of a run: everything that must be undone at its end."""

    def __init__(self, recovery: Recovery, interrupts: Interrupts, started_at: float) -> None:
        self._recovery = recovery
        self._interrupts = interrupts
        self._started_at = started_at
        self._platform = recovery.configuration.name
        placement = plan(recovery.configuration)
        for warning in placement.warnings:
            _LOG.warning(warning)
        self._placement = placement
        settings = RunSettings(
            recovery.configuration,
            recovery.instruments,
            recovery.restored,
            recovery.initial_sequences,
        )
        self._live = Live(recovery.configuration, settings)
        self._control: Control | None = None
        self._supervisor = Supervisor(
            recovery.configuration,
            placement,
            settings,
            recovery.initial_sequences,
            _say,
            self._pause,
            warn=logging.getLogger("disruptor.supervisor").warning,
            recipe=recipe(settings),
        )
        self._board = StatusBoard(
            self._platform,
            recovery.instruments,
            Path(self._configuration.oracle.path),
            self._supervisor.rings["risk"],
        )
        self._counters: CounterBlock | None = None

    @property
    def _configuration(self) -> PlatformConfiguration:
        return self._live.configuration

    def start(self, load: Load) -> None:
        """Bring everything up and say so."""
        click.echo(greeting(self._configuration, self._recovery))
        self._counters = CounterBlock.create(
            counters_name(self._platform, LAUNCHER),
            specs_for(LAUNCHER, self._recovery.instruments),
        )
        supervisor = self._supervisor
        order = supervisor.graph.start_order()
        processes = self._configuration.processes
        feeding = [name for name in order if processes[name].writes and not processes[name].reads]
        for name in order:
            if name not in feeding:
                supervisor.start(name)
        self._publish_setup()
        for name in feeding:
            supervisor.start(name)
        self._count_start()
        self._control = Control(
            self._live, supervisor, self._interrupts, self._recovery.instruments, load, _say
        )
        click.echo(process_table(self._configuration, self._placement, supervisor))
        click.echo(
            f"{clock()}  operational after {time.monotonic() - self._started_at:.1f} s  ·  "
            f"metrics http://localhost:{self._configuration.metrics.port}/metrics"
        )
        click.echo("Press Ctrl+C to shutdown")

    def watch(self, duration_s: float | None) -> None:
        """Look after the processes and tell the operator, until it is time to stop."""
        assert self._control is not None
        rings = self._supervisor.rings.items()
        watches = Watches(
            Path(self._configuration.oracle.path),
            lambda: {name: ring.statistics() for name, ring in rings},
        )
        self._board.begin()
        began = last_status = time.monotonic()
        lines = 0
        while self._interrupts.count == 0:
            now = time.monotonic()
            if duration_s is not None and now - began >= duration_s:
                return
            self._supervisor.poll()
            if self._interrupts.take_reload():
                self._control.reload()
            for line in watches.look(now):
                _LOG.warning(line)
            self._board.print_liquidations()
            interval = self._configuration.status_interval_s
            if interval and now >= last_status + interval:
                last_status = now
                self._board.print_status()
                lines += 1
                if lines % _CHECKPOINT_EVERY == 1:
                    self._board.print_checkpoint()
            self._supervisor.wait(_POLL_S, self._control.socket.descriptors())
            self._pause(0.0)

    def drain(self) -> None:
        """Stop the feed, let everything in the rings arrive, stop the rest, say farewell."""
        click.echo(f"\n{clock()}  draining: the feed stops, the rings run empty, the journal syncs")
        began = time.monotonic()
        supervisor = self._supervisor
        supervisor.stop_producers()
        if not supervisor.wait_until_quiet(_QUIET_WITHIN_S):
            _LOG.warning("the rings did not run empty in time; the journal has the rest")
        self._board.print_liquidations()
        self._board.print_status()
        last = supervisor.rings["commands"].cursor
        supervisor.stop_rest()
        self._board.print_checkpoint()
        self._require_ends()
        titan = [supervisor.result_of(name) for name in self._configuration.shard_names()]
        state = platform_hash(last, combined_hash(titan), supervisor.result_of("sentinel"))
        is_clean = supervisor.rests() and supervisor.rings["commands"].cursor == last
        click.echo(farewell(last, state if is_clean else "", time.monotonic() - began))
        if is_clean:
            self._compare_with_shadow(last, state)

    def _require_ends(self) -> None:
        """An engine that died while it was told to end has left no hash of its state."""
        for name, process in self._configuration.processes.items():
            if process.run in _ENGINES and not any(self._supervisor.result_of(name)):
                raise ProcessFailedError(
                    f"process {name} died while the platform drained; the journal has what was in "
                    "the rings, and bin/oracle hash tells the state"
                )

    def save_what_is_left(self) -> None:
        """After a failure: end the feed, and let those that still run take what the rings hold."""
        with contextlib.suppress(DisruptorError):
            self._supervisor.stop_producers()
            self._supervisor.stop_rest()

    def clean_up(self) -> None:
        """Leave no process and nothing in shared memory.

        A process that still runs is killed; the journal keeps what was committed.
        """
        self._supervisor.kill()
        if self._control is not None:
            self._control.close()
        self._board.close()
        self._supervisor.unlink()
        if self._counters is not None:
            self._counters.unlink()
        for name in existing(f"{self._platform}."):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{SHARED_MEMORY_DIRECTORY}/{name}")
        remove_segments()  # of a successor that was getting ready

    def _pause(self, seconds: float) -> None:
        if self._control is not None:
            self._control.socket.serve()
        self._interrupts.pause(seconds)

    def _publish_setup(self) -> None:
        """What the journal lacks of the configuration, as the first commands of this run.

        One that goes on says so first, so that nobody is liquidated on a price from before.
        """
        resume = new_commands(1 if self._recovery.restored.commands_last else 0)
        resume["op"] = OP_RESUME
        resume["source"] = SOURCE_SETUP
        commands = np.concatenate([resume, self._recovery.setup])
        if not len(commands):
            return
        # A recording brings its own time, which must not lie before that of the set-up.
        replays = self._configuration.feed.mode == "recorded"
        commands["ts"] = 0 if replays else time.time_ns()
        producer = self._supervisor.rings["commands"].producer("launcher")
        producer.write(commands)
        producer.close()

    def _compare_with_shadow(self, last: int, state: str) -> None:
        """What the journal gives must be what the live engines had, if all came to the end."""
        if SNAPSHOTS not in self._configuration.processes:
            return
        derived = self._supervisor.result_of(SNAPSHOTS)
        engines = (*self._configuration.shard_names(), "sentinel")
        came = (derived, *(self._supervisor.result_of(name) for name in engines))
        if all(any(result) for result in came) and derived.hex() != state:
            raise ProcessFailedError(
                f"after command {last:,} the live engines had the state {state}, but the journal "
                f"gives {derived.hex()}; bin/oracle replay tells where they part"
            )

    def _count_start(self) -> None:
        assert self._counters is not None
        values = {
            "platform_start_timestamp_seconds": time.time_ns(),
            "platform_startup_seconds": int((time.monotonic() - self._started_at) * 1e9),
            "platform_replayed_commands": (
                self._recovery.restored.commands_last - self._recovery.from_snapshot
            ),
        }
        for metric, value in values.items():
            put(self._counters.words, self._counters.offset(metric), value)


def _say(line: str) -> None:
    click.echo(f"{clock()}  {line}", err=True)


def _check_port(configuration: PlatformConfiguration) -> None:
    """Fail before anything is started when the metrics port is taken."""
    host, port = configuration.metrics.host, configuration.metrics.port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} on {host} for metrics cannot be used ({error.strerror}); "
                "set PROMETHEUS_PORT or metrics.port to a free one"
            ) from error


def _refuse_second_instance(configuration: PlatformConfiguration) -> None:
    """Remove what a dead run left; a living one is refused."""
    for name in existing(f"{configuration.name}."):
        reclaim(name)
