"""Where compiled kernels are kept on disk, and which sources decide whether one is stale.

numba's own cache looks at the timestamp of a function's file.  It misses an edit in a callee of
another file and freezes imported constants, so a stale kernel would answer with yesterday's rules.
Here each source file has a *digest* over its own text and that of every file that it imports,
directly or through others; the kernels of a file are cached under that digest:

    .cache/kernels/<digest of Python, numba, llvmlite, numpy and flags>/
        matching-5d1c…/        the kernels of matching.py and all that it is made of
        loops/                 event loops around users' handlers (processors/compiled_loop.py)

An edit anywhere selects new directories for what depends on it and for nothing else, and an
unchanged tree compiles nothing.  The directories do not name the checkout, so a copied cache
serves a copied tree.

``KERNEL_CACHE_DIR`` moves the root; the default is ``.cache/kernels`` beside the packages, or the
user's cache directory when the packages are installed read-only.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).resolve().parent.parent
_PACKAGES: Final = ("disruptor", "components", "perf")
_KERNEL: Final = re.compile(
    r"^\s*@(compiled|entry|inlined|internal|pasted|intrinsic)\b", re.MULTILINE
)
_IMPORT_NAMES: Final = re.compile(r"^from ([\w.]+) import (\([^)]*\)|[^\n(]+)", re.MULTILINE)
_IMPORT_MODULE: Final = re.compile(r"^import ([\w.]+)", re.MULTILINE)
_FOREIGN: Final = tuple(
    str(Path(sysconfig.get_path(kind)).resolve()) for kind in ("stdlib", "purelib", "platlib")
)
_STACK: Final = ("numba", "llvmlite", "numpy")
_FLAGS: Final = ("NUMBA_BOUNDSCHECK", "NUMBA_OPT")
_DEFAULT_LOCATORS: Final = "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator"


@functools.cache
def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _files_of(module: str) -> Iterator[Path]:
    """The file of a module of ours, or of one that is loaded and belongs to a user."""
    if module.split(".")[0] in _PACKAGES:
        base = _ROOT.joinpath(*module.split("."))
        yield from (p for p in (base.with_suffix(".py"), base / "__init__.py") if p.exists())
        return
    found = getattr(sys.modules.get(module), "__file__", None)
    if found and found.endswith(".py") and not str(Path(found).resolve()).startswith(_FOREIGN):
        yield Path(found).resolve()


@functools.cache
def _imported(path: Path) -> frozenset[Path]:
    text = _text(path)
    modules = set(_IMPORT_MODULE.findall(text))
    for module, names in _IMPORT_NAMES.findall(text):
        modules.add(module)
        modules.update(f"{module}.{name}" for name in re.findall(r"\w+", names))
    return frozenset(file for module in modules for file in _files_of(module))


def _closure(paths: list[Path]) -> set[Path]:
    """These files and all that they import, directly or through others."""
    pending, found = list(paths), set[Path]()
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending.extend(_imported(path))
    return found


def _name(path: Path) -> str:
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name


def _digest(paths: set[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda each: (_name(each), each)):
        digest.update(f"\0{_name(path)}\0".encode())
        digest.update(_text(path).encode())
    return digest.hexdigest()[:16]


@functools.cache
def source_digest(path: Path) -> str:
    """Names one state of a source file and of all that it imports; 16 hex digits."""
    return _digest(_closure([path]))


def kernel_sources() -> set[Path]:
    """Our files that hold kernels, and all that these import."""
    files = [path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py")]
    return _closure([path for path in files if _KERNEL.search(_text(path))])


def kernels_digest() -> str:
    """Names one state of all kernels of ours; 16 hex digits."""
    return _digest(kernel_sources())


def _stack_digest() -> str:
    told = [platform.python_version(), platform.machine()]
    told += [f"{name}={version(name)}" for name in _STACK]
    told += [f"{flag}={os.environ.get(flag, '')}" for flag in _FLAGS]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


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
        chosen = str(_cache_root() / _stack_digest())
        os.environ["NUMBA_CACHE_DIR"] = chosen
    return Path(chosen)


class KernelLocator:
    """Tells numba where the kernels of one file are cached; numba's locator protocol."""

    def __init__(self, line: int, path: Path) -> None:
        self._line = line
        self._digest = source_digest(path)
        self._directory = cache_directory() / f"{path.stem}-{self._digest}"

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> KernelLocator | None:
        """None for what is not a file, or belongs to an installed package that is not ours."""
        path = Path(file).resolve()
        ours = any(path.is_relative_to(_ROOT / package) for package in _PACKAGES)
        if not path.exists() or (str(path).startswith(_FOREIGN) and not ours):
            return None
        return cls(function.__code__.co_firstlineno, path)

    def ensure_cache_path(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        return str(self._directory)

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return str(self._line)


def use_kernel_cache(config: Any) -> None:
    """Make numba, whose configuration this is, ask ``KernelLocator`` first."""
    config.CACHE_DIR = str(cache_directory())
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.{KernelLocator.__name__},{_DEFAULT_LOCATORS}"
