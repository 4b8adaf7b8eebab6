"""What follows from a topology's arrows, and why some topologies are impossible.

    feed ──► commands ──► titan ──► events ──► sentinel ──► risk ──► oracle
                 ▲                                 │
                 └──────── blocking: false ────────┘

A ring that is full stops its writers until its slowest reader moves on.  Along a circle of such
stops everybody can wait for everybody; so a circle needs one write that never stops its process
from reading (``blocking: false``), and this module finds each circle that has none.

Nothing here reads a file or knows a machine: it is a function of the model alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from disruptor.dsl.graph import circle as circle_in
from disruptor.errors import GraphError
from disruptor.topology.document import KeyPath, Mistake, key_text
from disruptor.topology.mistakes import did_you_mean
from disruptor.topology.model import CODE_KEYS, SHARED_RINGS, Topology


@dataclass(frozen=True)
class Graph:
    """Who writes, reads and waits; all tuples are in the order of the topology's processes."""

    processes: tuple[str, ...]
    readers: Mapping[str, tuple[str, ...]]
    writers: Mapping[str, tuple[str, ...]]
    blocking_writers: Mapping[str, tuple[str, ...]]
    waits: Mapping[tuple[str, str], tuple[str, ...]]

    @classmethod
    def of(cls, topology: Topology) -> Graph:
        """The graph of a topology; raises GraphError with everything that makes it impossible."""
        found = [f"{key_text(key)}: {text}" for key, text in mistakes(topology)]
        if found:
            raise GraphError("\n".join(found))
        return _graph(topology)

    def gating(self, ring: str) -> tuple[str, ...]:
        """The processes behind whose sequences the ring's producers stay.

        A reader that another reader waits for is always ahead of that one, so only the last in
        each line gates.
        """
        ahead = {other for (_, on), others in self.waits.items() if on == ring for other in others}
        return tuple(name for name in self.readers[ring] if name not in ahead)

    def dependencies(self, process: str, ring: str) -> tuple[str, ...]:
        """The processes that finish an event of ``ring`` before ``process`` sees it.

        Empty: it follows the ring's cursor alone.
        """
        return self.waits.get((process, ring), ())

    def upstream(self, process: str) -> tuple[str, ...]:
        """The processes without which this one gets nothing more to read."""
        found = {
            other
            for ring, readers in self.readers.items()
            if process in readers
            for other in (*self.writers[ring], *self.dependencies(process, ring))
        }
        return tuple(name for name in self.processes if name in found - {process})

    def drain_order(self) -> tuple[str, ...]:
        """Producers before their consumers; circles are cut at their non-blocking writes."""
        before: dict[str, set[str]] = {name: set() for name in self.processes}
        for ring, names in self.blocking_writers.items():
            for reader in self.readers[ring]:
                before[reader].update(names)
        for (name, _), others in self.waits.items():
            before[name].update(others)
        order: list[str] = []
        while len(order) < len(self.processes):
            left = [name for name in self.processes if name not in order]
            free = (name for name in left if not before[name] - {name} - set(order))
            order.append(next(free, left[0]))
        return tuple(order)

    def start_order(self) -> tuple[str, ...]:
        """Consumers before their producers, so that nothing is published to nobody."""
        return tuple(reversed(self.drain_order()))


def mistakes(topology: Topology) -> list[Mistake]:
    """Everything that makes this topology impossible, each at the key that has to change."""
    found = [*_unknown_rings(topology)]
    if found:
        return found
    found = [*_codes(topology), *_lonely_rings(topology), *_bad_waits(topology)]
    return found or [
        *_bad_lags(topology),
        *_wait_circles(topology),
        *_ring_circles(topology),
    ]


def _graph(topology: Topology) -> Graph:
    processes = topology.processes.items()
    return Graph(
        processes=tuple(topology.processes),
        readers={
            ring: tuple(name for name, each in processes if ring in each.reads)
            for ring in topology.rings
        },
        writers={
            ring: tuple(name for name, each in processes if ring in each.written())
            for ring in topology.rings
        },
        blocking_writers={
            ring: tuple(name for name, each in processes if ring in each.written(blocking=True))
            for ring in topology.rings
        },
        waits=_waits(topology),
    )


def _waits(topology: Topology) -> dict[tuple[str, str], tuple[str, ...]]:
    """For each process and ring, whom it waits for; `SHARED_RINGS` unfolded."""
    waits: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, process in topology.processes.items():
        for ring in process.reads:
            listed = set(process.after.get(ring, ()))
            for other in process.after.get(SHARED_RINGS, ()):
                if other in topology.processes and ring in topology.processes[other].reads:
                    listed.add(other)
            if listed:
                waits[name, ring] = tuple(each for each in topology.processes if each in listed)
    return waits


def _unknown_rings(topology: Topology) -> Iterator[Mistake]:
    for name, process in topology.processes.items():
        at = ("processes", name)
        named = [((*at, "reads", i), ring) for i, ring in enumerate(process.reads)]
        named += [((*at, "writes", i), each.ring) for i, each in enumerate(process.writes)]
        for key, ring in named:
            if ring not in topology.rings:
                known = ", ".join(topology.rings) or "none"
                near = did_you_mean(ring, topology.rings) or f"; rings are {known}"
                yield Mistake(key, f'found "{ring}", which is no ring{near}')
        for field, rings in (("reads", process.reads), ("writes", process.written())):
            for twice in sorted({ring for ring in rings if rings.count(ring) > 1}):
                yield Mistake((*at, field), f'found "{twice}" twice; name each ring once')


