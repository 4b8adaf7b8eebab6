"""What is known of each stream: whether it was asked for, whether it delivers, since when it is silent.

    connecting ──acknowledged──► subscribed ──data──► live ◄──data── stale
        ▲                            └──────silent──────┴──silent──────►┘
        └──── connects again ──── down ◄──── the connection is lost ──── any of them

An acknowledgement proves nothing (a subscription on the wrong route is acknowledged and silent for
ever), so only data makes a stream live.  Silence is measured from the last valid data, or from the
acknowledgement before the first, on a clock that never goes back: the machine's monotonic one, or
the recording's own time.  Data makes a stream live from any state, as it may overtake its
acknowledgement, and recordings have none.

Pure: time is an argument.  One board a feed; a stream is a kind of message of one symbol, whichever
connection carries it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

CONNECTING: Final = 0
SUBSCRIBED: Final = 1
LIVE: Final = 2
STALE: Final = 3
DOWN: Final = 4
STATE_NAMES: Final = ("connecting", "subscribed", "live", "stale", "down")

_NEVER: Final = 2**63 - 1


class Stream(NamedTuple):
    """A kind of message ("trade", "depth", …) of the symbol with this index."""

    kind: str
    symbol: int


OnChange = Callable[[Stream, int], None]
"""Told of a stream and its new state."""


class StreamBoard:
    """The state of every stream; ``deadlines_ns`` says how long each kind may be silent."""

    def __init__(self, deadlines_ns: Mapping[str, int], on_change: OnChange) -> None:
        self._deadlines_ns = deadlines_ns
        self._on_change = on_change
        self._states: dict[Stream, int] = {}
        self._heard_ns: dict[Stream, int] = {}
        self._look_again_ns = _NEVER

    @property
    def look_again_ns(self) -> int:
        """Nothing goes stale before this time."""
        return self._look_again_ns

    def state(self, stream: Stream) -> int | None:
        """The stream's state; None if it was never heard of."""
        return self._states.get(stream)

    def streams(self) -> Mapping[Stream, int]:
        """Every stream's state."""
        return self._states

    def connecting(self, streams: Iterable[Stream]) -> None:
        """A connection for these is being made."""
        for stream in streams:
            self._change(stream, CONNECTING)

    def subscribed(self, streams: Iterable[Stream], now_ns: int) -> None:
        """The venue acknowledged these; data may have come before."""
        for stream in streams:
            if self._states.get(stream, CONNECTING) in (CONNECTING, DOWN):
                self._heard(stream, now_ns)
                self._change(stream, SUBSCRIBED)

    def data(self, stream: Stream, now_ns: int) -> None:
        """Valid data came."""
        self._heard_ns[stream] = now_ns
        if self._states.get(stream) != LIVE:
            self._heard(stream, now_ns)
            self._change(stream, LIVE)

    def down(self, streams: Iterable[Stream]) -> None:
        """The connection that carried these is lost."""
        for stream in streams:
            self._change(stream, DOWN)

    def look(self, now_ns: int) -> None:
        """Find what has become stale by ``now_ns``; cheap before ``look_again_ns``."""
        if now_ns < self._look_again_ns:
            return
        soonest = _NEVER
        for stream, state in list(self._states.items()):
            if state not in (SUBSCRIBED, LIVE):
                continue
            due_ns = self._heard_ns[stream] + self._deadlines_ns[stream.kind]
            if due_ns <= now_ns:
                self._change(stream, STALE)
            else:
                soonest = min(soonest, due_ns)
        self._look_again_ns = soonest

    def reset(self) -> None:
        """Forget everything, as when a recording begins again."""
        self._states.clear()
        self._heard_ns.clear()
        self._look_again_ns = _NEVER

    def _heard(self, stream: Stream, now_ns: int) -> None:
        self._heard_ns[stream] = now_ns
        due_ns = now_ns + self._deadlines_ns[stream.kind]
        self._look_again_ns = min(self._look_again_ns, due_ns)

    def _change(self, stream: Stream, state: int) -> None:
        if self._states.get(stream) != state:
            self._states[stream] = state
            self._on_change(stream, state)
