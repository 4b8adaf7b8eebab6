"""Oracle from a program: open, ask, append, export."""

from __future__ import annotations

import builtins
import csv
import json
import multiprocessing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

import components.oracle
from components.messages.code import EVENT_TRADE, OP_CANCEL_ALL, RISK_ACCOUNT
from components.oracle import (
    Changes,
    Journal,
    Records,
    compute_state_hash,
    replay_all,
    replay_from,
    state_at,
    verify,
)
from components.oracle.arrow import ArrowMissingError
from components.oracle.moment import time_to_text
from components.oracle.store import JournalError
from tests.components.oracle.platform_samples import START_NS, Platform, write
from tests.components.oracle.test_cli import oracle

TICK = np.dtype([("ts", "<i8"), ("price", "<f8"), ("depth", "<i4", (3,))])


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(900)
    return made


@pytest.fixture(scope="module")
def streams(platform: Platform) -> dict[str, np.ndarray]:
    return platform.streams()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, streams: dict[str, np.ndarray]) -> Path:
    directory = tmp_path_factory.mktemp("api") / "j"
    write(directory, streams, batch=70)
    return directory


def test_the_verbs_say_what_the_platform_was(path: Path, platform: Platform) -> None:
    stopped = Platform.replaying(np.concatenate(platform.commands[:300]))

    assert replay_all(path).ok
    assert replay_from(path, 500).first == 500
    assert compute_state_hash(path) == platform.hash() == replay_all(str(path)).platform_hash
    assert compute_state_hash(path, 300) == stopped.hash() == state_at(path, 300).hashes().platform


def test_each_public_name_is_there_and_no_other() -> None:
    assert sorted(components.oracle._HOMES) == components.oracle.__all__
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = components.oracle.nothing


def test_whole_streams_are_what_was_written(path: Path, streams: dict[str, np.ndarray]) -> None:
    with Journal.open(path) as journal:
        for stream, records in streams.items():
            found = getattr(journal, stream)()
            assert (np.asarray(found) == records).all()
            assert found.sequences.tolist() == list(range(1, len(records) + 1))
        pieces = list(journal.chunks("events"))
    assert np.concatenate(pieces).tobytes() == streams["events"].tobytes()


def test_events_are_narrowed_by_what_is_asked(path: Path, streams: dict[str, np.ndarray]) -> None:
    events = streams["events"]
    since, until = START_NS + 300_000, START_NS + 600_000
    expected = np.flatnonzero(
        (events["kind"] == EVENT_TRADE)
        & ((events["account"] == 3) | (events["maker_account"] == 3))
        & (events["ts"] >= since)
        & (events["ts"] <= until)
    )
    with Journal.open(path) as journal:
        for kind in ("trade", "OrderExecuted", ["trade"]):
            found = journal.events(kind=kind, account=3, symbol="BTCUSDT", since=since, until=until)
            assert found.sequences.tolist() == (expected + 1).tolist()
            assert (np.asarray(found) == events[expected]).all()
        assert (
            len(journal.risk(kind="AccountUpdated"))
            == (streams["risk"]["kind"] == RISK_ACCOUNT).sum()
        )
        assert (
            len(journal.commands(kind="cancel_all"))
            == (streams["commands"]["op"] == OP_CANCEL_ALL).sum()
        )


def test_a_time_may_be_given_in_any_form(path: Path, streams: dict[str, np.ndarray]) -> None:
    ts = START_NS + 400_000
    moments: list[Any] = [
        ts,
        time_to_text(ts),
        np.datetime64(ts, "ns"),
        datetime.fromtimestamp(START_NS / 1e9, UTC).replace(microsecond=400),
        datetime(2026, 1, 2, 3, 4, 5, 400),
    ]
    with Journal.open(path) as journal:
        counts = {len(journal.events(until=each)) for each in moments}

    assert counts == {int((streams["events"]["ts"] <= ts).sum())}


def test_rows_that_are_chosen_keep_their_sequences(path: Path) -> None:
    with Journal.open(path) as journal:
        events = journal.events(first=11, last=60)
    large = events[events["qty"] > 100]

    assert isinstance(large, Records)
    assert large.sequences.tolist() == [
        11 + place for place in np.flatnonzero(np.asarray(events)["qty"] > 100).tolist()
    ]
    assert type(events["price"]) is np.ndarray
    assert (events[5:10].sequences == np.arange(16, 21)).all()
    assert events[0]["seq"] == np.asarray(events)[0]["seq"]


def test_one_chunk_is_handed_out_without_a_copy(path: Path) -> None:
    with Journal.open(path) as journal:
        (chunk,) = [each for _, each in journal.store.read("events", 1, 50)]
        records = Records(chunk, np.arange(50))
        assert np.shares_memory(records, chunk)
        assert np.shares_memory(records["price"], chunk)


def test_arrow_has_a_column_for_each_field(path: Path) -> None:
    with Journal.open(path) as journal:
        trades = journal.events(kind="trade")
        table = trades.arrow()

    assert table.column_names == ["sequence", *(trades.dtype.names or ())]
    assert table["price"].to_pylist() == trades["price"].tolist()
    assert table["sequence"].to_pylist() == trades.sequences.tolist()
    assert table.schema.field("ts").type == pyarrow.timestamp("ns", tz="UTC")


def test_what_is_unknown_is_named(path: Path) -> None:
    with Journal.open(path) as journal:
        with pytest.raises(JournalError, match="there is no symbol DOGE; there are BTCUSDT"):
            journal.events(symbol="DOGE")
        with pytest.raises(JournalError, match="events has no kind 'eaten'; there are void, "):
            journal.events(kind="eaten")
        with pytest.raises(JournalError, match="is no time"):
            journal.events(since="soon")


