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
    ====  ==============================================  ==========================================

Only what was never acknowledged is ever cut.  With ``sync: commit`` everything that a caller was
told is durable, so E can only be the one commit whose append never returned.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lmdb

from components.oracle.store import record, watermark
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.environment import Tables
from components.oracle.store.errors import JournalCorruptError
from components.oracle.store.reading import walk

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


def recover(
    directory: Path,
    environment: lmdb.Environment,
    tables: Tables,
    layouts: Mapping[str, StreamLayout],
) -> Recovery:
    """Prove every chain to its end and apply the table; the caller holds the writer's lock."""
    mark = watermark.read(directory)
    found = {name: _prove(environment, tables, layout) for name, layout in sorted(layouts.items())}
    if any(each.problem for each in found.values()):
        return _cut_or_refuse(directory, environment, tables, layouts, found, mark)
    links = {name: each.link for name, each in found.items()}
    if mark is None:
        if not any(link.sequence for link in links.values()):
            return Recovery(links)
        return Recovery(links, ("there is no readable watermark; the whole chain was proven",))
    problem = lost_end(links, mark)
    if problem:
        raise JournalCorruptError(f"{directory}: {problem}; restore it from a backup")
    lost = [
        f"stream {name} ends at sequence {links[name].sequence}; {stream.sequence} was written "
        "but not yet synced when the machine stopped"
        for name, stream in sorted(mark.streams.items())
        if links[name].sequence < stream.sequence
    ]
    return Recovery(links, tuple(lost))


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
        if link.sequence == stream.sequence and link.digest != stream.digest:
            return (
                f"stream {name} ends at sequence {link.sequence} with the digest "
                f"{link.digest.hex()}, expected {stream.digest.hex()}"
            )
    return None


def _prove(environment: lmdb.Environment, tables: Tables, layout: StreamLayout) -> _Found:
    link = layout.genesis()
    try:
        for now, _ in walk(environment, tables.streams[layout.name], layout, link):
            link = now
    except JournalCorruptError as error:
        return _Found(link, str(error))
    return _Found(link, None)


def _cut_or_refuse(
    directory: Path,
    environment: lmdb.Environment,
    tables: Tables,
    layouts: Mapping[str, StreamLayout],
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
                "are whole, nothing was changed"
            )
    keep = max(mark.durable if mark else 0, min(x.link.commit for x in found.values() if x.problem))
    links = _cut(directory, environment, tables, layouts, keep)
    for layout in layouts.values():
        problem = _prove(environment, tables, layout).problem
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


def _cut(
    directory: Path,
    environment: lmdb.Environment,
    tables: Tables,
    layouts: Mapping[str, StreamLayout],
    keep_commit: int,
) -> dict[str, Link]:
    """Remove all records after ``keep_commit`` in one transaction, their bytes saved first.

    The side file holds, for each record, stream, key and length as ``<16sQQ``, then its value.
    """
    links = {
        name: _end_at(environment, tables, layout, keep_commit) for name, layout in layouts.items()
    }
    with (
        environment.begin(write=True) as transaction,
        _side_file(directory, keep_commit).open("wb") as kept,
    ):
        for name, link in links.items():
            cursor = transaction.cursor(tables.streams[name])
            while cursor.set_range(record.key_of(link.sequence + 1)):
                key, value = cursor.item()
                entry = (name.encode(), record.sequence_of(key), len(value))
                kept.write(_CUT_ENTRY.pack(*entry))
                kept.write(value)
                cursor.delete()
        kept.flush()
        os.fsync(kept.fileno())
        tables.note_commit(transaction)
    return links


def _end_at(
    environment: lmdb.Environment, tables: Tables, layout: StreamLayout, keep_commit: int
) -> Link:
    """The stream's last good link that was committed at or before ``keep_commit``."""
    link = layout.genesis()
    try:
        for now, _ in walk(environment, tables.streams[layout.name], layout, link):
            if now.commit > keep_commit:
                break
            link = now
    except JournalCorruptError:
        return link
    return link
