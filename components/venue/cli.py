"""``bin/venue``: a stand-in for Binance on this machine, to try a feed against, with faults on demand.

Point the platform at it:

    bin/venue --port 9443 --cut-every 20 &
    bin/start --config config/binance.yaml --set feed.binance.base_url=ws://127.0.0.1:9443
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from components.feed.recording import read_recording
from components.units import parse_decimal
from components.venue.faults import FaultSettings
from components.venue.market import SimulatedMarket
from components.venue.playing import LINE_BYTES_MAX, play_market, play_recording
from components.venue.server import Conduct, VenueServer
from disruptor.errors import DisruptorError

_PPM: Final = 1_000_000
_EVERY = click.IntRange(min=0)
_SECONDS = click.FloatRange(min=0)

FAULTS: Final = ("drop", "duplicate", "reorder", "malformed", "giant")


def _fault_options(function: Callable[..., None]) -> Callable[..., None]:
    for name in reversed(FAULTS):
        option = click.option(
            f"--{name}-every",
            type=_EVERY,
            default=0,
            metavar="N",
            help=f"{name}: each N-th message.",
        )
        function = option(function)
    return function


def _prices(texts: tuple[str, ...]) -> dict[str, int]:
    prices = {}
    for text in texts:
        name, separator, price = text.partition("=")
        try:
            ticks = parse_decimal(price) * 100
        except ValueError:
            ticks = None
        if not name or not separator or ticks is None or ticks < 1_000 or ticks % 1:
            raise click.BadParameter(f"--symbol {text}: write NAME=PRICE, e.g. BTCUSDT=50000")
        prices[name.upper()] = int(ticks)
    return prices


@click.command(help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=9443, show_default=True)
@click.option("--futures", is_flag=True, help="USDⓈ-M's routes and shapes instead of spot's.")
@click.option(
    "--symbol", "symbols", multiple=True, metavar="NAME=PRICE",
    default=("BTCUSDT=50000", "ETHUSDT=3000"), show_default=True,
    help="A simulated symbol and where it starts; may be repeated.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option("--interval-ms", type=click.FloatRange(0.1), default=20.0, show_default=True)
@click.option(
    "--recording", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play this instead of a simulated market.",
)  # fmt: skip
@click.option("--speed", type=_SECONDS, default=1.0, show_default=True, help="0: without pauses.")
@click.option("--loop", is_flag=True, help="Begin the recording again at its end.")
@_fault_options
@click.option(
    "--life", type=_SECONDS, default=0.0, metavar="S", help="Cut connections at this age."
)
@click.option("--notice", type=_SECONDS, default=0.0, metavar="S", help="Tell so long before.")
@click.option("--cut-every", type=_SECONDS, default=0.0, metavar="S", help="Cut all connections.")
@click.option("--freeze-after", type=_SECONDS, default=0.0, metavar="S", help="Then send nothing…")
@click.option("--freeze-for", type=_SECONDS, default=30.0, metavar="S", help="…for so long.")
@click.option("--jump-after", type=_SECONDS, default=0.0, metavar="S", help="Then prices jump…")
@click.option("--jump", type=float, default=-0.2, show_default=True, help="…by this ratio.")
@click.option("--clock-step-after", type=_SECONDS, default=0.0, metavar="S", help="Then its clock…")
@click.option("--clock-step-ms", type=int, default=-1500, show_default=True, help="…steps by this.")
@click.option("--no-answers", is_flag=True, help="Never acknowledge a subscription.")
@click.option("--no-data", is_flag=True, help="Acknowledge, and never send data.")
@click.option(
    "--fragments", type=click.IntRange(min=0), default=0, metavar="BYTES",
    help="Send data in fragments, a ping after each.",
)  # fmt: skip
@click.option("--trickle", type=_SECONDS, default=0.0, metavar="S", help="Send it byte by byte.")
@click.option("--no-reading", is_flag=True, help="Do not read what clients send.")
def main(**options: Any) -> None:
    """Serve until Ctrl+C."""
    try:
        prices = _prices(options["symbols"])
        asyncio.run(_serve(options, prices))
    except (DisruptorError, OSError) as problem:
        raise click.ClickException(str(problem)) from None


def _conduct(options: dict[str, Any]) -> Conduct:
    return Conduct(
        faults=FaultSettings(**{f"{name}_every": options[f"{name}_every"] for name in FAULTS}),
        acknowledges=not options["no_answers"],
        is_frozen=options["no_data"],
        reads=not options["no_reading"],
        life_s=options["life"],
        notice_s=min(options["notice"], options["life"]),
        ping_every_s=20.0,
        frames_per_s_max=10 if options["futures"] else 5,
        fragment_bytes=options["fragments"],
        byte_pause_s=options["trickle"] or None,
    )


async def _serve(options: dict[str, Any], prices: dict[str, int]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    conduct = _conduct(options)
    venue = VenueServer(
        conduct, host=options["host"], port=options["port"], is_futures=options["futures"]
    )
    async with venue:
        click.echo(f"the venue listens on {venue.base_url}; Ctrl+C ends it")
        troubles = [asyncio.create_task(each) for each in _troubles(venue, options)]
        try:
            await _play(venue, options, prices, stop)
        finally:
            for trouble in troubles:
                trouble.cancel()


async def _play(
    venue: VenueServer, options: dict[str, Any], prices: dict[str, int], stop: asyncio.Event
) -> None:
    if options["recording"] is None:
        market = SimulatedMarket(prices, options["seed"], is_futures=options["futures"])
        await play_market(venue, market, options["interval_ms"] / 1000, stop)
        return
    next(read_recording(options["recording"], lambda *_: None, line_bytes_max=LINE_BYTES_MAX), None)
    while not stop.is_set():
        await play_recording(venue, options["recording"], options["speed"], stop)
        if not options["loop"]:
            await stop.wait()


def _troubles(venue: VenueServer, options: dict[str, Any]) -> list[Any]:
    """What is to happen at a time."""
    conduct = venue.conduct

    async def cut() -> None:
        while True:
            await asyncio.sleep(options["cut_every"])
            venue.cut_all()

    async def freeze() -> None:
        await asyncio.sleep(options["freeze_after"])
        conduct.is_frozen = True
        await asyncio.sleep(options["freeze_for"])
        conduct.is_frozen = False

    async def jump() -> None:
        await asyncio.sleep(options["jump_after"])
        conduct.jump_ppm = round(options["jump"] * _PPM)

    async def step_clock() -> None:
        await asyncio.sleep(options["clock_step_after"])
        conduct.clock_offset_ms = options["clock_step_ms"]

    asked = {"cut_every": cut, "freeze_after": freeze, "jump_after": jump}
    asked["clock_step_after"] = step_clock
    return [trouble() for name, trouble in asked.items() if options[name]]


if __name__ == "__main__":
    main(prog_name="bin/venue")
