"""A ring and the handlers around it, in one breath.

    disruptor = Disruptor(EVENT, 1024)
    disruptor.handle_events_with(journal, replicate).then(apply)
    with disruptor:
        disruptor.publish(price=100, quantity=1)

Each handler gets a consumer and a processor of its own, in a thread (compiled handlers and
numpy then run beside each other) or in a forked process.  Handlers that nobody is behind gate the
producers.  The end of the ``with`` block drains: everything published is handled, then all stop.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from disruptor.dsl.graph import HandlerGraph, Node, circle
from disruptor.dsl.workers import ProcessWorker, ThreadWorker, Worker
from disruptor.errors import DisruptorError, GraphError, ProcessFailedError, WaitTimeoutError
from disruptor.processors.batch_event_processor import BatchEventProcessor
from disruptor.processors.exception_handler import ExceptionHandler
from disruptor.processors.handler import Compiled, Handler, Lifecycle
from disruptor.processors.partition import Partition
from disruptor.processors.rewind import RewindStrategy
from disruptor.processors.tiers import warm_up
from disruptor.ring import layout
from disruptor.ring.gating import consumer_word
from disruptor.ring.ring_buffer import Producer, RingBuffer
from disruptor.ring.wait_strategy import WaitStrategy, wait_strategy

_POLL_S: Final = 0.001
_ROOM_NS: Final = 50_000_000
_numbers = itertools.count()


HandlerOrFunction = Handler | Callable[..., Any]
"""A handler that was added, named by itself or by the function that it wraps."""


class Options(TypedDict, total=False):
    """What ``configure`` takes for one handler; all but the first two are its processor's."""

    name: str
    wait: WaitStrategy | str
    exception_handler: ExceptionHandler
    lifecycle: Lifecycle
    rewind: RewindStrategy
    partition: Partition
    batch_size_max: int
    timeout_ns: int


class HandlerGroup:
    """Handlers side by side, to put others behind them; for the thread that builds the graph."""

    def __init__(self, disruptor: Disruptor, nodes: tuple[Node, ...]) -> None:
        self._disruptor = disruptor
        self._nodes = nodes

    def then(self, *handlers: Handler) -> HandlerGroup:
        """Add handlers that see an event when all of this group are done with it."""
        return self._disruptor._add(handlers, self._nodes)

    def handle_events_with(self, *handlers: Handler) -> HandlerGroup:
        """The same as ``then``, for after ``after``."""
        return self.then(*handlers)

    def and_(self, other: HandlerGroup) -> HandlerGroup:
        """This group and another one as one."""
        if other._disruptor is not self._disruptor:
            raise GraphError("the two groups belong to different rings; join groups of one ring")
        return HandlerGroup(self._disruptor, tuple(dict.fromkeys((*self._nodes, *other._nodes))))


