"""A successor with the code of now, made ready beside the process whose place it will take.

    supervisor                          candidate: an interpreter of its own
    fork, exec       ─── order ───►     imports the code as it is on disk now, makes topology and
                                        settings, attaches control block and rings
                     ◄── ready ────     or one sentence that says why it cannot: nothing has happened
    ends the process in place
                     ──── go ─────►     takes the line and the places in the rings, and goes on

What takes long, imports and kernels that are to be compiled, happens while the other still works.
This is the supervisor's side; the other is candidate.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from disruptor import kernel_cache
from disruptor.dsl.workers import detach
from disruptor.topology.placement import Placement

READY: Final = b"ready"
GO: Final = b"go"
SENTENCE_BYTES_MAX: Final = 4_096

_CACHE: Final = "NUMBA_CACHE_DIR"
_MODULE: Final = "disruptor.supervisor.candidate"
_READY_WITHIN_S: Final = 900.0
"""Changed kernels are compiled meanwhile; the process in place works on."""


@dataclass(frozen=True)
class Recipe:
    """How an interpreter that inherited nothing comes to topology and settings.

    ``make`` names a function as package.module:NAME; called with ``given``, which JSON can carry, it
    returns both.
    """

    make: str
    given: Mapping[str, Any]


@dataclass(frozen=True)
class Proposal:
    """Other parameters for one successor; nobody else has them before it has shown that it can run."""

    placement: Placement
    recipe: Recipe
    taken: Callable[[], None]
    """Called once it runs in its place, and never if it does not."""


@dataclass(frozen=True)
class Order:
    """Whose place a candidate shall take."""

    platform: str
    process: str
    supervisor: int
    cpu: int | None
    wait: str
    shares_cpu: bool
    make: str
    given: Mapping[str, Any]


class Candidate:
    """One successor that gets ready; for the supervisor, whose child it is."""

    def __init__(self, order: Order) -> None:
        self.is_ready = False
        self.refusal = ""
        """Why it will never be ready; empty while it may."""
        self._deadline = time.monotonic() + _READY_WITHIN_S
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        told = os.memfd_create("order")
        with open(told, "w", encoding="utf-8", closefd=False) as file:
            json.dump(asdict(order), file)
        os.lseek(told, 0, os.SEEK_SET)
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _execute((told, theirs.fileno()), order.supervisor)
        os.close(told)
        theirs.close()

    def fileno(self) -> int:
        """Readable when it has something to say."""
        return self._channel.fileno()

    def look(self) -> None:
        """Hear what it has said since the last look."""
        try:
            heard = self._channel.recv(SENTENCE_BYTES_MAX, socket.MSG_DONTWAIT)
        except BlockingIOError:
            if not self.is_ready and time.monotonic() > self._deadline:
                self.refusal = f"it was not ready within {_READY_WITHIN_S:.0f} s"
        except ConnectionError:
            self._tell_end()
        else:
            if heard == READY:
                self.is_ready = True
            elif heard:
                self.refusal = heard.decode(errors="replace")
            else:
                self._tell_end()

    def go(self) -> None:
        """Let it take its place; from now on it is a process like the others."""
        with contextlib.suppress(ConnectionError):  # who reaps it sees that it died
            self._channel.send(GO)
        self._channel.close()

    def withdraw(self) -> None:
        """End it: it is not wanted, or of no use."""
        self._channel.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def _tell_end(self) -> None:
        self.refusal = (
            self.refusal or "it ended before its place was free; its last words are above"
        )


def _execute(descriptors: tuple[int, int], supervisor: int) -> NoReturn:
    """In the forked child: become an interpreter that looks for code where this one does."""
    try:
        detach(supervisor)
        for each in descriptors:
            os.set_inheritable(each, True)
        path = os.pathsep.join(each or os.getcwd() for each in sys.path)
        os.execve(  # noqa: S606  (no shell is wanted)
            sys.executable,
            [sys.executable, "-P", "-m", _MODULE, *map(str, descriptors)],
            {**_environment(), "PYTHONPATH": path},
        )
    finally:
        os._exit(1)


def _environment() -> dict[str, str]:
    """This process's, but for the directory of kernels that it chose by what was installed then.

    Other versions of numba or numpy may be there now.  A directory that a person chose stays.
    """
    chosen = os.environ.get(_CACHE, "")
    is_ours = Path(chosen).parent == kernel_cache._cache_root()
    return {name: each for name, each in os.environ.items() if not (is_ours and name == _CACHE)}
