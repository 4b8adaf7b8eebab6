"""YAML text becomes data with a place for every key, and nothing is guessed."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disruptor.errors import ConfigurationError
from disruptor.topology.document import (
    Document,
    KeyPath,
    Mistake,
    Place,
    WrittenFloat,
    parse,
    parse_value,
)


def error_of(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "f.yaml")
    return str(caught.value)


def test_every_key_and_entry_has_the_line_that_it_stands_on() -> None:
    document = parse("a:\n  b: 1\n  c:\n    - 5\n    - d: 6\n", "f.yaml")

    lines = {key: place.line for key, place in document.places.items()}
    assert lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "d"): 5,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-12", -12),
        ("65_536", 65_536),
        ("0x10", 16),
        ("010", 10),
        ("1e3", 1000.0),
        ('"12"', "12"),
        ("1.5.2", "1.5.2"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert parse_value(text, Place("f"))[0] == value


def test_a_fraction_keeps_the_digits_that_were_written() -> None:
    value, _ = parse_value("0.10000000000000000001", Place("f"))

    assert isinstance(value, WrittenFloat)
    assert value.text == "0.10000000000000000001"
    assert pickle.loads(pickle.dumps(value)).text == value.text


def test_keys_are_strings_whatever_they_look_like() -> None:
    assert parse("1: a\ntrue: b\nnull: c\n", "f").data == {"1": "a", "true": "b", "null": "c"}


def test_a_key_that_stands_twice_is_an_error_that_names_both_lines() -> None:
    assert error_of("a:\n  b: 1\n  c: 2\n  b: 3\n") == (
        "f.yaml:4: a.b: found a second time, after line 2; keep one of the two"
    )


def test_all_duplicates_are_told_at_once() -> None:
    assert len(error_of("a: 1\na: 2\nb: 1\nb: 2\n").splitlines()) == 2


def test_a_tab_is_named_as_such() -> None:
    assert error_of("a:\n\tb: 1\n") == "f.yaml:2: found a tab; indent with spaces"


def test_broken_yaml_is_one_line_with_its_place() -> None:
    message = error_of("a: 1\nb: [1, 2\nc: 3\n")

    assert message.startswith("f.yaml:3: not valid YAML: ")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1: found nothing; write a mapping of settings"),
        ("# only a comment\n", "f.yaml:1: found nothing; write a mapping of settings"),
        ("- a\n", "f.yaml:1: found no mapping; write lines of key: value"),
        ("[a]: 1\n", "f.yaml:1: found a key that is not plain text; write a name"),
        (
            "a: !!set {b}\n",
            "f.yaml:1: a: found the tag tag:yaml.org,2002:set; write the value without a tag",
        ),
        ("a: !x 1\n", "f.yaml:1: a: found the tag !x; write the value without a tag"),
        ("a: \x01\n", "f.yaml:1: found a control character; write plain text"),
    ],
)
def test_what_cannot_be_settings_is_refused(text: str, message: str) -> None:
    assert error_of(text) == message


def test_aliases_that_multiply_without_bound_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    message = error_of("\n".join(lines))
    assert "found more than 100000 values" in message
    assert len(message.splitlines()) == 1


def test_nesting_without_bound_is_refused() -> None:
    assert "nesting" in error_of("a: " + "[" * 5000 + "]" * 5000)
    assert "nesting" in error_of("a: " + "[" * 50 + "]" * 50)


def test_a_missing_key_is_placed_at_the_mapping_around_it() -> None:
    document = parse("x: 1\na:\n  b: 1\n", "f.yaml")

    assert document.locate(Mistake(("a", "c"), "missing")) == "f.yaml:2: a.c: missing"


def test_merging_keeps_the_place_of_each_value() -> None:
    low = parse("a: {b: 1, c: 2}\nd: [1, 2]\n", "low")
    high = parse("\na:\n  c: 3\nd: [4]\n", "high")

    merged = high.over(low)

    assert merged.data == {"a": {"b": 1, "c": 3}, "d": [4]}
    assert merged.place(("a", "b")) == Place("low", 1)
    assert merged.place(("a", "c")) == Place("high", 3)
    assert merged.place(("d", 0)) == Place("high", 4)
    assert ("d", 1) not in merged.places


def test_null_removes_what_lies_below_and_is_to_blame_for_it() -> None:
    merged = parse("\n\na: null\n", "high").over(parse("a: {b: 1}\nc: 1\n", "low"))

    assert merged.data == {"c": 1}
    assert merged.place(("a",)) == Place("high", 3)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def merged_plainly(low: object, high: object) -> object:
    if not isinstance(low, dict) or not isinstance(high, dict):
        return high
    result = {name: each for name, each in low.items() if name not in high}
    for name, each in high.items():
        if each is not None or name not in low:
            result[name] = merged_plainly(low[name], each) if name in low else each
    return result


def document_of(data: dict[str, object], source: str) -> Document:
    places: dict[KeyPath, Place] = {(): Place(source, 1)}

    def visit(value: object, key: tuple[str | int, ...]) -> None:
        places[key] = Place(source, 1)
        if isinstance(value, dict):
            for name, each in value.items():
                visit(each, (*key, name))
        if isinstance(value, list):
            for at, each in enumerate(value):
                visit(each, (*key, at))

    visit(data, ())
    return Document(data, places)


@given(mappings, mappings)
def test_merging_agrees_with_a_plain_reference(
    low: dict[str, object], high: dict[str, object]
) -> None:
    merged = document_of(high, "high").over(document_of(low, "low"))

    assert merged.data == merged_plainly(low, high)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused_with_a_sentence(text: str) -> None:
    try:
        parse_value(text, Place("f", 1))
    except ConfigurationError as error:
        assert str(error).startswith("f:")  # noqa: PT017