def test_a_journal_of_ones_own_takes_any_dtype(tmp_path: Path) -> None:
    ticks = np.zeros(100, TICK)
    ticks["ts"] = np.arange(100) * 1_000 + START_NS
    ticks["depth"] = np.arange(300).reshape(100, 3)
    with Journal.create(tmp_path / "j", {"ticks": TICK, "notes": "<u4"}) as journal:
        journal.append(ticks=ticks[:60], notes=np.arange(5, dtype="<u4"))
        journal.append(ticks=ticks[60:])
    with Journal.create(tmp_path / "j", {"ticks": TICK}) as journal:
        journal.append(ticks=ticks[:1])
    with Journal.open(tmp_path / "j") as journal:
        found = journal.read("ticks", since=START_NS + 10_000, last=50)
        notes = journal.read("notes")
        assert set(journal.streams) == {"ticks", "notes"}
        assert {each.name: each.count for each in journal.info().streams} == {
            "ticks": 101,
            "notes": 5,
        }

    assert verify(tmp_path / "j").ok
    assert (np.asarray(found) == ticks[10:50]).all()
    assert notes.tolist() == [0, 1, 2, 3, 4]
    assert found.arrow()["depth"].to_pylist()[0] == [30, 31, 32]
    assert notes.arrow()["value"].to_pylist() == [0, 1, 2, 3, 4]


def _append_forever(path: Path, ready: Any, stop: Any) -> None:
    with Journal.create(path, {"ticks": TICK}, sync="off") as journal:
        while not stop.is_set():
            ticks = np.zeros(50, TICK)
            ticks["price"] = journal.store.last_sequence("ticks") + np.arange(1, 51)
            journal.append(ticks=ticks)
            ready.set()


def test_readers_ask_while_another_process_writes(tmp_path: Path) -> None:
    """Whatever a reader sees is a whole prefix, and it only grows."""
    spawn = multiprocessing.get_context("spawn")
    ready, stop = spawn.Event(), spawn.Event()
    writer = spawn.Process(target=_append_forever, args=(tmp_path / "j", ready, stop))
    writer.start()
    try:
        assert ready.wait(60)
        seen = 0
        with Journal.open(tmp_path / "j") as journal:
            for _ in range(30):
                found = journal.read("ticks")
                assert (found["price"] == np.arange(1, len(found) + 1)).all()
                assert len(found) >= max(seen, 50)
                seen = len(found)
    finally:
        stop.set()
        writer.join(60)
    assert writer.exitcode == 0
    with Journal.open(tmp_path / "j") as journal:
        assert len(journal.read("ticks")) >= seen


def test_parquet_csv_and_json_lines_say_the_same(
    path: Path, tmp_path: Path, streams: dict[str, np.ndarray]
) -> None:
    since = time_to_text(int(streams["risk"]["ts"][200]))
    first = int((streams["risk"]["ts"] < streams["risk"]["ts"][200]).sum()) + 1
    words = ("export", "--path", path, "--stream", "risk", "--since", since, "--to", "400")
    results = {
        form: oracle(*words, "--format", form, "--output", tmp_path / f"risk.{form}")
        for form in ("parquet", "csv", "jsonl")
    }
    table = parquet.read_table(tmp_path / "risk.parquet")
    rows = list(csv.DictReader((tmp_path / "risk.csv").read_text().splitlines()))
    objects = [json.loads(line) for line in (tmp_path / "risk.jsonl").read_bytes().splitlines()]

    assert [each.exit_code for each in results.values()] == [0, 0, 0]
    assert f"{400 - first + 1} risk written to " in results["csv"].stdout
    assert table["sequence"].to_pylist() == list(range(first, 401))
    assert table["equity"].to_pylist() == streams["risk"]["equity"][first - 1 : 400].tolist()
    assert [int(row["equity"]) for row in rows] == table["equity"].to_pylist()
    assert [each["seq"] for each in objects] == table["seq"].to_pylist()
    assert oracle(*words, "--format", "csv").stdout == (tmp_path / "risk.csv").read_text()


def test_an_export_that_cannot_be_leaves_nothing(path: Path, tmp_path: Path) -> None:
    words = ("export", "--path", path, "--stream", "risk", "--format", "parquet")
    nowhere = oracle(*words, "--output", tmp_path / "none" / "x.parquet")
    no_file = oracle(*words)

    assert (nowhere.exit_code, no_file.exit_code) == (1, 2)
    assert nowhere.stderr.startswith("Error: cannot write ")
    assert nowhere.stderr.count("\n") == 1
    assert "--format parquet needs --output FILE" in no_file.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_pyarrow_it_is_said_how_to_get_it(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with Journal.open(path) as journal, pytest.raises(ArrowMissingError, match=r"\[arrow\]"):
        journal.events().arrow()
    words = ("export", "--path", path, "--stream", "risk", "--format", "parquet")
    result = oracle(*words, "--output", tmp_path / "x.parquet")
    assert result.exit_code == 1
    assert "pip install 'disruptor-trading-platform[arrow]'" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_experiments_and_lives_are_verbs_too(path: Path, platform: Platform) -> None:
    with Journal.open(path) as journal:
        found = journal.what_if(Changes(without=frozenset({1})))
        lives = journal.trace(int(journal.events(kind="accepted")["order_id"][0]))
        hashes = journal.state_at().hashes()

    assert found.journaled.hashes == hashes
    assert hashes.platform == platform.hash()
    assert len(lives) >= 1
