"""faster-fifo: a buffer in shared memory behind a lock, messages taken many at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from perf.peers.channels.channel import (
    MESSAGES_IN_FLIGHT,
    Channel,
    ChannelPeer,
    Receiver,
    Sender,
    nothing_remains,
)

_MESSAGE_BYTES_MAX = 1024
_TIMEOUT_SECONDS = 60.0


def peer() -> ChannelPeer:
    """There when it is installed."""
    try:
        import faster_fifo
    except ImportError as error:
        return ChannelPeer("faster-fifo", _open_channel, nothing_remains, str(error))
    del faster_fifo
    return ChannelPeer("faster-fifo", _open_channel, nothing_remains)


def _open_channel(name: str, senders: int) -> Channel:
    from faster_fifo import Queue

    queue: Any = Queue(MESSAGES_IN_FLIGHT * _MESSAGE_BYTES_MAX, loads=bytes, dumps=bytes)
    return Channel(
        sender=lambda: Sender(lambda message: queue.put(message, timeout=_TIMEOUT_SECONDS), _none),
        receiver=lambda: Receiver(_receive_from(queue), _none),
    )


def _receive_from(queue: Any) -> Callable[[], bytes]:
    """Takes what is there at once, as the library recommends, and hands it out singly."""
    taken: list[bytes] = []

    def receive() -> bytes:
        if not taken:
            taken.extend(reversed(queue.get_many(timeout=_TIMEOUT_SECONDS)))
        return taken.pop()

    return receive


def _none() -> None:
    """The buffer is in memory already, and goes with the last process."""
