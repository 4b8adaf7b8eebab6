"""A journal's layouts come back from their text exactly as compiled kernels need them."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from components.messages.command import COMMAND
from components.messages.event import EVENT
from components.messages.risk import RISK
from components.oracle.store import JournalLayoutError
from components.oracle.store.dtype_text import fingerprint, from_text, to_text, to_words
from tests.components.oracle.store.samples import ORDER, PLAIN

NESTED = np.dtype([("inner", ORDER, (2, 3)), ("last", ">i2")])


@pytest.mark.parametrize(
    "dtype", [COMMAND, EVENT, RISK, ORDER, PLAIN, NESTED, np.dtype("<f8"), np.dtype("S5")]
)
def test_a_dtype_comes_back_from_its_text(dtype: np.dtype) -> None:
    back = from_text(to_text(dtype))

    assert dtype == back
    assert dtype.isalignedstruct == back.isalignedstruct
    assert to_text(dtype) == to_text(back)


def test_a_compiled_kernel_sees_the_same_type() -> None:
    assert numba.from_dtype(COMMAND) == numba.from_dtype(from_text(to_text(COMMAND)))


def test_fingerprints_differ_when_a_field_is_renamed() -> None:
    renamed = np.dtype([("ts", "<i8"), ("count", "<i8"), ("kind", "u1")], align=True)

    assert fingerprint(to_text(ORDER)) != fingerprint(to_text(renamed))


@pytest.mark.parametrize("dtype", [np.dtype(object), np.dtype([("a", object)]), np.dtype("V0")])
def test_a_dtype_without_bytes_of_its_own_is_refused(dtype: np.dtype) -> None:
    with pytest.raises(JournalLayoutError, match="a journal cannot hold it"):
        to_text(dtype)


def test_words_name_each_field() -> None:
    assert to_words(ORDER) == "24 bytes (ts <i8, number <i8, kind |u1)"
    assert to_words(np.dtype("<i4")) == "4 bytes of <i4"
