"""What a rival has to offer so that graphs can be built of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MODULES: Final = ("mp_queue", "mp_pipe", "faster_fifo_queue", "iceoryx2_service", "zeromq")
"""Files of this package, in the order of the reports."""

MESSAGES_IN_FLIGHT: Final = 1024
"""How many messages a channel holds before its sender waits, where that can be chosen."""


@dataclass(frozen=True)
class Sender:
    """The end that a worker writes to; ``close`` returns when everything is on its way."""

    send: Callable[[bytes], object]
    close: Callable[[], object]


@dataclass(frozen=True)
class Receiver:
    """The end that a worker reads from; ``receive`` waits."""

    receive: Callable[[], bytes]
    close: Callable[[], object]


@dataclass(frozen=True)
class Channel:
    """Made before the crew; a worker opens its end in its own process, and closes it there."""

    sender: Callable[[], Sender]
    receiver: Callable[[], Receiver]


@dataclass(frozen=True)
class ChannelPeer:
    """A rival: ``open_channel(name, senders)``, its names all beginning with one prefix."""

    name: str
    open_channel: Callable[[str, int], Channel]
    remove_remains: Callable[[str], object]
    absence: str = ""  # why it cannot be measured here


def channel_peers() -> list[ChannelPeer]:
    """All rivals, those that are missing here with the reason."""
    return [importlib.import_module(f"{__package__}.{name}").peer() for name in MODULES]


def nothing_remains(prefix: str) -> None:
    """For rivals without names in the system."""
