"""Lets compiled functions pass a large state by its address: one word instead of hundreds.

An array travels as seven words, so a call with a tuple of seventeen arrays copies 119 words, some
20 to 40 ns each time, and every such function takes long to compile.  A class of arrays that is
``by_address`` is laid out once, when Python calls a kernel:

    word 0       where the first array's data lies
    word 1 …     its shape
    ...          the same of the next one

What kernels pass on is the address of this table, which lies on the stack of the call from Python.
``state.orders`` reads it where it is used.  The table never changes while a kernel runs, and says
so (``invariant.load``), so a value that was read once may stay in a register.

Only kernels that Python calls lay it out; uncompiled, the class is what it is: a named tuple.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils, imputils
from numba.core.typing import templates, typeof
from numba.np import arrayobj

_numba: Any = extending
_lowering: Any = imputils
_builders: Any = cgutils
_arrays: Any = arrayobj
_templates: Any = templates
_type_of: Any = typeof
"""Untyped on purpose: numba's own types say less than nothing here."""

_WORD = ir.IntType(64)
_Class = TypeVar("_Class", bound=type)


class ByAddress(types.Type):
    """The type of a tuple of arrays, whose value is the address of its table."""

    def __init__(self, class_name: str, fields: tuple[tuple[str, Any], ...]) -> None:
        self.fields = fields
        self.kinds: dict[str, Any] = dict(fields)
        layout = hashlib.sha256(repr(fields).encode()).hexdigest()
        super().__init__(name=f"{class_name}_{layout[:16]}")  # part of many symbols, so short

    def words(self) -> int:
        """How long the table is."""
        return sum(1 + kind.ndim for kind in self.kinds.values())

    def first_word(self, wanted: str) -> int:
        """Where the table speaks of one array."""
        place = 0
        for field, kind in self.fields:
            if field == wanted:
                return place
            place += 1 + kind.ndim
        raise AttributeError(f"{self.name} has no array {wanted!r}")


def by_address(state_class: _Class) -> _Class:
    """Pass instances of a named tuple of C-contiguous arrays by address."""

    def kind_of(value: Any, context: Any) -> ByAddress:
        fields = zip(value._fields, map(_type_of.typeof, value), strict=True)
        return ByAddress(state_class.__name__, tuple(fields))

    _type_of.typeof_impl.register(state_class, kind_of)
    return state_class


_numba.register_model(ByAddress)(_numba.models.OpaqueModel)


@_templates.infer_getattr
class _Attributes(_templates.AttributeTemplate):  # type: ignore[misc]
    key = ByAddress

    def generic_resolve(self, kind: ByAddress, attribute: str) -> Any:
        return kind.kinds.get(attribute)


def _read_word(builder: Any, table: Any, place: int) -> Any:
    word = builder.load(builder.gep(table, [ir.IntType(32)(place)]))
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word


@_lowering.lower_getattr_generic(ByAddress)  # type: ignore[untyped-decorator]
def _read_array(context: Any, builder: Any, kind: ByAddress, value: Any, attribute: str) -> Any:
    array_kind = kind.kinds[attribute]
    array = context.make_array(array_kind)(context, builder)
    table = builder.bitcast(value, _WORD.as_pointer())
    place = kind.first_word(attribute)
    shape = [_read_word(builder, table, place + 1 + axis) for axis in range(array_kind.ndim)]
    item_size = context.get_abi_sizeof(context.get_data_type(array_kind.dtype))
    strides = [_WORD(item_size)]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length, flags=["nsw"]))
    address = _read_word(builder, table, place)
    _arrays.populate_array(
        array,
        data=builder.inttoptr(address, array.data.type),
        shape=shape,
        strides=strides,
        itemsize=item_size,
        meminfo=None,
    )
    return _lowering.impl_ret_borrowed(context, builder, array_kind, array._getvalue())


@_numba.unbox(ByAddress)  # type: ignore[untyped-decorator]
def _lay_out(kind: ByAddress, instance: Any, compiler: Any) -> Any:
    """The table of a tuple that Python passes, on the stack of the kernel's door."""
    builder, context = compiler.builder, compiler.context
    table = _builders.alloca_once(builder, _WORD, size=kind.words())
    failed = _builders.false_bit
    natives = []
    for number, (field, array_kind) in enumerate(kind.fields):
        item = compiler.pyapi.tuple_getitem(instance, number)
        native = compiler.unbox(array_kind, item)
        array = context.make_array(array_kind)(context, builder, native.value)
        shape = _builders.unpack_tuple(builder, array.shape, array_kind.ndim)
        place = kind.first_word(field)
        for offset, word in enumerate([builder.ptrtoint(array.data, _WORD), *shape]):
            builder.store(word, builder.gep(table, [ir.IntType(32)(place + offset)]))
        failed = builder.or_(failed, native.is_error)
        natives.append((array_kind, native.value))

    def release() -> None:
        if context.enable_nrt:
            for array_kind, value in natives:
                context.nrt.decref(builder, array_kind, value)

    address = builder.bitcast(table, context.get_value_type(kind))
    return _numba.NativeValue(address, is_error=failed, cleanup=release)
