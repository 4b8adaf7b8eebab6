"""ZeroMQ (pyzmq): PUSH and PULL over ipc://, a socket of the system between two processes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from perf.peers.channels.channel import MESSAGES_IN_FLIGHT, Channel, ChannelPeer, Receiver, Sender

_RECONNECT_MS = 1


def peer() -> ChannelPeer:
    """There when pyzmq is installed."""
    try:
        import zmq
    except ImportError as error:
        return ChannelPeer("ZeroMQ", _open_channel, _remove_remains, str(error))
    return ChannelPeer(f"ZeroMQ {zmq.zmq_version()}", _open_channel, _remove_remains)


def _path(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}.zmq"


def _open_channel(name: str, senders: int) -> Channel:
    import zmq

    address = f"ipc://{_path(name)}"

    def sender() -> Sender:
        context = zmq.Context()
        socket = context.socket(zmq.PUSH)
        socket.set_hwm(MESSAGES_IN_FLIGHT)
        socket.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)  # the receiver may bind after us
        socket.connect(address)

        def close() -> None:
            socket.close()  # it lingers until everything has been sent
            context.term()

        return Sender(socket.send, close)

    def receiver() -> Receiver:
        context = zmq.Context()
        socket = context.socket(zmq.PULL)
        socket.set_hwm(MESSAGES_IN_FLIGHT)
        socket.bind(address)
        return Receiver(socket.recv, context.destroy)

    return Channel(sender, receiver)


def _remove_remains(prefix: str) -> None:
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*.zmq"):
        os.unlink(path)
