"""Labelled counters, gauges and histograms in shared memory: one writer a block, any readers.

The hot path pays a load, an add and a store for a count; names, labels, units and exposition are
the reader's business.  A block describes itself, so a reader needs nothing but its name:

    byte 0     the segment's own header (`disruptor.memory.segment`)
        64     words: how many 8-byte words follow          72     bytes of the descriptor
       128     the words, int64
               counter, gauge   1 word
               histogram        one count a bound, one for what exceeds them all, the sum
         …     the descriptor: JSON, one object a metric, in the order of the words

Why plain stores are enough: each word is aligned, so that its 8 bytes are never seen torn, it has
one writer, so that no increment is lost, and no reader concludes from one word that another is
readable.  A histogram read between the stores of one observation has a sum that is ahead or behind
by that observation; its count is derived from its buckets and always agrees with them.

A block may outlive its writer: a process that is started again attaches and counts on, or makes
the block anew and counts from 0, which a rate takes for a restart.  Prior art: Agrona's
CountersManager; a histogram here is flat, so that bounds may be 1-2-5 decades, powers of two, or
anything else that ascends.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from disruptor.compiled import entry
from disruptor.errors import LayoutMismatchError, SegmentError
from disruptor.memory.process_identity import ProcessIdentity
from disruptor.memory.segment import Segment

KIND: Final = "counters"
LAYOUT_VERSION: Final = 1
WORDS_OFFSET: Final = 128

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"

ABSENT: Final = -(2**63)
"""A gauge's word that has no value now, e.g. the spread of an empty book; it is not exposed."""

Words = NDArray[np.int64]


@dataclass(frozen=True)
class CounterSpec:
    """One series: what its words mean to a reader.

    ``name`` carries no ``_total``.  ``scale`` turns words into the exposed unit.  ``bounds`` are
    the inclusive upper bounds of a histogram, in the word's own unit, and never descend;
    ``exposed_bounds`` is what they are called where the grid of words is too coarse to say it.
    Of fine bounds only each ``exposed_every``-th is exposed; quantiles use them all.
    """

    name: str
    kind: str
    help: str
    labels: tuple[tuple[str, str], ...] = ()
    scale: float = 1.0
    bounds: tuple[int, ...] = ()
    initially: int = 0
    exposed_bounds: tuple[float, ...] = ()
    exposed_every: int = 1

    def __post_init__(self) -> None:
        if self.kind not in (COUNTER, GAUGE, HISTOGRAM):
            raise ValueError(f"{self.name}: kind={self.kind!r} is not counter, gauge or histogram")
        if (self.kind == HISTOGRAM) != bool(self.bounds):
            raise ValueError(f"{self.name}: bounds belong to a histogram, and every one needs them")
        if any(low > high for low, high in itertools.pairwise(self.bounds)):
            raise ValueError(f"{self.name}: bounds={self.bounds} descend")
        called = self.exposed_bounds or tuple(self.exposed(bound) for bound in self.bounds)
        ascend = all(low < high for low, high in itertools.pairwise(called))
        if len(called) != len(self.bounds) or not ascend:
            raise ValueError(
                f"{self.name}: exposed bounds {called} must ascend, one for each of {self.bounds}"
            )

    @property
    def word_count(self) -> int:
        """8-byte words that the series takes."""
        return len(self.bounds) + 2 if self.kind == HISTOGRAM else 1

    @property
    def key(self) -> tuple[str, frozenset[tuple[str, str]]]:
        """What names the series; the order of labels does not."""
        return self.name, frozenset(self.labels)

    def exposed(self, word: int) -> float:
        """A word in the exposed unit: 3 words of 0.1 are 0.3, not 0.30000000000000004."""
        return float(word * Decimal(repr(self.scale)))


