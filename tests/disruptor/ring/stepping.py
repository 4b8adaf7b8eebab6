"""Runs a compiled piece of work in a child, one machine instruction at a time, and kills it there.

The work stops itself right before it begins and right after it ends, so that only its own
instructions (and libc's way back from the stop) are stepped through, by the kernel's ptrace.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any, Final

import numba
import pytest
from numba import types

_TRACEME: Final = 0
_SINGLESTEP: Final = 9
_REFUSED: Final = 77

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_libc.ptrace.restype = ctypes.c_long

_type_of: Any = numba.typeof

stop_itself: Any = types.ExternalFunction("raise", types.int32(types.int32))
"""For compiled work: ``stop_itself(STOP)`` at both of its ends."""

STOP: Final = int(signal.SIGSTOP)


def compile_for(kernel: Any, *arguments: Any) -> None:
    """Compile without a call, which would stop the caller; the children find it done."""
    kernel.compile(tuple(_type_of(each) for each in arguments))


def count_instructions(work: Callable[[], object]) -> int:
    """How many instructions the work takes from one stop to the other; it is then let go on."""
    child = _stopped(work)
    steps = 0
    while _step(child):
        steps += 1
    _kill(child)
    return steps


def kill_after(work: Callable[[], object], instructions: int) -> None:
    """Do that many instructions of the work in a child, and kill -9 it there."""
    child = _stopped(work)
    for _ in range(instructions):
        _step(child)
    _kill(child)


def _stopped(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            if _libc.ptrace(_TRACEME, 0, None, None) != 0:
                os._exit(_REFUSED)
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _REFUSED:
        pytest.skip("the kernel does not let a process be traced here")
    assert os.WIFSTOPPED(status), "the work ended without its first stop"
    assert os.WSTOPSIG(status) == signal.SIGSTOP
    return child


def _step(child: int) -> bool:
    """One instruction; False when the work has come to its second stop."""
    assert _libc.ptrace(_SINGLESTEP, child, None, None) == 0
    _, status = os.waitpid(child, 0)
    assert os.WIFSTOPPED(status), "the work ended without its second stop"
    return os.WSTOPSIG(status) != signal.SIGSTOP


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
