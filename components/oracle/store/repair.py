"""Copy what is whole of a damaged journal to a new one; the damaged one is only read.

LMDB is not asked: a damaged tree would make it crash.  Records describe themselves, and the chain
tells which follows on which, so they are looked for in the bytes of each segment's file and taken
as long as each follows on the one before: nothing that cannot be proven is ever copied.  All
streams are cut at one commit, the last one up to which none of them lacks anything, so that the
copy is a state that the journal once had.  Records are copied as they are, digests included, so
heads that were noted elsewhere still prove it.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from components.oracle.store import environment, manifest, record, watermark
from components.oracle.store.chain import Link, StreamLayout, follow
from components.oracle.store.environment import Format, Tables
from components.oracle.store.errors import JournalCorruptError, JournalError, JournalLayoutError
from components.oracle.store.segments import (
    Place,
    Segment,
    WriteOptions,
    create_segment,
    place_at,
    places,
    require_journal,
)
from components.oracle.store.verify import verify

_COMMIT_BYTES: Final = 64 << 20
_FORMATS: Final = re.compile(rb'\{"(?:base_commit|created_ns)"')
_RECORDS: Final = re.compile(re.escape(record.MAGIC))
_OPTIONS: Final = WriteOptions(sync=False, map_size_bytes=environment.MAP_SIZE_BYTES)


@dataclass(frozen=True)
class Repaired:
    """What was copied: the last sequence of each stream, and the last one known to have existed."""

    path: str
    sequences: Mapping[str, int]
    known: Mapping[str, int]


@dataclass(frozen=True)
class _Found:
    """A record's place in a segment's file."""

    header: record.RecordHeader
    start: int
    size: int


class _Salvage:
    """What the files of one journal hold that can be proven, segment by segment."""

    def __init__(self, directory: Path) -> None:
        self.formats: dict[Place, Format] = {}
        self.records: dict[Place, list[_Found]] = {}
        self.ends: dict[str, Link] = {}
        self.known: dict[str, int] = {}
        self._damaged_at: int | None = None
        mark = watermark.read(directory)
        for name, stream in (mark.streams if mark else {}).items():
            self.known[name] = stream.sequence
        for place in places(directory):
            with _content(place) as content:
                self._take(place, content)
        for name, sequence in self.known.items():
            self._note_damage(name, sequence)

    @property
    def keep(self) -> int:
        """The last commit up to which no stream lacks anything."""
        reached = max((link.commit for link in self.ends.values()), default=0)
        return reached if self._damaged_at is None else min(reached, self._damaged_at)

    def _take(self, place: Place, content: memoryview) -> None:
        form = _format_in(content)
        if form is None:
            return
        layouts = form.stream_layouts()
        found = _records_in(content, layouts)
        taken: list[_Found] = []
        for name, layout in layouts.items():
            link = self.ends.setdefault(name, layout.start())
            follows = found.get(name, {})
            for each in follows.values():
                last = each.header.last_sequence
                self.known[name] = max(self.known.get(name, 0), last)
            while link.sequence + 1 in follows:
                each = follows[link.sequence + 1]
                key = record.key_of(each.header.first_sequence)
                try:
                    link = follow(layout, link, key, content[each.start : each.start + each.size])
                except JournalCorruptError:
                    break
                taken.append(each)
            self.ends[name] = link
        self.formats[place] = form
        self.records[place] = taken

    def _note_damage(self, stream: str, known: int) -> None:
        link = self.ends.get(stream)
        if link is None or link.sequence < known:
            commit = link.commit if link else 0
            self._damaged_at = min(commit, self._damaged_at if self._damaged_at else commit)


def repair(path: Path, target: Path) -> Repaired:
    """Make a new journal in ``target`` of what is whole in ``path``; it verifies when done.

    JournalError if ``target`` exists already; JournalMissingError if there is no journal.
    """
    directory, target = Path(path), Path(target)
    require_journal(directory)
    if target.exists():
        raise JournalError(f"{target} exists already; a repair makes a new directory")
    found = _Salvage(directory)
    if not found.formats:
        raise JournalCorruptError(f"nothing of the journal {directory} can be proven")
    environment.make_directory(target)
    ends: dict[str, Link] = {}
    commit = 0
    for place, form in found.formats.items():
        kept = [each for each in found.records[place] if each.header.commit <= found.keep]
        if commit and not kept:
            break
        commit = _rebuild(place, target, form, kept, ends)
    made = places(target)
    for each in made[:-1]:
        _seal(each)
    _write_watermark(target, ends, commit)
    report = verify(target, deep=True)
    if not report.ok:
        raise JournalCorruptError(f"the copy in {target} is not whole: {report.problems[0]}")
    reached = {name: link.sequence for name, link in ends.items()}
    return Repaired(str(target), reached, {**reached, **found.known})


def _rebuild(
    place: Place, target: Path, form: Format, kept: list[_Found], ends: dict[str, Link]
) -> int:
    """Write one segment of the copy; returns its last commit and moves ``ends`` there."""
    batches = list(_batches(kept))
    last = max((each.header.commit for each in kept), default=form.base_commit + 1)
    begin = {name: ends[name] for name in form.layouts if name in ends}
    base = last - 1 - len(batches)  # so that LMDB's own count of commits ends at the last one
    made = replace(form, version=environment.FORMAT_VERSION, base_commit=base, begin=begin)
    position = 1 + sum(link.sequence for link in begin.values())
    segment = create_segment(place_at(target, position), made, _OPTIONS)
    try:
        with _content(place) as content:
            for batch in batches:
                _copy(segment, content, batch)
        segment.engine.sync(True)
        ends.update({name: segment.last_link(name) for name in form.layouts})
    finally:
        segment.engine.close()
    return last


def _copy(segment: Segment, content: memoryview, batch: list[_Found]) -> None:
    with segment.engine.begin(write=True) as transaction:
        for each in batch:
            key = record.key_of(each.header.first_sequence)
            value = content[each.start : each.start + each.size]
            transaction.put(key, value, db=segment.tables.streams[each.header.stream])
        segment.tables.note_commit(transaction)


def _batches(kept: list[_Found]) -> Iterator[list[_Found]]:
    batch: list[_Found] = []
    size = 0
    for each in sorted(kept, key=lambda one: (one.header.commit, one.header.stream)):
        batch.append(each)
        size += each.size
        if size >= _COMMIT_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _seal(place: Place) -> None:
    engine = environment.open_environment(place.path, readonly=True)
    try:
        tables = Tables(engine)
        form = tables.attach()
        assert form is not None, "it was just made"
        commit, parts = Segment(place, engine, tables, form).parts()
    finally:
        engine.close()
    manifest.seal(place.path, place.position, commit, parts)


def _write_watermark(target: Path, ends: Mapping[str, Link], commit: int) -> None:
    file = watermark.WatermarkFile(target)
    streams = {
        name: watermark.StreamMark(link.sequence, link.sequence, link.digest)
        for name, link in ends.items()
    }
    file.write(watermark.Watermark(commit, commit, streams))
    file.close()
    environment.sync_directories(target, target.resolve().parent)


@contextmanager
def _content(place: Place) -> Iterator[memoryview]:
    path = environment.data_file(place.path)
    if path.stat().st_size == 0:
        yield memoryview(b"")
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        view = memoryview(mapped)
        try:
            yield view
        finally:
            view.release()


def _format_in(content: memoryview) -> Format | None:
    """What the segment says of itself: the description that knows most streams."""
    starts = (match.start() for match in _FORMATS.finditer(content))
    found = [form for start in starts if (form := _format_at(content, start))]
    return max(found, key=lambda form: (form.version, len(form.layouts)), default=None)


def _format_at(content: memoryview, start: int) -> Format | None:
    text = bytes(content[start : start + 65_536]).decode("utf-8", "replace")
    try:
        _, length = json.JSONDecoder().raw_decode(text)
        stored = bytes(content[start - 32 : start + length])
        return environment.decode_format(stored)
    except (ValueError, JournalCorruptError, JournalLayoutError):
        return None


def _records_in(
    content: memoryview, layouts: Mapping[str, StreamLayout]
) -> dict[str, dict[int, _Found]]:
    """All records whose digest is right, by stream and first sequence.

    Free pages hold copies of old ones; those that were cut once follow on nothing.
    """
    found: dict[str, dict[int, _Found]] = {name: {} for name in layouts}
    for match in _RECORDS.finditer(content):
        each = _record_at(content, match.start(), layouts)
        if each is not None:
            known = found[each.header.stream].setdefault(each.header.first_sequence, each)
            if known.header.commit < each.header.commit:
                found[each.header.stream][each.header.first_sequence] = each
    return found


def _record_at(
    content: memoryview, start: int, layouts: Mapping[str, StreamLayout]
) -> _Found | None:
    try:
        header = record.parse(content[start : start + record.HEADER_BYTES])
    except JournalCorruptError:
        return None
    layout = layouts.get(header.stream)
    if layout is None:
        return None
    size = record.HEADER_BYTES + header.count * layout.itemsize
    value = content[start : start + size]
    if len(value) < size or record.digest_of(value) != header.digest:
        return None
    return _Found(header, start, size)
