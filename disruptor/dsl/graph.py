"""Which handlers there are, who is behind whom, and what makes such a graph impossible.

    handle_events_with(a, b).then(c)            a ──┐
                                                    ├──► c        only c gates the producers:
                                                b ──┘             it is behind all others

Nothing here knows rings or threads.  Errors are GraphErrors of one sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

from disruptor.errors import GraphError


@dataclass(eq=False)
class Node:
    """A handler's place in the graph: it sees what those in ``after`` are done with."""

    handler: Any
    name: str
    after: tuple[Node, ...]


class HandlerGraph:
    """The handlers of one ring, in the order in which they were added: behind those before."""

    def __init__(self) -> None:
        self._nodes: list[Node] = []

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def add(self, handlers: Sequence[Any], after: tuple[Node, ...]) -> tuple[Node, ...]:
        """Put handlers side by side, behind others; their places."""
        if not handlers:
            raise GraphError("no handler was given; name at least one")
        before = len(self)
        for handler in handlers:
            _check(handler)
            if self._find(handler) is not None:
                raise GraphError(
                    f"handler {name_of(handler)} is in the graph already; a handler has one place, "
                    "so give a function of its own to each"
                )
            self._nodes.append(Node(handler, self._free_name(name_of(handler)), after))
        return tuple(self._nodes[before:])

    def node(self, handler: Any) -> Node:
        """The place of a handler that was added, found by itself or by the function in it."""
        found = self._find(handler)
        if found is None:
            known = ", ".join(node.name for node in self) or "none"
            raise GraphError(f"handler {name_of(handler)} is not in the graph; those are: {known}")
        return found

    def rename(self, node: Node, name: str) -> None:
        """Give a handler another name."""
        if any(each.name == name and each is not node for each in self):
            raise GraphError(f"a handler named {name} is in the graph already; choose another name")
        node.name = name

    def leaves(self) -> list[Node]:
        """Those that nobody is behind: the only ones that producers must not lap."""
        ahead = {other for node in self for other in node.after}
        return [node for node in self if node not in ahead]

    def _find(self, handler: Any) -> Node | None:
        for node in self:
            inner = getattr(node.handler, "function", None)
            if _is_same(node.handler, handler) or _is_same(inner, handler):
                return node
        return None

    def _free_name(self, wanted: str) -> str:
        name, number, taken = wanted, 2, {node.name for node in self}
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name


def name_of(handler: Any) -> str:
    """What a handler is called by default: its function's name, or its class's."""
    function = getattr(handler, "function", handler)
    name = getattr(function, "__name__", type(function).__name__)
    return "handler" if name == "<lambda>" else str(name)


def circle(arrows: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Some circle in the graph, without its first node repeated; empty if there is none."""
    done: set[str] = set()
    for start in arrows:
        path: list[str] = []
        branches = [iter((start,))]
        while branches:
            node = next(branches[-1], None)
            if node is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                return tuple(path[path.index(node) :])
            elif node not in done:
                path.append(node)
                branches.append(iter(arrows.get(node, ())))
    return ()


def _check(handler: Any) -> None:
    if not callable(getattr(handler, "function", handler)):
        raise GraphError(
            f"{handler!r} is no handler; give a function, PerBatch(function) or "
            "Compiled(function, state)"
        )


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    return isinstance(one, MethodType) and isinstance(other, MethodType) and one == other