@dataclass(frozen=True)
class Reading:
    """A series and its words at one moment."""

    spec: CounterSpec
    words: tuple[int, ...]

    @property
    def is_absent(self) -> bool:
        """Whether a gauge has no value now."""
        return self.spec.kind == GAUGE and self.words[0] == ABSENT

    @property
    def value(self) -> float:
        """A counter's or gauge's value in the exposed unit."""
        return self.spec.exposed(self.words[0])

    @property
    def count(self) -> int:
        """How many observations a histogram holds."""
        return sum(self.words[:-1])

    @property
    def sum(self) -> float:
        """What a histogram's observations add up to, in the exposed unit."""
        return self.spec.exposed(self.words[-1])

    @property
    def cumulative_buckets(self) -> list[tuple[float, int]]:
        """(upper bound, observations at or below it), the last bound infinite."""
        spec = self.spec
        called = spec.exposed_bounds or (spec.exposed(bound) for bound in spec.bounds)
        bounds = [*called, float("inf")]
        return list(zip(bounds, itertools.accumulate(self.words[:-1]), strict=True))

    @property
    def exposed_buckets(self) -> list[tuple[float, int]]:
        """The cumulative buckets that are exposed: the first, each so-many-th, the infinite one."""
        buckets = self.cumulative_buckets
        return [*buckets[:-1][:: self.spec.exposed_every], buckets[-1]]

    def quantile(self, fraction: float) -> float:
        """The upper bound of the bucket that holds this fraction; NaN when there is none."""
        total = self.count
        for bound, seen in self.cumulative_buckets:
            if total and seen >= fraction * total:
                return bound
        return float("nan")


class CounterBlock:
    """The words of one writing process and what they mean.

    The owner creates it; the one writer and all readers attach.  The writer hands ``words``,
    offsets and bounds to the compiled functions of this module.
    """

    def __init__(self, segment: Segment, specs: Sequence[CounterSpec]) -> None:
        self._segment = segment
        self.specs = tuple(specs)
        counts = [spec.word_count for spec in self.specs]
        self._starts = list(itertools.accumulate(counts, initial=0))
        self._offsets = dict(zip((spec.key for spec in self.specs), self._starts, strict=False))
        self._by_key = {spec.key: spec for spec in self.specs}
        self.words: Words = segment.array(np.int64, self._starts[-1], WORDS_OFFSET)

    @classmethod
    def create(cls, name: str, specs: Sequence[CounterSpec]) -> CounterBlock:
        """Allocate the block, its words at ``initially``; raises SegmentError, or ValueError when
        two series have one name and one set of labels."""
        keys = [spec.key for spec in specs]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(f"two series are named {twice[0]} with labels {dict(twice[1])}")
        descriptor = json.dumps([asdict(spec) for spec in specs]).encode()
        word_count = sum(spec.word_count for spec in specs)
        descriptor_offset = WORDS_OFFSET + 8 * word_count
        segment = Segment.create(name, KIND, LAYOUT_VERSION, descriptor_offset + len(descriptor))
        sizes = segment.array(np.int64, 2, 64)
        sizes[0], sizes[1] = word_count, len(descriptor)
        text = segment.array(np.uint8, len(descriptor), descriptor_offset)
        text[:] = np.frombuffer(descriptor, np.uint8)
        block = cls(segment, specs)
        for spec, start in zip(specs, block._starts, strict=False):
            block.words[start] = spec.initially
        segment.publish()
        return block

    @classmethod
    def attach(cls, name: str) -> CounterBlock:
        """Map an existing block; raises SegmentError or LayoutMismatchError."""
        segment = Segment.attach(name, KIND, LAYOUT_VERSION)
        word_count, descriptor_bytes = (int(size) for size in segment.array(np.int64, 2, 64))
        text = segment.array(np.uint8, descriptor_bytes, WORDS_OFFSET + 8 * word_count)
        specs = [_spec_from(row) for row in json.loads(text.tobytes())]
        if sum(spec.word_count for spec in specs) != word_count:
            raise LayoutMismatchError(
                f"shared memory {name!r} holds {word_count} words and describes "
                f"{sum(spec.word_count for spec in specs)}"
            )
        return cls(segment, specs)

    @classmethod
    def continued(cls, name: str, specs: Sequence[CounterSpec]) -> CounterBlock:
        """The block of a dead predecessor, which goes on counting where that one stopped; else a
        new one."""
        with contextlib.suppress(SegmentError):
            block = cls.attach(name)
            if block.specs == tuple(specs) and block._segment.adopt():
                return block
            block.close()
        return cls.create(name, specs)

    @property
    def name(self) -> str:
        """The segment's name."""
        return self._segment.name

    @property
    def owner(self) -> ProcessIdentity:
        """The process that created the block."""
        return self._segment.owner

    def offset(self, metric: str, /, **labels: str) -> int:
        """The first word of a series; raises KeyError naming what the block does hold."""
        key = (metric, frozenset(labels.items()))
        if key not in self._offsets:
            held = [dict(spec.labels) for spec in self.specs if spec.name == metric]
            raise KeyError(f"{self.name} has no {metric} with labels {labels}; it has {held[:20]}")
        return self._offsets[key]

    def offsets(self, metric: str, /, **labels: Sequence[str]) -> Words:
        """First words of a family, one axis a label in the order given, e.g. indexed by
        [symbol, result]; for handlers that count by a code."""
        shape = tuple(len(values) for values in labels.values())
        found = [
            self.offset(metric, **dict(zip(labels, values, strict=True)))
            for values in itertools.product(*labels.values())
        ]
        return np.array(found, np.int64).reshape(shape)

    def bounds(self, metric: str, /, **labels: str) -> Words:
        """A histogram's bounds, for ``observe``."""
        self.offset(metric, **labels)
        spec = self._by_key[metric, frozenset(labels.items())]
        return np.array(spec.bounds, np.int64)

    def read(self) -> list[Reading]:
        """All series now, in the order in which they were specified; for any process."""
        words: list[int] = self.words.tolist()
        ends = self._starts[1:]
        return [
            Reading(spec, tuple(words[start:end]))
            for spec, start, end in zip(self.specs, self._starts, ends, strict=False)
        ]

    def close(self) -> None:
        """Drop this process's mapping; ``words`` must not be used afterwards."""
        self.words = np.empty(0, np.int64)
        self._segment.close()

    def unlink(self) -> None:
        """Remove the name; the owner's duty, after all writers have stopped."""
        self._segment.unlink()


