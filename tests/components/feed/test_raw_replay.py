"""``bin/oracle replay --raw`` and ``verify``: the frames against what the platform journaled of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from components.instruments import InstrumentTable
from components.oracle.cli import main
from components.oracle.raw import raw_path
from components.oracle.store import Journal
from components.oracle.store.segments import data_path
from components.oracle.streams import STREAM_DTYPES
from components.venue.faults import FaultSettings
from components.venue.server import Conduct

from .live_feed import LiveFeed, play


def oracle(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["--path", str(path), *arguments])


@pytest.fixture
def live(instruments: InstrumentTable, tmp_path: Path) -> LiveFeed:
    """A feed that met drops and a cut, with its raw journal and the platform's beside it."""

    async def script(feed: LiveFeed) -> None:
        await feed.subscribed()
        await feed.trades(1, 40)
        await feed.published(36)
        feed.venue.cut_all()
        await feed.subscribed(connections=2)
        await feed.trades(41, 50)
        await feed.published(46)

    conduct = Conduct(FaultSettings(drop_every=11, malformed_every=7))
    feed = play(instruments, script, conduct=conduct, raw=raw_path(tmp_path))
    with Journal.open_writer(tmp_path, STREAM_DTYPES, sync="off") as journal:
        journal.append([("commands", 1, [feed.commands])])
    return feed


def test_every_journaled_price_is_found_among_those_that_the_frames_give(
    live: LiveFeed, tmp_path: Path
) -> None:
    ran = oracle(tmp_path, "replay", "--raw", "--json")
    assert ran.exit_code == 0, (ran.output, ran.exception)
    report = json.loads(ran.stdout)

    assert report["ok"]
    assert report["prices"] == report["journaled"] == report["matched"]
    assert report["prices"] == np.count_nonzero(live.price_commands["origin_ts"])
    assert report["gaps"] == live.metrics.gaps.total()
    assert report["malformed"] == dict(live.metrics.malformed_by_reason)


def test_a_price_that_no_frame_gave_is_told(live: LiveFeed, tmp_path: Path) -> None:
    forged = live.commands[-1:].copy()
    forged["price"] += 1
    with Journal.open_writer(tmp_path, STREAM_DTYPES, sync="off") as journal:
        journal.append([("commands", journal.last_sequence("commands") + 1, [forged])])
    ran = oracle(tmp_path, "replay", "--raw")

    assert ran.exit_code == 1
    assert "does not follow from the raw frames" in ran.output


def test_verify_proves_the_raw_journal_too(live: LiveFeed, tmp_path: Path) -> None:
    whole = oracle(tmp_path, "verify")
    assert whole.exit_code == 0, whole.output
    assert "raw frames:" in whole.output
    file = data_path(raw_path(tmp_path))
    content = bytearray(file.read_bytes())
    at = content.index(b"\x28\xb5\x2f\xfd") + 40  # within the first packed block
    content[at] ^= 1
    file.write_bytes(content)
    damaged = oracle(tmp_path, "verify")

    assert damaged.exit_code == 1
    assert live.prices


def test_raw_does_not_go_with_options_of_the_other_replays(tmp_path: Path) -> None:
    ran = oracle(tmp_path, "replay", "--raw", "--metrics", "0")

    assert ran.exit_code == 2
    assert "--raw goes with" in ran.output
