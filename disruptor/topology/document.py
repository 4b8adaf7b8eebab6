"""YAML text as data with a place for every key; knows nothing of what the keys mean.

YAML is read by the core schema of YAML 1.2 rather than by PyYAML's 1.1, in which ``off`` is a
boolean and ``1:30`` a number; tags are refused.  Keys are always strings.  A number with a
fraction keeps the text that it was written with (`WrittenFloat`), so a price need not be quoted
to be exact.

The place of each key stands beside the data in a map by key path, not inside it, so that a
schema library sees plain dicts.  Where a value comes from the command line or the environment,
that is its place, and a message names it instead of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import yaml

from disruptor.errors import ConfigurationError

KeyPath = tuple[str | int, ...]

VALUES_MAX: Final = 100_000
"""Aliases multiply; a file that unfolds to more values than this is refused."""
DEPTH_MAX: Final = 32


class WrittenFloat(float):
    """A float that remembers its digits, for whoever needs the exact decimal."""

    text: str

    def __new__(cls, text: str) -> WrittenFloat:
        made = super().__new__(cls, text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        made.text = text
        return made

    def __reduce__(self) -> tuple[type[WrittenFloat], tuple[str]]:
        return WrittenFloat, (self.text,)

    def __str__(self) -> str:
        return self.text


class Place(NamedTuple):
    """Where a value was written: a file and line, a ``--set``, an environment variable."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


class Mistake(NamedTuple):
    """One thing that is wrong: the key, and a sentence on what was found and would be right."""

    key: KeyPath
    text: str


Places = Mapping[KeyPath, Place]


@dataclass(frozen=True)
class Document:
    """Parsed data and the place of every key in it; the empty key path is the whole.

    A key that was removed keeps the place of its removal, so that "missing" can name it.
    """

    data: dict[str, Any]
    places: Places

    def place(self, key: KeyPath) -> Place:
        """Where ``key`` was written, or else the nearest mapping around it."""
        while key and key not in self.places:
            key = key[:-1]
        return self.places[key]

    def locate(self, mistake: Mistake) -> str:
        """The one line that tells a person of a mistake."""
        place = str(self.place(mistake.key))
        key = key_text(mistake.key)
        if not key or place == f"--set {key}":
            return f"{place}: {mistake.text}"
        return f"{place}: {key}: {mistake.text}"

    def with_value(self, key: KeyPath, value: object, places: Places) -> Document:
        """A copy in which ``key`` holds ``value``, whose own key paths are in ``places``.

        Mappings on the way are made when missing; None removes an existing key.  Raises
        ConfigurationError without a place when something on the way cannot hold the key.
        """
        data = _with_value(self.data, key, 0, value)
        kept = {path: at for path, at in self.places.items() if path[: len(key)] != key}
        for depth in range(1, len(key)):
            kept.setdefault(key[:depth], places[()])
        kept.update({key + path: at for path, at in places.items()})
        return Document(data, kept)

    def over(self, under: Document) -> Document:
        """This document merged deeply over another: mappings merge, the rest replaces."""
        places = dict(under.places)
        data = _merge(under.data, self.data, (), self.places, places)
        places[()] = self.places[()]
        return Document(data, places)


def key_text(key: Iterable[str | int]) -> str:
    """A key path as it is typed after ``--set``: ``accounts.0.collateral``."""
    return printable(".".join(str(part) for part in key))


def printable(text: str) -> str:
    """The text with control characters escaped: a line break would tear a sentence apart."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def parse(text: str, source: str) -> Document:
    """The document of YAML text out of ``source``; raises ConfigurationError."""
    data, places = parse_value(text, Place(source, 1))
    if data is None:
        raise ConfigurationError(f"{source}:1: found nothing; write a mapping of settings")
    if not isinstance(data, dict):
        raise ConfigurationError(f"{places[()]}: found no mapping; write lines of key: value")
    return Document(data, places)


def parse_value(text: str, origin: Place) -> tuple[Any, Places]:
    """Any YAML value and its places, or None for no text; raises ConfigurationError.

    With a line in ``origin``, places count lines from there; without one, all are ``origin``.
    """
    try:
        node = yaml.compose(text, _CoreLoader)
    except yaml.MarkedYAMLError as error:
        line = None if error.problem_mark is None else error.problem_mark.line
        raise ConfigurationError(f"{_moved(origin, line)}: {_explained(error, text)}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{origin}: found a control character; write plain text") from None
    except (RecursionError, ValueError):
        raise ConfigurationError(f"{origin}: found nesting too deep to be settings") from None
    reader = _Reader(origin)
    value = None if node is None else reader.value(node, ())
    if reader.mistakes:
        raise ConfigurationError("\n".join(reader.mistakes))
    reader.places.setdefault((), origin)
    return value, reader.places


class _CoreLoader(yaml.SafeLoader):
    """Scalars by the YAML 1.2 core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own protocol)


