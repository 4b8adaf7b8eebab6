"""Where a handler's processor runs: in a thread of this process, or in a process forked from it.

A worker runs one function and tells how it ended.  A forked one dies with its parent, leaves
Ctrl+C to it, and sends its error home through a pipe.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final, Protocol

from disruptor.errors import ProcessFailedError

_PR_SET_PDEATHSIG: Final = 1
_ERROR_BYTES_MAX: Final = 4096


def detach(parent: int) -> None:
    """In a forked child: die with the parent, and leave the terminal's signals to it."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above took effect
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


class Worker(Protocol):
    """One function that runs beside its owner; for the owner's thread."""

    def start(self) -> None:
        """Begin."""

    def has_ended(self) -> bool:
        """Whether the function has returned, failed or was killed."""

    def failure(self) -> BaseException | None:
        """Why it failed, once it has ended."""

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for its end; False when that took too long."""


class ThreadWorker:
    """Runs in a thread: compiled handlers without the GIL, Python handlers taking turns."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._run = run
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._body, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def has_ended(self) -> bool:
        return not self._thread.is_alive()

    def failure(self) -> BaseException | None:
        return self._error

    def join(self, timeout_s: float | None = None) -> bool:
        self._thread.join(timeout_s)
        return self.has_ended()

    def _body(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self._error = error


class ProcessWorker:
    """Runs in a forked process, which has the ring mapped and the kernels compiled already."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        self._name = name
        self._run = run
        self._error: BaseException | None = None
        self._pidfd = -1
        self._pipe = -1
        self.pid = 0

    def start(self) -> None:
        self._pipe, write_end = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(write_end, parent)
        os.close(write_end)
        self._pidfd = os.pidfd_open(self.pid)

    def has_ended(self) -> bool:
        return self.join(0.0)

    def failure(self) -> BaseException | None:
        return self._error

    def join(self, timeout_s: float | None = None) -> bool:
        if self._pidfd < 0:
            return True
        ended = select.poll()
        ended.register(self._pidfd, select.POLLIN)
        if not ended.poll(None if timeout_s is None else timeout_s * 1_000):
            return False
        _, status = os.waitpid(self.pid, 0)
        told = os.read(self._pipe, _ERROR_BYTES_MAX).decode(errors="replace")
        os.close(self._pidfd)
        os.close(self._pipe)
        self._pidfd = -1
        if os.WIFSIGNALED(status):
            told = f"it was killed by {signal.Signals(os.WTERMSIG(status)).name}"
        if status:
            self._error = ProcessFailedError(f"handler {self._name} in process {self.pid}: {told}")
        return True

    def _become(self, write_end: int, parent: int) -> None:
        status = 1
        try:
            detach(parent)
            self._run()
            status = 0
        except BaseException as error:
            text = f"{type(error).__name__}: {error}".encode()[:_ERROR_BYTES_MAX]
            os.write(write_end, text)
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
