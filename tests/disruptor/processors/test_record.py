"""Records: fields as numpy would give them, over the very memory of the slots."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from disruptor.processors import record
from disruptor.processors.record import Records, record_class

SCALARS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]
OTHERS = ["S5", "U3", ">i4", "(3,)i2", "M8[ns]", "c16"]


@st.composite
def layouts(draw: st.DrawFn) -> np.dtype[Any]:
    kinds = draw(st.lists(st.sampled_from(SCALARS + OTHERS), min_size=1, max_size=6))
    align = draw(st.booleans())
    return np.dtype([(f"f{at}", kind) for at, kind in enumerate(kinds)], align=align)


@given(layouts(), st.data())
def test_fields_read_and_write_as_numpys(event: np.dtype[Any], data: st.DataObject) -> None:
    elements = arrays.from_dtype(event, allow_nan=False)
    slots = data.draw(arrays.arrays(event, 4, elements=elements))
    others = data.draw(arrays.arrays(event, 4, elements=elements))
    records = Records(slots).between(4, 7)
    assert event.names is not None
    for name in event.names:
        for at, each in enumerate(records):
            np.testing.assert_array_equal(each[name], slots[name][at])
            np.testing.assert_array_equal(getattr(each, name), slots[name][at])
            each[name] = others[name][at]

    np.testing.assert_array_equal(slots, others)


def test_nested_records_are_numpys() -> None:
    slots = np.zeros(2, [("at", [("x", "i4"), ("y", "i4")]), ("n", "i8")])
    second = Records(slots).between(1, 1)[0]
    second.at["y"] = 7
    second.n = 9

    assert slots.tolist() == [((0, 0), 0), ((0, 7), 9)]


def test_overlapping_fields_see_each_other() -> None:
    slots = np.zeros(
        2, {"names": ["whole", "low"], "formats": ["u8", "u4"], "offsets": [0, 0], "itemsize": 16}
    )
    (first,) = Records(slots).between(0, 0)
    first.whole = 2**32 + 5

    assert first.low == 5


def test_a_misspelt_field_is_refused() -> None:
    made = record_class(np.dtype([("price", "i8")])).from_buffer(bytearray(8))
    with pytest.raises(AttributeError):
        made["prize"] = 1
    with pytest.raises(AttributeError):
        made.prize  # noqa: B018


@pytest.mark.parametrize("kept", [True, False])
def test_the_range_wraps_at_the_rings_end(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "RECORDS_MAX", 8 if kept else 4)
    slots = np.zeros(8, [("n", "i8")])
    slots["n"] = range(8)
    records = Records(slots)

    assert [each.n for each in records.between(22, 25)] == [6, 7, 0, 1]
    assert [each.n for each in records.between(8, 15)] == [*range(8)]


def test_events_without_fields_are_plain_values() -> None:
    assert Records(np.arange(4, dtype=np.int64)).between(3, 4) == [3, 0]
