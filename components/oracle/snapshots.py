"""Snapshots of the whole platform: Titan and Sentinel after the same command, in one file.

A snapshot is what a replay of the journal up to a command gives; so it only saves time, and one
that is missing or damaged costs a longer replay, never the truth.  It says where the journal
stood: the last sequence of each stream that follows from its commands, and for each an anchor,
the last record that ends at or before that, with its digest.  As a digest stands for the whole
stream up to there, a snapshot is used only with the very history that it was taken from.

Part of it are the orders that Sentinel has decided but that have not come back as commands, and
the commands that configured instruments and rules, so that a start need not look for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from components.instruments import DEFINING_OPS
from components.messages.code import (
    OP_CAPACITY,
    OP_RISK_CAPACITY,
    OP_RISK_GATE,
    OP_RISK_RULE,
    OP_SHARDS,
)
from components.messages.command import COMMAND, Commands, new_commands
from components.oracle.platform_hash import platform_hash
from components.oracle.store import Journal, JournalCorruptError, dtype_text, snapshot_file, upcast
from components.oracle.store.environment import link_from_json, link_to_json
from components.oracle.store.snapshot_file import SnapshotError, SnapshotPlace
from components.sentinel import engine as sentinel_engine
from components.sentinel.engine import SentinelState
from components.titan import engine as titan_engine
from components.titan.shards import Shards, combined_hash, new_shards, shards_hash

FOLDER: Final = "snapshots"
_STREAMS: Final = ("commands", "events", "risk")
_CONFIGURING: Final = (
    *DEFINING_OPS,
    OP_RISK_RULE,
    OP_CAPACITY,
    OP_RISK_CAPACITY,
    OP_SHARDS,
    OP_RISK_GATE,
)


@dataclass(frozen=True)
class Snapshot:
    """All states after command ``sequences["commands"]``, and all that a start needs besides."""

    shards: Shards  # Titan's states
    sentinel: SentinelState
    sequences: Mapping[str, int]  # of each stream, the last that follows from the commands
    pending_orders: Commands
    configuring: Commands

    @classmethod
    def beginning(cls) -> Snapshot:
        """Where every journal begins: empty states."""
        return cls(
            new_shards(1),
            sentinel_engine.new_state(),
            dict.fromkeys(_STREAMS, 0),
            new_commands(0),
            new_commands(0),
        )

    @property
    def commands_last(self) -> int:
        """The command after which it was taken."""
        return self.sequences["commands"]


def configuring_commands(commands: Commands) -> Commands:
    """Those that say what is traded and by which rules."""
    chosen: Commands = commands[np.isin(commands["op"], _CONFIGURING)]
    return chosen


def folder(journal: Path) -> Path:
    """Where the snapshots of a journal lie."""
    return journal / FOLDER


def save(journal: Journal, snapshot: Snapshot) -> SnapshotPlace:
    """Write it beside the journal, on disk when this returns.

    All that it follows from must be durable: a snapshot that reaches beyond the journal's end
    shows that the journal has lost something.
    """
    titan = [titan_engine.canonical_bytes(each) for each in snapshot.shards]
    sentinel = sentinel_engine.canonical_bytes(snapshot.sentinel)
    titan_hash = combined_hash([hashlib.sha256(each).digest() for each in titan])
    hashes = titan_hash, hashlib.sha256(sentinel).digest()
    anchors = {
        stream: link_to_json(journal.anchor(stream, snapshot.sequences[stream]))
        for stream in _STREAMS
    }
    header = {
        "sequences": dict(snapshot.sequences),
        "anchors": anchors,
        "platform_hash": platform_hash(snapshot.commands_last, *hashes),
        "command_layout": dtype_text.to_text(COMMAND),
    }
    parts = {
        **dict(zip(_parts_of_titan(len(titan)), titan, strict=True)),
        "sentinel": sentinel,
        "pending_orders": snapshot.pending_orders.tobytes(),
        "configuring": snapshot.configuring.tobytes(),
    }
    return snapshot_file.write(folder(journal.path), snapshot.commands_last, header, parts)


def load(journal: Journal, path: Path) -> Snapshot:
    """The snapshot in a file, proven to be of this journal.

    SnapshotError if it is damaged, was taken by another version, or of another history.
    """
    header, parts = snapshot_file.read(path)
    try:
        shards = _restored_shards(parts)
        sentinel = sentinel_engine.restore(bytes(parts["sentinel"]))
        sequences = {stream: int(header["sequences"][stream]) for stream in _STREAMS}
        commands_layout = dtype_text.from_text(header["command_layout"])
        pending, configuring = (
            upcast.upcast(np.frombuffer(parts[name], commands_layout).copy(), COMMAND)
            for name in ("pending_orders", "configuring")
        )
    except (ValueError, KeyError, sentinel_engine.SnapshotError) as error:
        raise SnapshotError(f"the snapshot {path} cannot be used here: {error}") from None
    hashes = shards_hash(shards), sentinel_engine.state_hash(sentinel)
    found = platform_hash(sequences["commands"], *hashes)
    if found != header["platform_hash"]:
        raise SnapshotError(
            f"the snapshot {path} gives the state hash {found}, expected {header['platform_hash']}"
        )
    _prove_history(journal, path, sequences, header["anchors"])
    return Snapshot(shards, sentinel, sequences, pending, configuring)


def _parts_of_titan(shards: int) -> list[str]:
    """The names under which the states of so many shards lie in the file."""
    return ["titan"] if shards == 1 else [f"titan-{number}" for number in range(shards)]


def _restored_shards(parts: Mapping[str, Any]) -> Shards:
    count = sum(name == "titan" or name.startswith("titan-") for name in parts)
    return tuple(
        titan_engine.restore(bytes(parts[name]), shard=number, shards=count)
        for number, name in enumerate(_parts_of_titan(count))
    )


def newest(journal: Journal, upto: int | None = None) -> tuple[Snapshot | None, tuple[str, ...]]:
    """The newest usable snapshot, after command ``upto`` at most; and why others were passed over.

    JournalCorruptError when a whole snapshot reaches beyond the journal's end: it was only taken
    of what was durable, so the journal has lost its end.
    """
    problems: list[str] = []
    for place in snapshot_file.found_in(folder(journal.path)):
        if upto is not None and place.sequence > upto:
            continue
        try:
            return load(journal, place.path), tuple(problems)
        except SnapshotError as error:
            problems.append(f"{error}; the one before it is used")
    return None, tuple(problems)


def _prove_history(
    journal: Journal, path: Path, sequences: Mapping[str, int], anchors: Mapping[str, Any]
) -> None:
    for stream, sequence in sequences.items():
        end = journal.last_sequence(stream)
        if sequence > end:
            raise JournalCorruptError(
                f"the journal {journal.path} ends at sequence {end} of stream {stream}, but the "
                f"snapshot {path} was taken of it at {sequence}: its end is missing; "
                "restore it from a backup"
            )
        expected, found = link_from_json(anchors[stream]), journal.anchor(stream, sequence)
        if (found.sequence, found.digest) != (expected.sequence, expected.digest):
            raise SnapshotError(
                f"the snapshot {path} was taken when sequence {expected.sequence} of stream "
                f"{stream} had the digest {expected.digest.hex()}; in the journal "
                f"{journal.path} it is {found.sequence} with {found.digest.hex()}"
            )
