"""From a YAML file to a checked model, with every mistake told in one line of its own.

A file may name another with ``extends: other.yaml``, relative to itself: mappings merge deeply,
everything else replaces, and ``null`` removes what the other file says.  ``--set`` goes on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from disruptor.errors import ConfigurationError, DisruptorError, GraphError
from disruptor.topology import graph
from disruptor.topology.document import Document, KeyPath, Mistake, Place, parse, parse_value
from disruptor.topology.mistakes import describe
from disruptor.topology.model import Topology

Model = TypeVar("Model", bound=BaseModel)

EXTENDS_DEPTH_MAX: Final = 8


def load_yaml(path: Path) -> Document:
    """The document of ``path`` over what it extends; raises ConfigurationError."""
    return _load(path, ())


def read_text(path: Path) -> str:
    """The UTF-8 text of ``path``; raises ConfigurationError with the reason if it has none."""
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: byte {error.start} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from None


def apply_overrides(document: Document, overrides: Sequence[str]) -> Document:
    """The document with each ``a.b.c=value`` put in; the value is YAML, and null removes."""
    for override in overrides:
        key, equals, text = override.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise ConfigurationError(
                f"--set {override}: found no key.path=value; write e.g. --set name=second"
            )
        source = f"--set {key.strip()}"
        value, places = parse_value(text, Place(source))
        try:
            document = document.with_value(_indexed(document.data, parts), value, places)
        except ConfigurationError as error:
            raise ConfigurationError(f"{source}: {error}") from None
    return document


def validate(document: Document, model: type[Model]) -> Model:
    """The document as a ``model``; else ConfigurationError, with a line for every mistake."""
    try:
        return model.model_validate(document.data)
    except ValidationError as invalid:
        raise ConfigurationError(_lines(document, describe(invalid, model))) from None


def check(
    document: Document,
    mistakes: Iterable[Mistake],
    error: type[DisruptorError] = ConfigurationError,
) -> None:
    """Raise ``mistakes`` together, each with the place of its key; do nothing if there are none.

    For what is wrong between values that are each right by themselves.
    """
    found = list(mistakes)
    if found:
        raise error(_lines(document, found))


def load_topology(path: Path, overrides: Sequence[str] = ()) -> Topology:
    """The topology of ``path``, checked; raises ConfigurationError or GraphError."""
    document = apply_overrides(load_yaml(path), overrides)
    topology = validate(document, Topology)
    check(document, graph.mistakes(topology), GraphError)
    return topology


def _lines(document: Document, mistakes: Iterable[Mistake]) -> str:
    def order(mistake: Mistake) -> tuple[str, int]:
        place = document.place(mistake.key)
        return place.source, place.line or 0

    return "\n".join(dict.fromkeys(map(document.locate, sorted(mistakes, key=order))))


def _load(path: Path, above: tuple[Path, ...]) -> Document:
    document = parse(read_text(path), str(path))
    if "extends" not in document.data:
        return document
    return _extended(path, document, (*above, path.resolve()))


def _extended(path: Path, document: Document, chain: tuple[Path, ...]) -> Document:
    base = document.data["extends"]
    at = f"{document.place(('extends',))}: extends"
    if not isinstance(base, str) or not base:
        raise ConfigurationError(f"{at}: write the path of another YAML file")
    other = path.parent / base
    if other.resolve() in chain or len(chain) > EXTENDS_DEPTH_MAX:
        raise ConfigurationError(f"{at}: {base} leads back to this file; extend one that does not")
    if not other.is_file():
        raise ConfigurationError(f"{at}: there is no file {other}; write a path from {path.parent}")
    own = {name: value for name, value in document.data.items() if name != "extends"}
    return Document(own, document.places).over(_load(other, chain))


def _indexed(data: object, parts: Sequence[str]) -> KeyPath:
    """``parts``, in which those that count a list's entries are numbers."""
    key: list[str | int] = []
    for part in parts:
        if isinstance(data, list) and part.isdecimal() and len(part) < 10:
            index = int(part)
            key.append(index)
            data = data[index] if index < len(data) else None
        else:
            key.append(part)
            data = data.get(part) if isinstance(data, dict) else None
    return tuple(key)
