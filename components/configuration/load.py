"""A platform's configuration from its file, the environment and the command line.

What is said closest to the start wins: ``--set`` before the environment, that before the file,
that before what the file extends.  Inputs (instruments, recordings) are relative to the file
that names them; the journal is relative to the working directory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from components.configuration import checks
from components.configuration.instruments import instruments_document
from components.configuration.model import PlatformConfiguration
from disruptor.errors import ConfigurationError, GraphError
from disruptor.topology import graph
from disruptor.topology.document import Document, KeyPath, Place, parse_value
from disruptor.topology.load import apply_overrides, check, load_yaml, validate

ENVIRONMENT: Final[Mapping[str, KeyPath]] = {
    "LOG_LEVEL": ("log_level",),
    "PROMETHEUS_PORT": ("metrics", "port"),
    "ORACLE_PATH": ("oracle", "path"),
}
"""The variables that override the file, and the keys that they stand for."""


def load_platform(
    path: Path, overrides: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> PlatformConfiguration:
    """The platform of ``path``, checked whole.

    Raises ConfigurationError or GraphError with one line for each mistake.
    """
    document = load_yaml(path)
    if any(override.startswith("instruments.") for override in overrides):
        document = _with_instruments(document)
    document = _with_environment(document, environment)
    document = apply_overrides(document, overrides)
    document = _with_paths(_with_instruments(document))
    configuration = validate(document, PlatformConfiguration).with_gateway()
    check(document, checks.mistakes(configuration))
    whole = configuration.sharded().gated()
    check(document, graph.mistakes(whole), GraphError)
    return whole


def _with_environment(document: Document, environment: Mapping[str, str]) -> Document:
    for variable, key in ENVIRONMENT.items():
        text = environment.get(variable, "")
        if not text:
            continue
        place = Place(f"environment variable {variable}")
        value: object = text.lower() if variable == "LOG_LEVEL" else text
        if variable == "PROMETHEUS_PORT":
            value = parse_value(text, place)[0]
        try:
            document = document.with_value(key, value, {(): place})
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}: {error}") from None
    return document


def _with_instruments(document: Document) -> Document:
    """The document in which a path under ``instruments`` became what that file holds."""
    value = document.data.get("instruments")
    if not isinstance(value, str):
        return document
    key: KeyPath = ("instruments",)
    path = _beside(document, key, value)
    if not path.is_file():
        raise ConfigurationError(
            f"{document.place(key)}: instruments: there is no file {path}; "
            "write the path of a YAML file, or a mapping from symbols to their settings"
        )
    other = instruments_document(path)
    places = {at[1:]: place for at, place in other.places.items() if at[:1] == key}
    return document.with_value(key, other.data["instruments"], {(): document.place(key), **places})


def _with_paths(document: Document) -> Document:
    """The document in which the paths of inputs are found from wherever the platform starts."""
    for part in ("recorded", "order_flow"):
        key: KeyPath = ("feed", part, "path")
        feed = document.data.get("feed")
        settings = feed.get(part) if isinstance(feed, dict) else None
        value = settings.get("path") if isinstance(settings, dict) else None
        if isinstance(value, str) and value:
            place = document.place(key)
            document = document.with_value(key, str(_beside(document, key, value)), {(): place})
    return document


def _beside(document: Document, key: KeyPath, value: str) -> Path:
    """``value`` as a path from the file that says it, or from the working directory."""
    place = document.place(key)
    return Path(place.source).parent / value if place.line is not None else Path(value)
