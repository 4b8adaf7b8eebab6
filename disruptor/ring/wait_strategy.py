"""How a process waits: what it burns while nothing comes, and how soon it sees what does.

    busy_spin       spins with a pause hint: lowest latency, one core each
    yielding        spins a little, then offers the core to others: for cores that are shared
    sleeping        spins, yields, then naps: cheap, adds the nap to the latency
    blocking        sleeps in the kernel until it is woken: costs nothing while idle, ~25 µs a wake
    timed_blocking  blocks, and looks each millisecond though nobody wakes it
    phased_backoff  spins for 20 µs, yields for 200 µs, then blocks: phases by the clock
    adaptive        spins, yields, then blocks: near busy_spin under load, near blocking when idle

Every wait returns after ``timeout_ns`` at the latest, since compiled code cannot see signals.

Sleeping and waking, without a fence in the publisher.  A sleeper (1) reads the epoch, (2) raises
the sleepers flag, (3) has the kernel run a full barrier on every core that executes a registered
process, (4) looks again at what it waits for, (5) sleeps on the epoch if that is still what it
read.  A publisher (a) stores the sequence, (b) looks at the flag, and only if it is raised
(c) lowers it, moves the epoch and wakes everybody.  The danger is that the publisher's load (b)
passes its own store (a): it would see no sleeper while the sleeper saw no event.  The barrier (3)
makes that impossible: if (b) ran before it, (a) was drained by it and (4) sees the event; if
after, (b) sees the flag.  So the price of the ordering is paid by the side that is about to idle.
Where the kernel has no such barrier the sleep is short instead, and a wake that is missed costs
that long.  A sleeper that dies leaves the flag up: one needless wake, nothing else.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from disruptor.compiled import inlined, internal
from disruptor.errors import ConfigurationError
from disruptor.memory.atomics import (
    compiler_fence,
    fetch_add,
    load_acquire,
    load_relaxed,
    pause,
    store_relaxed,
)
from disruptor.memory.libc import (
    barrier_everywhere,
    futex_is_available,
    futex_wait,
    futex_wake,
    monotonic_ns,
    nanosleep,
    sched_yield,
)
from disruptor.ring.layout import SLEEPERS_OFFSET

SPIN: Final = 0
YIELD: Final = 1
NAP: Final = 2
BLOCK: Final = 3

_SPINS_BETWEEN_CLOCK_READS: Final = 1024
_PAUSES_BETWEEN_CLOCK_READS: Final = 8
_SLEEP_WITHOUT_BARRIER_NS: Final = 500_000
_SLEEP_NS_MAX: Final = 50_000_000


class WaitStrategy(NamedTuple):
    """A plan for one wait: so many spins, then so many yields, then ``then`` for ever.

    With ``spin_ns`` the two phases are as long as the clock says, and not so many steps.
    """

    then: int
    spins: int
    yields: int
    nap_ns: int  # of a nap; of one sleep in the kernel at most, 0: no such limit
    spin_ns: int
    yield_ns: int


STRATEGIES: Final[dict[str, WaitStrategy]] = {
    "busy_spin": WaitStrategy(SPIN, 0, 0, 0, 0, 0),
    "yielding": WaitStrategy(YIELD, 100, 0, 0, 0, 0),
    "sleeping": WaitStrategy(NAP, 100, 100, 50_000, 0, 0),
    "blocking": WaitStrategy(BLOCK, 0, 0, 0, 0, 0),
    "timed_blocking": WaitStrategy(BLOCK, 0, 0, 1_000_000, 0, 0),
    "phased_backoff": WaitStrategy(BLOCK, 0, 0, 0, 20_000, 200_000),
    "adaptive": WaitStrategy(BLOCK, 2_000, 20, 0, 0, 0),
}


def wait_strategy(name: str) -> WaitStrategy:
    """The strategy of that name; ConfigurationError names those that exist."""
    if name not in STRATEGIES:
        raise ConfigurationError(f"wait strategy {name!r} is unknown; use {', '.join(STRATEGIES)}")
    chosen = STRATEGIES[name]
    if chosen.then == BLOCK and not futex_is_available:
        return chosen._replace(then=NAP, nap_ns=50_000)
    return chosen


@inlined
def signal(words: np.ndarray, epoch: int) -> None:
    """Wake who sleeps on this epoch; call right after the release store that they wait for."""
    compiler_fence()  # the sleeper's barrier stops the core, but not the compiler, from swapping
    # relaxed: the sleeper's barrier orders this load after our store, see the module's docstring
    if load_relaxed(words, epoch + SLEEPERS_OFFSET) != 0:
        store_relaxed(words, epoch + SLEEPERS_OFFSET, 0)
        fetch_add(words, epoch, 1)
        futex_wake(words, epoch)


@internal
def announce_sleep(words: np.ndarray, epoch: int) -> int:
    """Steps 1 to 3 of going to sleep; look again, then call ``sleep_on`` with the result."""
    seen = load_acquire(words, epoch)  # acquire: before the flag, so that a wake is not missed
    fetch_add(words, epoch + SLEEPERS_OFFSET, 1)
    if barrier_everywhere() != 0:
        return -1 - seen
    return seen


@internal
def sleep_on(
    words: np.ndarray, epoch: int, seen: int, strategy: WaitStrategy, timeout_ns: int
) -> None:
    """Sleep until the epoch moves from ``seen``, at most ``timeout_ns``."""
    longest = min(timeout_ns, _SLEEP_NS_MAX)
    if strategy.nap_ns > 0:
        longest = min(longest, strategy.nap_ns)
    if seen < 0:
        seen = -1 - seen
        longest = min(longest, _SLEEP_WITHOUT_BARRIER_NS)
    if longest > 0:
        futex_wait(words, epoch, seen & 0xFFFFFFFF, longest)


@internal
def idle(strategy: WaitStrategy, step: int, since_ns: int) -> bool:
    """One step of waiting that is not a sleep in the kernel; True when it is time to block.

    ``since_ns``: the monotonic time at which the wait began.
    """
    if strategy.spin_ns > 0:
        return _idle_by_the_clock(strategy, monotonic_ns() - since_ns)
    if step < strategy.spins or strategy.then == SPIN:
        pause()
    elif step < strategy.spins + strategy.yields or strategy.then == YIELD:
        sched_yield()
    elif strategy.then == NAP:
        nanosleep(strategy.nap_ns)
    else:
        return True
    return False


@internal
def _idle_by_the_clock(strategy: WaitStrategy, waited_ns: int) -> bool:
    if waited_ns < strategy.spin_ns:
        for _ in range(_PAUSES_BETWEEN_CLOCK_READS):
            pause()
    elif waited_ns < strategy.spin_ns + strategy.yield_ns:
        sched_yield()
    elif strategy.then == NAP:
        nanosleep(strategy.nap_ns)
    else:
        return True
    return False


@internal
def reads_clock_at(strategy: WaitStrategy, step: int) -> bool:
    """Whether a waiting loop should look at its deadline in this step: rarely while it spins."""
    if strategy.spin_ns > 0:
        return True
    spinning = step < strategy.spins or strategy.then == SPIN
    return not spinning or step % _SPINS_BETWEEN_CLOCK_READS == _SPINS_BETWEEN_CLOCK_READS - 1
