"""The shipped configuration, and copies of it that the tests change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copy

import pytest

from components.configuration import PlatformConfiguration, load_platform
from disruptor.errors import DisruptorError

CONFIG = Path(__file__).resolve().parents[3] / "config"
TRADING = CONFIG / "trading.yaml"


def platform(
    *overrides: str, environment: Mapping[str, str] | None = None
) -> PlatformConfiguration:
    """The default platform with these overrides, and nothing from the tests' own environment."""
    return load_platform(TRADING, overrides, environment or {})


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the default configuration in which each text is replaced once."""
    text = TRADING.read_text("utf-8")
    for was, becomes in changes:
        assert was in text
        text = text.replace(was, becomes, 1)
    copy(CONFIG / "instruments.yaml", folder)
    path = folder / "trading.yaml"
    path.write_text(text, "utf-8")
    return path


def mistakes_of(
    path: Path, *overrides: str, environment: Mapping[str, str] | None = None
) -> list[str]:
    """The lines that loading it raises, with file names without their folder."""
    with pytest.raises(DisruptorError) as caught:
        load_platform(path, overrides, environment or {})
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def line_of(path: Path, text: str) -> int:
    """The number of the line in which ``text`` begins, not counting a line break before it."""
    before, found, _ = path.read_text("utf-8").partition(text)
    assert found
    return before.count("\n") + 1 + (len(text) - len(text.lstrip("\n")))
