"""What a restart that a person asks for does to the parameters of those that are started later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.configuration import PlatformConfiguration, load_platform
from components.launcher import anew
from components.launcher.control import Control, Live
from components.oracle.replay import RestoredState
from components.run_settings import RunSettings
from disruptor.supervisor.handover import Proposal, Recipe

TRADING = Path(__file__).parents[3] / "config" / "trading.yaml"
BEFORE = {"commands": 100, "events": 200, "risk": 30}
SLEEPING, YIELDING = "processes.titan.wait=sleeping", "processes.titan.wait=yielding"
CPU = "processes.titan.cpu=0"


class Bench:
    """A control whose supervisor only notes what it is asked."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._path = name, folder / "j"
        self.in_file: tuple[str, ...] = ()
        self.proposals: list[tuple[str, Proposal]] = []
        self.reconfigured: list[PlatformConfiguration] = []
        self.recipes: list[Recipe] = []
        self.refusals: dict[str, str] = {}
        configuration = self._load(())
        table = configuration.instrument_table()
        settings = RunSettings(configuration, table, RestoredState.beginning(1), BEFORE)
        self.live = Live(configuration, settings)
        supervisor: Any = SimpleNamespace(
            accept=lambda: None,
            require_restartable=lambda name: None,
            refusal=lambda name: self.refusals.get(name, ""),
            restart=self._restart,
            reconfigure=self._reconfigure,
            set_log_level=lambda level: None,
            control=SimpleNamespace(snapshots=lambda: [SimpleNamespace(name="titan", restarts=0)]),
        )
        interrupts: Any = None
        self.control = Control(self.live, supervisor, interrupts, table, self._load, self._ignore)

    def restart(self, *overrides: str) -> None:
        """As bin/ctl restart titan."""
        self.control._answer({"do": "restart", "name": "titan", "set": list(overrides)})

    def take(self) -> None:
        """The successor that was asked for last runs."""
        self.proposals[-1][1].taken()

    @property
    def wait(self) -> str:
        """How Titan waits, as the next start would have it."""
        assert self.live.settings.configuration == self.live.configuration
        return self.live.configuration.processes["titan"].wait

    def proposed(self) -> PlatformConfiguration:
        """What the successor that was asked for last is handed."""
        given = self.proposals[-1][1].recipe.given
        configuration: PlatformConfiguration = anew.handed(given)
        return configuration

    def _load(self, overrides: Sequence[str]) -> PlatformConfiguration:
        own = (f"name={self._name}", f"oracle.path={self._path}")
        return load_platform(TRADING, (*own, *self.in_file, *overrides), {})

    def _restart(self, name: str, proposal: Proposal) -> None:
        self.refusals.pop(name, None)
        self.proposals.append((name, proposal))

    def _reconfigure(self, configuration: PlatformConfiguration, *others: Any) -> None:
        self.reconfigured.append(configuration)
        self.recipes.append(others[-1])

    def _ignore(self, line: str) -> None:
        pass


@pytest.fixture
def at(segment_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made = Bench(segment_prefix.rstrip("."), tmp_path)
    yield made
    made.control.close()


def test_parameters_hold_for_nobody_else_before_a_successor_runs_with_them(at: Bench) -> None:
    before = at.wait
    at.restart(SLEEPING)

    assert at.proposed().processes["titan"].wait == "sleeping"
    assert at.proposals[-1][1].placement.waits["titan"] == "sleeping"
    assert (at.wait, at.reconfigured) == (before, [])
    at.take()
    assert at.wait == "sleeping"
    assert [each.processes["titan"].wait for each in at.reconfigured] == ["sleeping"]


def test_parameters_that_were_refused_are_not_those_of_the_next_successor(at: Bench) -> None:
    before = at.wait
    at.restart(SLEEPING)
    at.refusals["titan"] = "it does not import"
    at.restart()

    assert at.proposed().processes["titan"].wait == before
    at.take()
    at.control.reload()
    assert at.wait == before


def test_who_asks_before_the_last_successor_runs_adds_to_what_was_asked(at: Bench) -> None:
    at.restart(SLEEPING)
    at.restart(CPU)
    at.take()

    assert at.wait == "sleeping"
    assert at.live.configuration.processes["titan"].cpu == 0
    at.restart(YIELDING)
    at.take()
    at.control.reload()
    assert at.wait == "yielding"
    assert at.live.configuration.processes["titan"].cpu == 0


def test_what_a_reload_gives_a_restarted_process_holds_once_that_runs(at: Bench) -> None:
    at.in_file = ("metrics.port=9123", "status_interval_s=7")
    at.control.reload()
    name, _ = at.proposals[-1]

    assert name == "monitor"
    assert at.live.configuration.status_interval_s == 7
    assert at.live.configuration.metrics.port != 9123
    at.take()
    assert at.live.configuration.metrics.port == 9123


def test_a_successor_is_told_where_the_rings_of_this_run_begin(at: Bench) -> None:
    at.restart(SLEEPING)
    at.take()

    assert at.proposals[-1][1].recipe.given["before"] == BEFORE
    assert at.recipes[-1].given["before"] == BEFORE
