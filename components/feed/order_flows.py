"""Which order flow a configuration asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.feed.maker_flow import MakerFlow
from components.feed.mirror_flow import MirrorFlow
from components.feed.order_flow import NoOrderFlow, OrderFlow
from components.feed.order_flow_settings import OrderFlowSettings
from components.feed.random_flow import RandomFlow
from components.feed.scripted_flow import ScriptedFlow, read_script
from components.instruments import Instrument, InstrumentTable


def build_flow(
    settings: OrderFlowSettings,
    instruments: InstrumentTable,
    traded: Sequence[Instrument],
    seed: int,
) -> OrderFlow:
    """The flow of one feed; ConfigurationError if its script is wrong."""
    if settings.is_silent:
        return NoOrderFlow()
    if settings.kind == "scripted":
        return ScriptedFlow(read_script(Path(settings.path), instruments))
    if settings.kind == "mirror":
        return MirrorFlow(settings.maker_accounts[0], settings.levels)
    if settings.kind == "makers":
        return MakerFlow(settings, instruments, traded, seed)
    return RandomFlow(settings, instruments, traded, seed)
