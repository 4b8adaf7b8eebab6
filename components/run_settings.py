"""What every process of a running platform is given: the configuration and where it starts from."""

from __future__ import annotations

from collections.abc import Mapping
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
    before: Mapping[str, int]
    """Of each stream the last record from before this run: where its ring begins."""
