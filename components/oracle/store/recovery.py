"""What a writer does with what it finds: the start-up table of a journal.

    ====  ==============================================  ==========================================
    case  found                                           done
    ====  ==============================================  ==========================================
    A     chain whole, ends where the watermark says      continue
    B     chain whole, reaches further than it says, or   continue: the writer died between its
          there is no readable watermark                  commit and the note of it
    C     chain whole, ends before ``committed`` but not  continue and say so: the machine died
          before ``durable``                              before what was written was synced
    D     chain whole, but ends before ``durable``        refuse: the acknowledged end is missing
    E     bad record above ``durable``                    cut it and all that was committed after
                                                          the last good place; keep the bytes aside
    F     bad record at or below ``durable``, or no       refuse, and name it
          readable watermark
    G     the watermark's last commit has another digest  refuse
    H     an older segment is missing, or does not end    refuse, and name the joint
          where the next one begins
    I     an older segment without a manifest             prove it whole, then seal it: the writer
                                                          died while it did so; refuse if it is bad
    J     a manifest that is damaged, or a file that is   refuse, and name it
          not of the size that it was sealed with
    K     the newest segment holds nothing, or cannot be  make it anew, the old file kept aside: the
          read, and nothing durable is in it              writer died while it rolled
    L     written by a newer version, or with a layout    refuse, and name both
          that cannot be carried over (upcast.py)
    M     another process holds the lock                  refuse, and name it (writer_lock.py)
    ====  ==============================================  ==========================================

Only what was never acknowledged is ever cut, and only in the newest segment: rolling syncs, so
all that lies in older ones is durable.  With ``sync: commit`` everything that a caller was told
is durable, so E can only be the one commit whose append never returned.

Of the newest segment every record is proven here; older ones were when they were written, are
again when they are read, and all at once by ``verify``.  What is refused can be restored from a
backup, or its good beginning copied to a new journal by ``verify --repair`` (repair.py).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from components.oracle.store import (
    dtype_text,
    environment,
    manifest,
    record,
    trimmed,
    upcast,
    watermark,
)
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.environment import Format
from components.oracle.store.errors import JournalCorruptError
from components.oracle.store.reading import walk
from components.oracle.store.segments import (
    Place,
    Segment,
    Segments,
    WriteOptions,
    create_segment,
    new_format,
    open_active,
    open_segment,
    place_at,
    places,
)

_CUT_ENTRY: Final = struct.Struct("<16sQQ")


@dataclass(frozen=True)
class Recovery:
    """Where each stream stands after start-up, and what a person should know about it."""

    links: Mapping[str, Link]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    link: Link
    problem: str | None


def open_segments(
    directory: Path, layouts: Mapping[str, str], options: WriteOptions
) -> tuple[Segments, tuple[str, ...]]:
    """Open all there is for writing, or create the first segment; case K is dealt with here."""
    found = places(directory)
    if not found:
        place = place_at(directory, 1)
        return Segments(directory, [place], create_segment(place, new_format(layouts), options)), ()
    newest = found[-1]
    try:
        active = open_active(newest, options)
    except JournalCorruptError as error:
        if len(found) == 1 or not _rolled_without_content(directory, newest):
            raise
        aside = newest.path.rename(directory / f"unfinished-{newest.path.name}")
        notes = (f"{error}; it was never used, lies in {aside} now, and was made anew",)
        return _finish_roll(directory, found, options), notes
    if active is not None:
        return Segments(directory, found, active), ()
    if len(found) == 1:
        return Segments(directory, found, create_segment(newest, new_format(layouts), options)), ()
    return _finish_roll(directory, found, options), ()


def adopt_layouts(
    segments: Segments, layouts: Mapping[str, str], options: WriteOptions
) -> Mapping[str, Link]:
    """Make the active segment take these layouts, which were found fit; where streams stand.

    New streams and layouts of streams that it holds nothing of are noted in it; for any other
    change a new segment begins.
    """
    active = segments.active
    stored = active.format.layouts
    changed = {name for name, text in layouts.items() if stored.get(name) != text}
    texts = {**stored, **layouts}
    if any(
        name in stored and active.last_link(name).sequence != active.layouts[name].start().sequence
        for name in changed
    ):
        segments.roll(texts, options)
    elif changed:
        form = replace(active.format, version=environment.FORMAT_VERSION, layouts=texts)
        active.tables.create(form)
        active.describe(form)
    return {name: segments.active.last_link(name) for name in segments.active.layouts}


def require_fit(segments: Segments, streams: Mapping[str, str]) -> None:
    """Case L: JournalLayoutError unless every stored layout can be read as the one wanted."""
    for name, text in streams.items():
        stored = segments.active.dtypes.get(name)
        if stored is not None:
            upcast.require(name, str(segments.directory), stored, dtype_text.from_text(text))


def recover(segments: Segments) -> Recovery:
    """Prove what the table says and apply it; the caller holds the writer's lock."""
    directory = segments.directory
    sealed = [_seal_if_proven(segments, place) for place in segments.places[:-1]]
    check_joints(segments)
    mark = watermark.read(directory)
    active = segments.active
    found = {name: _prove(active, layout) for name, layout in sorted(active.layouts.items())}
    notes = tuple(note for note in sealed if note)
    if any(each.problem for each in found.values()):
        cut = _cut_or_refuse(directory, active, found, mark)
        return replace(cut, notes=(*notes, *cut.notes))
    links = {name: each.link for name, each in found.items()}
    if mark is None:
        if not any(link.sequence for link in links.values()):
            return Recovery(links, notes)
        return Recovery(
            links, (*notes, "there is no readable watermark; the whole chain was proven")
        )
    _refuse_lost_end(directory, links, mark)
    lost = [
        f"stream {name} ends at sequence {links[name].sequence}; {stream.sequence} was written "
        "but not yet synced when the machine stopped"
        for name, stream in sorted(mark.streams.items())
        if links[name].sequence < stream.sequence
    ]
    return Recovery(links, (*notes, *lost))


