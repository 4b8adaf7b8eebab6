"""What bin/ctl asks of a running platform, carried out between two looks at its processes.

status      every process: state, pid, restarts, heartbeat's age; every ring: cursor and lags
restart     one process in place, with the code and configuration of now, perhaps other parameters
reload      read the configuration anew, as SIGHUP does
snapshot    publish a marker, at which the state is saved
drain       as Ctrl+C          stop    as a second Ctrl+C
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.configuration.model import SNAPSHOTS, PlatformConfiguration
from components.instruments import InstrumentTable
from components.launcher.anew import recipe
from components.launcher.interrupts import Interrupts
from components.launcher.reload import Changes, changes, merged
from components.messages.code import OP_SNAPSHOT, SOURCE_SETUP
from components.messages.command import new_commands
from components.run_settings import RunSettings
from disruptor.errors import ConfigurationError, GraphError, WaitTimeoutError
from disruptor.memory.libc import monotonic_ns
from disruptor.supervisor.control_socket import ControlError, ControlSocket, Request
from disruptor.supervisor.handover import Proposal
from disruptor.supervisor.supervisor import Supervisor
from disruptor.topology.placement import plan

Load = Callable[[Sequence[str]], PlatformConfiguration]
"""Reads the configuration anew, with further ``--set`` on top."""

_MARKER_WITHIN_NS = 1_000_000_000


@dataclass
class Live:
    """What the launcher's parts share of a running platform; replaced as parameters change."""

    configuration: PlatformConfiguration
    settings: RunSettings


