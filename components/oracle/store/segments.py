"""A journal's segments: which there are, where each begins, and those that are open.

``journal-<position>`` holds what follows on the segment before it.  Its position is the number of
its first event, counted over all streams from 1; so names sort as the journal does, a name tells
how much lies before it, and no two segments can have the same.

    ┌ journal-00000001 ┐  ┌ journal-00065537 ┐  ┌ journal-00131073 ┐
    │ sealed, manifest │─►│ sealed, manifest │─►│ active: written  │
    └──────────────────┘  └──────────────────┘  └──────────────────┘

Each segment stores where every stream's chain stood when it began, so that one can be proven by
itself, and the joint between two by comparing the end of one with the beginning of the next.

A segment grows to the size that the writer was given; then it rolls: sync, begin the next, seal
the one before in a thread beside (hashing it takes a while).  A writer that dies between these
steps leaves a segment without a manifest, which the next start proves whole and then seals.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lmdb
import numpy as np

from components.oracle.store import (
    dtype_text,
    environment,
    manifest,
    reading,
    record,
    trimmed,
    watermark,
    writer_lock,
)
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.environment import Format, Tables
from components.oracle.store.errors import (
    JournalCorruptError,
    JournalError,
    JournalMissingError,
    JournalTrimmedError,
    JournalWriteError,
)
from components.oracle.store.manifest import Manifest, StreamPart

_PREFIX: Final = "journal-"
_OPEN_MAX: Final = 16
"""How many segments besides the active one are kept open."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a segment lies."""

    position: int
    path: Path


def place_at(directory: Path, position: int) -> Place:
    """The place of the segment whose first event has this number."""
    return Place(position, directory / f"{_PREFIX}{position:08d}")


def places(directory: Path) -> list[Place]:
    """The segments that have a file, in order; those that were given up (trimmed.py) are none."""
    found = []
    begin = trimmed.read(directory).position
    for path in directory.glob(f"{_PREFIX}*"):
        number = path.name.removeprefix(_PREFIX)
        if not number.isdecimal() or int(number) < begin:
            continue
        if environment.data_file(path).exists():
            found.append(Place(int(number), path))
    return sorted(found)


def segment_path(directory: Path) -> Path:
    """The directory of the newest segment, or of the first one to be."""
    found = places(directory)
    return found[-1].path if found else place_at(directory, 1).path


def data_path(directory: Path) -> Path:
    """The file of the newest segment."""
    return environment.data_file(segment_path(directory))


def size_bytes(directory: Path) -> int:
    """Bytes that all segments take on disk."""
    files = (environment.data_file(place.path) for place in places(directory))
    return sum(file.stat().st_blocks * 512 for file in files)


def require_journal(directory: Path) -> None:
    """JournalMissingError unless there is a journal in ``directory``."""
    if not places(directory):
        raise JournalMissingError(f"there is no journal at {directory}")


@dataclass(frozen=True)
class WriteOptions:
    """How a writer opens its segments."""

    sync: bool
    map_size_bytes: int


class Segment:
    """One open segment."""

    def __init__(self, place: Place, engine: lmdb.Environment, tables: Tables, form: Format):
        self.place: Final = place
        self.engine: Final = engine
        self.tables: Final = tables
        self.users = 0
        self.describe(form)

    def describe(self, form: Format) -> None:
        """Take over what the segment says of itself."""
        self.format = form
        self.layouts: dict[str, StreamLayout] = form.stream_layouts()
        self.dtypes: dict[str, np.dtype] = {
            name: dtype_text.from_text(text) for name, text in form.layouts.items()
        }

    def last_link(self, stream: str) -> Link:
        """Where the stream ends in this segment, by its last record, whose bytes are proven."""
        with self.engine.begin(buffers=True) as transaction:
            return reading.last_link(transaction, self.tables.streams[stream], self.layouts[stream])

    def link_before(self, stream: str, sequence: int) -> Link:
        """The link in front of the record that holds ``sequence``, by the header before it."""
        with self.engine.begin(buffers=True) as transaction:
            cursor = transaction.cursor(self.tables.streams[stream])
            return reading.link_in_front(cursor, self.layouts[stream], sequence)

    def used_bytes(self) -> int:
        """How much of the file is in use."""
        return int(self.engine.info()["last_pgno"] + 1) * 4096

    def parts(self) -> tuple[int, dict[str, StreamPart]]:
        """The last commit, and what the segment holds of each stream."""
        with self.engine.begin(buffers=True) as transaction:
            commit = self.tables.proven_commit(transaction)
            return commit, {
                name: _part(transaction, self, layout) for name, layout in self.layouts.items()
            }


