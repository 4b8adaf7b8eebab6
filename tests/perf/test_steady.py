"""The flow behind the growth curves keeps its book at the size that it says."""

from __future__ import annotations

import pytest

from components.messages.code import EVENT_REJECTED, EVENT_TRADE, OP_CANCEL
from components.titan.engine import apply_batch
from components.titan.engine.state import LIVE
from perf.harness.titan_replay import fresh_state
from perf.workloads.steady import steady_commands


@pytest.mark.parametrize(("resting", "symbols"), [(100, 1), (2_000, 1), (2_000, 50)])
def test_the_book_keeps_its_size_and_hardly_a_command_is_refused(
    resting: int, symbols: int
) -> None:
    opening, commands = steady_commands(resting, 4_200, symbols)
    state, outbox = fresh_state(opening, len(commands), max(64, symbols))
    assert state.totals[LIVE] == resting
    refused = trades = 0
    for begin in range(0, len(commands), 256):
        chunk = commands[begin : begin + 256]
        assert apply_batch(state, chunk, len(opening) + begin, outbox) == len(chunk)
        kinds = outbox.slots["kind"][: int(outbox.count[0])]
        refused += int((kinds == EVENT_REJECTED).sum())
        trades += int((kinds == EVENT_TRADE).sum())
        outbox.count[0] = 0

    assert int((commands["op"] == OP_CANCEL).sum()) == 2_000
    assert trades >= 195
    assert refused <= 25
    assert abs(int(state.totals[LIVE]) - resting) <= 25
