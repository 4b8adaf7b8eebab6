"""Named shared memory: create, attach, prefault, refuse, reclaim, unlink.

A segment is a `multiprocessing.shared_memory` block whose first line names its owner:

    byte 0     magic, written last with release: whoever reads it can read all the rest
         8     layout version of the kind
        16     owner's pid              24     owner's start time
        32     kind, 16 ASCII bytes, e.g. ``ring``
        48     size of the segment in bytes
        56     the owner's PID namespace
        64     the kind's own content, see the module of that kind

Two traps of the standard library are avoided here.  Before Python 3.13 an attaching process
registers the segment with a resource tracker that unlinks it when *that* process ends; nothing
here is ever tracked.  And a fresh segment is sparse, so that a full /dev/shm would kill the
process with SIGBUS at some later store; here all pages are allocated before anyone sees the
segment, and a lack of space is an ordinary error.

A process is proven dead by its pid and start time, which mean something in one PID namespace only.
So a segment of another namespace is not attached and not reclaimed: there, the living would look
dead.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from disruptor.errors import LayoutMismatchError, SegmentError, SegmentInUseError
from disruptor.memory.process_identity import ProcessIdentity, current_process, pid_namespace
from disruptor.memory.residency import PageOptions, Residency, residency, settle

MAGIC: Final = int.from_bytes(b"DISRUPT1", "little")
HEADER_BYTES: Final = 64
PAGE_BYTES: Final = 4096
SHARED_MEMORY_DIRECTORY: Final = "/dev/shm"  # noqa: S108  (where the kernel keeps it)


class _UntrackedMemory(SharedMemory):
    """Shared memory that no resource tracker knows, and that closes quietly.

    Arrays may outlive the handle; the mapping then goes when the last of them does.
    """

    def __init__(self, name: str, create: bool, size: int) -> None:
        if sys.version_info >= (3, 13):
            super().__init__(name, create, size, track=False)
        else:
            with _without_tracker():
                super().__init__(name, create, size)

    @property
    def file_descriptor(self) -> int:
        return int(self.__dict__.get("_fd", -1))

    @property
    def mapping(self) -> mmap.mmap:
        mapped: mmap.mmap = self.__dict__["_mmap"]
        return mapped

    def close(self) -> None:
        with contextlib.suppress(BufferError):
            super().close()
        # Where arrays outlive the handle, the base class stops before its descriptor.
        descriptor = self.file_descriptor
        if descriptor >= 0:
            self.__dict__["_fd"] = -1
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()

    def unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError), _without_tracker():
            super().unlink()


@contextlib.contextmanager
def _without_tracker() -> Iterator[None]:
    tracker: Any = resource_tracker
    register, unregister = tracker.register, tracker.unregister
    tracker.register = tracker.unregister = lambda name, kind: None
    try:
        yield
    finally:
        tracker.register, tracker.unregister = register, unregister


class Segment:
    """One named block of shared memory with an owner.

    The creator owns it and alone unlinks it.  Any process may attach; views taken with ``array``
    are shared, and who may write which word is the business of the kind.
    """

    def __init__(self, memory: _UntrackedMemory, name: str, created: bool) -> None:
        self._memory = memory
        self._bytes = np.frombuffer(memory.buf or b"", np.uint8)
        self._refusals: tuple[str, ...] = ()
        self.name = name
        self.created = created

    @classmethod
    def create(cls, name: str, kind: str, version: int, size: int) -> Segment:
        """Allocate ``size`` bytes, all zero, owned by this process, mode 0600.

        The segment is invisible to ``attach`` until ``publish`` is called.  A segment of that name
        whose owner is dead is reclaimed; one with a living owner raises SegmentInUseError.
        """
        reclaim(name)
        try:
            memory = _UntrackedMemory(name, create=True, size=size)
        except FileExistsError:
            raise SegmentInUseError(
                f"shared memory {name!r} is being created by another process"
            ) from None
        except OSError as error:
            raise SegmentError(f"shared memory {name!r} cannot be created: {error}") from error
        fcntl.flock(memory.file_descriptor, fcntl.LOCK_EX)
        if not os.fstat(memory.file_descriptor).st_nlink:
            memory.close()  # it was taken for remains before it was locked
            return cls.create(name, kind, version, size)
        try:
            os.posix_fallocate(memory.file_descriptor, 0, size)
        except OSError as error:
            memory.close()
            memory.unlink()
            if error.errno != errno.ENOSPC:
                raise SegmentError(
                    f"shared memory {name!r} cannot be allocated: {error}"
                ) from error
            raise SegmentError(
                f"shared memory {name!r} needs {size} bytes and {SHARED_MEMORY_DIRECTORY} has only "
                f"{_free_bytes()} free; make the rings smaller or {SHARED_MEMORY_DIRECTORY} larger"
            ) from error
        segment = cls(memory, name, created=True)
        header = segment._header()
        owner = current_process()
        header["version"], header["pid"] = version, owner.pid
        header["start_time"], header["kind"] = owner.start_time, kind.encode()
        header["size"], header["pid_namespace"] = size, pid_namespace()
        fcntl.flock(memory.file_descriptor, fcntl.LOCK_UN)
        return segment

    def publish(self) -> None:
        """Let others attach.  Call once, after everything that they rely on is written."""
        _order()  # what was written before is visible before the magic
        self._header()["magic"] = MAGIC

    @classmethod
    def attach(cls, name: str, kind: str, version: int) -> Segment:
        """Map an existing segment of this kind and layout version."""
        try:
            memory = _UntrackedMemory(name, create=False, size=0)
        except FileNotFoundError:
            raise SegmentError(
                f"shared memory {name!r} does not exist; is its owner running?"
            ) from None
        except (ValueError, OSError) as error:  # ValueError: created and not yet sized
            raise SegmentError(f"shared memory {name!r} cannot be attached: {error}") from error
        segment = cls(memory, name, created=False)
        if segment._bytes.size < HEADER_BYTES:
            segment.close()
            raise SegmentError(f"shared memory {name!r} is too small to be one of ours")
        header = segment._header()
        magic = int(header["magic"])
        _order()  # what is read from here on is what was written before the magic
        found = (magic, bytes(header["kind"]).decode(), int(header["version"]))
        if found != (MAGIC, kind, version):
            segment.close()
            raise LayoutMismatchError(
                f"shared memory {name!r} holds kind={found[1]!r} version={found[2]} "
                f"magic={found[0]:#x}; expected kind={kind!r} version={version} magic={MAGIC:#x}"
            )
        if header["pid_namespace"] != pid_namespace():
            segment.close()
            raise SegmentError(
                f"shared memory {name!r} {_FOREIGN}: run both in one, e.g. with docker's --pid"
            )
        return segment

    def adopt(self) -> bool:
        """Become the owner of a segment whose owner is proven dead; False if it lives."""
        with self.exclusive():
            if self.owner.is_alive():
                return False
            header, me = self._header(), current_process()
            header["pid"], header["start_time"] = me.pid, me.start_time
        return True

    def settle(self, options: PageOptions) -> None:
        """Fill this process's page tables, and try for huge or locked pages; see ``residency``."""
        self._refusals = settle(self._memory.mapping, options)

    def residency(self) -> Residency:
        """What came of ``settle`` in this process."""
        return residency(self._memory.mapping, self._refusals)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one process or thread at a time do something with the segment.

        The kernel releases the lock when its holder dies.  Not to be nested.
        """
        # A file description of our own: one that is shared by fork would share its lock, too.
        descriptor = os.open(f"/proc/self/fd/{self._memory.file_descriptor}", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @property
    def size(self) -> int:
        """Bytes that the creator asked for."""
        return int(self._header()["size"])

    @property
    def owner(self) -> ProcessIdentity:
        """The process that created the segment."""
        header = self._header()
        return ProcessIdentity(int(header["pid"]), int(header["start_time"]))

    def array(self, dtype: DTypeLike, count: int, offset: int) -> NDArray[Any]:
        """A shared view of ``count`` items from byte ``offset``, which must be aligned."""
        kind = np.dtype(dtype)
        end = offset + count * kind.itemsize
        if end > self._bytes.size:
            raise SegmentError(
                f"shared memory {self.name!r} has {self._bytes.size} bytes; a view up to {end} was asked"
            )
        return self._bytes[offset:end].view(kind)

    def close(self) -> None:
        """Drop this process's handle.  Views that still exist keep their memory."""
        self._bytes = np.empty(0, np.uint8)
        self._memory.close()

    def unlink(self) -> None:
        """Remove the name; processes that are attached keep their memory."""
        self._memory.unlink()

    def _header(self) -> np.void:
        record: np.void = self._bytes[:HEADER_BYTES].view(HEADER)[0]
        return record


