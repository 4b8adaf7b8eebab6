"""A time means the last command at or before it; a sequence means itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.oracle.moment import (
    MomentError,
    command_at,
    last_after,
    range_of_times,
    time_from_text,
    time_to_text,
)
from components.oracle.store import Journal
from tests.components.oracle.platform_samples import START_NS, Platform, write


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01", 0),
        ("2026-01-02T03:04:05.678Z", 1_767_323_045_678_000_000),
        ("2026-01-02 03:04:05.678", 1_767_323_045_678_000_000),
        ("2026-01-02T04:04:05.678+01:00", 1_767_323_045_678_000_000),
        ("2026-01-02T03:04", 1_767_323_040_000_000_000),
        ("2026-01-02T03:04:05.000000001Z", START_NS + 1),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    assert time_from_text(text) == nanoseconds


@given(st.integers(1, 2**62))
def test_a_time_written_is_the_time_read(nanoseconds: int) -> None:
    assert time_from_text(time_to_text(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["", "now", "2026-13-01", "2026-01-02T25:00:00", "2026-01-02T3"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(MomentError, match=r"is no time; write it as 2026-01-02T03:04:05\.678Z"):
        time_from_text(text)


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A journal whose commands' times sometimes go back, and the platform's time at each."""
    platform = Platform(seed=5)
    platform.run(400)
    commands = platform.streams()["commands"]
    shifted = np.random.default_rng(1).permutation(len(commands) // 4) * 4
    commands["ts"][shifted] -= 2_500
    replayed = Platform.replaying(commands)
    path = tmp_path_factory.mktemp("stamped") / "j"
    write(path, replayed.streams(), batch=37)
    return path, np.maximum.accumulate(commands["ts"])


@settings(max_examples=60, deadline=None)
@given(offset=st.integers(-3_000, 500_000))
def test_a_time_finds_the_last_command_at_or_before_it(
    stamped: tuple[Path, np.ndarray], offset: int
) -> None:
    path, times = stamped
    ts = START_NS + offset
    with Journal.open_reader(path) as journal:
        assert range_of_times(journal, "commands", None, ts) == (1, int((times <= ts).sum()))


def test_the_very_time_of_a_command_includes_it(stamped: tuple[Path, np.ndarray]) -> None:
    path, times = stamped
    with Journal.open_reader(path) as journal:
        for sequence in (1, 50, len(times)):
            ts = int(times[sequence - 1])
            assert command_at(journal, time_to_text(ts)) == int((times <= ts).sum())
            assert command_at(journal, str(sequence)) == sequence


def test_a_journal_whose_events_end_early_is_searched_all_the_same(tmp_path: Path) -> None:
    platform = Platform(seed=5)
    platform.run(200)
    streams = platform.streams()
    times = np.maximum.accumulate(streams["commands"]["ts"])
    for kept in (0, 100):
        path = tmp_path / f"j{kept}"
        write(path, {**streams, "events": streams["events"][:kept]})
        with Journal.open_reader(path) as journal:
            for ts in times[[0, 20, 150, -1]].tolist():
                assert range_of_times(journal, "commands", None, ts) == (
                    1,
                    int((times <= ts).sum()),
                )


def test_a_point_outside_of_the_journal_is_named(stamped: tuple[Path, np.ndarray]) -> None:
    path, times = stamped
    with Journal.open_reader(path) as journal:
        with pytest.raises(MomentError, match=f"ends at command {len(times)}; asked for 9999"):
            command_at(journal, "9999")
        with pytest.raises(MomentError, match="no command at or before 2020-01-01"):
            command_at(journal, "2020-01-01")
        assert command_at(journal, None) == len(times)


def test_streams_are_cut_by_command_and_by_time(stamped: tuple[Path, np.ndarray]) -> None:
    path, times = stamped
    since, until = int(times[60]), int(times[200])
    with Journal.open_reader(path) as journal:
        for stream in ("events", "risk"):
            records = np.concatenate([chunk for _, chunk in journal.read(stream)])
            assert last_after(journal, stream, 100) == int((records["seq"] <= 100).sum())
            first, last = range_of_times(journal, stream, since, until)
            inside = (records["ts"] >= since) & (records["ts"] <= until)
            assert np.flatnonzero(inside).tolist() == list(range(first - 1, last))
        assert range_of_times(journal, "commands", None, until) == (1, int((times <= until).sum()))
