"""multiprocessing.Queue: a pipe behind a lock, fed by a thread of the sender."""

from __future__ import annotations

import multiprocessing
from typing import Any

from perf.peers.channels.channel import (
    MESSAGES_IN_FLIGHT,
    Channel,
    ChannelPeer,
    Receiver,
    Sender,
    nothing_remains,
)


def peer() -> ChannelPeer:
    """Always there."""
    return ChannelPeer("multiprocessing.Queue", _open_channel, nothing_remains)


def _open_channel(name: str, senders: int) -> Channel:
    queue: Any = multiprocessing.get_context("fork").Queue(MESSAGES_IN_FLIGHT)

    def close_sender() -> None:
        queue.close()
        queue.join_thread()

    return Channel(
        sender=lambda: Sender(queue.put, close_sender),
        receiver=lambda: Receiver(queue.get, queue.close),
    )
