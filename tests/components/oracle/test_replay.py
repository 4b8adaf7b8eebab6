"""A replay derives what was journaled, names what differs, and restores what runs on."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from components.messages.code import RISK_LIQUIDATION, SOURCE_SENTINEL
from components.oracle import derivation
from components.oracle.comparison import Difference, fields_of
from components.oracle.platform_hash import platform_hash
from components.oracle.replay import ReplayDifferenceError, ReplayReport, replay, restore
from components.oracle.store import Journal, JournalCorruptError, verify
from components.sentinel import engine as sentinel_engine
from components.titan.shards import shards_hash
from tests.components.oracle.platform_samples import Platform, write

Streams = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(3_000)
    return made


@pytest.fixture(scope="module")
def streams(platform: Platform) -> Streams:
    found = platform.streams()
    assert (found["commands"]["source"] == SOURCE_SENTINEL).sum() > 3, "the sample liquidates"
    assert (found["risk"]["kind"] == RISK_LIQUIDATION).any()
    return found


def replayed(path: Path, streams: Streams, **options: Any) -> ReplayReport:
    write(path, streams)
    assert verify(path).ok
    with Journal.open_reader(path) as journal:
        return replay(journal, **options)


def test_a_whole_journal_replays_to_the_live_hash(
    tmp_path: Path, platform: Platform, streams: Streams
) -> None:
    report = replayed(tmp_path / "j", streams)

    assert report.differences == ()
    assert report.platform_hash == platform.hash()
    assert report.commands == len(streams["commands"])
    assert report.events_derived == report.events_journaled == len(streams["events"])
    assert report.risk_derived == report.risk_journaled == len(streams["risk"])
    assert report.orders_derived - report.orders_journaled == len(platform.pending())


def test_the_hash_depends_neither_on_batches_nor_on_outboxes(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = replayed(tmp_path / "a", streams).platform_hash
    monkeypatch.setattr(derivation, "_OUTBOX_RECORDS", 64)
    monkeypatch.setattr(derivation, "_BATCH", 23)
    monkeypatch.setattr("components.oracle.store.reading.CHUNK_BYTES", 5_000)
    write(tmp_path / "b", streams, batch=17)
    with Journal.open_reader(tmp_path / "b") as journal:
        report = replay(journal)

    assert report.ok
    assert report.platform_hash == expected


def test_a_replay_to_a_sequence_is_the_state_there(tmp_path: Path) -> None:
    short, long = Platform(seed=3), Platform(seed=3)
    short.run(500)
    long.run(1_000)
    reached = len(short.commands)
    write(tmp_path / "j", long.streams())
    with Journal.open_reader(tmp_path / "j") as journal:
        assert replay(journal, to=reached).platform_hash == short.hash()
        assert replay(journal, to=0).commands == 0


@pytest.mark.parametrize(
    ("stream", "field"),
    [("events", "price"), ("events", "reason"), ("risk", "equity"), ("risk", "flags")],
)
def test_a_changed_record_is_named(
    tmp_path: Path, streams: Streams, stream: str, field: str
) -> None:
    """The chain is whole, as whoever can write can also hash; the replay still tells."""
    changed = {name: records.copy() for name, records in streams.items()}
    place = len(changed[stream]) // 2
    before = int(changed[stream][field][place])
    changed[stream][field][place] += 1
    report = replayed(tmp_path / "j", changed)

    (difference,) = report.differences
    assert difference == Difference(stream, place + 1, field, str(before), str(before + 1))
    assert difference.expected_record == fields_of(streams[stream][place])
    assert difference.found_record == fields_of(changed[stream][place])


def test_a_changed_order_of_sentinel_is_named(tmp_path: Path, streams: Streams) -> None:
    changed = {name: records.copy() for name, records in streams.items()}
    place = int(np.flatnonzero(changed["commands"]["source"] == SOURCE_SENTINEL)[1])
    changed["commands"]["qty"][place] += 1
    first = replayed(tmp_path / "j", changed).differences[-1]

    assert (first.stream, first.sequence, first.field) == ("commands", place + 1, "qty")


def test_an_order_that_sentinel_never_made_is_named(tmp_path: Path, streams: Streams) -> None:
    changed = {name: records.copy() for name, records in streams.items()}
    ordinary = np.flatnonzero(changed["commands"]["source"] != SOURCE_SENTINEL)[20]
    changed["commands"]["source"][ordinary] = SOURCE_SENTINEL
    first = replayed(tmp_path / "j", changed).differences[-1]

    assert (first.stream, first.sequence, first.field) == ("commands", ordinary + 1, "source")


def test_every_stream_is_told_when_asked(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.oracle.store.reading.CHUNK_BYTES", 1 << 16)
    changed = {name: records.copy() for name, records in streams.items()}
    changed["events"]["ts"][10] += 1
    changed["risk"]["ts"][-1] += 1

    assert len(replayed(tmp_path / "a", changed).differences) == 1
    both = replayed(tmp_path / "b", changed, first_difference=False).differences
    assert [each.stream for each in both] == ["events", "risk"]


@pytest.mark.parametrize("stream", ["events", "risk"])
def test_records_beyond_what_the_commands_give_are_named(
    tmp_path: Path, streams: Streams, stream: str
) -> None:
    longer = {**streams, stream: np.concatenate((streams[stream], streams[stream][-1:]))}
    report = replayed(tmp_path / "j", longer)

    assert report.differences[0].sequence == len(streams[stream]) + 1
    assert "does not follow from the commands" in str(report.differences[0])


@settings(max_examples=8, deadline=None)
@given(parts=st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)))
def test_what_a_crash_left_unjournaled_is_restored(
    tmp_path_factory: pytest.TempPathFactory,
    platform: Platform,
    streams: Streams,
    parts: tuple[int, int, int],
) -> None:
    """Events and risk may end anywhere before what the commands give."""
    path = tmp_path_factory.mktemp("crash") / "j"
    ends = {
        "commands": len(streams["commands"]),
        "events": len(streams["events"]) * parts[1] // 100,
        "risk": len(streams["risk"]) * parts[2] // 100,
    }
    write(path, {name: streams[name][:end] for name, end in ends.items()})
    with Journal.open_reader(path) as journal:
        state = restore(journal)

    assert (state.events_tail == streams["events"][ends["events"] :]).all()
    assert (state.risk_tail == streams["risk"][ends["risk"] :]).all()
    assert (state.pending_orders == platform.pending()).all()
    assert (state.commands_last, state.events_last, state.risk_last) == tuple(
        len(streams[name]) for name in ("commands", "events", "risk")
    )
    assert platform.hash() == platform_hash(
        state.commands_last,
        shards_hash(state.shards),
        sentinel_engine.state_hash(state.sentinel_state),
    )


def test_a_journal_that_differs_is_not_restored(tmp_path: Path, streams: Streams) -> None:
    changed = {**streams, "events": streams["events"].copy()}
    changed["events"]["price"][5] += 1
    write(tmp_path / "j", changed)
    with (
        Journal.open_reader(tmp_path / "j") as journal,
        pytest.raises(ReplayDifferenceError, match="stream events, sequence 6, field price"),
    ):
        restore(journal)


def test_an_empty_journal_restores_to_the_beginning(tmp_path: Path) -> None:
    write(tmp_path / "j", {name: records[:0] for name, records in Platform(1).streams().items()})
    with Journal.open_reader(tmp_path / "j") as journal:
        state = restore(journal)

    assert (state.commands_last, state.events_last, state.risk_last) == (0, 0, 0)
    assert len(state.pending_orders) == 0


def test_the_platform_hash_is_as_documented() -> None:
    """The known answer, so that it never changes by accident."""
    assert platform_hash(5, b"\1" * 32, "02" * 32) == (
        "2e8fabb649a344ced711723b4a982fbc7afd99502e8b87a2ee40df47ef362480"
    )
    with pytest.raises(ValueError, match="32 bytes"):
        platform_hash(5, b"", b"\2" * 32)


def test_a_range_compares_from_its_first_command_on(tmp_path: Path, streams: Streams) -> None:
    changed = {name: records.copy() for name, records in streams.items()}
    changed["events"]["price"][100] += 1
    changed["risk"]["price"][50] += 1
    write(tmp_path / "j", changed)
    causes = int(streams["events"]["seq"][100]), int(streams["risk"]["seq"][50])
    after = max(causes) + 1
    last = len(streams["commands"])
    with Journal.open_reader(tmp_path / "j") as journal:
        whole = replay(journal, first_difference=False)
        rest = replay(journal, first=after)
        before = replay(journal, to=min(causes) - 1)
        part = replay(journal, first=after, to=after + 100)

    assert [each.stream for each in whole.differences] == ["events", "risk"]
    assert (rest.ok, rest.first, rest.commands) == (True, after, last)
    assert (rest.events_derived, rest.risk_derived) == (whole.events_derived, whole.risk_derived)
    assert rest.platform_hash == whole.platform_hash
    assert (part.ok, part.commands) == (True, after + 100)
    assert before.ok


def test_a_range_may_begin_anywhere(tmp_path: Path, streams: Streams) -> None:
    write(tmp_path / "j", streams, batch=100)
    last = len(streams["commands"])
    with Journal.open_reader(tmp_path / "j") as journal:
        for first in (1, 2, last // 3, last, last + 1):
            assert replay(journal, first=first).ok


def test_a_damaged_record_ends_a_replay_with_its_name(
    tmp_path: Path, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the reading threads meet is told by who asked; and they are gone then."""
    write(tmp_path / "j", streams, batch=100)

    def damaged(*_: object) -> None:
        raise JournalCorruptError("stream commands, record 301–400: damaged")

    with Journal.open_reader(tmp_path / "j") as journal:
        monkeypatch.setattr("components.oracle.store.reading._gather", damaged)
        with pytest.raises(JournalCorruptError, match="record 301–400"):
            replay(journal)
    assert [each.name for each in threading.enumerate() if each.name.startswith("read-")] == []