class Disruptor:
    """Builds a graph of handlers, then runs it once.

    Built, started and ended by one thread.  ``publish`` and ``producer`` are for one thread with
    ``producer="single"``, and for any thread, and any process forked later, with ``"multi"``.
    """

    def __init__(
        self,
        event: np.dtype[Any],
        capacity: int,
        *,
        producer: Literal["single", "multi"] = "single",
        wait: WaitStrategy | str = "adaptive",
        run_in: Literal["threads", "processes"] = "threads",
        exception_handler: ExceptionHandler | None = None,
        name: str | None = None,
    ) -> None:
        """``wait`` and ``exception_handler`` are for all handlers that ``configure`` gives no other.

        ``name``: the ring's, for other programs to attach to; by default one of this process.
        """
        for what, value, known in (
            ("producer", producer, ("single", "multi")),
            ("run_in", run_in, ("threads", "processes")),
        ):
            if value not in known:
                raise GraphError(f"{what}={value!r} is unknown; use {' or '.join(known)}")
        self.name = name or f"disruptor.{os.getpid()}.{next(_numbers)}"
        self._event = event
        self._capacity = capacity
        self._multi_producer = producer == "multi"
        self._wait = wait_strategy(wait) if isinstance(wait, str) else wait
        self._in_threads = run_in == "threads"
        self._exception_handler = exception_handler
        self._graph = HandlerGraph()
        self._options: dict[Node, Options] = {}
        self._writes: dict[Node, list[Disruptor]] = {}
        self._ring: RingBuffer | None = None
        self._workers: dict[Node, Worker] = {}
        self._producers: dict[tuple[int, int], Producer] = {}
        self._has_ended = False

    # -- the graph ---------------------------------------------------------------------------

    def handle_events_with(self, *handlers: Handler) -> HandlerGroup:
        """Add handlers that see every event as soon as it is published, beside each other.

        GraphError for a handler that is in the graph already, and once started.
        """
        return self._add(handlers, ())

    def after(self, *handlers: HandlerOrFunction) -> HandlerGroup:
        """The group of handlers that were added before; GraphError for one that was not."""
        return HandlerGroup(self, tuple(self._graph.node(handler) for handler in handlers))

    def configure(self, handler: HandlerOrFunction, **options: Unpack[Options]) -> Disruptor:
        """Give a handler that was added its own name, exception handler, batch size and so on."""
        self._refuse_if_started("configured")
        node = self._graph.node(handler)
        unknown = set(options) - set(Options.__annotations__)
        if unknown:
            known = ", ".join(Options.__annotations__)
            raise GraphError(f"{sorted(unknown)[0]} is no option of a handler; those are: {known}")
        if "name" in options:
            self._graph.rename(node, options["name"])
        self._options.setdefault(node, {}).update(options)
        return self

    def declare_write(
        self, handler: HandlerOrFunction, into: Disruptor, *, blocking: bool = True
    ) -> None:
        """Say that a handler publishes into a ring, its own or another, so that circles are found.

        With ``blocking=False`` the handler promises never to wait for room (``try_next``).  Raises
        GraphError when the write closes a circle of blocking writes, which can fill up for ever.
        """
        self._refuse_if_started("connected")
        node = self._graph.node(handler)
        if not blocking:
            return
        self._writes.setdefault(node, []).append(into)
        found = circle(_arrows(self))
        if found:
            self._writes[node].pop()
            text = " → ".join((*found, found[0]))
            raise GraphError(
                f"the circle {text} can fill up and stop for ever; declare one of its writes "
                "blocking=False, and never wait for room there"
            )

    # -- running -----------------------------------------------------------------------------

    @property
    def ring(self) -> RingBuffer:
        """The ring, once started; it may be used by any process and thread."""
        if self._ring is None:
            raise DisruptorError(f"disruptor {self.name!r} does not run; start it first")
        return self._ring

    def start(self) -> RingBuffer:
        """Make the ring, register all consumers, and start a processor for each handler."""
        self._refuse_if_started("started again")
        if not len(self._graph):
            raise GraphError(f"disruptor {self.name!r} has no handler; add one before it starts")
        ring = RingBuffer.create(
            self.name, self._event, self._capacity, multi_producer=self._multi_producer
        )
        self._ring = ring
        try:
            leaves = self._graph.leaves()
            for node in self._graph:
                ring.register_consumer(node.name, start=0, gates=node in leaves)
            self._workers = {node: self._worker(node, ring) for node in self._graph}
            for worker in self._workers.values():
                worker.start()
        except BaseException:
            self.halt()
            raise
        return ring

    def producer(self) -> Producer:
        """A producer for the calling thread, made at its first call."""
        me = os.getpid(), threading.get_ident()
        if me not in self._producers:
            if self._producers and not self._multi_producer:
                raise DisruptorError(
                    f"disruptor {self.name!r} has a single producer, the thread that published "
                    'first; make it with producer="multi"'
                )
            self._producers[me] = self.ring.producer(self.name[-48:], self._wait)
        return self._producers[me]

    def publish(self, events: NDArray[Any] | None = None, /, **fields: Any) -> int:
        """Publish an array of events, or one event given by its fields; the last sequence.

        Waits for room.  Raises ProcessFailedError when a handler has failed: there would be none.
        """
        if events is None:
            events = np.zeros(1, self._event)
            for name, value in fields.items():
                events[name] = value
        elif fields:
            raise TypeError("publish takes an array of events or the fields of one, not both")
        producer, high = self.producer(), self.ring.cursor
        piece_max = max(1, self._capacity // 4)
        for begin in range(0, len(events), piece_max):
            high = self._write(producer, events[begin : begin + piece_max])
        return high

    def drain(self, timeout_s: float | None = None) -> None:
        """Wait until every handler is done with all that is published and that it will be given.

        A handler that has halted is not waited for, and those behind it only as far as it came.
        WaitTimeoutError names who is behind; ProcessFailedError a handler that failed.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while behind := self._behind():
            self._raise_failures()
            if self._multi_producer:
                self.ring.void_dead_claims()
            if deadline is not None and time.monotonic() >= deadline:
                raise WaitTimeoutError(
                    f"disruptor {self.name!r} was not drained in {timeout_s} s: the cursor is "
                    f"{self.ring.cursor}, {', '.join(behind)}"
                )
            time.sleep(_POLL_S)
        self._raise_failures()

    def shutdown(self, timeout_s: float | None = None) -> None:
        """Drain, then stop all handlers and remove the ring.

        On WaitTimeoutError everything still runs.  A handler that fails, also while it shuts
        down, is raised as ProcessFailedError after everything has been stopped.
        """
        try:
            self.drain(timeout_s)
        except ProcessFailedError:
            self.halt()
            raise
        self.halt()
        self._raise_failures()

    def halt(self) -> None:
        """Stop all handlers after the batch in hand and remove the ring; what is left is lost."""
        if self._ring is None or self._has_ended:
            return
        ring, self._has_ended = self._ring, True
        for producer in self._producers.values():
            producer.control[0] = 1
        for node, worker in self._workers.items():
            while not worker.join(_POLL_S):
                ring.view.words[consumer_word(ring.line_of(node.name), layout.ALERT)] = 1
                ring.wake_everybody()
        ring.unlink()
        ring.close()
        self._ring = None

    def failures(self) -> dict[str, BaseException]:
        """The handlers that failed so far, by name, and why."""
        ended = {node: worker for node, worker in self._workers.items() if worker.has_ended()}
        errors = {node.name: worker.failure() for node, worker in ended.items()}
        return {name: error for name, error in errors.items() if error is not None}

    def __enter__(self) -> Disruptor:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and not self._has_ended:
            self.shutdown()
        else:
            self.halt()

    # -- inside ------------------------------------------------------------------------------

    def _add(self, handlers: tuple[Handler, ...], after: tuple[Node, ...]) -> HandlerGroup:
        self._refuse_if_started("given handlers")
        return HandlerGroup(self, self._graph.add(handlers, after))

    def _refuse_if_started(self, what: str) -> None:
        if self._ring is not None or self._has_ended:
            raise GraphError(
                f"disruptor {self.name!r} was started already and cannot be {what}; "
                "build the whole graph first"
            )

    def _strategy_of(self, node: Node) -> WaitStrategy:
        chosen = self._options.get(node, {}).get("wait", self._wait)
        return wait_strategy(chosen) if isinstance(chosen, str) else chosen

    def _worker(self, node: Node, ring: RingBuffer) -> Worker:
        """A worker for a handler; what compiles does so now, before anything runs."""
        make = self._processor_maker(node, ring)
        if self._in_threads:
            return ThreadWorker(node.name, make().run)
        if isinstance(node.handler, Compiled):
            partition = self._options.get(node, {}).get("partition")
            warm_up(ring.view, node.handler, partition, self._strategy_of(node))
        return ProcessWorker(node.name, lambda: make().run())

    def _processor_maker(self, node: Node, ring: RingBuffer) -> Callable[[], BatchEventProcessor]:
        after = tuple(other.name for other in node.after)
        strategy = self._strategy_of(node)
        options: dict[str, Any] = {"exception_handler": self._exception_handler}
        options |= self._options.get(node, {})
        options.pop("name", None)
        options.pop("wait", None)

        def make() -> BatchEventProcessor:
            consumer = ring.consumer(node.name, after=after, strategy=strategy)
            return BatchEventProcessor(consumer, node.handler, **options)

        return make

    def _behind(self) -> list[str]:
        """The handlers that still have something to do, and where they are."""
        ring, targets, behind = self.ring, dict[Node, int](), []
        cursor = ring.cursor
        at = {each.name: each.sequence for each in ring.statistics().consumers}
        for node in self._graph:  # each stands behind those that it waits for
            sequence = at[node.name]
            target = min([cursor, *(targets[other] for other in node.after)])
            targets[node] = sequence if self._workers[node].has_ended() else target
            if sequence < targets[node]:
                behind.append(f"{node.name} at {sequence}")
        return behind

    def _write(self, producer: Producer, piece: NDArray[Any]) -> int:
        while True:
            try:
                return producer.write(piece, _ROOM_NS)
            except WaitTimeoutError:
                self._raise_failures()
                self._refuse_if_halted()

    def _refuse_if_halted(self) -> None:
        for node in self._graph:
            if self._workers[node].has_ended():
                raise ProcessFailedError(
                    f"disruptor {self.name!r} has no more room: handler {node.name} has halted"
                )

    def _raise_failures(self) -> None:
        for name, error in self.failures().items():
            if isinstance(error, ProcessFailedError):
                raise error
            raise ProcessFailedError(
                f"handler {name} failed: {type(error).__name__}: {error}"
            ) from error


def _arrows(start: Disruptor) -> dict[str, list[str]]:
    """Blocking writes between the rings that can be reached from one, by names."""
    arrows: dict[str, list[str]] = {}
    pending = [start]
    while pending:
        disruptor = pending.pop()
        ring = f"ring {disruptor.name}"
        if ring in arrows:
            continue
        arrows[ring] = []
        for node in disruptor._graph:
            handler = f"handler {node.name} of {disruptor.name}"
            arrows[ring].append(handler)
            arrows[handler] = [f"ring {other.name}" for other in disruptor._writes.get(node, [])]
            pending += disruptor._writes.get(node, [])
    return arrows
