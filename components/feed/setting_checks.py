"""How a setting is refused: its key as it stands under ``feed:``, what was found, what is right."""

from __future__ import annotations

from disruptor.errors import ConfigurationError


def require(condition: bool, key: str, found: object, right: str) -> None:
    """ConfigurationError unless ``condition``."""
    if not condition:
        raise ConfigurationError(f"feed.{key}: found {found!r}; {right}")


def require_one_of(value: str, allowed: tuple[str, ...], key: str) -> None:
    """``value`` must be among ``allowed``."""
    require(value in allowed, key, value, f"it must be one of {', '.join(allowed)}")