def refuse_lost_end(segments: Segments, mark: watermark.Watermark) -> None:
    """Cases D and G, for a reader: JournalCorruptError if the journal ends before ``mark`` says."""
    active = segments.active
    links = {name: active.last_link(name) for name in active.layouts}
    _refuse_lost_end(segments.directory, links, mark)


def _refuse_lost_end(directory: Path, links: Mapping[str, Link], mark: watermark.Watermark) -> None:
    problem = lost_end(links, mark)
    if problem:
        raise JournalCorruptError(f"{directory}: {problem}; restore it from a backup")


def lost_end(links: Mapping[str, Link], mark: watermark.Watermark) -> str | None:
    """Cases D and G: what a whole chain lacks of what was acknowledged."""
    for name, stream in sorted(mark.streams.items()):
        link = links.get(name)
        if link is None or link.sequence < stream.durable_sequence:
            reached = link.sequence if link else 0
            return (
                f"stream {name} ends at sequence {reached}, "
                f"but was durable up to {stream.durable_sequence}: its end is missing"
            )
        if link.sequence == stream.sequence > 0 and link.digest != stream.digest:
            return (
                f"stream {name} ends at sequence {link.sequence} with the digest "
                f"{link.digest.hex()}, expected {stream.digest.hex()}"
            )
    return None


def check_joints(segments: Segments) -> None:
    """Case H: JournalCorruptError unless each segment begins where the one before it ends."""
    ends = trimmed.read(segments.directory).ends
    for place in segments.places:
        problem = joint_problem(place, ends, segments.begin(place))
        if problem:
            raise JournalCorruptError(f"{segments.directory}: {problem}")
        if place != segments.active.place:
            ends = {name: part.end for name, part in segments.parts(place)[1].items()}


def joint_problem(place: Place, ends: Mapping[str, Link], begin: Mapping[str, Link]) -> str | None:
    """What does not fit between the ends of one segment and the beginning of the next."""
    for name in sorted({*ends, *begin}):
        end, start = ends.get(name), begin.get(name)
        if end == start or (end is None and start is not None and start.sequence == 0):
            continue
        if start is None or end is None or end.sequence != start.sequence:
            reached, goes_on = (end.sequence if end else 0), (start.sequence if start else 0)
            return (
                f"stream {name} ends at sequence {reached} before {place.path.name}, which goes "
                f"on behind {goes_on}: a segment is missing or was exchanged"
            )
        return (
            f"stream {name} ends at sequence {end.sequence} with the digest {end.digest.hex()} "
            f"before {place.path.name}, which goes on behind {start.digest.hex()}"
        )
    return None


def _rolled_without_content(directory: Path, newest: Place) -> bool:
    """Whether nothing durable can be in the newest segment, by its position alone."""
    mark = watermark.read(directory)
    if mark is None:
        return False
    return newest.position == 1 + sum(each.durable_sequence for each in mark.streams.values())


