"""The LMDB environment of one segment: how it is opened, mistrusted, and describes itself.

::

    platform_events/            0700
      writer.lock               who writes (writer_lock.py)
      watermark                 how far it is known to reach (watermark.py)
      journal-00000001/         a segment (segments.py): an LMDB environment of its own
        data.mdb  lock.mdb      0600; 0400 once it is sealed
          "meta"                format: version, creation, layouts, where the chains begin,
                                checksummed; commit: a number
          "stream:<name>"       first sequence -> record (record.py), one database for each stream
        manifest.json           what a sealed segment holds (manifest.py)

Never ``writemap``: a full disk would be a bus error, a stray pointer a written page.  The map is
reserved large once (address space, not memory), because growing it while other processes have it
open corrupts.  Before LMDB sees a file, LMDB's own offline verifier walks its pages, as a damaged
tree makes the engine crash rather than complain; while a writer is alive this is skipped: it has
done so itself, and pages that it is about to write cannot be judged.

Every write transaction stores its own number under ``commit``: LMDB's, counted on from the
segment before.  LMDB picks the newest of two meta pages by a number in the page alone; that it
fits the stored one shows that the page and the tree below it belong together.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import lmdb
from lmdb.verify import VerifyError
from lmdb.verify import verify as verify_pages

from components.oracle.store import dtype_text
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.errors import (
    JournalCorruptError,
    JournalError,
    JournalLayoutError,
)

FORMAT_VERSION: Final = 2
"""Version 1 knew one segment only, which began at sequence 1 of each stream."""
MAP_SIZE_BYTES: Final = 1 << 40
READERS_MAX: Final = 512
DATABASES_MAX: Final = 32
_SEALED_MAP_BYTES: Final = 1 << 20
_META: Final = b"meta"
_FORMAT_KEY: Final = b"format"
_COMMIT_KEY: Final = b"commit"
_COMMIT: Final = struct.Struct("<Q")
_ROOT: Final = struct.Struct("=IH")
"""How LMDB's two meta pages describe a root: the size of a page (free pages' root only), flags."""
_ROOTS: Final = (("free pages", 40, 0x08), ("names", 88, 0x00))
"""What each root is of, where it lies in a meta page, and its flags: integer keys, or none."""
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
    """What a segment says of itself; ``begin`` and ``base_commit`` are where the one before ended."""

    version: int
    created_ns: int
    layouts: Mapping[str, str]
    base_commit: int = 0
    begin: Mapping[str, Link] = field(default_factory=dict)

    def stream_layouts(self) -> dict[str, StreamLayout]:
        """The layouts by stream, as the chain needs them."""
        return {
            name: StreamLayout(
                name,
                text,
                dtype_text.fingerprint(text),
                dtype_text.from_text(text).itemsize,
                self.begin.get(name),
            )
            for name, text in self.layouts.items()
        }


def data_file(segment: Path) -> Path:
    """The file that holds a segment's records."""
    return segment / "data.mdb"


def make_directory(directory: Path) -> None:
    """Create what is missing, for the owner alone; refuse a filesystem of another machine."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"cannot make the journal {directory}: {error.strerror}") from None
    refuse_remote_filesystem(directory)


def sync_directories(*directories: Path) -> None:
    """Make the names of new files survive a power failure; LMDB syncs contents only."""
    for each in directories:
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


def page_problems(segment: Path) -> list[str]:
    """What LMDB's offline verifier finds in the file; one entry if it cannot even begin."""
    try:
        found = [str(each) for each in verify_pages(str(segment))]  # type: ignore[no-untyped-call]
        return found + _root_problems(data_file(segment))
    except (VerifyError, OSError, struct.error, ValueError, IndexError) as error:
        return [str(error)]


def _root_problems(data: Path) -> list[str]:
    """Roots with other flags than a journal's: the verifier takes them, LMDB aborts later."""
    with data.open("rb") as file:
        size = int(_ROOT.unpack_from(file.read(4096), _ROOTS[0][1])[0])
        problems = []
        for number in range(2):
            file.seek(number * size)
            page = file.read(size)
            for what, place, expected in _ROOTS:
                flags = _ROOT.unpack_from(page, place)[1]
                if flags != expected:
                    problems.append(
                        f"meta page {number}: the root of the {what} has the flags "
                        f"0x{flags:02x}, expected 0x{expected:02x}"
                    )
    return problems


def open_environment(
    segment: Path, *, readonly: bool, sync: bool = True, map_size_bytes: int = MAP_SIZE_BYTES
) -> lmdb.Environment:
    """The environment of a segment that is, or may still be, written to."""
    environment = _open(
        segment,
        map_size=map_size_bytes,
        readonly=readonly,
        create=not readonly,
        sync=sync,
        metasync=sync,
    )
    environment.reader_check()
    return environment


