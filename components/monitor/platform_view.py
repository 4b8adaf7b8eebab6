"""What the monitor sees of a platform: counters, rings, processes, books, accounts, liquidations.

Everything is read from shared memory, found by the platform's name, and nothing is ever written,
so that looking costs the pipeline nothing.  Segments come and go with the platform: when /dev/shm
has changed, a look begins with its list, and only what is new is mapped.

    <platform>.counters.<process>     counter blocks       (disruptor.memory.counters)
    <platform>.table.accounts         the accounts' risk   (disruptor.memory.snapshot_table)
    <platform>.table.liquidations     the newest ones, oldest first, records of the risk stream
    <platform>.table.exposures        the positions of those nearest to liquidation
    <platform>.table.depth.<process>  the best levels of the books that the process keeps
    <platform>.control                the supervisor's control block
    any other name of the platform    rings, by their kind
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from disruptor.errors import SegmentError
from disruptor.memory.counters import CounterBlock, Reading
from disruptor.memory.segment import SHARED_MEMORY_DIRECTORY, existing
from disruptor.memory.snapshot_table import SnapshotTable
from disruptor.ring.ring_buffer import RingBuffer, RingStatistics
from disruptor.ring.tap import newest
from disruptor.supervisor.control_block import (
    DRAINING,
    RUNNING,
    STATE_NAMES,
    ControlBlock,
    ProcessSnapshot,
)

_SHARD: Final = re.compile(r"(?<=^titan)-\d+$")
"""What a shard's name has more than Titan's."""
_SHARDS_RING: Final = re.compile(r"events-\d+")
_SETTLED_NS: Final = 100_000_000

ACCOUNTS: Final = "accounts"
LIQUIDATIONS: Final = "liquidations"
EXPOSURES: Final = "exposures"


def counters_name(platform: str, process: str) -> str:
    """Segment name of a process' counter block."""
    return f"{platform}.counters.{process}"


def table_name(platform: str, table: str) -> str:
    """Segment name of a snapshot table: ACCOUNTS, LIQUIDATIONS or EXPOSURES."""
    return f"{platform}.table.{table}"


def depth_name(platform: str, process: str) -> str:
    """Segment name of the table of a process' books."""
    return table_name(platform, f"depth.{process}")


@dataclass(frozen=True)
class ProcessStatus:
    """One process of the platform, as its supervisor knows it."""

    name: str
    state: str  # one of disruptor.supervisor.control_block.STATE_NAMES
    pid: int  # 0 while there is none
    restarts: int
    heartbeat_ns: int = 0  # of the monotonic clock; 0 before the first
    failure: str = ""

    @property
    def is_up(self) -> bool:
        """Whether the process does its work now."""
        return self.state in (STATE_NAMES[RUNNING], STATE_NAMES[DRAINING]) and self.pid != 0


Places = Mapping[str, int]
"""The last sequence seen of each ring."""


@dataclass(frozen=True)
class NewestEvents:
    """What one ring has brought since a place: whole events, and how many were passed over."""

    ring: str
    sequence: int  # the last that was read or passed over
    events: NDArray[Any]
    missed: int


class PlatformView(Protocol):
    """One moment's look; the exporter and the terminal view read nothing else."""

    def counters(self) -> Mapping[str, list[Reading]]:
        """Readings of each process that keeps counters."""

    def rings(self) -> Sequence[RingStatistics]:
        """All rings, named without the platform's name."""

    def processes(self) -> Sequence[ProcessStatus]:
        """All supervised processes."""

    def accounts(self) -> NDArray[Any]:
        """The account view, shape (accounts,); empty when there is none."""

    def liquidations(self) -> NDArray[Any]:
        """The newest liquidations, oldest first; empty when there are none."""

    def exposures(self) -> NDArray[Any]:
        """The positions of those nearest to liquidation; empty when there are none."""

    def depth(self) -> NDArray[Any]:
        """The best levels of all books, by symbol and side, best first; empty when there are none."""

    def newest_events(self, dtype: np.dtype, after: Places, count_max: int) -> list[NewestEvents]:
        """Of each ring of ``dtype`` what came after the place seen; see ``ring.tap.newest``."""


Mapped = CounterBlock | SnapshotTable | RingBuffer | ControlBlock
Segment = tuple[str, int]
"""Its name and inode: a name may come back as another segment."""


