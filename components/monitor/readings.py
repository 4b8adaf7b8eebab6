"""The counters of all processes as one list of series.

Several processes may share a role, as the shards of Titan do: each has a block of its own with the
same series, and what people want to see is their sum.  A gauge that only one of them knows, such as
the last price of a symbol, is absent in the others and adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from disruptor.memory.counters import Reading


def merged(blocks: Mapping[str, Sequence[Reading]]) -> list[Reading]:
    """Every series once, in the order in which it was first met."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Reading] = {}
    for reading in (each for block in blocks.values() for each in block):
        key = (reading.spec.name, reading.spec.labels)
        known = found.get(key)
        if known is None or known.is_absent:
            found[key] = reading
        elif not reading.is_absent:
            found[key] = _sum(known, reading)
    return list(found.values())


def of_metric(readings: Iterable[Reading], name: str) -> list[Reading]:
    """The series of one metric, in their order."""
    return [each for each in readings if each.spec.name == name]


def since(now: Reading, before: Reading | None) -> Reading:
    """A histogram's observations after ``before``; all of them when there is nothing before, when
    nothing came, or when its process began anew."""
    if before is None or len(before.words) != len(now.words):
        return now
    words = tuple(word - old for word, old in zip(now.words, before.words, strict=True))
    if min(words[:-1]) < 0 or not sum(words[:-1]):
        return now
    return replace(now, words=words)


def _sum(first: Reading, second: Reading) -> Reading:
    return replace(
        first, words=tuple(a + b for a, b in zip(first.words, second.words, strict=True))
    )
