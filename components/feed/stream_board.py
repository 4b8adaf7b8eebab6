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

from components.feed.symbol_words import HEARD, STATE, UNHEARD, Words, column

CONNECTING: Final = 0
SUBSCRIBED: Final = 1
LIVE: Final = 2
STALE: Final = 3
DOWN: Final = 4
STATE_NAMES: Final = ("connecting", "subscribed", "live", "stale", "down")

_NEVER: Final = 2**63 - 1

assert HEARD == STATE + 1


class Stream(NamedTuple):
    """A kind of message ("trade", "depth", …) of the symbol with this index."""

    kind: str
    symbol: int


OnChange = Callable[[Stream, int], None]
"""Told of a stream and its new state."""


class StreamEntry:
    """What the board knows of one stream; its state and its last data are among the symbol's words."""

    __slots__ = ("_words", "deadline_ns", "stream")

    def __init__(self, stream: Stream, deadline_ns: int, words: Words) -> None:
        self.stream: Final = stream
        self.deadline_ns: Final = deadline_ns
        first = column(stream.kind, STATE)
        self._words = words[stream.symbol, first : first + 2]  # STATE, HEARD

    @property
    def state(self) -> int | None:
        """None: it was never heard of."""
        state = int(self._words[0])
        return None if state == UNHEARD else state

    @state.setter
    def state(self, state: int | None) -> None:
        self._words[0] = UNHEARD if state is None else state

    @property
    def heard_ns(self) -> int:
        """When the last valid data came, or the acknowledgement before the first."""
        return int(self._words[1])

    @heard_ns.setter
    def heard_ns(self, heard_ns: int) -> None:
        self._words[1] = heard_ns


class StreamBoard:
    """The state of every stream; ``deadlines_ns`` says how long each kind may be silent."""

    def __init__(self, deadlines_ns: Mapping[str, int], words: Words, on_change: OnChange) -> None:
        self._deadlines_ns = deadlines_ns
        self._words = words
        self._on_change = on_change
        self._entries: dict[Stream, StreamEntry] = {}
        self._look_again_ns = _NEVER

    @property
    def look_again_ns(self) -> int:
        """Nothing goes stale before this time."""
        return self._look_again_ns

    def entry(self, stream: Stream) -> StreamEntry:
        """The stream's entry, for ``data``."""
        entry = self._entries.get(stream)
        if entry is None:
            deadline_ns = self._deadlines_ns[stream.kind]
            entry = self._entries[stream] = StreamEntry(stream, deadline_ns, self._words)
        return entry

    def state(self, stream: Stream) -> int | None:
        """The stream's state; None if it was never heard of."""
        return self.entry(stream).state

    def streams(self) -> Mapping[Stream, int]:
        """The state of every stream that was heard of."""
        return {
            stream: entry.state
            for stream, entry in self._entries.items()
            if entry.state is not None
        }

    def connecting(self, streams: Iterable[Stream]) -> None:
        """A connection for these is being made."""
        for stream in streams:
            self._change(self.entry(stream), CONNECTING)

    def subscribed(self, streams: Iterable[Stream], now_ns: int) -> None:
        """The venue acknowledged these; data may have come before."""
        for stream in streams:
            entry = self.entry(stream)
            if entry.state in (None, CONNECTING, DOWN):
                self._begin(entry, SUBSCRIBED, now_ns)

    def data(self, entry: StreamEntry, now_ns: int) -> None:
        """Valid data came."""
        if entry.state == LIVE:
            entry.heard_ns = now_ns
        else:
            self._begin(entry, LIVE, now_ns)

    def down(self, streams: Iterable[Stream]) -> None:
        """The connection that carried these is lost."""
        for stream in streams:
            self._change(self.entry(stream), DOWN)

    def look(self, now_ns: int) -> None:
        """Find what has become stale by ``now_ns``; cheap before ``look_again_ns``."""
        if now_ns < self._look_again_ns:
            return
        soonest = _NEVER
        for entry in list(self._entries.values()):
            if entry.state not in (SUBSCRIBED, LIVE):
                continue
            due_ns = entry.heard_ns + entry.deadline_ns
            if due_ns <= now_ns:
                self._change(entry, STALE)
            else:
                soonest = min(soonest, due_ns)
        self._look_again_ns = soonest

    def reset(self) -> None:
        """Forget everything, as when a recording begins again."""
        for entry in self._entries.values():
            entry.state = None
        self._look_again_ns = _NEVER

    def _begin(self, entry: StreamEntry, state: int, now_ns: int) -> None:
        """The stream has a deadline from now on."""
        entry.heard_ns = now_ns
        self._look_again_ns = min(self._look_again_ns, now_ns + entry.deadline_ns)
        self._change(entry, state)

    def _change(self, entry: StreamEntry, state: int) -> None:
        if entry.state != state:
            entry.state = state
            self._on_change(entry.stream, state)
