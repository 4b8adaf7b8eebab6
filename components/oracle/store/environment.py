"""The LMDB environment below a journal: where its files are, how they are opened and mistrusted.

::

    platform_events/            0700
      writer.lock               who writes (writer_lock.py)
      watermark                 how far it is known to reach (watermark.py)
      journal-00000001/         one segment: an LMDB environment of its own
        data.mdb  lock.mdb      0600
          "meta"                format: version, creation, layouts, checksummed; commit: a number
          "stream:<name>"       first sequence -> record (record.py), one database for each stream

Never ``writemap``: a full disk would be a bus error, a stray pointer a written page.  The map is
reserved large once (address space, not memory), because growing it while other processes have it
open corrupts.  Before LMDB sees a file, LMDB's own offline verifier walks its pages, as a damaged
tree makes the engine crash rather than complain; while a writer is alive this is skipped: it has
done so itself, and pages that it is about to write cannot be judged.

Every write transaction stores its own number under ``commit``.  LMDB picks the newest of two meta
pages by a number in the page alone; that it equals the stored one shows that the page and the
tree below it belong together.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lmdb
from lmdb.verify import VerifyError
from lmdb.verify import verify as verify_pages

from components.oracle.store import dtype_text, writer_lock
from components.oracle.store.chain import StreamLayout
from components.oracle.store.errors import (
    JournalCorruptError,
    JournalError,
    JournalLayoutError,
    JournalMissingError,
)

FORMAT_VERSION: Final = 1
MAP_SIZE_BYTES: Final = 1 << 40
READERS_MAX: Final = 512
DATABASES_MAX: Final = 32
SEGMENT: Final = "journal-00000001"
_META: Final = b"meta"
_FORMAT_KEY: Final = b"format"
_COMMIT_KEY: Final = b"commit"
_COMMIT: Final = struct.Struct("<Q")
_REMOTE_FILESYSTEMS: Final = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse",
    "ceph",
    "gluster",
    "lustre",
    "afs",
)
_LOCAL_FUSE: Final = ("fuse.fuse-overlayfs", "fuseblk", "fusectl")


@dataclass(frozen=True)
class Format:
    """What a journal says of itself."""

    version: int
    created_ns: int
    layouts: Mapping[str, str]

    def stream_layouts(self) -> dict[str, StreamLayout]:
        """The layouts by stream, as the chain needs them."""
        return {
            name: StreamLayout(
                name, text, dtype_text.fingerprint(text), dtype_text.from_text(text).itemsize
            )
            for name, text in self.layouts.items()
        }


def segment_path(directory: Path) -> Path:
    """The LMDB environment of the journal in ``directory``."""
    return directory / SEGMENT


def data_path(directory: Path) -> Path:
    """The file that holds the records."""
    return segment_path(directory) / "data.mdb"


def require_journal(directory: Path) -> None:
    """JournalMissingError unless there is a journal in ``directory``."""
    if not data_path(directory).exists():
        raise JournalMissingError(f"there is no journal at {directory}")


def make_directories(directory: Path) -> None:
    """Create what is missing, for the owner alone; refuse a filesystem of another machine."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        segment_path(directory).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise JournalError(f"cannot make the journal {directory}: {error.strerror}") from None
    refuse_remote_filesystem(directory)


def sync_directories(directory: Path) -> None:
    """Make the names of new files survive a power failure; LMDB syncs contents only."""
    for each in (segment_path(directory), directory, directory.resolve().parent):
        handle = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def refuse_remote_filesystem(directory: Path) -> None:
    """LMDB needs coherent memory maps and local locks; network filesystems have neither."""
    kind = filesystem_of(directory)
    if kind.startswith(_REMOTE_FILESYSTEMS) and kind not in _LOCAL_FUSE:
        raise JournalError(
            f"the journal {directory} lies on a {kind} filesystem; LMDB is safe on local disks only"
        )


def filesystem_of(directory: Path) -> str:
    """The type of the filesystem, as the kernel's mount table names it; "" if unknown."""
    wanted = directory.resolve()
    best, kind = -1, ""
    try:
        table = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError:
        return ""
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        mount = Path(before.split()[4].replace("\\040", " "))
        depth = len(mount.parts)
        if depth >= best and wanted.is_relative_to(mount):
            best, kind = depth, after.split()[0]
    return kind


def page_problems(directory: Path) -> list[str]:
    """What LMDB's offline verifier finds in the file; one entry if it cannot even begin."""
    try:
        return [str(each) for each in verify_pages(str(segment_path(directory)))]  # type: ignore[no-untyped-call]
    except (VerifyError, OSError, struct.error, ValueError, IndexError) as error:
        return [str(error)]


