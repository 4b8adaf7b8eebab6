"""The one place that says ``njit``: how kernels are compiled, cached and kept honest.

numba's on-disk cache looks at one file's timestamp.  It misses an edit in a callee of another
file and freezes imported constants, so a stale kernel would answer with yesterday's rules.  The
cache therefore lives in a directory named by a digest over every source file that a kernel can
see, the versions of the compiler stack, and the flags that change code: an edit anywhere selects
an empty directory, and an unchanged tree compiles nothing.

``KERNEL_CACHE_DIR`` moves the root of that directory; the default is ``.cache/kernels`` beside
the packages, or the user's cache directory when the packages are installed read-only.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("disruptor", "components", "perf")
_KERNEL = re.compile(r"^\s*@(compiled|entry|inlined|internal|pasted|intrinsic)\b", re.MULTILINE)
_IMPORT = re.compile(
    r"^from ((?:disruptor|components|perf)[\w.]*) import ([\w, ()\n]+)", re.MULTILINE
)


def _sources() -> Iterator[Path]:
    for package in _PACKAGES:
        yield from sorted((_ROOT / package).rglob("*.py"))


def _imported(text: str) -> Iterator[Path]:
    for module, names in _IMPORT.findall(text):
        base = _ROOT.joinpath(*module.split("."))
        yield base.with_suffix(".py")
        for name in re.findall(r"\w+", names):
            yield base / f"{name}.py"


def kernel_sources() -> dict[Path, str]:
    """The files that hold kernels, and all files of ours that these import, with their text."""
    texts = {path: path.read_text("utf-8") for path in _sources()}
    pending = [path for path, text in texts.items() if _KERNEL.search(text)]
    found: dict[Path, str] = {}
    while pending:
        path = pending.pop()
        if path in found or path not in texts:
            continue
        found[path] = texts[path]
        pending.extend(_imported(texts[path]))
    return found


def source_digest() -> str:
    """Names one state of all kernel sources, the compiler stack and its flags; 16 hex digits."""
    digest = hashlib.sha256()
    stack = [platform.python_version(), platform.machine()]
    stack += [f"{name}={version(name)}" for name in ("numba", "llvmlite", "numpy")]
    stack += [f"{flag}={os.environ.get(flag, '')}" for flag in ("NUMBA_BOUNDSCHECK", "NUMBA_OPT")]
    digest.update("\n".join(stack).encode())
    for path, text in sorted(kernel_sources().items()):
        digest.update(f"\0{path.relative_to(_ROOT)}\0".encode())
        digest.update(text.encode())
    return digest.hexdigest()[:16]


def _cache_root() -> Path:
    configured = os.environ.get("KERNEL_CACHE_DIR")
    if configured:
        return Path(configured)
    if os.access(_ROOT, os.W_OK) and (_ROOT / "pyproject.toml").exists():
        return _ROOT / ".cache" / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "disruptor" / "kernels"


def cache_directory() -> Path:
    """Where this process keeps compiled kernels; set once, inherited by child processes."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen is None:
        chosen = str(_cache_root() / source_digest())
        os.environ["NUMBA_CACHE_DIR"] = chosen
    return Path(chosen)


cache_directory()
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numba  # noqa: E402  (reads NUMBA_CACHE_DIR when it is imported)


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

    A call that passes a state of a dozen arrays costs some 20 ns, because each array travels as
    seven words; a large state machine therefore inlines its hot path and calls only what is rare.
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