class Segments:
    """All segments of one journal, for one reader or writer.

    One thread opens, refreshes, rolls and closes; any thread reads.
    """

    def __init__(self, directory: Path, found: list[Place], active: Segment) -> None:
        self.directory: Final = directory
        self.active = active
        self.sealing_problems: list[str] = []
        self._places = found
        self._open: dict[int, Segment] = {}
        self._manifests: dict[int, Manifest] = {}
        self._sealers: list[threading.Thread] = []
        self._lock = threading.RLock()

    @classmethod
    def open_reading(cls, directory: Path) -> Segments:
        """Open for reading, also beside a writer."""
        require_journal(directory)
        environment.refuse_remote_filesystem(directory)
        found = places(directory)
        while True:
            active = open_segment(found[-1], newest=True)
            if active is not None:
                return cls(directory, found, active)
            if len(found) == 1:
                _refuse_lost_content(directory)
                raise JournalMissingError(f"the creation of the journal {directory} never finished")
            found.pop()

    @property
    def places(self) -> tuple[Place, ...]:
        """In order; the active one last."""
        return tuple(self._places)

    def refresh(self) -> None:
        """Notice segments that a writer has begun since."""
        with self._lock:
            self._take_newer()

    def manifest(self, place: Place) -> Manifest | None:
        """The manifest of a sealed segment, None of one that is not."""
        known = self._manifests.get(place.position)
        if known is None:
            known = manifest.read(place.path)
            if known is not None:
                self._manifests[place.position] = known
        return known

    def begin(self, place: Place) -> Mapping[str, Link]:
        """Where each stream stood before the segment; one that began in it is not among them."""
        sealed = self.manifest(place) if place != self.active.place else None
        if sealed is not None:
            return {name: part.begin for name, part in sealed.streams.items()}
        with self.using(place) as segment:
            return segment.format.begin

    @contextmanager
    def using(self, place: Place) -> Iterator[Segment]:
        """The segment, open as long as the block lasts."""
        with self._lock:
            segment = self._get(place)
            segment.users += 1
        try:
            yield segment
        finally:
            with self._lock:
                segment.users -= 1

    @contextmanager
    def present(self, place: Place) -> Iterator[None]:
        """JournalTrimmedError for what fails in the block because the segment was given up.

        Retention works beside readers, and notes the new beginning before it removes anything.
        """
        try:
            yield
        except (OSError, lmdb.Error, JournalError):
            if trimmed.read(self.directory).position <= place.position:
                raise
            raise JournalTrimmedError(
                f"{place.path} was removed by retention while it was read; "
                "start again to read what is left"
            ) from None

    def roll(self, layouts: Mapping[str, str], options: WriteOptions) -> None:
        """Begin the next segment; all that was written is on disk already."""
        before = self.active
        commit, parts = before.parts()
        ends = {name: part.end for name, part in parts.items()}
        place = place_at(self.directory, 1 + sum(end.sequence for end in ends.values()))
        form = Format(
            environment.FORMAT_VERSION, before.format.created_ns, dict(layouts), commit, ends
        )
        begun = create_segment(place, form, options)
        with self._lock:
            self.active = begun
            self._places.append(place)
            self._retire(before)
        arguments = (before.place, commit, parts)
        sealer = threading.Thread(target=self._seal, args=arguments, name="sealer", daemon=True)
        sealer.start()
        self._sealers = [each for each in self._sealers if each.is_alive()] + [sealer]

    def parts(self, place: Place) -> tuple[int, Mapping[str, StreamPart]]:
        """A segment's last commit, and what it holds of each stream."""
        sealed = self.manifest(place) if place != self.active.place else None
        if sealed is not None:
            return sealed.commit, sealed.streams
        with self.using(place) as segment:
            return segment.parts()

    def seal_now(self, place: Place) -> None:
        """Seal a segment that was proven whole."""
        manifest.seal(place.path, place.position, *self.parts(place))

    def close(self) -> None:
        """Let the sealers finish, and close everything."""
        for sealer in self._sealers:
            sealer.join()
        for segment in (*self._open.values(), self.active):
            segment.engine.close()
        self._open.clear()

    def _take_newer(self) -> None:
        found = places(self.directory)
        newer = [place for place in found if place.position > self.active.place.position]
        for place in newer:
            segment = open_segment(place, newest=True)
            if segment is None:
                return
            self._retire(self.active)
            self._places.append(place)
            self.active = segment

    def _seal(self, place: Place, commit: int, parts: Mapping[str, StreamPart]) -> None:
        try:
            manifest.seal(place.path, place.position, commit, parts)
        except OSError as error:
            self.sealing_problems.append(f"{place.path} could not be sealed: {error.strerror}")

    def _get(self, place: Place) -> Segment:
        if place == self.active.place:
            return self.active
        known = self._open.get(place.position)
        if known is not None:
            return known
        with self.present(place):
            sealed = self.manifest(place) is not None
            segment = open_segment(place, newest=False, sealed=sealed)
        if segment is None:
            raise JournalCorruptError(f"{environment.data_file(place.path)} holds nothing")
        self._retire(segment)
        return segment

    def _retire(self, segment: Segment) -> None:
        """Keep a segment open that is not the active one, and close some that nobody uses."""
        idle = [position for position, each in self._open.items() if each.users == 0]
        for position in idle[: max(0, len(self._open) - _OPEN_MAX + 1)]:
            self._open.pop(position).engine.close()
        self._open[segment.place.position] = segment


