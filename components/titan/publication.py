"""Empties an outbox into the ring that it is for: the way out of Titan and of the merge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from components.titan.engine.state import Outbox
from disruptor.compiled import inlined
from disruptor.ring.layout import Ring
from disruptor.ring.transfer import transfer
from disruptor.ring.wait_strategy import WaitStrategy


@inlined
def empty_outbox(
    outbox: Outbox,
    published: NDArray[np.int64],
    ring: Ring,
    line: int,
    strategy: WaitStrategy,
    never: NDArray[np.int64],
    timeout_ns: int,
) -> int:
    """Publish what the outbox holds behind ``published[0]``, as there is room within ``timeout_ns``;
    how many of its events are out now.

    Once all are, both counts begin anew; else ``published`` tells where to go on.
    """
    end = outbox.count[0]
    reached = published[0]
    if reached < end:
        reached = transfer(ring, line, outbox.slots, reached, end, strategy, never, timeout_ns)
    if reached < end:
        published[0] = reached
    else:
        published[0] = 0
        outbox.count[0] = 0
    return reached
