"""A stream's dtype as text, so that a journal describes itself and outlives the code that wrote it.

The canonical form is JSON with the keys sorted; its SHA-256 is the layout's fingerprint, which
every record repeats.  The alignment flag is kept, because compiled kernels tell an aligned dtype
from an equal one that is not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from components.oracle.store.errors import JournalLayoutError


def to_text(dtype: np.dtype) -> str:
    """The canonical text; JournalLayoutError for dtypes that have no fixed bytes of their own."""
    return json.dumps(_describe(dtype), sort_keys=True, separators=(",", ":"))


def from_text(text: str) -> np.dtype:
    """The dtype that ``to_text`` described."""
    return _build(json.loads(text))


def fingerprint(text: str) -> int:
    """64 bits that stand for the layout in every record."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def to_words(dtype: np.dtype) -> str:
    """The layout for an error message: total size, then each field with its type."""
    if dtype.names is None or dtype.fields is None:
        return f"{dtype.itemsize} bytes of {dtype.str}"
    fields = ", ".join(f"{name} {dtype.fields[name][0].str}" for name in dtype.names)
    return f"{dtype.itemsize} bytes ({fields})"


def _describe(dtype: np.dtype) -> Any:
    if dtype.hasobject or dtype.itemsize == 0:
        raise JournalLayoutError(f"dtype {dtype} has no fixed bytes; a journal cannot hold it")
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return {"base": _describe(base), "shape": list(shape)}
    if dtype.names is None or dtype.fields is None:
        return dtype.str
    return {
        "names": list(dtype.names),
        "formats": [_describe(dtype.fields[name][0]) for name in dtype.names],
        "offsets": [dtype.fields[name][1] for name in dtype.names],
        "itemsize": dtype.itemsize,
        "aligned": dtype.isalignedstruct,
    }


def _build(description: Any) -> np.dtype:
    if isinstance(description, str):
        return np.dtype(description)
    if "base" in description:
        return np.dtype((_build(description["base"]), tuple(description["shape"])))
    return np.dtype(
        {
            "names": description["names"],
            "formats": [_build(each) for each in description["formats"]],
            "offsets": description["offsets"],
            "itemsize": description["itemsize"],
        },
        align=description["aligned"],
    )
