"""Graphs of handlers: places, names, leaves, circles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from disruptor.dsl.graph import HandlerGraph, circle
from disruptor.errors import GraphError
from disruptor.processors.handler import Compiled, PerBatch
from tests.disruptor.processors.handlers import add_up


def first(event: Any, sequence: int, end_of_batch: bool) -> None:
    pass


def second(event: Any, sequence: int, end_of_batch: bool) -> None:
    pass


def third(event: Any, sequence: int, end_of_batch: bool) -> None:
    pass


class Counter:
    def __call__(self, event: Any, sequence: int, end_of_batch: bool) -> None:
        pass

    def handle(self, event: Any, sequence: int, end_of_batch: bool) -> None:
        pass


def test_only_those_that_nobody_is_behind_are_leaves() -> None:
    graph = HandlerGraph()
    left, right = graph.add([first, second], ())
    (last,) = graph.add([third], (left,))

    assert graph.leaves() == [right, last]


def test_names_are_the_functions_and_never_twice_the_same() -> None:
    graph = HandlerGraph()
    batch, state = PerBatch(lambda events, first: None), np.zeros(4, np.int64)
    graph.add([first, Counter(), Counter(), batch, Compiled(add_up, state), Counter().handle], ())

    assert [node.name for node in graph] == [
        "first", "Counter", "Counter-2", "handler", "add_up", "handle",
    ]  # fmt: skip


def test_a_handler_is_found_by_itself_by_its_function_and_as_a_bound_method() -> None:
    graph, counter = HandlerGraph(), Counter()
    compiled = Compiled(add_up, np.zeros(4, np.int64))
    by_method, by_tier = graph.add([counter.handle, compiled], ())

    assert graph.node(counter.handle) is by_method
    assert graph.node(compiled) is graph.node(add_up) is by_tier


def test_what_is_no_handler_is_refused() -> None:
    with pytest.raises(GraphError, match="3 is no handler; give a function"):
        HandlerGraph().add([3], ())


def test_an_unknown_handler_is_told_those_that_are_known() -> None:
    graph = HandlerGraph()
    graph.add([first, second], ())
    with pytest.raises(GraphError, match="third is not in the graph; those are: first, second"):
        graph.node(third)


def test_a_handler_has_one_place() -> None:
    graph = HandlerGraph()
    graph.add([first], ())
    with pytest.raises(GraphError, match="handler first is in the graph already"):
        graph.add([first], ())


def test_a_name_is_given_once() -> None:
    graph = HandlerGraph()
    one, _ = graph.add([first, second], ())
    with pytest.raises(GraphError, match="named second is in the graph already"):
        graph.rename(one, "second")
    graph.rename(one, "one")

    assert [node.name for node in graph] == ["one", "second"]


@pytest.mark.parametrize(
    ("arrows", "found"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, ()),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, ("b", "c")),
        ({"a": ["a"]}, ("a",)),
    ],
)
def test_a_circle_is_found_where_there_is_one(
    arrows: dict[str, list[str]], found: tuple[str, ...]
) -> None:
    assert circle(arrows) == found
