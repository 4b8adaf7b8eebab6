"""The logs' schema, both of its forms, and that every warning and error says what to do."""

from __future__ import annotations

import io
import logging
import os
import pty
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from components.feed.sampled_log import ACTIONS as REASONS
from components.feed.sampled_log import SampledLog
from components.logs import ACTIONS, OTHERWISE, action_for, configure
from components.monitor.catalogue import MALFORMED_REASONS
from tests.architecture.test_structure import ROOT, relative, sources

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def warn() -> None:
    log = logging.getLogger("components.feed")
    log.warning("%d frames dropped", 3, extra={"action": "See the grid.", "symbol": "BTCUSDT"})


def test_elsewhere_than_on_a_terminal_a_record_is_one_json_object() -> None:
    stream = io.StringIO()
    configure("info", stream)
    warn()
    logging.getLogger("x").debug("not at this level")
    try:
        raise ValueError("of the test")
    except ValueError:
        logging.getLogger("x").exception(
            "failed", extra={"action": "Try again.", "where": Path("/")}
        )
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", first.pop("ts"))
    assert first == {
        "level": "warning", "process": "MainProcess", "logger": "components.feed",
        "message": "3 frames dropped", "action": "See the grid.", "symbol": "BTCUSDT",
    }  # fmt: skip
    assert (second["level"], second["action"], second["where"]) == ("error", "Try again.", "/")
    assert second["error"].endswith("ValueError: of the test")


def test_on_a_terminal_it_is_a_line_with_what_to_do_below() -> None:
    control, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        configure("info", stream)
        warn()
        shown = re.sub(r"\x1b\[\d+m", "", os.read(control, 4096).decode())
    os.close(control)

    line, below = shown.splitlines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d  WARNING MainProcess: 3 frames dropped  symbol=BTCUSDT", line
    )
    assert below.strip() == "→ See the grid."


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR, logging.CRITICAL])
@pytest.mark.parametrize(
    "logger", ["components.feed.line", "components.new", "disruptor.ring", "x"]
)
def test_a_warning_without_an_action_is_given_its_parts(logger: str, level: int) -> None:
    stream = io.StringIO()
    configure("info", stream)
    logging.getLogger(logger).log(level, "something")
    logging.getLogger(logger).info("nothing to do")
    told, quiet = (orjson.loads(line) for line in stream.getvalue().splitlines())

    assert told["action"] == action_for(logger)
    assert "action" not in quiet


def test_the_longest_beginning_of_a_name_decides() -> None:
    assert action_for("disruptor.supervisor.child") == ACTIONS["disruptor.supervisor"]
    assert action_for("disruptor.processors.exception_handler") == ACTIONS["disruptor"]
    assert action_for("disruptors") == OTHERWISE


def test_what_to_do_names_sections_that_the_runbook_has() -> None:
    heads = {head.lower() for head in re.findall(r"^## (\w+)$", RUNBOOK, re.M)}
    named = {
        anchor for text in ACTIONS.values() for anchor in re.findall(r"runbook\.md#(\w+)", text)
    }

    assert len(named) >= 5
    assert named <= heads


def test_bad_input_says_what_to_do_about_its_reason() -> None:
    stream = io.StringIO()
    configure("info", stream)
    log = SampledLog("components.feed.decoder")
    log.warning("off_grid", "frame", b"{}")
    log.warning("bad_time", "frame", b"{}")
    first, second = (orjson.loads(line) for line in stream.getvalue().splitlines())

    assert (first["reason"], first["action"]) == ("off_grid", REASONS["off_grid"])
    assert "price_feed_malformed_total" in second["action"]
    assert set(REASONS) <= set(MALFORMED_REASONS)


KERNEL = re.compile(r"^@(compiled|entry|internal|inlined|pasted)\b", re.M)


def test_no_file_of_kernels_logs() -> None:
    texts = {relative(path): path.read_text("utf-8") for path in sources("components")}
    engines = {
        name: text for name, text in texts.items() if "/engine/" in name or KERNEL.search(text)
    }

    assert engines
    assert [name for name, text in engines.items() if "import logging" in text] == []
