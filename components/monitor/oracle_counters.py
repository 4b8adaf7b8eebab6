"""What the journal did, counted after each commit."""

from __future__ import annotations

from collections.abc import Mapping

from components.monitor.catalogue import STREAMS
from disruptor.memory.counters import CounterBlock, add, observe, put


class OracleCounters:
    """Oracle's counters; for its one thread."""

    def __init__(self, block: CounterBlock) -> None:
        self._words = block.words
        self._written = {kind: block.offset("oracle_events_written", kind=kind) for kind in STREAMS}
        self._durable = {
            kind: block.offset("oracle_durable_sequence", kind=kind) for kind in STREAMS
        }
        self._bytes = block.offset("oracle_bytes_written")
        self._journal_bytes = block.offset("oracle_journal_bytes")
        self._commit = block.offset("oracle_commit_seconds")
        self._commit_bounds = block.bounds("oracle_commit_seconds")
        self._batch = block.offset("oracle_batch_size")
        self._batch_bounds = block.bounds("oracle_batch_size")
        self._latency = block.offset("oracle_latency_seconds")
        self._latency_bounds = block.bounds("oracle_latency_seconds")

    def committed(self, written: Mapping[str, int], size_bytes: int, elapsed_ns: int) -> None:
        """One commit of ``written`` records of each stream, ``size_bytes`` in all."""
        for kind, count in written.items():
            add(self._words, self._written[kind], count)
        add(self._words, self._bytes, size_bytes)
        observe(self._words, self._batch, self._batch_bounds, sum(written.values()))
        observe(self._words, self._commit, self._commit_bounds, elapsed_ns)

    def durable(self, kind: str, sequence: int) -> None:
        """Everything of the stream up to ``sequence`` survives a crash."""
        put(self._words, self._durable[kind], sequence)

    def command_durable(self, latency_ns: int) -> None:
        """The newest durable command was stamped ``latency_ns`` ago."""
        observe(self._words, self._latency, self._latency_bounds, latency_ns)

    def journal_size(self, size_bytes: int) -> None:
        """The journal's file holds so many bytes in use."""
        put(self._words, self._journal_bytes, size_bytes)
