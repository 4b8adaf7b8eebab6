"""Asks for a line's streams in batches and matches the answers: who was granted what, and who not.

Pure: what to send is returned, time is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import orjson

from components.feed.stream_board import Stream
from components.feed.venue_messages import Control

BATCH_MAX: Final = 100
"""Streams of one request: a frame stays far below the venue's limit of 4 KiB … 8 KiB."""


class Subscription:
    """The requests of one connection."""

    def __init__(self, streams: Mapping[str, Stream], answer_within_ns: int) -> None:
        names = list(streams)
        self._streams = streams
        self._batches = [names[at : at + BATCH_MAX] for at in range(0, len(names), BATCH_MAX)]
        self._answer_within_ns = answer_within_ns
        self._asked: dict[int, list[str]] = {}
        self._due_ns: dict[int, int] = {}
        self._last_id = 0
        self.refused = ""

    @property
    def has_more(self) -> bool:
        """Whether a request is still to be sent."""
        return bool(self._batches)

    @property
    def is_granted(self) -> bool:
        """Whether every request was sent and granted."""
        return not self._batches and not self._asked and not self.refused

    def next_request(self, now_ns: int) -> bytes:
        """The next request; its answer is awaited from now on."""
        names = self._batches.pop(0)
        self._last_id += 1
        self._asked[self._last_id] = names
        self._due_ns[self._last_id] = now_ns + self._answer_within_ns
        return orjson.dumps({"method": "SUBSCRIBE", "params": names, "id": self._last_id})

    def answered(self, control: Control) -> list[Stream]:
        """The streams that this answer grants; a refusal is kept in ``refused``."""
        if control.error:
            self.refused = control.error
            return []
        request_id = control.request_id
        if type(request_id) is not int or request_id not in self._asked:
            return []
        del self._due_ns[request_id]
        return [self._streams[name] for name in self._asked.pop(request_id)]

    def is_overdue(self, now_ns: int) -> bool:
        """Whether an answer is missing for too long."""
        return any(due_ns <= now_ns for due_ns in self._due_ns.values())