HEADER: Final = np.dtype(
    [
        ("magic", np.uint64),
        ("version", np.int64),
        ("pid", np.int64),
        ("start_time", np.int64),
        ("kind", "S16"),
        ("size", np.int64),
        ("pid_namespace", np.int64),
    ]
)
assert HEADER.itemsize == HEADER_BYTES


def reclaim(name: str) -> bool:
    """Unlink a segment that a dead process left; True if there was one.

    Raises SegmentInUseError when its owner lives.  Whoever makes a segment holds the file's lock
    until the owner is written, and whoever unlinks one holds it too, so that of two that find the
    same remains none takes away what the other has made since.
    """
    path = f"{SHARED_MEMORY_DIRECTORY}/{name}"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        raise SegmentInUseError(f"shared memory {name!r} belongs to another user") from None
    try:
        _refuse_if_alive(name, descriptor)
        if os.fstat(descriptor).st_nlink:
            os.unlink(path)
    finally:
        os.close(descriptor)
    return True


def _refuse_if_alive(name: str, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SegmentInUseError(
            f"shared memory {name!r} is being created by another process"
        ) from None
    start = os.pread(descriptor, HEADER_BYTES, 0)
    if len(start) < HEADER_BYTES:
        return
    header = np.frombuffer(start, HEADER)[0]
    if header["pid_namespace"] not in (0, pid_namespace()):  # 0: its maker died before it said so
        raise SegmentInUseError(f"shared memory {name!r} {_FOREIGN}; it is not reclaimed")
    owner = ProcessIdentity(int(header["pid"]), int(header["start_time"]))
    if owner.is_alive():
        raise SegmentInUseError(
            f"shared memory {name!r} belongs to the running process {owner.pid}; "
            "stop it, or use another name"
        )


_FOREIGN: Final = (
    "was made in another PID namespace, whose processes cannot be proven dead from here"
)

_passage: Final = threading.Lock()


def _order() -> None:
    """Keep loads and stores before this call before those after it, on every machine.

    A release and an acquire of one lock, in this order, do so; compiled atomics would, too, but
    processes that only look at a segment need no compiler.
    """
    for _ in range(2):
        with _passage:
            pass


def existing(prefix: str) -> list[str]:
    """Names of all segments on this machine that start with ``prefix``."""
    return sorted(name for name in os.listdir(SHARED_MEMORY_DIRECTORY) if name.startswith(prefix))


def _free_bytes() -> int:
    status = os.statvfs(SHARED_MEMORY_DIRECTORY)
    return status.f_bavail * status.f_frsize
