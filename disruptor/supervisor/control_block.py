"""One line of shared memory a process: its state, its orders, its pulse.

    <platform>.control    byte 64   words, 64 a process, by the topology's order of processes

The supervisor owns the segment and writes STATE only for processes that do not run; a process
writes its own line.  ORDER is the word that every loop polls (STOP asks to finish what has
arrived and end); HEARTBEAT moves while the loop turns; PENDING tells of output that is decided
and not yet published, so that a drain does not cut it off; MISSING has bit n set while process n,
on which this one depends, does not run; LOG_LEVEL is the level that it shall log at, 0 as it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from disruptor.memory.process_identity import ProcessIdentity
from disruptor.memory.segment import HEADER_BYTES, Segment

KIND: Final = "control"
VERSION: Final = 1
WORDS: Final = 64

STARTING: Final = 0
RESTORING: Final = 1
RUNNING: Final = 2
DRAINING: Final = 3
STOPPED: Final = 4
FAILED: Final = 5
BACKOFF: Final = 6
STATE_NAMES: Final = (
    "starting",
    "restoring",
    "running",
    "draining",
    "stopped",
    "failed",
    "backoff",
)

CONTINUE: Final = 0
STOP: Final = 1

_STATE: Final = 0
_PID: Final = 1
_START_TIME: Final = 2
_RESTARTS: Final = 3
_ORDER: Final = 8
_HEARTBEAT: Final = 16
_PENDING: Final = 17
_RESULT: Final = 18
_RESULT_WORDS: Final = 4
_MISSING: Final = 22
_LOG_LEVEL: Final = 23
_NAME: Final = 24
_NAME_WORDS: Final = 8
_FAILURE: Final = 32
_FAILURE_WORDS: Final = 32


@dataclass(frozen=True)
class ProcessSnapshot:
    """A process as its control line tells it."""

    name: str
    state: str
    owner: ProcessIdentity
    restarts: int
    heartbeat_ns: int
    pending: int
    failure: str
    missing: tuple[str, ...]  # those on which it depends and that do not run now


class ControlLine:
    """One process's words; the process itself writes, everybody reads."""

    def __init__(self, words: NDArray[np.int64]) -> None:
        self._words = words
        self.order = words[_ORDER : _ORDER + 1]
        self.pending = words[_PENDING : _PENDING + 1]
        self.heartbeat = words[_HEARTBEAT : _HEARTBEAT + 1]
        self.missing = words[_MISSING : _MISSING + 1]
        self.log_level = words[_LOG_LEVEL : _LOG_LEVEL + 1]

    @property
    def state(self) -> int:
        return int(self._words[_STATE])

    @state.setter
    def state(self, state: int) -> None:
        self._words[_STATE] = state

    def take(self, owner: ProcessIdentity) -> None:
        """Become the process of this line."""
        self._words[_PID], self._words[_START_TIME] = owner.pid, owner.start_time
        self.order[0] = CONTINUE

    def count_restart(self) -> None:
        """One more attempt; by the supervisor."""
        self._words[_RESTARTS] += 1

    @property
    def restarts(self) -> int:
        return int(self._words[_RESTARTS])

    @property
    def result(self) -> bytes:
        """32 bytes that the process left at its end, e.g. a state hash; zeros when it did not."""
        return self._words[_RESULT : _RESULT + _RESULT_WORDS].tobytes()

    @result.setter
    def result(self, digest: bytes) -> None:
        assert len(digest) == _RESULT_WORDS * 8, f"result has {len(digest)} bytes, not 32"
        self._words[_RESULT : _RESULT + _RESULT_WORDS] = np.frombuffer(digest, np.int64)

    @property
    def failure(self) -> str:
        """Why the process ended, in one sentence; empty when it did not fail by itself."""
        return _text(self._words[_FAILURE : _FAILURE + _FAILURE_WORDS])

    @failure.setter
    def failure(self, sentence: str) -> None:
        _write_text(self._words[_FAILURE : _FAILURE + _FAILURE_WORDS], sentence)

    @property
    def name(self) -> str:
        """The process' name in the topology."""
        return _text(self._words[_NAME : _NAME + _NAME_WORDS])

    @name.setter
    def name(self, name: str) -> None:
        _write_text(self._words[_NAME : _NAME + _NAME_WORDS], name)

    def snapshot(self, everybody: Sequence[str]) -> ProcessSnapshot:
        """All of it as plain values; ``everybody``: the names of all processes, in order."""
        words = self._words
        missing = int(words[_MISSING])
        return ProcessSnapshot(
            name=self.name,
            state=STATE_NAMES[int(words[_STATE])],
            owner=ProcessIdentity(int(words[_PID]), int(words[_START_TIME])),
            restarts=self.restarts,
            heartbeat_ns=int(words[_HEARTBEAT]),
            pending=int(words[_PENDING]),
            failure=self.failure,
            missing=tuple(name for at, name in enumerate(everybody) if missing >> at & 1),
        )


class ControlBlock:
    """The lines of all processes of one platform."""

    def __init__(self, segment: Segment, count: int) -> None:
        self._segment = segment
        words = segment.array(np.int64, WORDS * count, HEADER_BYTES)
        self.lines = tuple(ControlLine(words[WORDS * at : WORDS * (at + 1)]) for at in range(count))

    @staticmethod
    def segment_name(platform: str) -> str:
        """Name of a platform's control block."""
        return f"{platform}.control"

    @classmethod
    def create(cls, platform: str, processes: Sequence[str]) -> ControlBlock:
        """One line a process, all STARTING; refused while another supervisor of that name lives."""
        size = HEADER_BYTES + WORDS * 8 * len(processes)
        segment = Segment.create(cls.segment_name(platform), KIND, VERSION, size)
        block = cls(segment, len(processes))
        for line, name in zip(block.lines, processes, strict=True):
            line.name = name
        segment.publish()
        return block

    @classmethod
    def attach(cls, platform: str) -> ControlBlock:
        """Look at a running platform's processes."""
        segment = Segment.attach(cls.segment_name(platform), KIND, VERSION)
        return cls(segment, (segment.size - HEADER_BYTES) // (WORDS * 8))

    @property
    def owner(self) -> ProcessIdentity:
        """The supervisor."""
        return self._segment.owner

    def snapshots(self) -> list[ProcessSnapshot]:
        """All processes, in the topology's order."""
        everybody = [line.name for line in self.lines]
        return [line.snapshot(everybody) for line in self.lines]

    def close(self) -> None:
        """Drop this process's handle."""
        self._segment.close()

    def unlink(self) -> None:
        """Remove the name; by the supervisor, at the end."""
        self._segment.unlink()


def _text(words: NDArray[np.int64]) -> str:
    return words.tobytes().rstrip(b"\0").decode(errors="replace")


def _write_text(words: NDArray[np.int64], text: str) -> None:
    encoded = text.encode()[: words.size * 8].ljust(words.size * 8, b"\0")
    words[:] = np.frombuffer(encoded, np.int64)
