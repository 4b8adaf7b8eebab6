"""What is compared takes turns, so that a moment in which the machine was slow was slow for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Variant:
    """One way of doing the same work; ``runs`` fills up with what ``once`` returns."""

    name: str
    once: Callable[[], Any]
    wait: str = ""
    peer: str = ""
    target: str = ""
    runs: list[Any] = field(default_factory=list)


def take_turns(variants: Sequence[Variant], runs: int) -> None:
    """Run each variant once, then each again, so many times."""
    for _ in range(runs):
        for variant in variants:
            variant.runs.append(variant.once())
