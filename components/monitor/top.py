"""``bin/top``: the platform in a terminal, from shared memory alone.

It attaches read-only by the platform's name, so it may start before the platform, outlive it, and
run any number of times; the platform does not know of it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Final

import click
import orjson
from rich.console import Console
from rich.live import Live

from components.monitor.controls import Controls
from components.monitor.live_state import LiveState, look, told
from components.monitor.platform_view import SharedMemoryView
from components.monitor.screen import help_screen, screen

_KEYS_AT_ONCE: Final = 64
_ONCE_SECONDS: Final = 0.5
_LINES_ONCE: Final = 40

Look = Callable[[LiveState | None], LiveState]


@click.command()
@click.option("--name", default="trading", show_default=True, help="The platform's name.")
@click.option("--once", is_flag=True, help="Show one moment and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a moment, a line each.")
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 60),
    default=1.0,
    show_default=True,
    help="Seconds between two looks.",
)
def main(name: str, once: bool, as_json: bool, interval: float) -> None:
    """Watch a running platform: processes, rings, prices, accounts, liquidations, journal."""
    view = SharedMemoryView(name)
    if not view.is_running():
        raise click.ClickException(
            f'no platform named "{name}" is running; start one with bin/start, or give its --name'
        )

    def moment(before: LiveState | None) -> LiveState:
        return look(view, name, time.monotonic_ns(), before)

    try:
        if once:
            _show_once(moment, as_json)
        elif as_json:
            _stream(view, moment, interval)
        else:
            _watch(view, moment, interval)
    except KeyboardInterrupt:
        pass
    finally:
        view.close()


def _show_once(moment: Look, as_json: bool) -> None:
    """One moment, with rates over the half second before it."""
    before = moment(None)
    time.sleep(_ONCE_SECONDS)
    state = moment(before)
    if as_json:
        click.echo(orjson.dumps(told(state)))
        return
    console = Console()
    lines = console.height if console.is_terminal else _LINES_ONCE
    console.print(screen(state, console.width, lines), height=lines)


def _stream(view: SharedMemoryView, moment: Look, interval: float) -> None:
    state = None
    while view.is_running():
        state = moment(state)
        click.echo(orjson.dumps(told(state)))
        time.sleep(interval)


def _watch(view: SharedMemoryView, moment: Look, interval: float) -> None:
    """Redraw until ``q``; while the platform is down, keep the last moment and say so."""
    for number in (signal.SIGINT, signal.SIGTERM):  # so that the screen is given back
        signal.signal(number, signal.default_int_handler)
    console = Console()
    state, looked, controls = moment(None), time.monotonic(), Controls()
    with _keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while not controls.has_quit:
            is_due = time.monotonic() - looked >= interval
            is_running = view.is_running()
            if is_due and is_running and not controls.is_paused:
                state, looked = moment(state), time.monotonic()
            hint = controls.hint()
            hint += "" if is_running else "   the platform has ended; waiting for it"
            columns, lines = console.width, console.height
            drawn = (
                help_screen(hint)
                if controls.shows_help
                else screen(controls.apply(state), columns, lines, hint)
            )
            live.update(drawn, refresh=True)
            for key in pressed(max(0.05, min(interval, looked + interval - time.monotonic()))):
                controls = controls.press(key)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """A function that waits at most so many seconds for keys; "" when there were none."""
    if not sys.stdin.isatty():
        yield _sleep
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _read_keys
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _read_keys(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return os.read(sys.stdin.fileno(), _KEYS_AT_ONCE).decode(errors="ignore") if ready else ""


if __name__ == "__main__":
    main(prog_name="bin/top")
