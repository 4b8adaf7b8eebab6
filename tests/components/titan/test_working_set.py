"""Titan's memory is asked for before it serves, and nothing but memory."""

from __future__ import annotations

import ctypes
import mmap

import numpy as np
import pytest
from numpy.typing import NDArray

from components.messages.code import BUY, OP_INSTRUMENT, OP_PLACE
from components.messages.command import new_commands
from components.titan.engine import apply_batch, canonical_bytes, new_outbox, new_state
from components.titan.working_set import prepare
from disruptor.memory.residency import fault_in


def _absent_pages(array: NDArray[np.uint8]) -> int:
    """How many of an array's pages the kernel has yet to give."""
    begin = array.ctypes.data // mmap.PAGESIZE * mmap.PAGESIZE
    pages = -(-(array.ctypes.data + array.nbytes - begin) // mmap.PAGESIZE)
    told = (ctypes.c_ubyte * pages)()
    libc = ctypes.CDLL(None, use_errno=True)
    size = ctypes.c_size_t(pages * mmap.PAGESIZE)
    assert libc.mincore(ctypes.c_void_p(begin), size, told) == 0
    return sum(1 for each in told if not each & 1)


@pytest.mark.parametrize("size", [1, 4095, 4097, 1 << 24])
def test_an_array_that_is_faulted_in_has_all_its_pages_and_its_contents(size: int) -> None:
    array = np.zeros(size, np.uint8)
    array[-1] = 7

    fault_in(array)

    assert _absent_pages(array) == 0
    assert array[-1] == 7
    assert not array[:-1].any()


def test_nothing_is_no_trouble() -> None:
    fault_in(np.zeros(0, np.int64))


def test_what_a_quarter_of_the_limits_needs_is_there_before_the_first_command() -> None:
    state, outbox = new_state(max_orders=1 << 16, max_symbols=2), new_outbox(1 << 12)

    prepare(state, outbox)

    for array in (state.orders[: 1 << 14], state.terms[: 1 << 14], outbox.slots, state.books):
        assert _absent_pages(array.view(np.uint8)) == 0


def test_a_prepared_state_is_the_state_that_it_was() -> None:
    state, outbox = new_state(max_orders=1 << 10, max_symbols=2), new_outbox(1 << 14)
    commands = new_commands(101)
    listing, orders = commands[:1], commands[1:]
    listing["op"], listing["price"], listing["qty"], listing["stop_price"] = OP_INSTRUMENT, 1, 1, 1
    orders["op"], orders["side"], orders["qty"], orders["account"] = OP_PLACE, BUY, 5, 1
    orders["order_id"], orders["price"] = np.arange(1, 101), np.arange(1, 101)
    assert apply_batch(state, commands, 1, outbox) == len(commands)
    before = canonical_bytes(state)

    prepare(state, outbox)

    assert canonical_bytes(state) == before