class SharedMemoryView:
    """``PlatformView`` of a running platform; for one thread."""

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self._mapped: dict[Segment, Mapped] = {}
        self._present: set[Segment] = set()
        self._listed_ns = 0

    def is_running(self) -> bool:
        """Whether the platform's supervisor lives."""
        return any(block.owner.is_alive() for block in self._of_kind(ControlBlock).values())

    def counters(self) -> Mapping[str, list[Reading]]:
        """Readings of each process that keeps counters; Titan's shards count as one Titan."""
        prefix = counters_name(self.platform, "")
        found: dict[str, list[list[Reading]]] = {}
        for name, block in self._of_kind(CounterBlock).items():
            process = _SHARD.sub("", name.removeprefix(prefix))
            found.setdefault(process, []).append(block.read())
        return {process: _together(blocks) for process, blocks in found.items()}

    def rings(self) -> Sequence[RingStatistics]:
        """All rings, named without the platform's name, those of Titan's shards before the one into
        which they are merged."""
        seen = [ring.statistics() for ring in self._of_kind(RingBuffer).values()]
        named = [replace(ring, name=self._label(ring.name)) for ring in seen]
        return sorted(named, key=_in_flow)

    def processes(self) -> Sequence[ProcessStatus]:
        """All supervised processes, in the topology's order."""
        blocks = self._of_kind(ControlBlock).values()
        return [_status(each) for block in blocks for each in block.snapshots()]

    def accounts(self) -> NDArray[Any]:
        """The account view, shape (accounts,)."""
        return self._table(ACCOUNTS)

    def liquidations(self) -> NDArray[Any]:
        """The newest liquidations, oldest first."""
        return self._table(LIQUIDATIONS)

    def exposures(self) -> NDArray[Any]:
        """The positions of those nearest to liquidation."""
        return self._table(EXPOSURES)

    def depth(self) -> NDArray[Any]:
        """The best levels of all books, each process' in its own order."""
        prefix = depth_name(self.platform, "")
        tables = self._of_kind(SnapshotTable).items()
        copies = [table.copy() for name, table in tables if name.startswith(prefix)]
        return np.concatenate(copies) if copies else np.empty(0)

    def newest_events(self, dtype: np.dtype, after: Places, count_max: int) -> list[NewestEvents]:
        """Of each ring of ``dtype``, by its label, what came after the place seen; the rings of
        Titan's shards are left out, as all that they bring is merged into one."""
        rings = (ring for ring in self._of_kind(RingBuffer).values() if ring.event == dtype)
        found = []
        for ring in rings:
            label = self._label(ring.name)
            if _SHARDS_RING.fullmatch(label):
                continue
            seen = after.get(label, ring.cursor)
            found.append(NewestEvents(label, *newest(ring, seen, count_max)))
        return found

    def close(self) -> None:
        """Drop all mappings."""
        for mapped in self._mapped.values():
            mapped.close()
        self._mapped.clear()

    def _label(self, segment: str) -> str:
        return segment.removeprefix(f"{self.platform}.").removeprefix("ring.")

    def _table(self, table: str) -> NDArray[Any]:
        found = self._of_kind(SnapshotTable).get(table_name(self.platform, table))
        return np.empty(0) if found is None else found.copy()

    def _of_kind(self, kind: type[Any]) -> dict[str, Any]:
        self._refresh()
        return {key[0]: each for key, each in self._mapped.items() if isinstance(each, kind)}

    def _refresh(self) -> None:
        self._list()
        if self._present == self._mapped.keys():
            return
        for key in self._mapped.keys() - self._present:
            self._mapped.pop(key).close()
        for key in self._present - self._mapped.keys():
            mapped = _map(key[0])
            if mapped is not None:
                self._mapped[key] = mapped
        self._mapped = dict(sorted(self._mapped.items()))

    def _list(self) -> None:
        """List the platform's segments, unless none of anybody's came or went since they were.

        A directory may change twice within one tick of the kernel's clock; so what was listed within
        a moment of a change is listed again.
        """
        changed_ns = os.stat(SHARED_MEMORY_DIRECTORY).st_mtime_ns
        if changed_ns == self._listed_ns:
            return
        self._present = set()
        for name in existing(f"{self.platform}."):
            with contextlib.suppress(FileNotFoundError):
                inode = os.stat(Path(SHARED_MEMORY_DIRECTORY, name)).st_ino
                self._present.add((name, inode))
        is_settled = time.time_ns() - changed_ns > _SETTLED_NS
        self._listed_ns = changed_ns if is_settled else 0


def _together(blocks: list[list[Reading]]) -> list[Reading]:
    """What several shards have counted: each symbol's gauges are told by one of them."""
    if len(blocks) == 1:
        return blocks[0]
    return [_sum(series) for series in zip(*blocks, strict=True)]


def _sum(series: tuple[Reading, ...]) -> Reading:
    present = [each.words for each in series if not each.is_absent]
    if not present:
        return series[0]
    return Reading(series[0].spec, tuple(map(sum, zip(*present, strict=True))))


def _in_flow(ring: RingStatistics) -> tuple[str, bool, str]:
    is_merged = _SHARDS_RING.fullmatch(ring.name) is None
    return ring.name if is_merged else "events", is_merged, ring.name


def _map(name: str) -> Mapped | None:
    """The segment as what it is; None if it is of another kind, unfinished, or gone again."""
    kinds: dict[Callable[[str], Mapped], str] = {
        CounterBlock.attach: name,
        SnapshotTable.attach: name,
        RingBuffer.attach: name,
        ControlBlock.attach: name.removesuffix(ControlBlock.segment_name("")),
    }
    for attach, argument in kinds.items():
        with contextlib.suppress(SegmentError, ValueError, OSError):
            return attach(argument)
    return None


def _status(process: ProcessSnapshot) -> ProcessStatus:
    """A pid counts only while that very process lives, whatever its line still says."""
    return ProcessStatus(
        name=process.name,
        state=process.state,
        pid=process.owner.pid if process.owner.is_alive() else 0,
        restarts=process.restarts,
        heartbeat_ns=process.heartbeat_ns,
        failure=process.failure,
    )
