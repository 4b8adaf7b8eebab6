"""Titan's events as the league's report lines, byte for byte, and their SHA-256.

The lines are those of perf/peers/league_reference.py; the only difference in order is that Titan
answers a modify before its trades and the league after them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.messages.code import (
    EVENT_ACCEPTED,
    EVENT_AMENDED,
    EVENT_CANCELLED,
    EVENT_REJECTED,
    EVENT_TRADE,
)
from components.titan.engine.apply import apply_batch
from disruptor.compiled import compiled
from perf.harness.titan_replay import fresh_state
from perf.workloads.league import CANCEL, Messages, titan_commands

_CHUNK = 1 << 14
_LINE_BYTES_MAX = 128
_NEWLINE, _COMMA, _ZERO = 10, 44, 48


@dataclass(frozen=True)
class Judgement:
    """What a flow's reports came to."""

    trades: int
    reports: int
    sha256: str


@compiled
def _put(text: NDArray[np.uint8], place: int, value: int, ends: int) -> int:
    """A whole number from 0 and the byte that follows it; the place behind."""
    digits = 1
    rest = value // 10
    while rest:
        digits += 1
        rest //= 10
    for at in range(place + digits - 1, place - 1, -1):
        text[at] = _ZERO + value % 10
        value //= 10
    text[place + digits] = ends
    return place + digits + 1


@compiled
def _put_line(text: NDArray[np.uint8], place: int, event: np.void, kind: int, seq: int) -> int:
    place = _put(text, place, kind, _COMMA)
    place = _put(text, place, seq, _COMMA)
    if kind == 1:
        place = _put(text, place, event["price"], _COMMA)
        place = _put(text, place, event["qty"], _COMMA)
        place = _put(text, place, event["maker_order_id"], _COMMA)
        return _put(text, place, event["order_id"], _NEWLINE)
    if kind >= 4:
        return _put(text, place, event["order_id"], _NEWLINE)
    place = _put(text, place, event["side"], _COMMA)
    place = _put(text, place, event["order_id"], _COMMA)
    place = _put(text, place, event["price"], _NEWLINE if kind == 2 else _COMMA)
    if kind == 2:
        return place
    return _put(text, place, event["qty"], _NEWLINE)


@compiled
def _write_reports(
    text: NDArray[np.uint8], events: NDArray[Any], kinds: NDArray[np.uint8]
) -> tuple[int, int, int]:
    """Bytes, lines and trades of whole commands' events; a message's seq is its command's less 1.

    ``kinds``: of all messages, because a refusal does not say of what.
    """
    place = lines = trades = 0
    waiting = -1  # the ``amended`` event whose trades come first
    for number in range(len(events)):
        event = events[number]
        if waiting >= 0 and event["seq"] != events[waiting]["seq"]:
            place = _put_line(text, place, events[waiting], 3, events[waiting]["seq"] - 1)
            waiting = -1
        kind = event["kind"]
        seq = event["seq"] - 1
        if kind == EVENT_AMENDED:
            waiting = number
        elif kind == EVENT_ACCEPTED:
            place = _put_line(text, place, event, 0, seq)
        elif kind == EVENT_TRADE:
            place = _put_line(text, place, event, 1, seq)
            trades += 1
        elif kind == EVENT_CANCELLED:
            place = _put_line(text, place, event, 2, seq)
        elif kind == EVENT_REJECTED:
            place = _put_line(text, place, event, 4 if kinds[seq] == CANCEL else 5, seq)
        else:
            continue
        lines += 1
    if waiting >= 0:
        place = _put_line(text, place, events[waiting], 3, events[waiting]["seq"] - 1)
    return place, lines, trades


def judge_titan(flow: Messages) -> Judgement:
    """Run the flow through Titan, and hash what it reports."""
    commands = titan_commands(flow)
    state, outbox = fresh_state(commands[:1], len(flow))
    digest = hashlib.sha256()
    trades = lines = 0
    done = 1
    text = np.zeros(1 << 16, np.uint8)
    separator = b""
    while done < len(commands):
        done += apply_batch(state, commands[done : done + _CHUNK], done, outbox)
        events = outbox.slots[: int(outbox.count[0])]
        if len(text) < _LINE_BYTES_MAX * len(events):
            text = np.zeros(2 * _LINE_BYTES_MAX * len(events), np.uint8)
        size, more_lines, more_trades = _write_reports(text, events, flow["kind"])
        if size:
            digest.update(separator + text[: size - 1].tobytes())
            separator = b"\n"
        lines, trades = lines + more_lines, trades + more_trades
        outbox.count[0] = 0
    return Judgement(trades, lines, digest.hexdigest())
