"""The process around a handler that a topology names: what ``run`` is for those who own a loop.

    processes:
      enrich:
        handler: my.pipeline:enrich          # or make_handler, for one that needs the context
        reads: [trades]
        processor: {exceptions: log, batch_size_max: 256}

The handler is a function (called per event), or a ``PerBatch`` or ``Compiled`` at the top of a
module.  The process reads until it is told to stop and its ring is empty, or until the handler
halts.
"""

from __future__ import annotations

from typing import Any, Final

from disruptor.errors import ConfigurationError
from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.exception_handler import ExceptionHandler, Halt, Ignore, Log
from disruptor.processors.handler import Compiled, Handler, Lifecycle, PerBatch
from disruptor.processors.partition import Partition
from disruptor.processors.rewind import EventuallyGiveUp, PauseRewind, RewindStrategy, SimpleRewind
from disruptor.supervisor.child import ProcessContext
from disruptor.topology.model import Process, Processor
from disruptor.topology.reference import resolve

_TIMEOUT_NS: Final = 10_000_000
_EXCEPTION_HANDLERS: Final = {"halt": Halt, "ignore": Ignore, "log": Log}


def run(context: ProcessContext) -> None:
    """Run the handler of the context's process; for that process's main thread."""
    process = context.process
    (ring,) = process.reads
    chosen = process.processor
    processor = BatchEventProcessor(
        context.consumer(ring),
        _handler(context, process),
        exception_handler=_exception_handler(chosen),
        lifecycle=_lifecycle(chosen),
        rewind=_rewind(chosen),
        partition=_partition(chosen),
        batch_size_max=chosen.batch_size_max,
        timeout_ns=_TIMEOUT_NS,
    )
    context.ready()

    def goes_on() -> bool:
        context.beat()
        return not context.has_drained(ring)

    processor.run_while(goes_on)


def _handler(context: ProcessContext, process: Process) -> Handler:
    if process.make_handler is None:
        assert process.handler is not None, "the graph has refused a process without code"
        reference, found = process.handler, resolve(process.handler)
    else:
        reference, make = process.make_handler, resolve(process.make_handler)
        assert callable(make), "run_function has looked at it"
        found = make(context)
    if not isinstance(found, (PerBatch, Compiled)) and not callable(found):
        raise ConfigurationError(
            f"{reference}: found no handler; name a function, a PerBatch or a Compiled"
        )
    return found


def _exception_handler(chosen: Processor) -> ExceptionHandler:
    if chosen.exceptions in _EXCEPTION_HANDLERS:
        return _EXCEPTION_HANDLERS[chosen.exceptions]()
    return _instance(chosen.exceptions, ExceptionHandler)


def _lifecycle(chosen: Processor) -> Lifecycle | None:
    return None if chosen.lifecycle is None else _instance(chosen.lifecycle, Lifecycle)


def _rewind(chosen: Processor) -> RewindStrategy:
    if chosen.rewind.attempts_max is not None:
        return EventuallyGiveUp(chosen.rewind.attempts_max, chosen.rewind.pause_s)
    return PauseRewind(chosen.rewind.pause_s) if chosen.rewind.pause_s else SimpleRewind()


def _partition(chosen: Processor) -> Partition | None:
    share = chosen.partition
    return None if share is None else Partition(share.index, share.count, share.key)


def _instance(reference: str, kind: type[Any]) -> Any:
    """The object of that name and class, or one made of the class of that name."""
    found = resolve(reference)
    made = found() if isinstance(found, type) else found
    if not isinstance(made, kind):
        raise ConfigurationError(f"{reference}: found no {kind.__name__}; name one")
    return made
