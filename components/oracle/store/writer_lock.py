"""Who may write: an exclusive lock that the kernel ends with its owner.

An open-file-description lock (``F_OFD_SETLK``) on ``<journal>/writer.lock``.  It cannot go stale,
because the kernel drops it when the owner dies, however that happens; and, unlike ``flock``, it
can be asked for without being taken, so a reader that looks never gets in a writer's way.  The
owner's pid and start time stand in the file only for the message to the one who is refused.
"""

from __future__ import annotations

import fcntl
import os
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from components.oracle.store.errors import JournalLockedError

_FLOCK: Final = struct.Struct("@hhqqi")
_FILE_NAME: Final = "writer.lock"


def _request(kind: int) -> bytes:
    whole_file = (os.SEEK_SET, 0, 0)
    return _FLOCK.pack(kind, *whole_file, 0)


def _own_start_time() -> str:
    """When this process started, in UTC, to the second."""
    after_name = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    boot = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text("ascii").splitlines()
        if line.startswith("btime")
    )
    started = boot + int(after_name[19]) // os.sysconf("SC_CLK_TCK")
    return datetime.fromtimestamp(started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _owner_of(path: Path) -> str:
    words = path.read_text("utf-8").split()
    return f"process {words[0]}, started {words[1]}" if len(words) == 2 else "another process"


def is_held(directory: Path) -> bool:
    """Whether a living process writes the journal in ``directory``; takes no lock itself."""
    try:
        handle = os.open(directory / _FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, _request(fcntl.F_RDLCK))
    finally:
        os.close(handle)
    return bool(_FLOCK.unpack(answer)[0] != fcntl.F_UNLCK)


class WriterLock:
    """The lock, held from construction to ``release``."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / _FILE_NAME
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        try:
            fcntl.fcntl(self._handle, fcntl.F_OFD_SETLK, _request(fcntl.F_WRLCK))
        except (BlockingIOError, PermissionError):
            os.close(self._handle)
            raise JournalLockedError(
                f"the journal {directory} is written by {_owner_of(self._path)}; "
                "stop it first, or choose another path"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()} {_own_start_time()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next writer in."""
        os.close(self._handle)
