"""A cached kernel in memory: its machine code, without the intermediate code that it was made from.

numba keeps both, because another kernel may have to be linked with this one when it is compiled.
In memory that code is some twenty times as large as the machine code, a hundred megabytes for
the kernels of a platform that compiles nothing; so here it stays the bytes that were on disk
until somebody asks for it.
"""

from __future__ import annotations

from typing import Any, Final

from llvmlite import binding as llvm
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen

_OBJECT: Final = "object"


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]  # numba has no types
    """numba's, but for what it keeps of a kernel from the cache."""

    _bitcode: bytes = b""

    @classmethod
    def _unserialize(cls, codegen: Any, state: Any) -> Any:
        library = super()._unserialize(codegen, state)
        _, kind, content = state
        if kind == _OBJECT:
            _, library._bitcode = content
            library._shared_module = None
        return library

    def _get_module_for_linking(self) -> Any:
        if self._shared_module is None and self._bitcode:
            self._shared_module = llvm.parse_bitcode(self._bitcode)
        return super()._get_module_for_linking()


def use_kernel_library() -> None:
    """Have numba load kernels so; before the first one is."""
    JITCPUCodegen._library_class = KernelLibrary
