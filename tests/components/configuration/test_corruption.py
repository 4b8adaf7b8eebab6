"""Whatever is done to a configuration file, loading it either works or says what is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.configuration import load_platform
from disruptor.errors import ConfigurationError, GraphError
from disruptor.topology.document import KeyPath
from disruptor.topology.load import load_yaml
from tests.components.configuration.platforms import CONFIG, TRADING

DOCUMENT = load_yaml(TRADING)
DATA: dict[str, Any] = deepcopy(DOCUMENT.data)
DATA["instruments"] = load_yaml(CONFIG / "instruments.yaml").data["instruments"]
TEXT = TRADING.read_text("utf-8")

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["commands", "BTCUSDT", "titan", "*", "1e9", "-1", "0.000000000001"]),
    st.lists(st.integers(0, 3) | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers() | st.none(), max_size=3),
)


def key_paths(value: object, key: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key path inside of a value."""
    inside: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for part, each in inside:
        yield (*key, part)
        yield from key_paths(each, (*key, part))


KEYS = sorted(key_paths(DATA), key=str)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "instruments.yaml").write_text((CONFIG / "instruments.yaml").read_text())
        yield Path(name)


def load_or_refuse(folder: Path, text: str) -> None:
    """Load the text; every line of a refusal must name its place."""
    path = folder / "trading.yaml"
    path.write_text(text, "utf-8")
    try:
        configuration = load_platform(path, [], {})
    except (ConfigurationError, GraphError) as error:
        lines = str(error).splitlines()
        assert lines
        assert all(line.startswith(f"{folder}/") for line in lines), lines
    else:
        configuration.setup_commands()
        configuration.feed.settings()


def plain(value: object) -> object:
    """Written numbers as ordinary ones, so that the data can be dumped."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, float) else value


def with_changes(changes: list[tuple[KeyPath, object]], remove: bool) -> str:
    data = plain(DATA)
    for key, value in changes:
        around: Any = data
        try:
            for part in key[:-1]:
                around = around[part]
            if remove:
                del around[key[-1]]
            else:
                around[key[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


@pytest.mark.parametrize("key", KEYS, ids=[".".join(map(str, key)) for key in KEYS])
def test_any_key_can_be_missing(folder: Path, key: KeyPath) -> None:
    load_or_refuse(folder, with_changes([(key, None)], remove=True))


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=st.lists(st.tuples(st.sampled_from(KEYS), junk), min_size=1, max_size=3))
def test_any_value_can_be_wrong(folder: Path, changes: list[tuple[KeyPath, object]]) -> None:
    load_or_refuse(folder, with_changes(changes, remove=False))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    place=st.integers(0, len(TEXT)),
    length=st.integers(0, 40),
    inserted=st.text(st.sampled_from(" \t\n:-{}[]\"'#&*!|>%@`,a1.\\é\0"), max_size=4),
)
def test_any_text_can_be_damaged(folder: Path, place: int, length: int, inserted: str) -> None:
    load_or_refuse(folder, TEXT[:place] + inserted + TEXT[place + length :])


@settings(max_examples=60, deadline=None)
@given(key=st.sampled_from(KEYS), text=st.text(max_size=12))
def test_any_override_can_be_wrong(key: KeyPath, text: str) -> None:
    override = f"{'.'.join(map(str, key))}={text}"
    try:
        load_platform(TRADING, [override], {})
    except (ConfigurationError, GraphError) as error:
        assert str(error)  # noqa: PT017
