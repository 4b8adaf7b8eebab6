"""Calls a kernel from Python without asking each time which of its variants the arguments want.

That question takes some 40 ns for each array, half a microsecond for a kernel with half a dozen
arguments: nothing for a batch, and more than the work itself for a kernel that handles one message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")

_numba: Any = numba


def for_arguments_like(
    kernel: Callable[P, R], *examples: P.args, **none: P.kwargs
) -> Callable[P, R]:
    """The variant of a ``compiled`` kernel for arguments of the very types of ``examples``.

    Others are a TypeError.  Uncompiled (``NUMBA_DISABLE_JIT=1``) it is the function itself.
    """
    compile_for = getattr(kernel, "compile", None)
    if compile_for is None:
        return kernel
    variant: Callable[P, R] = compile_for(tuple(_numba.typeof(each) for each in examples))
    return variant
