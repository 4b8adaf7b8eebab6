"""An engine goes on in a run that continues a journal, from a state that is older than the run.

So does a successor with the code of now: it is not handed the state with which the run began.  The
rings count on from the journal and hold nothing from before, and most of their slots were never
written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from components.oracle import snapshots
from components.oracle.replay import ReplayDifferenceError, RestoredState, restore
from components.oracle.resumption import _Output, resume_sentinel, resume_titan
from components.oracle.sentinel_run import SentinelRun
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.sentinel.engine import new_state
from components.sentinel.engine import state_hash as sentinel_hash
from components.titan.engine import state_hash as titan_hash
from disruptor.ring.ring_buffer import RingBuffer
from tests.components.oracle.platform_samples import Platform

_SNAPSHOT, _BEFORE, _PLACE, _LAST = 60, 100, 140, 160
"""Commands: the older snapshot's, the last before the run, the engine's place, the newest."""


class Continued:
    """A journal, and rings that hold what came since the run began: all of it is published."""

    def __init__(self, prefix: str, path: Path, *, with_snapshot: bool) -> None:
        platform = Platform(seed=6)
        platform.run(_LAST)
        self.streams = platform.streams()
        self.before = self.ends(_BEFORE)
        self.rings = {
            name: RingBuffer.create(
                f"{prefix}{name}", STREAM_DTYPES[name], 1024,
                multi_producer=name == "commands", initial_sequence=first,
            )
            for name, first in self.before.items()
        }  # fmt: skip
        self.journal = Journal.open_writer(path, STREAM_DTYPES, sync="off")
        self._append(dict.fromkeys(self.streams, 0), self.ends(_SNAPSHOT))
        if with_snapshot:
            snapshots.save(self.journal, restore(self.journal).as_snapshot())
        self._append(self.ends(_SNAPSHOT), self.ends(_PLACE))

    def ends(self, command: int) -> dict[str, int]:
        """How many records of each stream follow from the commands up to this one."""
        ends = {n: int((self.streams[n]["seq"] <= command).sum()) for n in ("events", "risk")}
        return {"commands": command, **ends}

    def publish(self, name: str, upto: int) -> None:
        """The records of a stream since the run began, up to this sequence."""
        ring = self.rings[name]
        producer = ring.producer("writer") if name == "commands" else ring.producer()
        producer.write(self.streams[name][self.before[name] : upto])
        producer.close()

    def close(self) -> None:
        """Remove what lies in shared memory."""
        self.journal.close()
        for ring in self.rings.values():
            ring.unlink()
            ring.close()

    def _append(self, after: dict[str, int], upto: dict[str, int]) -> None:
        self.journal.append(
            [(n, after[n] + 1, [self.streams[n][after[n] : upto[n]]]) for n in self.streams]
        )


@pytest.fixture(params=[False, True], ids=["from the beginning", "from an older snapshot"])
def run(request: pytest.FixtureRequest, segment_prefix: str, tmp_path: Path) -> Iterator[Continued]:
    made = Continued(segment_prefix, tmp_path / "j", with_snapshot=request.param)
    try:
        yield made
    finally:
        made.close()


def nothing() -> None:
    """Nobody watches."""


def test_titan_compares_what_the_run_has_published_and_owes_the_rest(run: Continued) -> None:
    commands = run.rings["commands"].consumer("titan", start=_BEFORE)
    out = run.ends(_PLACE)["events"] + 1
    run.publish("commands", _LAST)
    run.publish("events", out)
    commands.advance(_PLACE)
    found = resume_titan(
        run.journal, RestoredState.beginning(1), commands, run.rings["commands"],
        run.rings["events"], nothing, before=run.before, is_gated=False,
    )  # fmt: skip

    assert found.applied > _PLACE
    derived = run.streams["events"][: run.ends(found.applied)["events"]]
    assert found.owed.tobytes() == derived[out:].tobytes()
    live = Platform.replaying(run.streams["commands"][: found.applied])
    assert titan_hash(found.state) == titan_hash(live.shards[0])


def test_sentinel_compares_what_the_run_has_published_and_owes_the_rest(run: Continued) -> None:
    events = run.rings["events"].consumer("sentinel", start=run.before["events"])
    place, ends = run.ends(_PLACE), run.ends(_LAST)
    run.publish("commands", _LAST)
    run.publish("events", ends["events"])
    run.publish("risk", place["risk"])
    events.advance(place["events"])
    found = resume_sentinel(
        run.journal, RestoredState.beginning(1), events, run.rings, nothing, before=run.before
    )

    risk = run.streams["risk"]
    derived = int((risk["seq"] <= run.streams["events"][found.applied - 1]["seq"]).sum())
    assert place["risk"] > run.before["risk"]
    assert found.owed.tobytes() == risk[place["risk"] : derived].tobytes()
    live = SentinelRun(new_state())
    for _ in live.feed(run.streams["events"][: found.applied]):
        pass
    assert sentinel_hash(found.state) == sentinel_hash(live.state)


def test_what_the_run_published_otherwise_is_refused(run: Continued) -> None:
    run.streams["events"]["qty"][run.before["events"]] += 1
    run.publish("events", run.before["events"] + 3)
    right = run.streams["events"].copy()
    right["qty"][run.before["events"]] -= 1
    output = _Output("events", 0, run.rings["events"], run.before["events"])

    with pytest.raises(ReplayDifferenceError, match=f"sequence {run.before['events'] + 1}\\b"):
        output.take(np.ascontiguousarray(right))
