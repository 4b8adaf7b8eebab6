"""Whatever dies in whatever order: nothing is lost, nothing comes twice, the state is the same."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from components.messages.code import SOURCE_SENTINEL
from components.oracle.replay import replay
from components.oracle.store import Journal, verify
from tests.faults.restart_simulation import Simulation, derived_anew, without_voids

pytestmark = [pytest.mark.fault, pytest.mark.timeout(600)]

COMMANDS = 100
STEPS_MAX = 200_000


def simulate(prefix: str, path: Path, seed: int, kill_chance: float) -> Simulation:
    with closing(Simulation(prefix, path, seed, COMMANDS)) as simulation:
        simulation.run(kill_chance, STEPS_MAX)
    return simulation


def check(simulation: Simulation, seed: int) -> None:
    with Journal.open_reader(simulation.path) as journal:
        streams = {
            name: np.concatenate([chunk for _, chunk in journal.read(name)])
            for name in ("commands", "events", "risk")
        }
        assert replay(journal).ok, f"seed {seed}"
    commands = without_voids(streams["commands"])
    from_sentinel = commands["source"] == SOURCE_SENTINEL
    expected = derived_anew(streams["commands"])

    assert verify(simulation.path).ok, f"seed {seed}"
    assert commands[~from_sentinel].tobytes() == simulation.commands.tobytes(), (
        f"seed {seed}: a command was lost or came twice"
    )
    assert streams["events"].tobytes() == expected["events"].tobytes(), f"seed {seed}"
    assert streams["risk"].tobytes() == expected["risk"].tobytes(), f"seed {seed}"
    assert commands[from_sentinel].tobytes() == expected["orders"].tobytes(), (
        f"seed {seed}: a liquidation order was lost or came twice"
    )
    assert len(expected["orders"]) > 0, f"seed {seed}: nobody was liquidated"


@pytest.mark.parametrize("seed", range(2))
def test_a_platform_whose_processes_die_at_any_step_journals_what_one_that_lives_does(
    segment_prefix: str, tmp_path: Path, seed: int
) -> None:
    simulation = simulate(segment_prefix, tmp_path / "j", seed, kill_chance=0.02)

    check(simulation, seed)
    assert all(simulation.kills.values()), f"seed {seed} killed nobody: {simulation.kills}"


def test_the_same_seed_gives_the_same_run(segment_prefix: str, tmp_path: Path) -> None:
    runs = []
    for number in range(2):
        simulation = simulate(segment_prefix, tmp_path / f"j{number}", 7, kill_chance=0.02)
        with Journal.open_reader(simulation.path) as journal:
            heads = [journal.head(name) for name in journal.streams]
        runs.append((simulation.kills, heads))

    assert runs[0] == runs[1]


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_many_seeds_and_many_deaths(segment_prefix: str, tmp_path: Path) -> None:
    for seed in range(1_000, 1_300):
        kill_chance = (0.002, 0.01, 0.05)[seed % 3]
        check(simulate(segment_prefix, tmp_path / f"{seed}", seed, kill_chance), seed)