def _finish_roll(directory: Path, found: list[Place], options: WriteOptions) -> Segments:
    """Make the newest segment that the writer before did not finish."""
    sealed = manifest.read(found[-2].path) is not None
    before = open_segment(found[-2], newest=False, sealed=sealed)
    if before is None:
        raise JournalCorruptError(f"{environment.data_file(found[-2].path)} holds nothing")
    commit, parts = before.parts()
    ends = {name: part.end for name, part in parts.items()}
    form = Format(
        environment.FORMAT_VERSION,
        before.format.created_ns,
        before.format.layouts,
        commit,
        ends,
    )
    before.engine.close()
    return Segments(directory, found, create_segment(found[-1], form, options))


def _seal_if_proven(segments: Segments, place: Place) -> str | None:
    """Cases I and J, for a segment that is not the newest."""
    sealed = segments.manifest(place)
    if sealed is not None:
        problem = manifest.problem(place.path, sealed, deep=False)
        if problem:
            raise JournalCorruptError(f"{problem}; restore it from a backup")
        return None
    with segments.using(place) as segment:
        for layout in segment.layouts.values():
            found = _prove(segment, layout)
            if found.problem:
                raise JournalCorruptError(
                    f"{place.path}: {found.problem}; nothing was changed, as later segments "
                    "follow on it; restore it from a backup, or copy what is whole with "
                    "verify --repair"
                )
    segments.seal_now(place)
    return f"{place.path.name} was proven and sealed, as its writer had not come to it"


def _prove(segment: Segment, layout: StreamLayout) -> _Found:
    link = layout.start()
    try:
        for now, _ in walk(segment.engine, segment.tables.streams[layout.name], layout, link):
            link = now
    except JournalCorruptError as error:
        return _Found(link, str(error))
    return _Found(link, None)


def _cut_or_refuse(
    directory: Path,
    active: Segment,
    found: Mapping[str, _Found],
    mark: watermark.Watermark | None,
) -> Recovery:
    for name, each in found.items():
        if each.problem is None:
            continue
        durable = mark.streams[name].durable_sequence if mark and name in mark.streams else 0
        if mark is None or each.link.sequence < durable:
            raise JournalCorruptError(
                f"{directory}: {each.problem}; sequences 1 to {each.link.sequence} of this stream "
                "are whole, nothing was changed; restore it from a backup, or copy what is whole "
                "with verify --repair"
            )
    keep = max(mark.durable if mark else 0, min(x.link.commit for x in found.values() if x.problem))
    links = _cut(directory, active, keep)
    for layout in active.layouts.values():
        problem = _prove(active, layout).problem
        if problem:
            raise JournalCorruptError(f"{directory}: {problem}")
    problems = [each.problem for each in found.values() if each.problem]
    problems.append(
        f"all after commit {keep} was cut, as it was never acknowledged; "
        f"its bytes are kept in {_side_file(directory, keep)}"
    )
    return Recovery(links, tuple(problems))


def _side_file(directory: Path, commit: int) -> Path:
    return directory / f"cut-after-commit-{commit}.bin"


def _cut(directory: Path, active: Segment, keep_commit: int) -> dict[str, Link]:
    """Remove all records after ``keep_commit`` in one transaction, their bytes saved first.

    The side file holds, for each record, stream, key and length as ``<16sQQ``, then its value.
    """
    links = {name: _end_at(active, layout, keep_commit) for name, layout in active.layouts.items()}
    with (
        active.engine.begin(write=True) as transaction,
        _side_file(directory, keep_commit).open("wb") as kept,
    ):
        for name, link in links.items():
            cursor = transaction.cursor(active.tables.streams[name])
            while cursor.set_range(record.key_of(link.sequence + 1)):
                key, value = cursor.item()
                entry = (name.encode(), record.sequence_of(key), len(value))
                kept.write(_CUT_ENTRY.pack(*entry))
                kept.write(value)
                cursor.delete()
        kept.flush()
        os.fsync(kept.fileno())
        active.tables.note_commit(transaction)
    return links


def _end_at(active: Segment, layout: StreamLayout, keep_commit: int) -> Link:
    """The stream's last good link that was committed at or before ``keep_commit``."""
    link = layout.start()
    try:
        for now, _ in walk(active.engine, active.tables.streams[layout.name], layout, link):
            if now.commit > keep_commit:
                break
            link = now
    except JournalCorruptError:
        return link
    return link
