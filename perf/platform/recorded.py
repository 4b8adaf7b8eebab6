"""Commands of a recording of an exchange: its prices, and its book, copied order by order.

The recording goes through the feed itself, as fast as it can; the load generator sends what came
out at whatever rate is asked for, so the same market is played some hundred times faster than it
was.  The recording is the one that comes with the project, or what ``PERF_RECORDING`` names: a file
of frames of BTCUSDT, or the raw journal in a folder.
"""

from __future__ import annotations

import asyncio
import os
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from components.feed.metrics import InMemoryFeedMetrics
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.settings import FeedSettings, RecordedSettings
from components.feed.source import run_feed
from components.instruments import Instrument, InstrumentTable
from components.messages.command import Commands

MAKER: Final = 1
"""The account whose orders are the venue's book."""
_SAMPLE: Final = Path(__file__).resolve().parents[2] / "config" / "recordings" / "sample.gz"
_LEVELS: Final = 20


def recorded_commands() -> Commands:
    """All commands of the recording; RuntimeError when it holds none for BTCUSDT."""
    path = Path(os.environ.get("PERF_RECORDING", _SAMPLE))
    instruments = InstrumentTable([Instrument("BTCUSDT", 0, Decimal("0.01"), Decimal("0.00001"))])
    settings = FeedSettings(
        mode="recorded",
        recorded=RecordedSettings(path=str(path), speed=0),
        order_flow=OrderFlowSettings(kind="mirror", levels=_LEVELS, maker_accounts=(MAKER,)),
    )
    pieces: list[Commands] = []

    def keep(commands: Commands) -> None:
        pieces.append(commands.copy())

    asyncio.run(run_feed(settings, instruments, keep, asyncio.Event(), InMemoryFeedMetrics()))
    if not pieces:
        raise RuntimeError(f"{path} has no frames of BTCUSDT")
    return np.concatenate(pieces)
