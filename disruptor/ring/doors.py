"""The ring's compiled functions as Python calls them.

The functions of this package are compiled into their callers and have no door for the
interpreter; these have, and do nothing else.  Compiled processes import the originals.
"""

from __future__ import annotations

import numpy as np

from disruptor.compiled import entry
from disruptor.ring import barrier, sequencer, wait_strategy
from disruptor.ring.layout import Ring
from disruptor.ring.wait_strategy import WaitStrategy

_advance = barrier.advance
_available = barrier.available
_wait_for = barrier.wait_for
_next_sequence = sequencer.next_sequence
_publish = sequencer.publish
_remaining_capacity = sequencer.remaining_capacity
_try_next = sequencer.try_next
_void = sequencer.void
_signal = wait_strategy.signal


@entry
def try_next(ring: Ring, line: int, count: int) -> int:
    """See ``sequencer.try_next``."""
    return _try_next(ring, line, count)


@entry
def next_sequence(
    ring: Ring,
    line: int,
    count: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    """See ``sequencer.next_sequence``."""
    return _next_sequence(ring, line, count, strategy, control, timeout_ns)


@entry
def publish(ring: Ring, line: int, low: int, high: int) -> None:
    """See ``sequencer.publish``."""
    _publish(ring, line, low, high)


@entry
def void(ring: Ring, line: int, low: int, high: int, zero: np.ndarray) -> None:
    """See ``sequencer.void``."""
    _void(ring, line, low, high, zero)


@entry
def remaining_capacity(ring: Ring) -> int:
    """See ``sequencer.remaining_capacity``."""
    return _remaining_capacity(ring)


@entry
def available(ring: Ring, dependents: np.ndarray, wanted: int) -> int:
    """See ``barrier.available``."""
    return _available(ring, dependents, wanted)


@entry
def wait_for(
    ring: Ring,
    dependents: np.ndarray,
    wanted: int,
    strategy: WaitStrategy,
    control: np.ndarray,
    timeout_ns: int,
) -> int:
    """See ``barrier.wait_for``."""
    return _wait_for(ring, dependents, wanted, strategy, control, timeout_ns)


@entry
def advance(ring: Ring, sequence_word: int, sequence: int) -> None:
    """See ``barrier.advance``."""
    _advance(ring, sequence_word, sequence)


@entry
def signal(words: np.ndarray, epoch: int) -> None:
    """See ``wait_strategy.signal``."""
    _signal(words, epoch)
