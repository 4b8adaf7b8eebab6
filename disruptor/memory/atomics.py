"""Atomic words in shared arrays, for compiled code: the only file that speaks LLVM.

Every function takes an int64 array and an index, and is one machine instruction or two.  The
orderings are those of C11: a ``store_release`` makes all earlier writes visible to whoever reads
the value with ``load_acquire``; ``fetch_add`` and ``compare_exchange`` are sequentially
consistent.  A plain numpy store promises nothing of this outside of x86.

``address_of`` is here too, since a futex needs a pointer, ``stack_pair`` for the two words of a
``timespec``, and ``pause``, the hint that a spinning core gives to its sibling.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

intrinsic: Any = extending.intrinsic
"""Untyped on purpose: what it makes takes one argument less than what it decorates."""

_INT64 = ir.IntType(64)
_BYTES = 8
_declare: Any = cgutils.get_or_insert_function
_alloca: Any = cgutils.alloca_once


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    view = context.make_array(array_type)(context, builder, array)
    return builder.gep(view.data, [index])


def _is_word_array(array: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype == types.int64 and array.ndim == 1


def _is_index(index: Any) -> bool:
    return isinstance(index, (types.Integer, types.IntegerLiteral))


def _index(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.cast(builder, value, kind, types.uint64)


def _value(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.cast(builder, value, kind, types.int64)


def _load(ordering: str) -> Any:
    def typing(typing_context: Any, array: Any, index: Any) -> Any:
        if not (_is_word_array(array) and _is_index(index)):
            return None

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            index_value = _index(context, builder, signature.args[1], arguments[1])
            pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
            return builder.load_atomic(pointer, ordering, _BYTES)

        return types.int64(array, index), codegen

    return typing


def _store(ordering: str) -> Any:
    def typing(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
        if not (_is_word_array(array) and _is_index(index) and _is_index(value)):
            return None

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            index_value = _index(context, builder, signature.args[1], arguments[1])
            pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
            stored = _value(context, builder, signature.args[2], arguments[2])
            builder.store_atomic(stored, pointer, ordering, _BYTES)
            return context.get_dummy_value()

        return types.void(array, index, value), codegen

    return typing


@intrinsic
def load_acquire(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index]; what was written before the matching release is readable afterwards."""
    return _load("acquire")(typing_context, array, index)


@intrinsic
def load_relaxed(typing_context: Any, array: Any, index: Any) -> Any:
    """array[index], untorn and fresh, ordering nothing else."""
    return _load("monotonic")(typing_context, array, index)


@intrinsic
def store_release(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index] = value, after all earlier writes have become visible."""
    return _store("release")(typing_context, array, index, value)


@intrinsic
def store_relaxed(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index] = value, untorn, ordering nothing else."""
    return _store("monotonic")(typing_context, array, index, value)