def open_sealed(segment: Path) -> lmdb.Environment:
    """The environment of a segment that never changes again: no lock, no reader's slot."""
    return _open(segment, map_size=_SEALED_MAP_BYTES, readonly=True, create=False, lock=False)


def _open(segment: Path, **options: Any) -> lmdb.Environment:
    try:
        return lmdb.open(
            str(segment),
            mode=0o600,
            max_readers=READERS_MAX,
            max_dbs=DATABASES_MAX,
            **options,
        )
    except lmdb.Error as error:
        raise JournalError(f"cannot open the journal {segment}: {error}") from None


class Tables:
    """The databases of one open environment."""

    def __init__(self, environment: lmdb.Environment) -> None:
        self._environment = environment
        self._meta: Any = None
        self._base_commit = 0
        self.streams: dict[str, Any] = {}

    def attach(self) -> Format | None:
        """Open what is stored; None if the environment is empty, its creation unfinished."""
        with self._environment.begin() as transaction:
            if transaction.stat()["entries"] == 0:
                return None
        try:
            self._meta = self._environment.open_db(_META, create=False)
            with self._environment.begin() as transaction:
                stored = decode_format(transaction.get(_FORMAT_KEY, db=self._meta))
            self._base_commit = stored.base_commit
            for name in stored.layouts:
                self.streams[name] = self._environment.open_db(_database_of(name), create=False)
            self._refuse_other_flags()
        except lmdb.Error as error:
            raise JournalCorruptError(f"a database of the journal is missing: {error}") from None
        return stored

    def _refuse_other_flags(self) -> None:
        """No database of a journal has flags; with some that damage set, LMDB aborts later."""
        with self._environment.begin() as transaction:
            for name, database in (("meta", self._meta), *self.streams.items()):
                flags = [flag for flag, is_set in database.flags(transaction).items() if is_set]
                if flags:
                    raise JournalCorruptError(
                        f"the database of {name} has the flags {', '.join(flags)}, expected none"
                    )

    def create(self, form: Format) -> None:
        """Store what the segment says of itself, and make its streams, in one transaction."""
        self._base_commit = form.base_commit
        with self._environment.begin(write=True) as transaction:
            self._meta = self._environment.open_db(_META, transaction)
            for name in form.layouts:
                self.streams[name] = self._environment.open_db(_database_of(name), transaction)
            transaction.put(_FORMAT_KEY, _encode_format(form), db=self._meta)
            self.note_commit(transaction)

    def note_commit(self, transaction: lmdb.Transaction) -> int:
        """Store the number of this write transaction in it; returns it."""
        number = self._base_commit + int(transaction.id())
        transaction.put(_COMMIT_KEY, _COMMIT.pack(number), db=self._meta)
        return number

    def proven_commit(self, transaction: lmdb.Transaction) -> int:
        """The number of the commit that a read transaction sees, proven to be LMDB's newest."""
        stored = transaction.get(_COMMIT_KEY, db=self._meta)
        if stored is None or len(stored) != _COMMIT.size:
            raise JournalCorruptError("the number of the last commit is missing or damaged")
        number = int(_COMMIT.unpack(stored)[0])
        opened = self._base_commit + transaction.id()
        if number != opened:
            raise JournalCorruptError(
                f"LMDB opened its state number {opened}, but that one was written as "
                f"number {number}: a meta page is damaged"
            )
        return number


def _database_of(stream: str) -> bytes:
    return b"stream:" + stream.encode()


def _encode_format(form: Format) -> bytes:
    values = {
        "version": form.version,
        "created_ns": form.created_ns,
        "layouts": dict(form.layouts),
        "base_commit": form.base_commit,
        "begin": {name: link_to_json(link) for name, link in form.begin.items()},
    }
    text = json.dumps(values, sort_keys=True).encode()
    return hashlib.sha256(text).digest() + text


def decode_format(stored: bytes | None) -> Format:
    """What was stored, if its checksum is right; JournalCorruptError otherwise."""
    if stored is None or hashlib.sha256(stored[32:]).digest() != stored[:32]:
        raise JournalCorruptError("the journal's description of itself is missing or damaged")
    values = json.loads(stored[32:])
    if not 1 <= values["version"] <= FORMAT_VERSION:
        raise JournalLayoutError(
            f"the journal has format version {values['version']}; "
            f"this program knows versions 1 to {FORMAT_VERSION}"
        )
    begin = {name: link_from_json(link) for name, link in values.pop("begin", {}).items()}
    return Format(**values, begin=begin)


def link_to_json(link: Link) -> list[int | str]:
    """A link as JSON holds it."""
    return [link.sequence, link.digest.hex(), link.last_ts, link.commit]


def link_from_json(values: list[Any]) -> Link:
    """The inverse of ``link_to_json``."""
    sequence, digest, last_ts, commit = values
    return Link(sequence, bytes.fromhex(digest), last_ts, commit)
