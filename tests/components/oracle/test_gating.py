"""What Oracle has not made durable, nobody behind it sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.messages.command import COMMAND, new_commands
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.monitor.catalogue import ORACLE, specs_for
from components.oracle.process import JournalCounters, commit, linger_s
from components.oracle.store import Journal, JournalWriteError
from components.oracle.streams import STREAM_DTYPES
from disruptor.memory.counters import CounterBlock
from disruptor.ring.ring_buffer import RingBuffer
from tests.components.oracle.platform_samples import TABLE

RINGS = {"commands": COMMAND, "events": EVENT, "risk": RISK}


def test_a_gated_reader_sees_only_what_the_journal_has(tmp_path: Path, segment_prefix: str) -> None:
    """As Titan with gate: input; then the map is full, and nothing more is let through until
    there is room, where all that waited in the ring goes on."""
    rings = {
        name: RingBuffer.create(f"{segment_prefix}{name}", dtype, 8192)
        for name, dtype in RINGS.items()
    }
    block = CounterBlock.create(f"{segment_prefix}counters", specs_for(ORACLE, TABLE))
    try:
        oracle = [ring.consumer("oracle") for ring in rings.values()]
        titan = rings["commands"].consumer("titan", after=("oracle",))
        producer = rings["commands"].producer()
        counters = JournalCounters(block)
        path = tmp_path / "j"
        with Journal.open_writer(path, STREAM_DTYPES, map_size_bytes=1 << 18) as journal:
            for count in (1, 7, 100):
                producer.write(new_commands(count))
                assert titan.available() == journal.last_sequence("commands")
                assert commit(journal, oracle, counters)
                assert titan.available() == journal.durable_sequence("commands")
            acknowledged = titan.available()
            assert acknowledged == 108
            producer.write(np.ones(8000, COMMAND))  # more than the whole map
            with pytest.raises(JournalWriteError):
                commit(journal, oracle, counters)
            assert titan.available() == acknowledged
            with pytest.raises(JournalWriteError, match="takes no more"):
                commit(journal, oracle, counters)
            assert titan.available() == acknowledged
        with Journal.open_reader(path) as journal:
            assert journal.last_sequence("commands") == acknowledged
        with Journal.open_writer(path, STREAM_DTYPES) as journal:  # there is room now
            assert commit(journal, oracle, counters)
            assert titan.available() == journal.durable_sequence("commands") == 8_108
    finally:
        for ring in rings.values():
            ring.unlink()
            ring.close()
        block.unlink()


def test_a_lone_command_is_written_at_once_and_a_trickle_in_groups() -> None:
    assert linger_s(waiting=1, since_commit_s=1.0) == 0.0
    assert linger_s(waiting=1, since_commit_s=0.001) == pytest.approx(0.003)
    assert linger_s(waiting=255, since_commit_s=0.0) == pytest.approx(0.004)
    assert linger_s(waiting=256, since_commit_s=0.0) == 0.0
    assert linger_s(waiting=0, since_commit_s=0.0) == 0.0
