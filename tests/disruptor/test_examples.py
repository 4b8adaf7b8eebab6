"""The examples print what they say, and leave nothing behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from disruptor.memory.segment import existing


def started(name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"disruptor.examples.{name}", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("numpy_batch", "1000 trades, turnover 99000\n"),
        ("compiled_handler", "200000 events, the largest 199999\n"),
        ("in_asyncio", "3 of 3 prices, while the clock ticked\n"),
        ("diamond", "check saw 1000 events that both others had finished\n"),
    ],
)
def test_an_example_prints_what_its_docstring_says(name: str, printed: str) -> None:
    program = started(name)

    assert program.communicate(timeout=110) == (printed, "")
    assert program.returncode == 0
    assert existing(f"example.{program.pid}.") == []


def test_two_unrelated_programs_share_a_ring_by_its_name(segment_prefix: str) -> None:
    name = f"{segment_prefix}prices"
    writer = started("shared_by_name", "write", name)
    prices = "".join(f"{number} {99 + number}\n" for number in range(1, 6))
    while True:
        reader = started("shared_by_name", "read", name)
        out, told = reader.communicate(timeout=110)
        if reader.returncode == 0:
            break
        assert writer.poll() is None, writer.communicate()
        assert "SegmentError" in told or "LayoutMismatchError" in told

    assert (out, told) == (prices, "")
    assert writer.communicate(timeout=110) == ("wrote 5 prices\n", "")
