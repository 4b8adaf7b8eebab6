"""multiprocessing.Pipe: bytes through a pipe of the system; several senders share a lock."""

from __future__ import annotations

import multiprocessing
from contextlib import nullcontext
from typing import Any

from perf.peers.channels.channel import Channel, ChannelPeer, Receiver, Sender, nothing_remains


def peer() -> ChannelPeer:
    """Always there."""
    return ChannelPeer("multiprocessing.Pipe", _open_channel, nothing_remains)


def _open_channel(name: str, senders: int) -> Channel:
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    lock: Any = context.Lock() if senders > 1 else nullcontext()

    def send_locked(message: bytes) -> None:
        with lock:
            sending.send_bytes(message)

    send = send_locked if senders > 1 else sending.send_bytes
    return Channel(
        sender=lambda: Sender(send, sending.close),
        receiver=lambda: Receiver(receiving.recv_bytes, receiving.close),
    )
