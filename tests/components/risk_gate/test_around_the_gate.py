"""Where the gate stands: replays, what-ifs, the offline Titan, and the set-up that turns it on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from components.configuration.setup import gate_from_commands
from components.messages import code as c
from components.messages.command import Commands
from components.messages.event import Events
from components.messages.risk import Risks
from components.oracle.changes import Changes
from components.oracle.derivation import Derivation
from components.oracle.replay import replay
from components.oracle.store import Journal
from components.oracle.what_if import what_if
from tests.components.configuration.platforms import platform
from tests.components.oracle.platform_samples import write
from tests.components.risk_gate.test_gate import next_command, opening_commands
from tests.components.titan.test_cli import instruments, run
from tests.strategies import records

__all__ = ["instruments"]


class Streams(NamedTuple):
    """What a journal holds."""

    commands: Commands
    events: Events
    risks: Risks


def journaled(steps: int, chunk: int) -> tuple[Streams, Derivation]:
    """A gated run, with Sentinel's orders back as soon as they are there."""
    rng = random.Random(11)
    waiting = opening_commands(rng) + [next_command(rng) for _ in range(steps)]
    derivation = Derivation()
    parts: tuple[list[Commands], list[Events], list[Risks]] = ([], [], [])
    while waiting:
        batch = records(waiting[:chunk])
        del waiting[:chunk]
        while len(batch):
            parts[0].append(batch)
            orders = []
            for derived in derivation.feed(batch):
                parts[1].append(derived.events.copy())
                parts[2].append(derived.risks.copy())
                orders.append(derived.orders.copy())
            batch = np.concatenate(orders) if orders else batch[:0]
    return Streams(*(np.concatenate(part) for part in parts)), derivation


@pytest.fixture(scope="module")
def streams() -> Streams:
    made = journaled(500, 50)[0]
    assert (made.events["reason"] == c.REASON_INSUFFICIENT_MARGIN).sum() > 20
    return made


def test_how_the_commands_are_cut_makes_no_difference(streams: Streams) -> None:
    whole = Derivation()
    events = [derived.events.copy() for derived in whole.feed(streams.commands)]
    singly = Derivation()
    for number in range(len(streams.commands)):
        singly.run(streams.commands[number : number + 1])

    assert np.concatenate(events).tobytes() == streams.events.tobytes()
    assert whole.hashes() == singly.hashes()


def test_the_journal_replays_and_a_what_if_without_a_change_is_the_same_world(
    streams: Streams, tmp_path: Path
) -> None:
    path = tmp_path / "j"
    named = {"commands": streams.commands, "events": streams.events, "risk": streams.risks}
    write(path, named, batch=100)

    with Journal.open_reader(path) as journal:
        report = replay(journal)
        found = what_if(journal, Changes())

    assert not report.differences
    assert found.changed.hashes == found.journaled.hashes
    assert found.first_different_trade is None


def test_the_setting_is_a_command_and_only_news_is_sent() -> None:
    configuration = platform("titan.risk_gate=true")
    commands = configuration.setup_commands()

    assert gate_from_commands(commands)
    assert not gate_from_commands(platform().setup_commands())
    gates = commands[commands["op"] == c.OP_RISK_GATE]
    assert gates["qty"].tolist() == [1]


def test_titan_over_json_lines_refuses_what_lacks_margin(instruments: Path) -> None:
    lines = (
        b'{"op":"price","symbol":"BTCUSDT","price":"100"}\n'
        b'{"op":"deposit","account":7,"amount":"10"}\n'
        b'{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","price":"100","qty":"9"}\n'
        b'{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"buy","price":"100","qty":"99"}\n'
    )

    gated, free = run(instruments, lines, "--risk-gate"), run(instruments, lines)

    assert gated.stdout.decode().splitlines() == [
        '{"seq":3,"event":"accepted","symbol":"BTCUSDT","id":1,"account":7}',
        '{"seq":4,"event":"rejected","id":1,"account":7,"reason":"duplicate_id"}',
    ]
    assert free.stdout == gated.stdout
    other = lines.replace(
        b'"id":1,"account":7,"side":"buy","price":"100","qty":"99"',
        b'"id":2,"account":7,"side":"buy","price":"100","qty":"99"',
    )
    assert b'"reason":"insufficient_margin"' in run(instruments, other, "--risk-gate").stdout


def test_an_offline_titan_cannot_begin_to_gate_in_the_middle(instruments: Path) -> None:
    done = run(instruments, b'{"op":"risk_gate","on":true}\n')

    assert done.returncode == 1
    assert b"start with the gate on" in done.stderr
