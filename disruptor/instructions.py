"""Single machine instructions for compiled code that touch nothing: hints, bits, wrapping products.

Pure, so that state machines may use them; what orders memory between processes is atomics.py's.
Uncompiled (``NUMBA_DISABLE_JIT=1``) they are plain Python with the same results.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import config as numba_config
from numba import extending, types
from numba.core import cgutils
from numba.core.errors import NumbaTypeError

intrinsic: Any = extending.intrinsic
"""Untyped on purpose: what it makes takes one argument less than what it decorates."""

_CACHE_LINE: Final = 64

_is_uncompiled: Any = vars(numba_config)["DISABLE_JIT"]
_declare: Any = cgutils.get_or_insert_function
_copy_bytes: Any = cgutils.raw_memcpy
_byte_at: Any = cgutils.pointer_add


@intrinsic
def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    if not (isinstance(array, types.Array) and array.ndim == 1):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = context.cast(builder, arguments[1], signature.args[1], types.uint64)
        first = builder.bitcast(builder.gep(view.data, [place]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        hint = _declare(
            builder.module,
            ir.FunctionType(ir.VoidType(), [first.type, number, number, number]),
            "llvm.prefetch.p0",
        )
        for_reading, keep_close, data = number(0), number(3), number(1)
        size = array.dtype.bitwidth // 8
        for offset in (0, size - 1) if size > _CACHE_LINE else (0,):
            pointer = builder.gep(first, [number(offset)])
            builder.call(hint, [pointer, for_reading, keep_close, data])
        return context.get_dummy_value()

    return types.void(array, index), codegen


@intrinsic
def _trailing_zeros(typing_context: Any, bits: Any) -> Any:
    if bits != types.uint64:
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(bits), codegen


@intrinsic
def _wrapped_product(typing_context: Any, first: Any, second: Any) -> Any:
    if not (isinstance(first, types.Integer) and isinstance(second, types.Integer)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, other = (
            context.cast(builder, value, kind, types.uint64)
            for value, kind in zip(arguments, signature.args, strict=True)
        )
        return builder.mul(one, other)

    return types.uint64(first, second), codegen


def _offset_of_run(record: Any, first: str, count: int) -> int:
    """Where ``count`` neighbouring fields begin; they must be of one kind, without gaps."""
    names = [name for name, _ in record.members]
    begin = names.index(first)
    run = names[begin : begin + count]
    kinds: set[Any] = {record.typeof(name) for name in run}
    offsets = [record.offset(name) for name in run]
    size = kinds.pop().bitwidth // 8
    if kinds or offsets != [offsets[0] + place * size for place in range(count)]:
        raise NumbaTypeError(f"{count} fields from {first} on do not lie side by side: {run}")
    return int(offsets[0])


@intrinsic
def _copy_run(typing_context: Any, into: Any, source: Any, first: Any, count: Any) -> Any:
    literal = isinstance(first, types.StringLiteral) and isinstance(count, types.IntegerLiteral)
    if not (literal and isinstance(into, types.Record) and isinstance(source, types.Record)):
        return None
    name, fields = first.literal_value, count.literal_value
    places = [_offset_of_run(record, name, fields) for record in (into, source)]
    kind: Any = into.typeof(name)
    size = fields * kind.bitwidth // 8

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bytes_at = [
            _byte_at(builder, pointer, place)
            for pointer, place in zip(arguments[:2], places, strict=True)
        ]
        _copy_bytes(builder, *bytes_at, ir.IntType(64)(size), 1)
        return context.get_dummy_value()

    return types.void(into, source, first, count), codegen


def _copy_fields(into: Any, source: Any, first: str, count: int) -> None:
    names = list(source.dtype.names)
    begin = names.index(first)
    for name in names[begin : begin + count]:
        into[name] = source[name]


def _prefetch_nothing(array: Any, index: Any) -> None:
    """There is no cache to warm."""


def _count_trailing_zeros(bits: Any) -> int:
    return (int(bits) & -int(bits)).bit_length() - 1


def _product_of_words(first: Any, second: Any) -> np.uint64:
    return np.uint64(int(first) * int(second) & 0xFFFF_FFFF_FFFF_FFFF)


prefetch: Any = _prefetch_nothing if _is_uncompiled else _prefetch
"""``prefetch(array, index)``: bring that element near, its first and last cache line if it lies in
several; reads and changes nothing, so the index may lie beyond the end."""

trailing_zeros: Any = _count_trailing_zeros if _is_uncompiled else _trailing_zeros
"""``trailing_zeros(bits)``: the place of the lowest bit set of a uint64 that is not 0."""

wrapped_product: Any = _product_of_words if _is_uncompiled else _wrapped_product
"""``wrapped_product(first, second)``: the low 64 bits of a product, as uint64."""

copy_run: Any = _copy_fields if _is_uncompiled else _copy_run
"""``copy_run(into, source, first, count)``: copy neighbouring fields of a record to those of the same
names in another, at once; both lay them out side by side, the name and number are constants."""
