"""A client of the gateway, as a test or a person with netcat would be one."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any

LIMIT_S = 60.0


class Client:
    """One connection; every read waits up to a generous limit."""

    def __init__(self, port: int, *accounts: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        self._file = self._socket.makefile("rb")
        self.heard: list[dict[str, Any]] = []
        for account in accounts:
            self.send(op="login", account=account)
            self.wait_for(login=account)

    def send(self, **line: object) -> None:
        """One line."""
        self.send_bytes(json.dumps(line).encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        """Whatever it is."""
        self._socket.sendall(data)

    def next(self) -> dict[str, Any]:
        """The next line that the gateway says; an empty one at the end."""
        line = self._file.readline()
        if line:
            self.heard.append(json.loads(line))
        return self.heard[-1] if line else {}

    def wait_for(self, **wanted: object) -> dict[str, Any]:
        """The next line that says all this."""
        while True:
            line = self.next()
            assert line, f"it ended without {wanted}, after {self.heard[-5:]}"
            if all(line.get(key) == value for key, value in wanted.items()):
                return line

    def read_to_the_end(self) -> None:
        """Until the gateway hangs up, or is gone."""
        try:
            while self.next():
                pass
        except ConnectionResetError:
            pass

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