def _codes(topology: Topology) -> Iterator[Mistake]:
    """Each process has one piece of code, and a handler one ring."""
    for name, process in topology.processes.items():
        at = ("processes", name)
        codes = [key for key in CODE_KEYS if getattr(process, key) is not None]
        if not codes:
            yield Mistake(
                (*at, "run"), "missing; write the function to run, as package.module:function"
            )
        elif len(codes) > 1:
            yield Mistake((*at, codes[1]), f"found beside {codes[0]}; write one of the two")
        elif codes != ["run"] and len(process.reads) != 1:
            yield Mistake(
                (*at, codes[0]),
                f"found {len(process.reads)} rings to read; a handler reads one, and a function "
                "of your own, in run, any number",
            )
        elif codes == ["run"] and "processor" in process.model_fields_set:
            yield Mistake((*at, "processor"), "found beside run; it is for a handler's processor")
        share = process.processor.partition
        if share is not None and share.index >= share.count:
            yield Mistake(
                (*at, "processor", "partition", "index"),
                f"found {share.index} of {share.count}; write a number from 0 to count - 1",
            )


def _lonely_rings(topology: Topology) -> Iterator[Mistake]:
    graph = _graph(topology)
    for ring, settings in topology.rings.items():
        key = ("rings", ring)
        if not graph.writers[ring]:
            yield Mistake(key, f"no process writes it; add {ring} to the writes of one")
        if not graph.readers[ring]:
            yield Mistake(key, f"no process reads it; add {ring} to the reads of one")
        if settings.producers == "single" and len(graph.writers[ring]) > 1:
            names = " and ".join(graph.writers[ring])
            yield Mistake(
                key, f"found one producer allowed, but {names} write it; write producers: multi"
            )


def _bad_waits(topology: Topology) -> Iterator[Mistake]:
    for name, process in topology.processes.items():
        for on, others in process.after.items():
            key: KeyPath = ("processes", name, "after")
            if on != SHARED_RINGS:
                key = (*key, on)
            if on not in process.reads and on != SHARED_RINGS:
                near = did_you_mean(on, process.reads) or "; name a ring that it reads"
                yield Mistake(key, f'found "{on}", which {name} does not read{near}')
                continue
            for other in others:
                text = _bad_wait(topology, name, on, other)
                if text:
                    yield Mistake(key, f'found "{other}"{text}')


def _bad_wait(topology: Topology, name: str, on: str, other: str) -> str:
    if other not in topology.processes:
        near = did_you_mean(other, topology.processes)
        return f", which is no process{near}"
    if other == name:
        return ", which is the process itself; name another reader of the ring"
    rings = topology.processes[name].reads if on == SHARED_RINGS else (on,)
    if not set(rings) & set(topology.processes[other].reads):
        shared = "a ring in common" if on == SHARED_RINGS else on
        return f", which does not read {shared}; wait for a process that does"
    return ""


def _bad_lags(topology: Topology) -> Iterator[Mistake]:
    """A reader that may be detached: nobody waits for it, and it can be that far behind."""
    waits = _waits(topology)
    for name, process in topology.processes.items():
        key: KeyPath = ("processes", name, "lag_max")
        for ring in process.reads if process.lag_max else ():
            capacity = topology.rings[ring].capacity
            behind = [other for (other, on), names in waits.items() if on == ring and name in names]
            if behind:
                yield Mistake(
                    key, f"found {process.lag_max}, but {behind[0]} waits for it on {ring}; write 0"
                )
            elif process.lag_max >= capacity:
                yield Mistake(
                    key,
                    f"found {process.lag_max}, which {ring} with its {capacity} slots cannot hold; "
                    f"write a number from 1 to {capacity - 1}",
                )


def _wait_circles(topology: Topology) -> Iterator[Mistake]:
    waits = _waits(topology)
    for ring in topology.rings:
        arrows = {name: waits.get((name, ring), ()) for name in topology.processes}
        circle = circle_in(arrows)
        if circle:
            text = " waits for ".join((*circle, circle[0]))
            key = ("processes", circle[0], "after")
            yield Mistake(key, f"on {ring}, {text}: none could start; remove one of these waits")
            return


def _ring_circles(topology: Topology) -> Iterator[Mistake]:
    """The first circle of blocking writes; a process is a node, and so is a ring."""
    arrows: dict[str, tuple[str, ...]] = {}
    for name, process in topology.processes.items():
        arrows[f"process {name}"] = tuple(f"ring {ring}" for ring in process.written(blocking=True))
    for ring, readers in _graph(topology).readers.items():
        arrows[f"ring {ring}"] = tuple(f"process {name}" for name in readers)
    circle = circle_in(arrows)
    if not circle:
        return
    last = next(i for i, node in reversed([*enumerate(circle)]) if node.startswith("process "))
    names = [node.split()[1] for node in (*circle[last:], *circle[:last], circle[last])]
    writer, ring = names[:2]
    place = topology.processes[writer].written().index(ring)
    yield Mistake(
        ("processes", writer, "writes", place),
        f"the circle {' → '.join(names)} can fill up and stop for ever; write "
        f"{{ring: {ring}, blocking: false}} here, or make another of its writes non-blocking; "
        "the process of that write must go on reading while the ring is full",
    )
