"""What every process of a running platform is given: the configuration and where it starts from."""

from __future__ import annotations

from dataclasses import dataclass

from components.configuration.model import PlatformConfiguration
from components.instruments import InstrumentTable
from components.oracle.replay import RestoredState


@dataclass(frozen=True)
class RunSettings:
    """Made by the launcher before it forks; the children share its memory until they write."""

    configuration: PlatformConfiguration
    instruments: InstrumentTable
    restored: RestoredState
