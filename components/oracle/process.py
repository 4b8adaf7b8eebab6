"""Oracle as a process: everything in the three rings goes to the journal, in batches as they come.

What one commit holds is bounded by three looks at the rings, in this order: risk, then events,
then commands.  Events follow from commands and risk from events, so whatever the first look saw
is explained by what the later ones see, and the journal never holds a consequence without its
cause.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from components.configuration.model import PlatformConfiguration
from components.messages.command import COMMAND
from components.monitor.catalogue import ORACLE, STREAMS, specs_for
from components.monitor.platform_view import counters_name
from components.oracle.store import Journal, JournalError
from components.oracle.streams import STREAM_DTYPES
from components.run_settings import RunSettings
from disruptor.memory.counters import CounterBlock, add, observe, put
from disruptor.ring.ring_buffer import Consumer
from disruptor.supervisor.child import ProcessContext

_WAIT_NS: Final = 50_000_000
_LINGER_S: Final = 0.004
"""Little is written at most this often, which keeps an idle disk idle."""
_LITTLE: Final = 256
_READERS_EVERY_S: Final = 60.0


class JournalCounters:
    """Oracle's words: what a commit held, how long it took, how old its newest command was."""

    def __init__(self, block: CounterBlock) -> None:
        self._words = block.words
        self._written = block.offsets("oracle_events_written", kind=list(STREAMS))
        self._durable = block.offsets("oracle_durable_sequence", kind=list(STREAMS))
        self._bytes = block.offset("oracle_bytes_written")
        self._commit = block.offset("oracle_commit_seconds")
        self._commit_bounds = block.bounds("oracle_commit_seconds")
        self._batch = block.offset("oracle_batch_size")
        self._batch_bounds = block.bounds("oracle_batch_size")
        self._latency = block.offset("oracle_latency_seconds")
        self._latency_bounds = block.bounds("oracle_latency_seconds")
        self._size = block.offset("oracle_journal_bytes")

    def committed(self, counts: Sequence[int], duration_ns: int, newest_ts: int) -> None:
        """Count one commit of so many records a stream."""
        for offset, count in zip(self._written, counts, strict=True):
            add(self._words, offset, count)
        add(self._words, self._bytes, sum(counts) * COMMAND.itemsize)
        observe(self._words, self._commit, self._commit_bounds, duration_ns)
        observe(self._words, self._batch, self._batch_bounds, sum(counts))
        if newest_ts:
            age = max(0, time.time_ns() - newest_ts)
            observe(self._words, self._latency, self._latency_bounds, age)

    def durable(self, journal: Journal) -> None:
        """Show how far the journal is on disk."""
        for offset, stream in zip(self._durable, STREAMS, strict=True):
            put(self._words, offset, journal.durable_sequence(stream))

    def size(self, size_bytes: int) -> None:
        """Show the size of the journal's file."""
        put(self._words, self._size, size_bytes)


def open_journal(configuration: PlatformConfiguration) -> Journal:
    """The journal that YAML names, for writing."""
    return Journal.open_writer(
        Path(configuration.oracle.path),
        STREAM_DTYPES,
        sync=configuration.durability.sync,
        interval_ms=configuration.durability.interval_ms,
        segment_bytes=configuration.oracle.segment_mb << 20,
    )


def run(context: ProcessContext) -> None:
    """Journal until told to stop and drained; the last commit is synced before it returns."""
    settings: RunSettings = context.settings
    context.restoring()
    journal = open_journal(settings.configuration)
    block = CounterBlock.continued(
        counters_name(context.platform, context.name), specs_for(ORACLE, settings.instruments)
    )
    try:
        consumers = [context.consumer(stream) for stream in STREAMS]
        _take_up(journal, consumers)
        counters = JournalCounters(block)
        counters.durable(journal)
        context.ready()
        _serve(context, journal, consumers, counters)
        journal.sync()
    finally:
        journal.close()
        block.unlink()


def _take_up(journal: Journal, consumers: list[Consumer]) -> None:
    """Pass over what is in the journal already: a predecessor died before it moved its places on."""
    for stream, consumer in zip(STREAMS, consumers, strict=True):
        journaled = journal.last_sequence(stream)
        if journaled < consumer.sequence:
            raise JournalError(
                f"the journal {journal.path} ends at sequence {journaled} of stream {stream}, but "
                f"the ring has given it up to {consumer.sequence}: its end is missing"
            )
        consumer.advance(journaled)


def _serve(
    context: ProcessContext,
    journal: Journal,
    consumers: list[Consumer],
    counters: JournalCounters,
) -> None:
    commands = consumers[0]
    sized_at = committed_at = 0.0
    readers_checked_at = time.monotonic()
    while True:
        commands.wait(_WAIT_NS)
        waiting = commands.available() - commands.sequence
        pause_s = linger_s(waiting, time.monotonic() - committed_at)
        if pause_s > 0 and not context.should_stop():
            time.sleep(pause_s)
        written = commit(journal, consumers, counters)
        if written:
            committed_at = time.monotonic()
        journal.sync_if_due()
        counters.durable(journal)
        context.beat()
        if time.monotonic() > sized_at:
            sized_at = time.monotonic() + 1.0
            counters.size(journal.info().size_bytes)
        if time.monotonic() - readers_checked_at > _READERS_EVERY_S:
            readers_checked_at = time.monotonic()
            journal.clear_dead_readers()
        if not written and context.has_drained(*STREAMS):
            return


def linger_s(waiting: int, since_commit_s: float) -> float:
    """How long a commit of so many commands waits for more: a lone one after a pause not at all."""
    return max(0.0, _LINGER_S - since_commit_s) if 0 < waiting < _LITTLE else 0.0


def commit(journal: Journal, consumers: list[Consumer], counters: JournalCounters) -> bool:
    """Append what the rings hold, then let them reuse the slots; False when they hold nothing."""
    highs = [consumer.available() for consumer in reversed(consumers)][::-1]
    batches: list[tuple[str, int, list[NDArray[np.void]]]] = [
        (stream, consumer.sequence + 1, consumer.batches(high))
        for stream, consumer, high in zip(STREAMS, consumers, highs, strict=True)
        if high > consumer.sequence
    ]
    if not batches:
        return False
    newest = 0
    if batches[0][0] == "commands":
        newest = int(batches[0][2][-1][-1]["ts"])
    started = time.monotonic_ns()
    journal.append(batches)
    counts = [high - each.sequence for each, high in zip(consumers, highs, strict=True)]
    counters.committed(counts, time.monotonic_ns() - started, newest)
    for consumer, high in zip(consumers, highs, strict=True):
        consumer.advance(high)
    return True
