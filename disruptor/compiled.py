"""The one place that says ``njit``: the ways in which kernels are compiled.

Where they are cached, and what makes a cached one stale, is kernel_cache.py's business; what is kept
of one in memory is kernel_library.py's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from disruptor.kernel_cache import cache_directory, use_kernel_cache

P = ParamSpec("P")
R = TypeVar("R")

cache_directory()
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numba  # noqa: E402  (reads the environment when it is imported)

from disruptor.kernel_library import use_kernel_library  # noqa: E402  (imports numba)

use_kernel_cache(numba.config)
use_kernel_library()


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile for the hot path: no interpreter, no GIL, cached on disk.

    With ``NUMBA_DISABLE_JIT=1`` the function stays plain Python, which is how coverage and
    debuggers see the engines.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True)(function))


def entry(function: Callable[P, R]) -> Callable[P, R]:
    """``compiled`` for a kernel over a large state, called from Python; it must not allocate.

    Without reference counts around every use of an array, such a kernel compiles ten times faster.
    """
    return cast("Callable[P, R]", _njit(cache=True, nogil=True, _nrt=False)(function))


def internal(function: Callable[P, R]) -> Callable[P, R]:
    """``entry`` for calls from other kernels only, without the door for Python.

    That door, which unpacks every array of a state, takes longer to compile than a small function.
    """
    return cast("Callable[P, R]", _njit(**_INTERNAL)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """``internal``, and compiled into every caller, for pieces of one hot path.

    A call costs some 2 ns if the state is passed by its address (``by_address.py``), and some 20 if
    its arrays travel one by one, each as seven words.
    """
    return cast("Callable[P, R]", _njit(forceinline=True, **_INTERNAL)(function))


_njit: Any = numba.njit  # its published type lacks the options below
_INTERNAL: Final = {
    "cache": True,
    "nogil": True,
    "_nrt": False,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


def pasted(function: Callable[P, R]) -> Callable[P, R]:
    """``inlined``, but before compilation, for a long function with one caller.

    It is never compiled by itself, which would cost as much as compiling its caller once more.
    """
    return cast("Callable[P, R]", _njit(inline="always", **_INTERNAL)(function))