def refuse_damaged_pages(directory: Path, *, lock_is_ours: bool) -> None:
    """JournalCorruptError if the file's structure is damaged; nothing while another one writes."""
    if not lock_is_ours and writer_lock.is_held(directory):
        return
    problems = page_problems(directory)
    if problems and (lock_is_ours or not writer_lock.is_held(directory)):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise JournalCorruptError(
            f"{data_path(directory)} is damaged: {problems[0]}{more}; nothing was changed"
        )


def open_environment(
    directory: Path, *, readonly: bool, sync: bool = True, map_size_bytes: int = MAP_SIZE_BYTES
) -> lmdb.Environment:
    """The environment, as every part of Oracle opens it."""
    try:
        environment = lmdb.open(
            str(segment_path(directory)),
            map_size=map_size_bytes,
            mode=0o600,
            readonly=readonly,
            create=not readonly,
            sync=sync,
            metasync=sync,
            meminit=False,
            max_readers=READERS_MAX,
            max_dbs=DATABASES_MAX,
        )
        environment.reader_check()
    except lmdb.Error as error:
        raise JournalError(f"cannot open the journal {directory}: {error}") from None
    return environment


class Tables:
    """The databases of one open environment."""

    def __init__(self, environment: lmdb.Environment) -> None:
        self._environment = environment
        self._meta: Any = None
        self.streams: dict[str, Any] = {}

    def attach(self) -> Format | None:
        """Open what is stored; None if the environment is empty, its creation unfinished."""
        with self._environment.begin() as transaction:
            if transaction.stat()["entries"] == 0:
                return None
        try:
            self._meta = self._environment.open_db(_META, create=False)
            with self._environment.begin() as transaction:
                stored = _decode_format(transaction.get(_FORMAT_KEY, db=self._meta))
            for name in stored.layouts:
                self.streams[name] = self._environment.open_db(_database_of(name), create=False)
        except lmdb.Error as error:
            raise JournalCorruptError(f"a database of the journal is missing: {error}") from None
        return stored

    def create(self, layouts: Mapping[str, str], stored: Format | None) -> Format:
        """Add the streams that are missing, in one transaction, and say so in the format."""
        created_ns = stored.created_ns if stored else time.time_ns()
        known = dict(stored.layouts) if stored else {}
        form = Format(FORMAT_VERSION, created_ns, {**known, **layouts})
        with self._environment.begin(write=True) as transaction:
            self._meta = self._environment.open_db(_META, transaction)
            for name in form.layouts:
                self.streams[name] = self._environment.open_db(_database_of(name), transaction)
            transaction.put(_FORMAT_KEY, _encode_format(form), db=self._meta)
            self.note_commit(transaction)
        return form

    def note_commit(self, transaction: lmdb.Transaction) -> int:
        """Store the number of this write transaction in it; returns it."""
        number = int(transaction.id())
        transaction.put(_COMMIT_KEY, _COMMIT.pack(number), db=self._meta)
        return number

    def proven_commit(self, transaction: lmdb.Transaction) -> int:
        """The number of the commit that a read transaction sees, proven to be LMDB's newest."""
        stored = transaction.get(_COMMIT_KEY, db=self._meta)
        if stored is None or len(stored) != _COMMIT.size:
            raise JournalCorruptError("the number of the last commit is missing or damaged")
        number = int(_COMMIT.unpack(stored)[0])
        if number != transaction.id():
            raise JournalCorruptError(
                f"LMDB opened its state number {transaction.id()}, but that one was written as "
                f"number {number}: a meta page is damaged"
            )
        return number


def _database_of(stream: str) -> bytes:
    return b"stream:" + stream.encode()


def _encode_format(form: Format) -> bytes:
    text = json.dumps(
        {"version": form.version, "created_ns": form.created_ns, "layouts": dict(form.layouts)},
        sort_keys=True,
    ).encode()
    return hashlib.sha256(text).digest() + text


def _decode_format(stored: bytes | None) -> Format:
    if stored is None or hashlib.sha256(stored[32:]).digest() != stored[:32]:
        raise JournalCorruptError("the journal's description of itself is missing or damaged")
    values = json.loads(stored[32:])
    if values["version"] != FORMAT_VERSION:
        raise JournalLayoutError(
            f"the journal has format version {values['version']}; "
            f"this program knows version {FORMAT_VERSION}"
        )
    return Format(**values)


def size_bytes(directory: Path) -> int:
    """Bytes that the segment takes on disk."""
    return os.stat(data_path(directory)).st_blocks * 512
