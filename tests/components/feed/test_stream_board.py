"""The states of streams, against a model that looks at everything each time."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from components.feed.stream_board import (
    CONNECTING,
    DOWN,
    LIVE,
    STALE,
    SUBSCRIBED,
    Stream,
    StreamBoard,
)
from components.feed.symbol_words import new_words

DEADLINES = {"trade": 10, "depth": 3}
STREAMS = [Stream("trade", 0), Stream("trade", 1), Stream("depth", 0)]
ACTS = st.tuples(
    st.sampled_from(["connecting", "subscribed", "data", "down", "look"]),
    st.sampled_from(STREAMS),
    st.integers(0, 6),
)


@given(st.lists(ACTS, max_size=60))
def test_whatever_happens_each_stream_is_in_the_state_of_the_model(
    acts: list[tuple[str, Stream, int]],
) -> None:
    seen: dict[Stream, list[int]] = {}
    board = StreamBoard(
        DEADLINES, new_words(2), lambda stream, state: seen.setdefault(stream, []).append(state)
    )
    states: dict[Stream, int] = {}
    heard: dict[Stream, int] = {}
    now = 0
    for act, stream, passed in acts:
        now += passed
        board.look(now)
        for each, state in states.items():
            if state in (SUBSCRIBED, LIVE) and heard[each] + DEADLINES[each.kind] <= now:
                states[each] = STALE
        if act == "connecting":
            board.connecting([stream])
            states[stream] = CONNECTING
        elif act == "subscribed":
            board.subscribed([stream], now)
            if states.get(stream, CONNECTING) in (CONNECTING, DOWN):
                states[stream], heard[stream] = SUBSCRIBED, now
        elif act == "data":
            board.data(board.entry(stream), now)
            states[stream], heard[stream] = LIVE, now
        elif act == "down":
            board.down([stream])
            states[stream] = DOWN

        assert dict(board.streams()) == states
    assert {stream: told[-1] for stream, told in seen.items()} == states
    assert all(a != b for told in seen.values() for a, b in itertools.pairwise(told))


def test_nothing_goes_stale_before_the_time_that_the_board_names() -> None:
    board = StreamBoard(DEADLINES, new_words(2), lambda *_: None)
    board.data(board.entry(STREAMS[0]), 100)
    board.data(board.entry(STREAMS[2]), 105)
    assert board.look_again_ns == 108

    board.look(107)
    assert board.state(STREAMS[2]) == LIVE
    board.look(108)
    assert (board.state(STREAMS[2]), board.state(STREAMS[0])) == (STALE, LIVE)
    assert board.look_again_ns == 110
