"""The terminal view: what it gathers, how it fits, what its command answers."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console

from components.monitor.controls import Controls
from components.monitor.live_state import LiveState, look
from components.monitor.platform_view import depth_name
from components.monitor.screen import bar, duration, short
from components.monitor.screen import screen as draw
from components.monitor.top import main
from components.titan.depth_view import DEPTH_VIEW
from disruptor.memory.snapshot_table import SnapshotTable
from tests.components.monitor.conftest import Platform

ROOT = Path(__file__).resolve().parents[3]


def two_looks(busy: Platform) -> LiveState:
    view = busy.view()
    before = look(view, busy.name, 0)
    busy.trade()
    after = look(view, busy.name, 500_000_000, before)
    view.close()
    return after


def drawn(state: LiveState, columns: int, lines: int) -> list[str]:
    console = Console(width=columns, height=lines, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(draw(state, columns, lines, "q quit"), height=lines)
    return capture.get().splitlines()


def test_two_looks_make_rates(busy: Platform) -> None:
    state = two_looks(busy)

    assert state.per_second["titan_executions"] == 8
    assert state.symbols[0].trades_per_second == 4
    assert state.symbols[0].updates_per_second == 6
    assert (state.symbols[1].last, state.symbols[1].spread) == (5_000, 0.02)


def test_latencies_are_those_since_the_look_before(busy: Platform) -> None:
    view = busy.view()
    busy.observe("titan", "titan_latency_seconds", 1_000, 1_000)
    before = look(view, busy.name, 0)
    busy.observe("titan", "titan_latency_seconds", 3_000_000, 10)
    (now,) = (each for each in look(view, busy.name, 1, before).latencies if each.name == "→titan")
    (quiet,) = (
        each
        for each in look(view, busy.name, 2, look(view, busy.name, 1)).latencies
        if each.name == "→titan"
    )
    view.close()

    assert now.p50 == pytest.approx(0.003, rel=0.25)
    assert quiet.p50 == pytest.approx(1e-6, rel=0.25)
    assert now.count == quiet.count == 1_020


def test_the_first_look_has_no_rates(busy: Platform) -> None:
    view = busy.view()
    state = look(view, busy.name, 0)
    view.close()

    assert state.per_second == {}
    assert state.symbols[0].trades_per_second is None


def test_the_account_nearest_to_liquidation_is_first(busy: Platform) -> None:
    state = two_looks(busy)

    assert [each.account for each in state.accounts] == [1003, 1002, 1001]
    assert state.accounts[0].margin_ratio == 1.1


def test_a_liquidation_is_told_in_the_symbol_s_units(busy: Platform) -> None:
    (liquidation,) = two_looks(busy).liquidations

    assert (liquidation.account, liquidation.symbol, liquidation.side) == (1003, "BTCUSDT", "sell")
    assert (liquidation.qty, liquidation.price, liquidation.loss) == (0.5, 45_000, 150)


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (100, 30), (160, 50), (220, 60)])
def test_the_screen_fills_the_terminal_and_never_overflows(
    busy: Platform, columns: int, lines: int
) -> None:
    shown = drawn(two_looks(busy), columns, lines)
    text = "\n".join(shown)

    assert len(shown) == lines
    assert all(len(line) <= columns for line in shown)
    for word in ("titan", "running", "BTCUSDT", "50000", "1003", "events→sentinel", "q quit"):
        assert word in text


def test_a_crowded_platform_still_shows_every_panel_at_80_by_24(busy: Platform) -> None:
    busy.publish_accounts(list(range(100_000, 900_000, 1_000)))
    for number in range(20):
        busy.ring.register_consumer(f"reader{number}", start=0)
    text = "\n".join(drawn(two_looks(busy), 80, 24))

    for title in ("processes", "rings", "market", "latency", "nearest", "last liquidations"):
        assert title in text


def test_an_empty_platform_can_be_drawn(platform: Platform) -> None:
    view = platform.view()
    assert len(drawn(look(view, platform.name, 0), 80, 24)) == 24
    view.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (12.34, "12.3"), (9_999, "9999"), (12_345, "12.3k"),
     (999_999, "1000k"), (2_000_000, "2M"), (3.2e9, "3.2G"), (5e13, "50000G"), (-2_500_000, "-2.5M")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (2.5e-7, "250ns"), (4e-6, "4µs"), (0.0025, "2.5ms"), (1.0, "1s")],
)
def test_durations_have_their_natural_unit(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_a_bar_shows_a_trace_of_anything_above_nothing() -> None:
    assert [bar(0, 4), bar(1e-9, 4), bar(0.5, 4), bar(1, 4)] == ["    ", "▏   ", "██  ", "████"]


def test_once_prints_one_moment(busy: Platform) -> None:
    result = CliRunner().invoke(main, ["--name", busy.name, "--once"])

    assert result.exit_code == 0
    assert "BTCUSDT" in result.output


def test_once_as_json_is_one_object_with_everything(busy: Platform) -> None:
    result = CliRunner().invoke(main, ["--name", busy.name, "--once", "--json"])

    state = orjson.loads(result.output)
    assert result.exit_code == 0
    assert state["rings"][0]["consumers"] == [{"name": "sentinel", "sequence": 0, "lag": 40}]
    assert state["totals"]["sentinel_accounts_total"] == 3
    assert [each["account"] for each in state["accounts"]] == [1003, 1002, 1001]


def test_without_a_platform_one_line_says_what_to_do() -> None:
    result = CliRunner().invoke(main, ["--name", "nobody"])

    assert result.exit_code == 1
    assert result.output == (
        'Error: no platform named "nobody" is running; '
        "start one with bin/start, or give its --name\n"
    )


@pytest.mark.parametrize("wrong", [["--interval", "0"], ["--interval", "x"], ["extra"]])
def test_wrong_usage_ends_with_2(wrong: list[str]) -> None:
    assert CliRunner().invoke(main, wrong).exit_code == 2


def pressed(keys: str) -> Controls:
    controls = Controls()
    for key in keys:
        controls = controls.press(key)
    return controls


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("q", Controls(has_quit=True)),
        ("p", Controls(is_paused=True)),
        ("p ", Controls()),
        ("s", Controls(sort="size")),
        ("sss", Controls()),
        ("?", Controls(shows_help=True)),
        ("?h", Controls()),
        ("fbtq", Controls(filter="btq", is_typing=True)),
        ("/bt\x7fq\r", Controls(filter="bq")),
        ("fbt\x1b", Controls()),
        ("fbt\r\x1b", Controls()),
        ("fa\x01b\r", Controls(filter="ab")),
        ("xyz", Controls()),
    ],
)
def test_each_key_does_what_the_help_says(keys: str, expected: Controls) -> None:
    assert pressed(keys) == expected


def test_a_filter_keeps_what_bears_the_word(busy: Platform) -> None:
    state = pressed("feth\r").apply(two_looks(busy))

    assert [each.symbol for each in state.symbols] == ["ETHUSDT"]
    assert (state.processes, state.rings, state.accounts, state.liquidations) == ((), (), (), ())
    assert [each.name for each in pressed("fTITAN\r").apply(two_looks(busy)).processes] == ["titan"]
    assert [each.name for each in pressed("fsent\r").apply(two_looks(busy)).rings] == ["events"]


def test_sorting_changes_the_order_and_nothing_else(busy: Platform) -> None:
    state = two_looks(busy)
    by_name = pressed("ss").apply(state)

    assert [each.name for each in by_name.processes] == ["oracle", "titan"]
    assert [each.account for each in by_name.accounts] == [1001, 1002, 1003]
    assert [each.account for each in pressed("").apply(state).accounts] == [1003, 1002, 1001]
    assert {each.account for each in pressed("s").apply(state).accounts} == {1001, 1002, 1003}


def test_the_foot_says_what_is_chosen() -> None:
    assert pressed("spfeth\r").hint().endswith("by size   filter: eth   paused")
    assert "filter: et▏" in pressed("fet").hint()


def test_the_book_is_shown_where_there_is_room(busy: Platform) -> None:
    rows = np.array([(499_999, 250, 0, 0), (500_001, 750, 0, 1)], DEPTH_VIEW)
    SnapshotTable.create(depth_name(busy.name, "titan"), DEPTH_VIEW, 8).publish(rows)
    wide = "\n".join(drawn(two_looks(busy), 160, 40))

    assert "book BTCUSDT" in wide
    assert re.search(r"0\.25 +49999\.9 +50000\.1 +0\.75", wide)


def watched(busy: Platform) -> tuple[subprocess.Popen[bytes], int]:
    """``top`` on a pseudo-terminal, once its first picture is there."""
    control, terminal = pty.openpty()
    program = "from components.monitor.top import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--name", busy.name, "--interval", "0.1"],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "COLUMNS": "100", "LINES": "30", "TERM": "xterm"},
    )
    os.close(terminal)
    assert "nearest to liquidation" in read_until(control, "nearest to liquidation")
    return process, control


def read_until(control: int, wanted: str) -> str:
    text = b""
    deadline = time.monotonic() + 30
    while wanted.encode() not in text and time.monotonic() < deadline:
        if select.select([control], [], [], 0.2)[0]:
            text += os.read(control, 65_536)
    return text.decode(errors="replace")


@pytest.mark.system
@pytest.mark.parametrize("end", ["q", signal.SIGINT, signal.SIGTERM])
def test_the_live_view_redraws_and_ends_cleanly(busy: Platform, end: str | signal.Signals) -> None:
    process, control = watched(busy)
    try:
        os.write(control, b"?")
        assert "this help" in read_until(control, "this help")
        os.write(control, b"?f100\r")
        assert "filter: 100" in read_until(control, "filter: 100")
        os.write(control, b"p")
        assert "paused" in read_until(control, "paused")
        if isinstance(end, str):
            os.write(control, end.encode())
        else:
            process.send_signal(end)
        read_until(control, "\x1b[?1049l")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(control)
