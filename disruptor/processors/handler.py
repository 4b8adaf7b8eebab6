"""What a consumer does with events: one meaning in three tiers, chosen by what one passes in.

    a callable (event, sequence, end_of_batch)      Python, once an event
    PerBatch(callable (events, first_sequence))     Python, once a batch, zero-copy numpy view
    Compiled(function, state)                       never enters the interpreter

All three see every event once and in order; the processor advances its sequence after each batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray


class EventHandler(Protocol):
    """Called for each event; ``event`` is a view of the slot, valid during the call."""

    def __call__(self, event: Any, sequence: int, end_of_batch: bool, /) -> None: ...


@dataclass(frozen=True)
class PerBatch:
    """Call ``function(events, first_sequence)``; at the ring's end a batch comes in two parts."""

    function: Callable[[NDArray[Any], int], None]


@dataclass(frozen=True)
class Compiled:
    """Call the compiled ``function(state, event, sequence, end_of_batch)``.

    ``function`` is decorated with ``@compiled`` and stands at module level in an importable file,
    because the loop around it is compiled together with it and found in the cache by its name.
    ``state`` is an array or a named tuple of arrays that both sides share.
    """

    function: Callable[..., Any]
    state: Any


Handler = EventHandler | PerBatch | Compiled


class Lifecycle:
    """What a processor tells its owner; override what is of interest."""

    def on_start(self) -> None:
        """Before the first wait, in the processor's own thread or process."""

    def on_batch_start(self, size: int, available: int) -> None:
        """Before a batch of ``size`` events, of which ``available`` were ready."""

    def on_idle(self) -> None:
        """Nothing came within the processor's timeout."""

    def on_shutdown(self) -> None:
        """After the last event, also when the processor failed."""
