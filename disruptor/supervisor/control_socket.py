"""Questions and orders to a running supervisor, one JSON object a line, over a Unix socket.

    {"do": "restart", "name": "titan"}   ►   {"ok": true, …}   or   {"ok": false, "error": "…"}

The socket lies in a directory of the user's own, so that nobody else may ask.  Everything happens in
the supervisor's one thread, between two looks at its children; a client that is slow or says
nonsense holds up nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from disruptor.errors import DisruptorError

_REQUEST_BYTES_MAX: Final = 1 << 16
_CLIENTS_MAX: Final = 16
_SUFFIX: Final = ".ctl"


class ControlError(DisruptorError):
    """A request to a running platform cannot be carried out, or nobody answers it."""


Request = Mapping[str, Any]
Answer = Callable[[Request], Mapping[str, Any]]
"""Carries out a request; what it returns is told, with ``ok``.  It refuses with ControlError."""


def directory() -> Path:
    """Where this user's control sockets lie; ControlError if it is not the user's alone."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    path = Path(base) / "disruptor" if base else Path("/tmp") / f"disruptor-{os.getuid()}"  # noqa: S108
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ControlError(f"{path} is not this user's alone; remove it, or set XDG_RUNTIME_DIR")
    return path


def path_of(platform: str) -> Path:
    """The control socket of a platform."""
    return directory() / f"{platform}{_SUFFIX}"


def running() -> list[str]:
    """The platforms of this user that answer, by name."""
    found = []
    for path in directory().glob(f"*{_SUFFIX}"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with connection, contextlib.suppress(OSError):
            connection.connect(str(path))
            found.append(path.name.removesuffix(_SUFFIX))
    return sorted(found)


class ControlSocket:
    """The supervisor's end; its owner calls ``serve`` when a descriptor is readable, and often."""

    def __init__(self, platform: str, answer: Answer) -> None:
        self._path = path_of(platform)
        self._answer = answer
        self._clients: dict[socket.socket, bytes] = {}
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._path.unlink(missing_ok=True)  # the platform's name is ours: no other one lives
        self._listener.bind(str(self._path))
        self._listener.listen(_CLIENTS_MAX)

    def descriptors(self) -> list[int]:
        """What to wait for."""
        return [self._listener.fileno(), *(each.fileno() for each in self._clients)]

    def serve(self) -> None:
        """Answer what has arrived; never waits."""
        with contextlib.suppress(BlockingIOError):
            while len(self._clients) < _CLIENTS_MAX:
                client, _ = self._listener.accept()
                client.setblocking(False)
                self._clients[client] = b""
        for client in [*self._clients]:
            self._read(client)

    def close(self) -> None:
        """Hang up, and remove the socket."""
        for client in [*self._clients]:
            self._hang_up(client)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _read(self, client: socket.socket) -> None:
        try:
            received = client.recv(_REQUEST_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        heard = self._clients[client] + received
        if not received or len(heard) > _REQUEST_BYTES_MAX:
            self._hang_up(client)
            return
        *lines, self._clients[client] = heard.split(b"\n")
        for line in lines:
            told = json.dumps(self._told(line)).encode() + b"\n"
            try:
                client.sendall(told)
            except OSError:
                self._hang_up(client)
                return

    def _told(self, line: bytes) -> Mapping[str, Any]:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ControlError('found no JSON object; write e.g. {"do": "status"}')
            return {"ok": True, **self._answer(request)}
        except (ControlError, ValueError) as error:
            return {"ok": False, "error": str(error)}

    def _hang_up(self, client: socket.socket) -> None:
        del self._clients[client]
        client.close()


def ask(platform: str, request: Request, timeout_s: float = 10.0) -> Mapping[str, Any]:
    """Send one request to a running platform; what it told.

    ControlError if it does not run, does not answer in time, or refuses.
    """
    deadline = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path_of(platform)))
            connection.sendall(json.dumps(request).encode() + b"\n")
            heard = b""
            while not heard.endswith(b"\n"):
                received = connection.recv(_REQUEST_BYTES_MAX)
                if not received:
                    raise ControlError(f"the platform {platform!r} hung up without an answer")
                heard += received
                connection.settimeout(max(0.001, deadline - time.monotonic()))
        except (FileNotFoundError, ConnectionRefusedError):
            raise ControlError(f"no platform {platform!r} runs here for this user") from None
        except TimeoutError:
            raise ControlError(
                f"the platform {platform!r} did not answer within {timeout_s:.0f} s"
            ) from None
    told: dict[str, Any] = json.loads(heard)
    if not told.pop("ok"):
        raise ControlError(str(told["error"]))
    return told
