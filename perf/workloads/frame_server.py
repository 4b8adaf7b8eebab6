"""A venue that costs next to nothing: one client, its handshake, then frames that were made before.

It speaks just as much of WebSocket as a client needs, in plain blocking calls, so that the frames a
second are the feed's and not the server's.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import struct
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.venue.market import SimulatedMarket, qty_text

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT: Final = 0x81
_FIRST_MS: Final = 1_700_000_000_000


def market_frames(count: int) -> list[bytes]:
    """``count`` messages of a simulated spot market: tickers, trades, aggregates, depth."""
    market = SimulatedMarket({"BTCUSDT": 5_000_000}, 1, is_futures=False)
    frames: list[bytes] = []
    step = 0
    while len(frames) < count:
        step += 1
        frames += [
            b'{"stream":"%s","data":%s}' % (stream.encode(), data)
            for stream, data in market.step(_FIRST_MS + step)
        ]
    return frames[:count]


def numbered_trades(count: int) -> list[bytes]:
    """``count`` trades whose quantity, in lots, is their number: a command tells which it was."""
    return [
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"50000.00",'
        b'"q":"%s","T":%d,"m":true,"M":true}}'
        % (_FIRST_MS + number, number, qty_text(number).encode(), _FIRST_MS + number)
        for number in range(1, count + 1)
    ]


def wire_frame(payload: bytes) -> bytes:
    """A text frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 65_536:
        return struct.pack(">BBH", _TEXT, 126, size) + payload
    return struct.pack(">BBQ", _TEXT, 127, size) + payload


class FrameServer:
    """Listens at once; ``accept`` waits for its one client."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: Final = int(self._listener.getsockname()[1])

    def accept(self) -> socket.socket:
        """The client's socket, after its handshake and its subscription."""
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n") if b": " in line)
        key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
        )
        client.recv(4096)
        client.sendall(wire_frame(b'{"result":null,"id":1}'))
        return client

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()


def send_flood(client: socket.socket, frames: Sequence[bytes]) -> None:
    """All frames, as fast as the client takes them."""
    client.sendall(b"".join(wire_frame(frame) for frame in frames))


def send_paced(
    client: socket.socket,
    frames: Sequence[bytes],
    per_second: int,
    sent_ns: NDArray[np.int64],
) -> None:
    """One frame at a time at a steady rate; when each was sent goes to ``sent_ns``."""
    interval_ns = 1_000_000_000 // per_second
    wires = [wire_frame(frame) for frame in frames]
    due_ns = time.monotonic_ns()
    for number, wire in enumerate(wires):
        due_ns += interval_ns
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            if left_ns > 200_000:
                time.sleep((left_ns - 150_000) / 1e9)
        sent_ns[number] = time.monotonic_ns()
        client.sendall(wire)
