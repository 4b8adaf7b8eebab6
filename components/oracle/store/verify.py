"""Walk a whole journal and say whether it is what was written.

Every record of every stream is hashed and followed; the ends are compared with the watermark.
Works beside a running writer, without holding it up: what it has committed when the walk begins
is proven.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import lmdb

from components.oracle.store import (
    environment,
    manifest,
    record,
    trimmed,
    watermark,
    writer_lock,
)
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.errors import JournalCorruptError, JournalError
from components.oracle.store.reading import walk
from components.oracle.store.recovery import joint_problem, lost_end
from components.oracle.store.segments import Place, Segment, Segments, require_journal


@dataclass(frozen=True)
class StreamReport:
    """One stream, as far as it is whole."""

    name: str
    records: int
    last_sequence: int
    size_bytes: int
    head: bytes
    problem: str | None


@dataclass(frozen=True)
class ProvenHead:
    """A digest that a chain had when it ended at this sequence: all up to there is as it was."""

    stream: str
    sequence: int
    digest: bytes


@dataclass(frozen=True)
class Report:
    """What was found; ``problems`` is empty for a good journal."""

    path: str
    streams: tuple[StreamReport, ...]
    pages: str  # "sound", what is wrong, or why they were not walked
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    heads: tuple[ProvenHead, ...] = ()  # of those expected, the ones that were met

    @property
    def ok(self) -> bool:
        """Whether every byte is as it was written."""
        return not self.problems


def verify(path: Path, *, deep: bool = False, expected: Collection[bytes] = ()) -> Report:
    """Prove the whole chain of every stream, through all segments.

    Each digest ``expected`` must be one that some chain had at its end at some time: the head as
    it was exported then.  One that is not met is a problem, as the history is another one.

    The pages below are walked by LMDB's offline verifier too, except those of the newest segment
    beside a running writer: there ``deep`` walks a consistent copy, which takes as much room.
    ``deep`` also compares each sealed file's SHA-256 with its manifest.
    JournalMissingError if there is none; damage is reported, not raised.
    """
    directory = Path(path)
    require_journal(directory)
    mark = watermark.read(directory)
    walks: dict[str, StreamWalk] = {}
    wanted = frozenset(expected)
    pages = "sound"
    problems: list[str] = []
    try:
        segments = Segments.open_reading(directory)
    except JournalCorruptError as error:
        return Report(str(directory), (), str(error), (str(error),), ())
    try:
        for place in segments.places:
            with segments.present(place):
                problems += verify_segment(segments, place, walks, deep=deep, wanted=wanted)
        if deep or not writer_lock.is_held(directory):
            pages = _pages_of_newest(segments)
        else:
            pages = _NOT_WALKED
    except JournalCorruptError as error:
        pages = str(error) if "pages" in str(error) else pages
        problems.append(f"{directory}: {error}")
    finally:
        segments.close()
    streams = tuple(walk.report() for walk in walks.values())
    problems = [*(each.problem for each in streams if each.problem), *problems]
    if not problems and mark is not None:
        missing = lost_end({name: each.link for name, each in walks.items()}, mark)
        problems += [missing] if missing else []
    if pages not in ("sound", _NOT_WALKED):
        problems.append(pages)
    heads = tuple(head for each in walks.values() for head in each.heads)
    problems += [
        f"no stream ever ended with the digest {digest.hex()}: what it stands for is not in this "
        "journal, or was changed"
        for digest in sorted(wanted - {head.digest for head in heads})
    ]
    notes = () if mark else ("there is no readable watermark: the end itself cannot be proven",)
    return Report(str(directory), streams, pages, tuple(problems), notes, heads)


_NOT_WALKED = "not walked: a process is writing (--deep walks those of a copy)"


class StreamWalk:
    """How far one stream was proven."""

    def __init__(self, layout: StreamLayout, wanted: Collection[bytes] = ()) -> None:
        self.layout = layout
        self.link = layout.start()
        self.heads: list[ProvenHead] = []
        self._wanted = wanted
        self._meet(self.link)
        self.records = 0
        self.size_bytes = 0
        self.problem: str | None = None

    def take(self, segment: Segment, layout: StreamLayout, commit: int) -> None:
        """Prove the stream's part of a segment, up to a commit."""
        if self.problem is not None:
            return
        try:
            database = segment.tables.streams[layout.name]
            for now, value in walk(segment.engine, database, layout, layout.start()):
                if now.commit > commit:
                    break
                self.link = now
                self._meet(now)
                self.records += 1
                self.size_bytes += len(value) - record.HEADER_BYTES
        except JournalCorruptError as error:
            self.problem = f"{error} (in {segment.place.path.name})"

    def _meet(self, link: Link) -> None:
        if link.digest in self._wanted:
            self.heads.append(ProvenHead(self.layout.name, link.sequence, link.digest))

    def report(self) -> StreamReport:
        """What was found."""
        link = self.link
        return StreamReport(
            self.layout.name,
            self.records,
            link.sequence,
            self.size_bytes,
            link.digest,
            self.problem,
        )


def verify_segment(
    segments: Segments,
    place: Place,
    walks: dict[str, StreamWalk],
    *,
    deep: bool,
    wanted: Collection[bytes] = (),
) -> list[str]:
    """Prove one segment behind those that ``walks`` has proven; what is wrong besides records."""
    sealed = segments.manifest(place) if place != segments.active.place else None
    problems = []
    if sealed is not None:
        problem = manifest.problem(place.path, sealed, deep=deep)
        problems += [problem] if problem else []
    with segments.using(place) as segment:
        ends = {name: each.link for name, each in walks.items() if each.problem is None}
        if not walks:
            ends.update(trimmed.read(segments.directory).ends)
        begin = {
            name: link
            for name, link in segment.format.begin.items()
            if name in ends or name not in walks
        }
        joint = joint_problem(place, ends, begin)
        if joint:
            raise JournalCorruptError(joint)
        with segment.engine.begin() as transaction:
            commit = segment.tables.proven_commit(transaction)
        for name, layout in segment.layouts.items():
            walks.setdefault(name, StreamWalk(layout, wanted)).take(segment, layout, commit)
    if sealed is not None:
        problems += [
            f"{place.path.name}: its manifest says that stream {name} ends at "
            f"{part.end.sequence}, {part.end.digest.hex()}"
            for name, part in sealed.streams.items()
            if walks[name].problem is None and walks[name].link != part.end
        ]
    return problems


def _pages_of_newest(segments: Segments) -> str:
    """Walk the pages of a copy, as a writer may be at work on those of the file."""
    if not writer_lock.is_held(segments.directory):
        return "sound"
    with tempfile.TemporaryDirectory(prefix="verify-", dir=segments.directory) as copy:
        try:
            segments.active.engine.copy(copy)
        except lmdb.Error as error:
            raise JournalError(f"cannot copy the journal to walk its pages: {error}") from None
        problems = environment.page_problems(Path(copy))
    return problems[0] if problems else "sound"
