"""What a consumer does with events: one meaning in three tiers, chosen by what one passes in.

    a callable (event, sequence, end_of_batch)      Python, once an event
    PerBatch(callable (events, first_sequence))     Python, once a batch, zero-copy numpy view
    Compiled(function, state)                       never enters the interpreter

All three see every event once and in order; the processor advances its sequence after each batch.
How a handler says that something is out of the ordinary, and what follows (the exception handler
and the rewind strategy are the processor's):

    Python tiers raise          Compiled returns    what follows
    nothing                     None or OK (0)      the event is handled
    RewindableError             REWIND (-1)         the rewind strategy: the batch again, or a failure
    HaltError                   HALT (-2)           the event is handled, then ``run`` returns
    EventFailedError            any other number    the exception handler: skip the event, or halt
    any other Exception         an exception        the exception handler likewise

A void event (its producer died, or its translator raised) is shown to no handler: the batch ends
in front of it, and the next one begins behind it.

A failure ends its batch: what comes after it in the ring begins a new one.  A ``PerBatch`` handler
fails for its whole batch, unless it names an event with ``EventFailedError(sequence)``: then those
before count as handled, and those after come again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from numpy.typing import NDArray

OK: Final = 0
REWIND: Final = -1
HALT: Final = -2


class EventHandler(Protocol):
    """Called for each event, in the processor's thread.

    ``event`` is a view of the slot, valid during the call: ``event.price`` and ``event["price"]``
    read and write the field (see record.py).
    """

    def __call__(self, event: Any, sequence: int, end_of_batch: bool, /) -> None: ...


@dataclass(frozen=True)
class PerBatch:
    """Call ``function(events, first_sequence)`` in the processor's thread, once a batch.

    The array is a view of the slots, valid during the call.  The ring's end is also a batch's.
    In a partition (partition.py) the second argument is an array: the sequence of each event.
    """

    function: Callable[[NDArray[Any], Any], None]


@dataclass(frozen=True)
class Compiled:
    """Call the compiled ``function(state, event, sequence, end_of_batch)``.

    It runs in a loop in the processor's thread, without the GIL.

    ``function`` is decorated with ``numba.njit`` or ``@compiled`` and stands at module level in an
    importable file, because the loop around it is compiled together with it and found in the
    cache by its name.  ``state`` is an array, a structured array or a named tuple of arrays that
    both sides share.  The function returns nothing, or a code: see the module's table.
    """

    function: Callable[..., Any]
    state: Any


Handler = EventHandler | PerBatch | Compiled


class EventFailedError(Exception):
    """One event could not be handled: raised in a handler's thread, or made of a compiled one's code."""

    def __init__(self, sequence: int, code: int = 0, reason: str = "") -> None:
        super().__init__(reason or f"event {sequence} could not be handled (code={code})")
        self.sequence = sequence
        self.code = code


class HaltError(Exception):
    """Raised by a handler, in its thread, to end ``run`` after this event (or batch) as handled."""


class Lifecycle:
    """What a processor tells its owner, in its own thread; override what is of interest.

    An error in ``on_start`` or ``on_shutdown`` goes to the exception handler's method of the same
    name; one in the others to ``on_event``, with the next sequence and no event.
    """

    def on_start(self) -> None:
        """Before the first wait."""

    def on_batch_start(self, size: int, queue_depth: int) -> None:
        """Before a batch of ``size`` events, of ``queue_depth`` that are ready."""

    def on_idle(self) -> None:
        """Everything ready is handled: once, before the processor begins to wait."""

    def on_timeout(self, sequence: int) -> None:
        """Nothing came after ``sequence`` within the processor's timeout; again after each."""

    def on_shutdown(self) -> None:
        """After the last event, also when the processor failed."""