class Control:
    """The orders of a person to one run; for the launcher's thread."""

    def __init__(
        self,
        live: Live,
        supervisor: Supervisor,
        interrupts: Interrupts,
        instruments: InstrumentTable,
        load: Load,
        say: Callable[[str], None],
    ) -> None:
        self._live = live
        self._supervisor = supervisor
        self._interrupts = interrupts
        self._instruments = instruments
        self._load = load
        self._say = say
        self._overrides: tuple[str, ...] = ()
        self._asked: dict[str, tuple[str, ...]] = {}
        """Further ones of each process whose successor does not run yet, unless that was refused."""
        self._markers = 0
        self._orders: Mapping[str, Callable[[Request], Mapping[str, Any]]] = {
            "status": self._status,
            "restart": self._restart,
            "reload": lambda _: {"lines": self.reload()},
            "snapshot": self._snapshot,
            "drain": self._drain,
            "stop": self._stop,
        }
        self.socket = ControlSocket(live.configuration.name, self._answer)

    def reload(self) -> list[str]:
        """Read the configuration anew and take what can be taken; the lines that tell it."""
        try:
            wanted = self._wanted(self._overrides)
        except ControlError as error:
            lines = [f"nothing was taken: {error}"]
        else:
            found = changes(self._live.configuration, wanted)
            self._take(wanted, found.without(found.harmless))
            for name in found.harmless:
                self._propose(name, wanted, found.only(name))
            lines = found.lines(found.harmless)
        for line in lines:
            self._say(f"reload: {line}")
        return lines

    def close(self) -> None:
        """Answer nobody any more."""
        self.socket.close()

    def _answer(self, request: Request) -> Mapping[str, Any]:
        self._supervisor.accept()  # whoever was told that a successor runs builds upon it
        order = self._orders.get(str(request.get("do")))
        if order is None:
            raise ControlError(
                f"found do={request.get('do')!r}; it is one of {', '.join(self._orders)}"
            )
        return order(request)

    def _status(self, _: Request) -> Mapping[str, Any]:
        now = monotonic_ns()
        processes = [
            {
                "name": each.name,
                "state": each.state,
                "pid": each.owner.pid if each.owner.is_alive() else 0,
                "restarts": each.restarts,
                "heartbeat_age_s": round(max(0, now - each.heartbeat_ns) / 1e9, 3),
                "missing": list(each.missing),
                "failure": each.failure,
                "refusal": self._supervisor.refusal(each.name),
            }
            for each in self._supervisor.control.snapshots()
        ]
        rings = [
            {
                "name": name,
                "cursor": at.cursor,
                "capacity": at.capacity,
                "lag": {each.name: at.cursor - each.sequence for each in at.consumers},
            }
            for name, at in ((name, r.statistics()) for name, r in self._supervisor.rings.items())
        ]
        name = self._live.configuration.name
        return {"platform": name, "pid": os.getpid(), "processes": processes, "rings": rings}

    def _restart(self, request: Request) -> Mapping[str, Any]:
        name = str(request.get("name", ""))
        self._supervisor.require_restartable(name)
        asked_before = () if self._supervisor.refusal(name) else self._asked.get(name, ())
        added = (*asked_before, *(str(each) for each in request.get("set", ())))
        wanted = self._wanted((*self._overrides, *added))
        asked = changes(self._wanted(self._overrides), wanted)
        if asked.beside(name):
            refused = ", ".join(asked.beside(name))
            raise ControlError(f"a restart of {name} does not take {refused}")
        found = changes(self._live.configuration, wanted)
        self._propose(name, wanted, found.only(name, asked.at_once), added)
        restarts = {each.name: each.restarts for each in self._supervisor.control.snapshots()}
        return {"name": name, "restarts": restarts[name]}

    def _snapshot(self, _: Request) -> Mapping[str, Any]:
        if SNAPSHOTS not in self._live.configuration.processes:
            raise ControlError(f"there is no process {SNAPSHOTS}, which saves the state")
        self._markers += 1
        marker = new_commands(1)
        marker["op"], marker["source"] = OP_SNAPSHOT, SOURCE_SETUP
        marker["order_id"], marker["ts"] = self._markers, time.time_ns()
        producer = self._supervisor.rings["commands"].producer("launcher")
        try:
            with producer.claim(1, _MARKER_WITHIN_NS) as claim:
                claim.write(marker)
        except WaitTimeoutError as error:
            raise ControlError(f"{error}; try again") from None
        finally:
            producer.close()
        return {
            "command": claim.high,
            "journal": os.path.abspath(self._live.configuration.oracle.path),
        }

    def _drain(self, _: Request) -> Mapping[str, Any]:
        self._interrupts.ask_to_drain()
        return {"pid": os.getpid()}

    def _stop(self, _: Request) -> Mapping[str, Any]:
        self._interrupts.ask_to_end()
        return {"pid": os.getpid()}

    def _wanted(self, overrides: Sequence[str]) -> PlatformConfiguration:
        try:
            return self._load(overrides).sharded().gated().continuing(self._instruments)
        except (ConfigurationError, GraphError) as error:
            raise ControlError(str(error)) from None

    def _propose(
        self, name: str, wanted: PlatformConfiguration, found: Changes, added: tuple[str, ...] = ()
    ) -> None:
        """Restart a process with these changes, which hold for nobody before it runs with them."""
        live = self._live
        configuration = merged(live.configuration, wanted, found)

        def taken() -> None:
            self._overrides = (*self._overrides, *added)
            if self._asked[name] == added:
                self._asked[name] = ()
            self._take(wanted, found)

        self._asked[name] = added
        handed = recipe(replace(live.settings, configuration=configuration))
        self._supervisor.restart(name, Proposal(plan(configuration), handed, taken))

    def _take(self, wanted: PlatformConfiguration, found: Changes) -> None:
        live = self._live
        live.configuration = merged(live.configuration, wanted, found)
        live.settings = replace(live.settings, configuration=live.configuration)
        self._supervisor.reconfigure(
            live.configuration,
            plan(live.configuration),
            live.settings,
            recipe(live.settings),
        )
        level = logging.getLevelName(live.configuration.log_level.upper())
        logging.root.setLevel(level)
        self._supervisor.set_log_level(level)