def open_segment(place: Place, *, newest: bool, sealed: bool = False) -> Segment | None:
    """Open for reading; None if its creation was never finished.

    Its pages are proven first, but not the newest segment's while a living writer, who has done
    so himself, is at work on them: pages about to be written cannot be judged.
    """
    if _is_empty(place):
        return None
    directory = place.path.parent
    if not (newest and writer_lock.is_held(directory)):
        try:
            refuse_damaged_pages(place)
        except JournalCorruptError:
            if not (newest and writer_lock.is_held(directory)):
                raise
    if sealed:
        return _attached(place, environment.open_sealed(place.path))
    return _attached(place, environment.open_environment(place.path, readonly=True))


def open_active(place: Place, options: WriteOptions) -> Segment | None:
    """Open the newest segment for writing; None if its creation was never finished."""
    if _is_empty(place):
        return None
    refuse_damaged_pages(place)
    engine = environment.open_environment(
        place.path,
        readonly=False,
        sync=options.sync,
        map_size_bytes=options.map_size_bytes,
    )
    return _attached(place, engine)


def create_segment(place: Place, form: Format, options: WriteOptions) -> Segment:
    """Make a segment, or finish what was begun; on disk when this returns."""
    try:
        place.path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise JournalWriteError(f"cannot make the segment {place.path}: {error}") from None
    engine = environment.open_environment(
        place.path, readonly=False, sync=options.sync, map_size_bytes=options.map_size_bytes
    )
    try:
        tables = Tables(engine)
        tables.create(form)
        engine.sync(True)
        directory = place.path.parent
        environment.sync_directories(place.path, directory, directory.resolve().parent)
    except (lmdb.Error, OSError) as error:
        engine.close()
        raise JournalWriteError(f"cannot make the segment {place.path}: {error}") from None
    return Segment(place, engine, tables, form)


def new_format(layouts: Mapping[str, str]) -> Format:
    """What the first segment of a journal says of itself."""
    return Format(environment.FORMAT_VERSION, time.time_ns(), dict(layouts))


def refuse_damaged_pages(place: Place) -> None:
    """JournalCorruptError if the structure of a segment's file is damaged.

    LMDB trusts its file: a damaged tree makes it crash rather than complain.
    """
    problems = environment.page_problems(place.path)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise JournalCorruptError(
            f"{environment.data_file(place.path)} is damaged: {problems[0]}{more}; "
            "nothing was changed"
        )


def _is_empty(place: Place) -> bool:
    """Whether LMDB had made the file, but not yet written anything."""
    return environment.data_file(place.path).stat().st_size == 0


def _refuse_lost_content(directory: Path) -> None:
    mark = watermark.read(directory)
    durable = {name: each.durable_sequence for name, each in (mark.streams if mark else {}).items()}
    if any(durable.values()):
        told = ", ".join(f"{name} up to {last}" for name, last in sorted(durable.items()))
        raise JournalCorruptError(
            f"{data_path(directory)} holds nothing, but the journal was durable: {told}"
        )


def _attached(place: Place, engine: lmdb.Environment) -> Segment | None:
    try:
        tables = Tables(engine)
        form = tables.attach()
        if form is None:
            engine.close()
            return None
        with engine.begin() as transaction:
            tables.proven_commit(transaction)
    except BaseException:
        engine.close()
        raise
    return Segment(place, engine, tables, form)


def _part(transaction: lmdb.Transaction, segment: Segment, layout: StreamLayout) -> StreamPart:
    database = segment.tables.streams[layout.name]
    end = reading.last_link(transaction, database, layout)
    first_ts = 0
    with reading.engine_errors(layout):
        cursor = transaction.cursor(database)
        if cursor.first():
            first_ts = record.parse(memoryview(cursor.value())).first_ts
        records = transaction.stat(database)["entries"]
    return StreamPart(layout.start(), end, records, first_ts)
