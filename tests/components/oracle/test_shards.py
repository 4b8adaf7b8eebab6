"""A journal of several Titans: replayed, snapshot, looked into and asked what-if as any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.messages.code import EVENT_TRADE, SOURCE_SENTINEL
from components.oracle import snapshots
from components.oracle.changes import Changes
from components.oracle.platform_state import state_at
from components.oracle.replay import replay, restore
from components.oracle.shadow import Schedule, Shadow
from components.oracle.snapshots import Snapshot
from components.oracle.snapshotter import Keeper
from components.oracle.store import Journal, snapshot_file
from components.oracle.what_if import what_if
from components.titan.engine.state import LIVE
from components.titan.shards import shards_hash
from tests.components.oracle.platform_samples import SYMBOLS, Platform, write

_COUNT = 700


@pytest.fixture(scope="module", params=[2, 3])
def platform(request: pytest.FixtureRequest) -> Platform:
    made = Platform(seed=11, shards=request.param)
    made.run(_COUNT)
    return made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    """A journal with a snapshot after each hundredth command."""
    path = tmp_path_factory.mktemp("shards") / "j"
    write(path, platform.streams(), batch=70)
    with Journal.open_reader(path) as journal:
        shadow = Shadow(journal, Snapshot.beginning(), Schedule(100, 0))
        keeper = Keeper(journal, shadow, 100, 86_400.0)
        while keeper.follow(lambda: None, lambda: False):
            pass
        assert shadow.platform_hash == platform.hash()
    return path


def test_the_sample_is_one_of_shards(platform: Platform) -> None:
    """Each shard has orders, positions were liquidated, and the orders came back."""
    assert all(each.totals[LIVE] for each in platform.shards)
    commands, events = platform.streams()["commands"], platform.streams()["events"]
    assert (commands["source"] == SOURCE_SENTINEL).any()
    traded = events[events["kind"] == EVENT_TRADE]
    assert set(traded["symbol"].tolist()) == set(range(len(platform.shards)))


def test_a_replay_finds_every_event_again(path: Path, platform: Platform) -> None:
    with Journal.open_reader(path) as journal:
        report = replay(journal)
    assert report.ok
    assert report.events_derived == report.events_journaled == len(platform.events)
    assert report.platform_hash == platform.hash()
    assert report.titan_hash == shards_hash(platform.shards).hex()


def test_an_event_in_another_place_is_found(path: Path, platform: Platform, tmp_path: Path) -> None:
    streams = platform.streams()
    place = int(np.flatnonzero(np.diff(streams["events"]["seq"]) == 0)[0])
    streams["events"][[place, place + 1]] = streams["events"][[place + 1, place]]
    write(tmp_path / "j", streams)
    with Journal.open_reader(tmp_path / "j") as journal:
        report = replay(journal)
    assert [each.sequence for each in report.differences] == [place + 1]


def test_a_start_from_any_snapshot_is_the_start_from_the_beginning(
    path: Path, platform: Platform
) -> None:
    with Journal.open_reader(path) as journal:
        places = snapshot_file.found_in(snapshots.folder(path))
        assert len(places) == len(platform.commands) // 100
        for place in (None, *places[::3]):
            start = snapshots.load(journal, place.path) if place else None
            state = restore(journal, start)
            assert len(state.shards) == len(platform.shards)
            assert shards_hash(state.shards) == shards_hash(platform.shards)
            assert state.events_last == len(platform.events)


def test_the_state_at_a_command_holds_every_symbol(path: Path, platform: Platform) -> None:
    count = len(platform.shards)
    with Journal.open_reader(path) as journal:
        state = state_at(journal)
    assert state.hashes().platform == platform.hash()
    assert tuple(state.instruments) == SYMBOLS[:count]
    orders = state.orders()
    assert sorted(set(orders["symbol"].tolist())) == list(range(count))
    assert (np.diff(orders["symbol"]) >= 0).all()
    for symbol in range(count):
        bids, asks = state.depth(symbol, 5)
        shown = orders[(orders["symbol"] == symbol) & (orders["side"] == 0)]
        assert bids[0].tolist()[0] == shown["price"].max()
        assert bids[0, 0] < asks[0, 0]


def test_what_if_nothing_were_different_is_what_was(path: Path, platform: Platform) -> None:
    with Journal.open_reader(path) as journal:
        found = what_if(journal, Changes())
    assert found.changed.hashes == found.journaled.hashes
    assert found.changed.hashes.platform == platform.hash()
    assert found.first_different_trade is None
    assert sorted(found.journaled.trades) == list(range(len(platform.shards)))
