"""Walk a whole journal and say whether it is what was written.

Every record of every stream is hashed and followed; the ends are compared with the watermark.
Works beside a running writer, without holding it up: what it has committed when the walk begins
is proven.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import lmdb

from components.oracle.store import environment, watermark, writer_lock
from components.oracle.store.chain import Link, StreamLayout
from components.oracle.store.errors import JournalCorruptError, JournalError
from components.oracle.store.reading import walk
from components.oracle.store.recovery import lost_end


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
class Report:
    """What was found; ``problems`` is empty for a good journal."""

    path: str
    streams: tuple[StreamReport, ...]
    pages: str  # "sound", what is wrong, or why they were not walked
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every byte is as it was written."""
        return not self.problems


def verify(path: Path, *, deep: bool = False) -> Report:
    """Prove the whole chain of every stream.

    The pages below are walked by LMDB's offline verifier too, except beside a running writer:
    there ``deep`` walks those of a consistent copy, which takes as much room as the journal.
    JournalMissingError if there is none; damage is reported, not raised.
    """
    directory = Path(path)
    environment.require_journal(directory)
    mark = watermark.read(directory)
    alive = writer_lock.is_held(directory)
    if not alive:
        problems = environment.page_problems(directory)
        if problems and not writer_lock.is_held(directory):
            where = environment.data_path(directory)
            text = f"{where}: {problems[0]} ({len(problems)} problems in its pages)"
            return Report(str(directory), (), problems[0], (text,), ())
    engine = environment.open_environment(directory, readonly=True)
    try:
        tables = environment.Tables(engine)
        form = tables.attach()
        if form is None:
            raise JournalCorruptError(f"the creation of the journal {directory} never finished")
        with engine.begin() as transaction:
            commit = tables.proven_commit(transaction)
        streams = tuple(
            _verify_stream(engine, tables, layout, commit)
            for layout in form.stream_layouts().values()
        )
        pages = _pages_of_copy(directory, engine, alive, deep)
    except JournalCorruptError as error:
        return Report(str(directory), (), "sound", (f"{directory}: {error}",), ())
    finally:
        engine.close()
    found = [each.problem for each in streams if each.problem]
    if not found and mark is not None:
        ends = {each.name: Link(each.last_sequence, each.head, 0, 0) for each in streams}
        missing = lost_end(ends, mark)
        found += [missing] if missing else []
    if pages not in ("sound", _NOT_WALKED):
        found.append(pages)
    notes = () if mark else ("there is no readable watermark: the end itself cannot be proven",)
    return Report(str(directory), streams, pages, tuple(found), notes)


_NOT_WALKED = "not walked: a process is writing (--deep walks those of a copy)"


def _pages_of_copy(directory: Path, engine: lmdb.Environment, alive: bool, deep: bool) -> str:
    if not alive:
        return "sound"
    if not deep:
        return _NOT_WALKED
    with tempfile.TemporaryDirectory(prefix="verify-", dir=directory) as copy:
        environment.segment_path(Path(copy)).mkdir()
        try:
            engine.copy(str(environment.segment_path(Path(copy))))
        except lmdb.Error as error:
            raise JournalError(f"cannot copy the journal to walk its pages: {error}") from None
        problems = environment.page_problems(Path(copy))
    return problems[0] if problems else "sound"


def _verify_stream(
    engine: lmdb.Environment, tables: environment.Tables, layout: StreamLayout, commit: int
) -> StreamReport:
    link = layout.genesis()
    records = 0
    problem = None
    try:
        for now, _ in walk(engine, tables.streams[layout.name], layout, link):
            if now.commit > commit:
                break
            link = now
            records += 1
    except JournalCorruptError as error:
        problem = str(error)
    size = link.sequence * layout.itemsize
    return StreamReport(layout.name, records, link.sequence, size, link.digest, problem)
