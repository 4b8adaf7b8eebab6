"""Making the next item in a thread while the one before it is used.

Titan's events are made so while Sentinel, four times as slow, takes in those before: both are
compiled and leave the interpreter alone, so a derivation takes as long as Sentinel does.  Only one item
ahead, which is enough for two stages in a row, and needs two buffers, not a queue of them.
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Executor, wait
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Generator[T], thread: Executor) -> Generator[T]:
    """The same items in the same order, each made in ``thread`` while the one before is in use.

    An error in making one is raised where that one is asked for.  However this ends, nothing is being made any
    more when it has.
    """
    coming = thread.submit(next, items, None)
    try:
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
    finally:
        wait((coming,))
        items.close()
