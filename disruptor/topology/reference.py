"""Looks up what a topology names as ``package.module:NAME``: event layouts and run functions.

Only the process that needs an object imports it, so reading a topology costs no imports.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np

from disruptor.errors import ConfigurationError
from disruptor.topology.mistakes import did_you_mean
from disruptor.topology.model import Process, Ring

HANDLER_PROCESS: Final = "disruptor.supervisor.handler_process:run"
"""What runs a process that is given by its handler; named, since it stands on floors above."""


def event_dtype(ring: Ring) -> np.dtype[Any]:
    """The layout of a ring's events; raises ConfigurationError if it is no dtype."""
    found = resolve(ring.event)
    if not isinstance(found, np.dtype):
        raise ConfigurationError(f"{ring.event}: found no numpy dtype; name one")
    return found


def run_function(process: Process) -> Callable[..., Any]:
    """The function that a process runs; raises ConfigurationError for what is not there.

    What a handler process names besides is looked up too, so that nothing starts in vain.
    """
    for named in (process.handler, process.processor.lifecycle, process.processor.exceptions):
        if named is not None and ":" in named:
            resolve(named)
    if process.make_handler is not None:
        _function(process.make_handler)
    return _function(process.run or HANDLER_PROCESS)


def _function(reference: str) -> Callable[..., Any]:
    found = resolve(reference)
    if not callable(found):
        raise ConfigurationError(f"{reference}: found nothing that can be called; name a function")
    return found


def resolve(reference: str) -> object:
    """What ``package.module:NAME`` stands for; raises ConfigurationError if there is none.

    An error inside of the module itself is not caught: it is no mistake of the topology.
    """
    module_name, _, name = reference.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(
            f"{reference}: there is no module {error.name}; write package.module:NAME"
        ) from None
    if not hasattr(module, name):
        near = did_you_mean(name, vars(module))
        raise ConfigurationError(f"{reference}: {module_name} has no {name}{near}")
    found: object = getattr(module, name)
    return found
