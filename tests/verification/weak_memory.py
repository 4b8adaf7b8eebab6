"""A machine with weak memory, for models: stores wait in buffers and leave them out of order.

Each process has a buffer.  A store enters it, and leaves it for the shared memory in a step of its
own, when it likes:

    plain       whenever no earlier store to the same word is still waiting
    release     only when nothing that was stored before it is still waiting

A later plain store may overtake an earlier release, as on ARM.  A load takes the process's own
waiting store if there is one, else the memory, so that it may overtake its own earlier stores.  A
fence, and an exchange, are possible only when the process's buffer is empty.  What a load may
overtake is the model's business: the models here let a load that follows a load without acquire
happen first.

A killed process's waiting stores still become visible, in any allowed order; that the kernel has
ended the process comes after all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

Buffer = tuple[tuple[int, int, bool], ...]
"""(word, value, is a release), the oldest first"""


class Memory(NamedTuple):
    words: tuple[int, ...]
    buffers: tuple[Buffer, ...]


def load(memory: Memory, process: int, word: int) -> int:
    """What the process sees in the word."""
    for waiting, value, _ in reversed(memory.buffers[process]):
        if waiting == word:
            return value
    return memory.words[word]


def store(memory: Memory, process: int, word: int, value: int, *, release: bool) -> Memory:
    """The store, waiting."""
    buffer = (*memory.buffers[process], (word, value, release))
    return memory._replace(buffers=_put(memory.buffers, process, buffer))


def is_quiet(memory: Memory, process: int) -> bool:
    """Whether all the stores of a process are visible: a fence's or an exchange's condition."""
    return not memory.buffers[process]


def exchange(memory: Memory, word: int, value: int) -> Memory:
    """Write a word at once; the caller is quiet and has looked."""
    return memory._replace(words=_put(memory.words, word, value))


def drains(memory: Memory) -> Iterator[tuple[str, Memory, int, int]]:
    """Every store that may become visible next: (name, memory afterwards, word, value)."""
    for process, buffer in enumerate(memory.buffers):
        seen: set[int] = set()
        for number, (word, value, release) in enumerate(buffer):
            if word not in seen and not (release and number):
                rest = (*buffer[:number], *buffer[number + 1 :])
                after = Memory(_put(memory.words, word, value), _put(memory.buffers, process, rest))
                yield f"drain {process}:{word}={value}", after, word, value
            seen.add(word)


def _put(values: tuple, at: int, value: object) -> tuple:
    return (*values[:at], value, *values[at + 1 :])
