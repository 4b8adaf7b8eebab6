"""Looks at a live ring from outside, and says what an operator asks: who is behind, who is dead?

It maps the segment read-only and reads plain words, so it needs no compiled code and disturbs
nobody; rates come from two looks.  ``python -m disruptor`` is its face.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from disruptor.errors import LayoutMismatchError
from disruptor.memory.process_identity import ProcessIdentity
from disruptor.memory.segment import HEADER_BYTES, PAGE_BYTES
from disruptor.memory.segment_view import SegmentInfo, SegmentView
from disruptor.ring import layout, status
from disruptor.ring.status import ConsumerStatus, ProducerStatus, RingStatistics


@dataclass(frozen=True)
class Rates:
    """Per second, between two looks."""

    published: float
    stalls: float
    consumers: dict[str, float]


@dataclass(frozen=True)
class Inspection:
    """A ring at one moment, with the rates of the moment before."""

    segment: SegmentInfo
    event: dict[str, str]  # field: format and offset
    event_bytes: int
    fingerprint: str
    is_multi_producer: bool
    at: RingStatistics
    rates: Rates


class RingView:
    """A ring that is mapped read-only."""

    def __init__(self, name: str) -> None:
        """Raises SegmentError, or LayoutMismatchError for what is no ring of this version."""
        self._view = SegmentView(name)
        info = self._view.info
        if (info.kind, info.version) != (layout.KIND, layout.VERSION):
            raise LayoutMismatchError(
                f"shared memory {name!r} holds kind={info.kind!r} version={info.version}; "
                f"expected kind={layout.KIND!r} version={layout.VERSION}"
            )
        header = self._view.array(layout.RING_HEADER, 1, HEADER_BYTES)[0]
        self.capacity = int(header["capacity"])
        self.is_multi_producer = bool(header["multi_producer"])
        self.fingerprint = bytes(header["fingerprint"]).decode()
        size = int(header["description_bytes"])
        text = self._view.array("u1", size, layout.description_offset()).tobytes()
        self.event = layout.event_from(text)
        self._words = self._view.array("i8", layout.WORD_COUNT, PAGE_BYTES)

    @property
    def info(self) -> SegmentInfo:
        """The segment's own header."""
        return self._view.info

    def statistics(self) -> RingStatistics:
        """The ring now."""
        return status.statistics_of(
            self.info.name, self._words, self.capacity, self.is_multi_producer
        )


def inspect(name: str, interval_s: float = 0.2) -> Inspection:
    """Look twice at a ring, ``interval_s`` apart."""
    ring = RingView(name)
    before, start = ring.statistics(), time.monotonic()
    time.sleep(interval_s)
    now, elapsed = ring.statistics(), max(time.monotonic() - start, 1e-9)
    were = {each.name: each.sequence for each in before.consumers}
    fields: Any = ring.event.fields or {"": (ring.event, 0)}
    return Inspection(
        segment=ring.info,
        event={field: f"{kind.str} at {at}" for field, (kind, at, *_) in fields.items()},
        event_bytes=ring.event.itemsize,
        fingerprint=ring.fingerprint,
        is_multi_producer=ring.is_multi_producer,
        at=now,
        rates=Rates(
            published=(now.cursor - before.cursor) / elapsed,
            stalls=(now.stalls - before.stalls) / elapsed,
            consumers={
                each.name: (each.sequence - were[each.name]) / elapsed
                for each in now.consumers
                if each.name in were
            },
        ),
    )


def as_json(seen: Inspection) -> dict[str, Any]:
    """Everything, as plain values; consumers with their lag, rate and whether they live."""
    told = asdict(seen)
    told["segment"]["owner_is_alive"] = seen.segment.owner_is_alive
    for row, consumer in zip(told["at"]["consumers"], seen.at.consumers, strict=True):
        row["lag"] = seen.at.cursor - consumer.sequence
        row["rate"] = seen.rates.consumers.get(consumer.name, 0.0)
        row["owner_is_alive"] = consumer.owner.is_alive()
    for row, producer in zip(told["at"]["producers"], seen.at.producers, strict=True):
        row["owner_is_alive"] = producer.owner.is_alive()
    del told["rates"]["consumers"]
    return told


def as_text(seen: Inspection) -> str:
    """The same for a person."""
    at, segment = seen.at, seen.segment
    kind = "several producers" if seen.is_multi_producer else "single producer"
    fields = ", ".join(f"{name or 'value'} {what}" for name, what in seen.event.items())
    lines = [
        (
            f"{segment.name}: {at.capacity} slots of {seen.event_bytes} bytes, {kind}, "
            f"layout {segment.version}, {segment.size} bytes, owner {_who(segment.owner)}"
        ),
        f"  event      {fields}  ({seen.fingerprint})",
        (
            f"  cursor     {at.cursor}  {seen.rates.published:,.0f}/s, "
            f"{at.remaining_capacity} free, {at.in_flight} in flight, "
            f"{at.stalls} stalls ({seen.rates.stalls:,.0f}/s), {at.voided} void"
        ),
        f"  consumers  {at.evicted} evicted, {at.removed} removed dead, {at.replaced} replaced",
    ]
    lines += [_consumer(each, seen) for each in at.consumers]
    if seen.is_multi_producer:
        lines.append("  producers")
        lines += [_producer(each) for each in at.producers]
    return "\n".join(lines)


def _consumer(each: ConsumerStatus, seen: Inspection) -> str:
    policy = f"evict beyond {each.lag_max}" if each.policy == "evict" else each.policy
    notes = [f"after {', '.join(each.after)}"] if each.after else []
    notes += ["EVICTED"] if each.is_evicted else []
    notes += ["reserved"] if each.is_reserved else []
    notes += [f"{each.gaps} missed"] if each.policy == "tap" else []
    return (
        f"    {each.name:<20} at {each.sequence}, {seen.at.cursor - each.sequence} behind, "
        f"{seen.rates.consumers.get(each.name, 0.0):,.0f}/s, {each.waits} waits, {policy}, "
        f"{_who(each.owner)}" + "".join(f", {note}" for note in notes)
    )


def _producer(each: ProducerStatus) -> str:
    claim = (
        f"claims {each.low} to {each.high}, {each.unpublished} unpublished" if each.low else "idle"
    )
    return f"    {each.name:<20} {claim}, {_who(each.owner)}"


def _who(owner: ProcessIdentity) -> str:
    return f"pid {owner.pid}" + ("" if owner.is_alive() else " (DEAD)")
