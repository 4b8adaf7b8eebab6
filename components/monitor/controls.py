"""What the keys of the terminal view mean: a small state machine without a terminal.

q       quit                     p, space   pause, and go on
s       sort by the next of SORTS            f, /       filter: type, then Enter; Esc clears
?, h    help, and back again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from components.monitor.live_state import LiveState

URGENCY: Final = "urgency"
SIZE: Final = "size"
NAME: Final = "name"
SORTS: Final = (URGENCY, SIZE, NAME)

KEYS: Final = (
    ("q", "quit"),
    ("p  space", "pause, and go on"),
    ("s", "sort: urgency (margin, CPU, newest), size (equity, memory, loss), name"),
    ("f  /", "filter processes, rings, symbols and accounts by a part of their name"),
    ("Esc", "no filter any more"),
    ("?  h", "this help, and back again"),
)

_ESCAPE: Final = "\x1b"
_ENTER: Final = ("\r", "\n")
_ERASE: Final = ("\x7f", "\b")


@dataclass(frozen=True)
class Controls:
    """What the viewer has chosen; each key gives the next."""

    sort: str = URGENCY
    filter: str = ""
    is_typing: bool = False
    is_paused: bool = False
    shows_help: bool = False
    has_quit: bool = False

    def press(self, key: str) -> Controls:
        """After one key; one that means nothing changes nothing."""
        if self.is_typing:
            return self._typed(key)
        if key == "q":
            return replace(self, has_quit=True)
        if key in ("p", " "):
            return replace(self, is_paused=not self.is_paused)
        if key == "s":
            return replace(self, sort=SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)])
        if key in ("f", "/"):
            return replace(self, is_typing=True, filter="")
        if key == _ESCAPE:
            return replace(self, filter="", shows_help=False)
        if key in ("?", "h"):
            return replace(self, shows_help=not self.shows_help)
        return self

    def apply(self, state: LiveState) -> LiveState:
        """The state with what is filtered left out, and the rest in order."""
        return replace(
            state,
            processes=self._chosen(
                state.processes,
                lambda each: each.name,
                {SIZE: lambda each: -(each.resident_bytes or 0),
                 URGENCY: lambda each: -(each.cpu or 0.0)},
            ),
            rings=self._kept(
                state.rings, lambda each: " ".join((each.name, *(c.name for c in each.consumers)))
            ),
            symbols=self._kept(state.symbols, lambda each: each.symbol),
            books=self._kept(state.books, lambda each: each.symbol),
            accounts=self._chosen(
                state.accounts,
                lambda each: str(each.account),
                {SIZE: lambda each: -each.equity, URGENCY: lambda each: -each.margin_ratio},
            ),
            liquidations=self._chosen(
                state.liquidations,
                lambda each: f"{each.account} {each.symbol}",
                {SIZE: lambda each: -each.loss, URGENCY: lambda each: -each.sequence},
            ),
        )  # fmt: skip

    def hint(self) -> str:
        """The line at the foot of the view."""
        if self.is_typing:
            return f" filter: {self.filter}▏   Enter keeps it, Esc clears it"
        words = [" q quit   p pause   s sort   f filter   ? help", f"by {self.sort}"]
        words += [f"filter: {self.filter}"] if self.filter else []
        words += ["paused"] if self.is_paused else []
        return "   ".join(words)

    def _typed(self, key: str) -> Controls:
        if key in _ENTER:
            return replace(self, is_typing=False)
        if key == _ESCAPE:
            return replace(self, is_typing=False, filter="")
        if key in _ERASE:
            return replace(self, filter=self.filter[:-1])
        return replace(self, filter=self.filter + key) if key.isprintable() else self

    def _kept(self, items: tuple[Any, ...], name: Callable[[Any], str]) -> tuple[Any, ...]:
        wanted = self.filter.lower()
        return tuple(each for each in items if wanted in name(each).lower())

    def _chosen(
        self,
        items: tuple[Any, ...],
        name: Callable[[Any], str],
        order: dict[str, Callable[[Any], float]],
    ) -> tuple[Any, ...]:
        kept = self._kept(items, name)
        return tuple(sorted(kept, key=name if self.sort == NAME else order[self.sort]))