@intrinsic
def fetch_add(typing_context: Any, array: Any, index: Any, delta: Any) -> Any:
    """Add to array[index] as one step; the value before."""
    if not (_is_word_array(array) and _is_index(index) and _is_index(delta)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index_value = _index(context, builder, signature.args[1], arguments[1])
        pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
        added = _value(context, builder, signature.args[2], arguments[2])
        return builder.atomic_rmw("add", pointer, added, "seq_cst")

    return types.int64(array, index, delta), codegen


@intrinsic
def compare_exchange(
    typing_context: Any, array: Any, index: Any, expected: Any, desired: Any
) -> Any:
    """array[index] = desired if it was ``expected``, as one step; True when it was."""
    if not (_is_word_array(array) and _is_index(index)):
        return None
    if not (_is_index(expected) and _is_index(desired)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index_value = _index(context, builder, signature.args[1], arguments[1])
        pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
        old = _value(context, builder, signature.args[2], arguments[2])
        new = _value(context, builder, signature.args[3], arguments[3])
        result = builder.cmpxchg(pointer, old, new, "seq_cst", "seq_cst")
        return builder.extract_value(result, 1)

    return types.boolean(array, index, expected, desired), codegen


@intrinsic
def fence(typing_context: Any) -> Any:
    """A full barrier: no load or store crosses it in either direction."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def release_fence(typing_context: Any) -> Any:
    """No earlier load or store passes a later store; costs no instruction on x86."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("release")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def acquire_fence(typing_context: Any) -> Any:
    """No later load or store passes an earlier load; costs no instruction on x86."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("acquire")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def compiler_fence(typing_context: Any) -> Any:
    """Keep the compiler, and only it, from moving loads and stores across; costs no instruction."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst", targetscope="singlethread")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for array[index] (of any kind) to be brought near for reading; changes nothing else."""
    if not (isinstance(array, types.Array) and array.ndim == 1 and _is_index(index)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index_value = _index(context, builder, signature.args[1], arguments[1])
        pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
        word, line = ir.IntType(32), ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [line, word, word, word])
        function = _declare(builder.module, kind, "llvm.prefetch.p0i8")
        for_reading, keep_near, data = word(0), word(3), word(1)
        builder.call(function, [builder.bitcast(pointer, line), for_reading, keep_near, data])
        return context.get_dummy_value()

    return types.void(array, index), codegen


@intrinsic
def pause(typing_context: Any) -> Any:
    """Tell the core that this is a spin: x86 ``pause``, ARM ``yield``; elsewhere nothing."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        triple = builder.module.triple
        if triple.startswith(("x86_64", "i686")):
            hint = _declare(
                builder.module, ir.FunctionType(ir.VoidType(), []), "llvm.x86.sse2.pause"
            )
            builder.call(hint, [])
        elif triple.startswith(("aarch64", "arm64")):
            hint = _declare(
                builder.module,
                ir.FunctionType(ir.VoidType(), [ir.IntType(32)]),
                "llvm.aarch64.hint",
            )
            builder.call(hint, [ir.Constant(ir.IntType(32), 1)])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def prefetch_for_write(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of array[index], to be written soon; changes nothing else.

    An array of any one-dimensional kind, records included.
    """
    if not (isinstance(array, types.Array) and array.ndim == 1 and _is_index(index)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index_value = _index(context, builder, signature.args[1], arguments[1])
        pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        hint = _declare(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, word, word, word]),
            "llvm.prefetch.p0",
        )
        for_write, keep, data = (ir.Constant(word, number) for number in (1, 3, 1))
        builder.call(hint, [builder.bitcast(pointer, byte), for_write, keep, data])
        return context.get_dummy_value()

    return types.void(array, index), codegen


@intrinsic
def address_of(typing_context: Any, array: Any, index: Any) -> Any:
    """The memory address of array[index], for a system call."""
    if not (_is_word_array(array) and _is_index(index)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        index_value = _index(context, builder, signature.args[1], arguments[1])
        pointer = _pointer(context, builder, signature.args[0], arguments[0], index_value)
        return builder.ptrtoint(pointer, _INT64)

    return types.int64(array, index), codegen


@intrinsic
def stack_pair(typing_context: Any) -> Any:
    """The address of two words on the calling function's own stack, gone when it returns."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pair = _alloca(builder, ir.ArrayType(_INT64, 2))
        return builder.ptrtoint(pair, _INT64)

    return types.int64(), codegen


@intrinsic
def word_at(typing_context: Any, address: Any, number: Any) -> Any:
    """The int64 that lies ``number`` words after an address."""
    if not (_is_index(address) and _is_index(number)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_word_pointer(context, builder, signature, arguments))

    return types.int64(address, number), codegen


@intrinsic
def set_word_at(typing_context: Any, address: Any, number: Any, value: Any) -> Any:
    """Store an int64 ``number`` words after an address."""
    if not (_is_index(address) and _is_index(number) and _is_index(value)):
        return None

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        stored = _value(context, builder, signature.args[2], arguments[2])
        builder.store(stored, _word_pointer(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(address, number, value), codegen


def _word_pointer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    address = _value(context, builder, signature.args[0], arguments[0])
    number = _index(context, builder, signature.args[1], arguments[1])
    return builder.gep(builder.inttoptr(address, _INT64.as_pointer()), [number])
