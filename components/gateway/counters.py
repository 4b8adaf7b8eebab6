"""The gateway's words in shared memory."""

from __future__ import annotations

from disruptor.memory.counters import CounterBlock, add, observe, put


class GatewayCounters:
    """Counts in one block; for one thread."""

    def __init__(self, block: CounterBlock) -> None:
        self._words = block.words
        self._clients = block.offset("gateway_clients")
        self._commands = block.offset("gateway_commands")
        self._refused = block.offset("gateway_refused")
        self._answers = block.offset("gateway_answers")
        self._dropped = block.offset("gateway_dropped")
        self._latency = block.offset("gateway_latency_seconds")
        self._latency_bounds = block.bounds("gateway_latency_seconds")

    def clients(self, count: int) -> None:
        """So many are connected."""
        put(self._words, self._clients, count)

    def published(self, count: int) -> None:
        """Commands that went into the ring."""
        add(self._words, self._commands, count)

    def refused(self) -> None:
        """A line that was answered with an error."""
        add(self._words, self._refused, 1)

    def answered(self, count: int, age_ns: int) -> None:
        """Lines that left; the newest one's command had been stamped so long ago."""
        add(self._words, self._answers, count)
        observe(self._words, self._latency, self._latency_bounds, max(0, age_ns))

    def dropped(self) -> None:
        """A client that did not read."""
        add(self._words, self._dropped, 1)
