"""The shards' benchmark: the work is the same for all, and a run that loses events is none."""

from __future__ import annotations

import numpy as np
import pytest

from components.messages.code import OP_INSTRUMENT
from perf.scenarios.titan.shards import Live, events_of, two_flows

pytestmark = pytest.mark.stress


def test_two_flows_go_by_turns_and_share_no_id() -> None:
    commands = two_flows(500)
    assert (commands["symbol"] == np.arange(len(commands)) % 2).all()
    orders = commands[commands["op"] != OP_INSTRUMENT]
    ids = [set(orders["order_id"][orders["symbol"] == symbol].tolist()) for symbol in range(2)]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("shards", [1, 2])
def test_every_event_reaches_the_sink(shards: int) -> None:
    commands = two_flows(200)
    run = Live(shards, commands, events_of(commands)).run()
    assert run.cost >= run.own > 0
    assert run.rate > 0