def _resolve(kind: str, pattern: str, first: Iterable[str | None]) -> None:
    _CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(pattern), list(first))


_resolve("bool", r"^(true|True|TRUE|false|False|FALSE)$", "tTfF")
_resolve("null", r"^(null|Null|NULL|~|)$", ["n", "N", "~", ""])
_resolve("int", r"^[-+]?[0-9][0-9_]*$|^0x[0-9a-fA-F]+$", "-+0123456789")
_resolve(
    "float",
    r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^[-+]?\.(inf|nan)$",
    "-+.0123456789",
)


def _moved(origin: Place, line: int | None) -> Place:
    if origin.line is None:
        return origin
    return Place(origin.source, origin.line + (line or 0))


def _explained(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark
    lines = text.splitlines()
    if mark is not None and mark.line < len(lines) and "\t" in lines[mark.line][: mark.column + 1]:
        return "found a tab; indent with spaces"
    problem = (error.problem or "it cannot be read").strip()
    return f"not valid YAML: {problem}" + (f" ({error.context.strip()})" if error.context else "")


class _Reader:
    """Turns nodes into data, gathering places and mistakes on the way."""

    def __init__(self, origin: Place) -> None:
        self.origin = origin
        self.places: dict[KeyPath, Place] = {}
        self.mistakes: list[str] = []
        self._left = VALUES_MAX

    def value(self, node: yaml.Node, key: KeyPath) -> Any:
        self.places.setdefault(key, self._place(node))
        self._left -= 1
        if self._left <= 0 or len(key) > DEPTH_MAX:
            text = f"found more than {VALUES_MAX} values, or nesting deeper than {DEPTH_MAX}"
            if self._left >= -1:
                self._left = -1
                self._mistake(node, (), f"{text}; it cannot be settings")
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(each, (*key, at)) for at, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, key)
        return self._tagged(node, key)

    def _mapping(self, node: yaml.MappingNode, key: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for name_node, value_node in node.value:
            if not isinstance(name_node, yaml.ScalarNode):
                self._mistake(name_node, key, "found a key that is not plain text; write a name")
                continue
            name = str(name_node.value)
            line = name_node.start_mark.line + (self.origin.line or 1)
            if name in result:
                text = f"found a second time, after line {lines[name]}; keep one of the two"
                self._mistake(name_node, (*key, name), text)
                continue
            lines[name] = line
            self.places[(*key, name)] = self._place(name_node)
            result[name] = self.value(value_node, (*key, name))
        return result

    def _scalar(self, node: yaml.ScalarNode, key: KeyPath) -> Any:
        text = str(node.value)
        match node.tag.rpartition(":")[2]:
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int" if len(text) <= 40:
                return int(text, 16) if text.startswith("0x") else int(text.replace("_", ""))
            case "int":
                return text
            case "float":
                return WrittenFloat(text)
        return self._tagged(node, key)

    def _tagged(self, node: yaml.Node, key: KeyPath) -> None:
        self._mistake(node, key, f"found the tag {node.tag}; write the value without a tag")

    def _place(self, node: yaml.Node) -> Place:
        return _moved(self.origin, node.start_mark.line)

    def _mistake(self, node: yaml.Node, key: KeyPath, text: str) -> None:
        where = f"{key_text(key)}: " if key else ""
        self.mistakes.append(f"{self._place(node)}: {where}{text}")


def _with_value(container: Any, key: KeyPath, depth: int, value: object) -> Any:
    """A copy of ``container`` in which ``key[depth:]`` leads to ``value``."""
    if depth == len(key):
        return value
    part = key[depth]
    above = key_text(key[:depth])
    if isinstance(container, list):
        if not isinstance(part, int) or part >= len(container):
            raise ConfigurationError(
                f"{above} is a list of {len(container)}, numbered from 0; it has no entry {part}"
            )
        changed: Any = list(container)
    elif isinstance(container, dict):
        changed = dict(container)
        if depth == len(key) - 1 and value is None and part in changed:
            del changed[part]
            return changed
        changed.setdefault(part, {})
    else:
        raise ConfigurationError(f"{above} is a single value; it has no key {part}")
    changed[part] = _with_value(changed[part], key, depth + 1, value)
    return changed


def _merge(
    low: dict[str, Any],
    high: dict[str, Any],
    at: KeyPath,
    high_places: Places,
    places: dict[KeyPath, Place],
) -> dict[str, Any]:
    """``high`` over ``low``; ``places`` holds low's on entry and the result's on return."""
    result = dict(low)
    for name, value in high.items():
        key = (*at, name)
        if isinstance(value, dict) and isinstance(low.get(name), dict):
            result[name] = _merge(low[name], value, key, high_places, places)
            continue
        for stale in [path for path in places if path[: len(key)] == key]:
            del places[stale]
        places.update({path: p for path, p in high_places.items() if path[: len(key)] == key})
        if value is None and name in low:
            del result[name]
        else:
            result[name] = value
    return result
