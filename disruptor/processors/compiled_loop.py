"""Makes the loop around a user's compiled handler, so that both are one cached kernel.

A loop that takes its handler as an argument, or closes over it, is compiled again in every
process: numba's cache finds a function by file and name, and such a loop has neither.  So a small
module is written that imports the handler by name and holds the loop at module level.  Its file's
name carries a digest of the handler's sources, so that an edit selects another module.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from disruptor.compiled import inlined
from disruptor.errors import ConfigurationError
from disruptor.kernel_cache import cache_directory, source_digest
from disruptor.memory.libc import monotonic_ns
from disruptor.processors.partition import Partition

# What a loop reports, int64: the handler's code for the event at which it stopped (0: none), that
# event's sequence, and how many batches it has handled.
CODE: Final = 0
SEQUENCE: Final = 1
BATCHES: Final = 2
REPORT_WORDS: Final = 3

_BATCHES_BETWEEN_CLOCK_READS: Final = 64

_TEMPLATE = '''"""Generated: the event loop around {module}.{name}."""

import numpy as np

from disruptor.compiled import compiled, inlined
from disruptor.memory.atomics import load_acquire
from disruptor.memory.libc import monotonic_ns
from disruptor.processors.compiled_loop import BATCHES, CODE, SEQUENCE, is_over, result_code
from disruptor.processors.partition import partition_of_key
from disruptor.ring.barrier import advance, has_voids, is_void, wait_for
from {module} import {name} as handle


@inlined
def is_own(ring, sequence, index, count):
    slot = np.uint64(sequence) & np.uint64(ring.slots.size - 1)
    return {is_own}


@inlined
def handle_batch(ring, state, low, high, index, count, report):
    mask = np.uint64(ring.slots.size - 1)
    last = high
    while last >= low and not is_own(ring, last, index, count):
        last -= 1
    for sequence in range(low, last + 1):
        if not is_own(ring, sequence, index, count):
            continue
        report[SEQUENCE] = sequence
        event = ring.slots[np.uint64(sequence) & mask]
        code = result_code(handle(state, event, sequence, sequence == last))
        if code != 0:
            report[CODE] = code
            return False
    return True


@inlined
def end_of_run(ring, low, high):
    for sequence in range(low, high + 1):
        if is_void(ring, sequence):
            return sequence - 1
    return high


@compiled
def run(
    ring, word, dependents, strategy, control, state,
    batch_size_max, batches_max, turn_ns, timeout_ns, index, count, report,
):
    until = monotonic_ns() + turn_ns
    wanted = ring.words[word] + 1
    while report[BATCHES] < batches_max:
        high = wait_for(ring, dependents, wanted, strategy, control, timeout_ns)
        if high < wanted:
            return
        high = min(high, wanted + batch_size_max - 1)
        if has_voids(ring):
            high = end_of_run(ring, wanted, high)
            if high < wanted:
                advance(ring, word, wanted)
                wanted += 1
                continue
        if not handle_batch(ring, state, wanted, high, index, count, report):
            return
        advance(ring, word, high)
        report[BATCHES] += 1
        wanted = high + 1
        if load_acquire(control, 0) != 0 or is_over(report[BATCHES], until):
            return
'''

_IS_OWN: Final = {
    "all": "True",
    "sequence": "sequence % count == index",
    "key": "partition_of_key(ring.slots[slot][{key!r}], count) == index",
}


_started_again: Final[set[str]] = set()
"""The program that runs, while a loop imports it by its name."""


@inlined
def result_code(result: Any) -> int:
    """What a compiled handler returned, as a code; one that returns nothing costs nothing."""
    if result is None:
        return 0
    return int(result)


@inlined
def is_over(batches: int, until_ns: int) -> bool:
    """Whether a loop has had its turn; the clock is read after every 64th batch alone."""
    return batches % _BATCHES_BETWEEN_CLOCK_READS == 0 and monotonic_ns() >= until_ns


def compiled_loop(
    handler: Callable[..., Any], partition: Partition | None = None
) -> Callable[..., None]:
    """The loop for this handler, compiled on its first call.

    It returns when ``control[0]`` is non-zero, nothing came within ``timeout_ns``, ``batches_max``
    batches are done, ``turn_ns`` have passed, or the handler gave a code other than 0 (then the batch
    is not advanced past); ``report`` tells which.  Raises ConfigurationError for a handler that no import finds
    again.
    """
    function = getattr(handler, "py_func", handler)
    module, name = _importable_name(function), function.__qualname__
    if not module or not name.isidentifier() or not hasattr(handler, "py_func"):
        raise ConfigurationError(
            f"handler {function.__module__}.{name} must be a function with @njit or @compiled at "
            "the top of an importable module: its loop is compiled with it and cached by its name"
        )
    is_own = _IS_OWN["all"]
    if partition is not None:
        is_own = _IS_OWN["sequence" if partition.key is None else "key"].format(key=partition.key)
    text = _TEMPLATE.format(module=module, name=name, is_own=is_own)
    source = source_digest(Path(inspect.getfile(function)).resolve())
    digest = hashlib.sha256((source + text).encode()).hexdigest()[:12]
    return _loop_in(f"loop_{module.replace('.', '_')}_{name}_{digest}", text)


def _importable_name(function: Callable[..., Any]) -> str:
    """The name by which an import finds the function's module; empty if none does.

    A module that was started as a program is imported once more, by the loop, as
    ``multiprocessing`` does it: so its work stands under ``if __name__ == "__main__":``.
    """
    module = function.__module__
    if module in _started_again:
        raise ConfigurationError(
            f"{module} starts its work whenever it is imported, which the loop around its compiled "
            'handler does; put that work under: if __name__ == "__main__":'
        )
    if module != "__main__":
        return module
    main = sys.modules["__main__"]
    name = Path(getattr(main, "__file__", None) or "").stem
    if main.__spec__ is not None:
        name = main.__spec__.name
    elif not name.isidentifier():
        return ""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None or main.__file__ is None:
        return ""
    if Path(found.origin).resolve() != Path(main.__file__).resolve():
        return ""
    if name not in sys.modules:
        _started_again.add(name)
    return name


def _loop_in(stem: str, text: str) -> Callable[..., None]:
    """``run`` of the module of that name and text, which is written when there is none."""
    if stem not in sys.modules:
        path = cache_directory() / "loops" / f"{stem}.py"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"{stem}.{os.getpid()}.{threading.get_ident()}.tmp")
            partial.write_text(text, "utf-8")
            partial.replace(path)
        spec = importlib.util.spec_from_file_location(stem, path)
        assert spec is not None
        assert spec.loader is not None
        generated = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(generated)
        finally:
            _started_again.clear()
        sys.modules[stem] = generated
    loop: Callable[..., None] = sys.modules[stem].run
    return loop