def _spec_from(row: Mapping[str, Any]) -> CounterSpec:
    labels = tuple((str(name), str(value)) for name, value in row["labels"])
    bounds, called = tuple(row["bounds"]), tuple(row["exposed_bounds"])
    return CounterSpec(**{**row, "labels": labels, "bounds": bounds, "exposed_bounds": called})


def decades(first: int, last: int) -> tuple[int, ...]:
    """Bounds 1, 2, 5 of each decade, from ``first`` to ``last``, both included if of that form."""
    bounds = []
    power = 1
    while power <= last:
        bounds += [step * power for step in (1, 2, 5) if first <= step * power <= last]
        power *= 10
    return tuple(bounds)


def powers_of_two(first: int, count: int) -> tuple[int, ...]:
    """``count`` bounds, each twice the one before."""
    return tuple(first << power for power in range(count))


@entry
def add(words: Words, offset: int, amount: int) -> None:
    """Add to a counter or gauge.  The block's writer alone."""
    words[np.uint64(offset)] += amount


@entry
def put(words: Words, offset: int, value: int) -> None:
    """Set a gauge.  The block's writer alone."""
    words[np.uint64(offset)] = value


@entry
def observe(words: Words, offset: int, bounds: Words, value: int) -> None:
    """Count ``value`` in the first bucket whose bound is not below it.  The block's writer alone;
    at most log2(len(bounds)) + 1 comparisons."""
    observe_many(words, offset, bounds, value, 1)


@entry
def observe_many(words: Words, offset: int, bounds: Words, value: int, times: int) -> None:
    """Count ``times`` observations of one value, e.g. each event's share of a batch's time."""
    low, high = 0, len(bounds)
    while low < high:
        middle = (low + high) >> 1
        if bounds[np.uint64(middle)] < value:
            low = middle + 1
        else:
            high = middle
    words[np.uint64(offset + low)] += times
    words[np.uint64(offset + len(bounds) + 1)] += value * times


@entry
def observe_each(words: Words, offset: int, bounds: Words, values: Words) -> None:
    """Count every one of ``values``, shape (n,)."""
    for value in values:
        observe_many(words, offset, bounds, value, 1)
