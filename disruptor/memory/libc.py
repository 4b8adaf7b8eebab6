"""System calls from compiled code: sleep on a word of shared memory, yield, read the clock.

``ExternalFunction`` names a symbol that the process already has, so kernels that use these stay
cacheable; pointers from ctypes would not.  All of them release nothing and raise nothing: compiled
callers look at the returned number.
"""

from __future__ import annotations

import platform
from typing import Any, Final

import numpy as np
from numba import types

from disruptor.compiled import entry
from disruptor.memory.atomics import address_of, set_word_at, stack_pair, word_at

_NUMBERS: Final = {
    "x86_64": {"futex": 202, "membarrier": 324},
    "aarch64": {"futex": 98, "membarrier": 283},
}
_NUMBER = _NUMBERS.get(platform.machine(), {"futex": -1, "membarrier": -1})
_SYS_FUTEX: Final = _NUMBER["futex"]
_SYS_MEMBARRIER: Final = _NUMBER["membarrier"]

_FUTEX_WAIT: Final = 0
_FUTEX_WAKE: Final = 1
_EVERYBODY: Final = 2**31 - 1
_MEMBARRIER_GLOBAL_EXPEDITED: Final = 2
_MEMBARRIER_REGISTER_GLOBAL_EXPEDITED: Final = 4
_CLOCK_MONOTONIC: Final = 1
_CLOCK_REALTIME: Final = 0
_NS_PER_SECOND: Final = 1_000_000_000

_syscall: Any = types.ExternalFunction(
    "syscall",
    types.int64(
        types.int64, types.int64, types.int64, types.int64, types.int64, types.int64, types.int64
    ),
)
_sched_yield: Any = types.ExternalFunction("sched_yield", types.int32())
_nanosleep: Any = types.ExternalFunction("nanosleep", types.int32(types.int64, types.int64))
_clock_gettime: Any = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.int64))

futex_is_available: Final = _SYS_FUTEX > 0


@entry
def futex_wait(words: np.ndarray, index: int, expected: int, timeout_ns: int) -> None:
    """Sleep until somebody wakes words[index], unless its low 32 bits differ from ``expected``.

    Returns also after ``timeout_ns``, on a signal, and now and then for nothing; callers look
    again at what they wait for.
    """
    timeout = stack_pair()
    set_word_at(timeout, 0, timeout_ns // _NS_PER_SECOND)
    set_word_at(timeout, 1, timeout_ns % _NS_PER_SECOND)
    _syscall(_SYS_FUTEX, address_of(words, index), _FUTEX_WAIT, expected, timeout, 0, 0)


@entry
def futex_wake(words: np.ndarray, index: int) -> None:
    """Wake every process and thread that sleeps on words[index]."""
    _syscall(_SYS_FUTEX, address_of(words, index), _FUTEX_WAKE, _EVERYBODY, 0, 0, 0)


@entry
def register_for_barriers() -> int:
    """Let other processes' ``barrier_everywhere`` reach this one; 0 when the kernel can.

    Once per process, before it publishes; children of fork inherit it.
    """
    return _syscall(_SYS_MEMBARRIER, _MEMBARRIER_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0)


@entry
def barrier_everywhere() -> int:
    """A full memory barrier on every core that runs a registered process; some microseconds."""
    return _syscall(_SYS_MEMBARRIER, _MEMBARRIER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0)


@entry
def sched_yield() -> None:
    """Let another runnable process have this core."""
    _sched_yield()


@entry
def nanosleep(duration_ns: int) -> None:
    """Sleep for at least ``duration_ns``, or until a signal."""
    duration = stack_pair()
    set_word_at(duration, 0, duration_ns // _NS_PER_SECOND)
    set_word_at(duration, 1, duration_ns % _NS_PER_SECOND)
    _nanosleep(duration, 0)


@entry
def monotonic_ns() -> int:
    """Nanoseconds of the clock that never steps."""
    now = stack_pair()
    _clock_gettime(_CLOCK_MONOTONIC, now)
    return word_at(now, 0) * _NS_PER_SECOND + word_at(now, 1)


@entry
def wall_clock_ns() -> int:
    """Nanoseconds since the epoch; for ingress stamps and metrics, never for a decision."""
    now = stack_pair()
    _clock_gettime(_CLOCK_REALTIME, now)
    return word_at(now, 0) * _NS_PER_SECOND + word_at(now, 1)
