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
from typing import Any

from disruptor.errors import ConfigurationError
from disruptor.kernel_cache import cache_directory, source_digest

_TEMPLATE = '''"""Generated: the event loop around {module}.{name}."""

import numpy as np

from disruptor.compiled import compiled
from disruptor.memory.atomics import load_acquire
from disruptor.ring.barrier import advance, wait_for
from {module} import {name} as handle


@compiled
def run(ring, word, dependents, strategy, control, state, batch_size_max, timeout_ns):
    mask = np.uint64(ring.slots.size - 1)
    wanted = ring.words[word] + 1
    while True:
        high = wait_for(ring, dependents, wanted, strategy, control, timeout_ns)
        if high < wanted:
            return wanted - 1
        high = min(high, wanted + batch_size_max - 1)
        for sequence in range(wanted, high + 1):
            handle(state, ring.slots[np.uint64(sequence) & mask], sequence, sequence == high)
        advance(ring, word, high)
        wanted = high + 1
        if load_acquire(control, 0) != 0:
            return high
'''


def compiled_loop(handler: Callable[..., Any]) -> Callable[..., int]:
    """The loop for this handler, compiled on its first call.

    It returns the last sequence handled, when ``control[0]`` is non-zero or nothing came within
    ``timeout_ns``.  Raises ConfigurationError for a handler that no import finds again.
    """
    function = getattr(handler, "py_func", handler)
    module, name = function.__module__, function.__qualname__
    if module == "__main__" or not name.isidentifier() or not hasattr(handler, "py_func"):
        raise ConfigurationError(
            f"handler {module}.{name} must be a @compiled function at the top of an importable "
            "module: its loop is compiled with it and cached by its name"
        )
    source = source_digest(Path(inspect.getfile(function)).resolve())
    digest = hashlib.sha256((source + _TEMPLATE).encode()).hexdigest()[:12]
    stem = f"loop_{module.replace('.', '_')}_{name}_{digest}"
    path = cache_directory() / "loops" / f"{stem}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{stem}.{os.getpid()}.{threading.get_ident()}.tmp")
        partial.write_text(_TEMPLATE.format(module=module, name=name), "utf-8")
        partial.replace(path)
    if stem in sys.modules:
        return _loop_of(sys.modules[stem])
    spec = importlib.util.spec_from_file_location(stem, path)
    assert spec is not None
    assert spec.loader is not None
    generated = importlib.util.module_from_spec(spec)
    sys.modules[stem] = generated
    spec.loader.exec_module(generated)
    return _loop_of(generated)


def _loop_of(generated: Any) -> Callable[..., int]:
    loop: Callable[..., int] = generated.run
    return loop
