"""Logs: one schema; lines for people on a terminal, JSON lines wherever else they go.

    ts       UTC, ISO 8601 with microseconds       level    debug, info, warning, error, critical
    process  which of the platform's               logger   which part of the code
    message  what happened                         action   with every warning and error: what to do
    error    the traceback, if there is one        any other key that the caller gave as ``extra``

Parts log with the standard library and know nothing of this.  They say what to do where they know it,
``log.warning("…", extra={"action": "…"})``; a warning or error without it is given what its part's
reader should do first.  Nothing on the hot path logs: what is frequent is counted (see the catalogue
of metrics), and of bad input a sample is told.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import click
import orjson

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
ACTIONS: Final = {
    "components.launcher": "bin/doctor examines the machine, bin/ctl status the platform.",
    "components.feed": "See reconnects, gaps and malformed of the feed; docs/runbook.md#feedstalled.",
    "components.oracle": "bin/oracle verify tells whether the journal is whole; docs/runbook.md#durablelate.",
    "components.titan": "See Titan's dashboard and the ring commands; docs/runbook.md#producerswait.",
    "components.sentinel": "See who is near liquidation in bin/top; docs/runbook.md#sentinelslow.",
    "components.monitor": "The pipeline needs no monitor; start it again; docs/runbook.md#targetdown.",
    "disruptor.supervisor": "See the states and restarts in bin/top; docs/runbook.md#processdown.",
    "disruptor": "python -m disruptor inspect shows the ring; docs/runbook.md#ringnearlyfull.",
}
"""What to do first about a part, by the beginning of its loggers' names."""

OTHERWISE: Final = (
    "See bin/top for what is not as usual; docs/runbook.md has a section for each alert."
)

_COLOURS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send the logs of this process, and of those that it forks, to ``stream``: standard error."""
    chosen = stream or sys.stderr
    handler = logging.StreamHandler(chosen)
    handler.setFormatter(TerminalFormatter() if chosen.isatty() else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a field that JSON does not know is told as its text."""
        told: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "process": record.processName,
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            told["error"] = self.formatException(record.exc_info)
        return orjson.dumps(told, default=str).decode()


class TerminalFormatter(logging.Formatter):
    """Time, level, process, message; then the fields, and what to do on a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record."""
        fields = fields_of(record)
        action = fields.pop("action", None)
        level = click.style(f"{record.levelname:<8}", _COLOURS.get(record.levelname))
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{at}  {level}{record.processName}: {record.getMessage()}"
        line += "".join(f"  {name}={value}" for name, value in fields.items())
        if action:
            line += f"\n          {click.style('→', 'cyan')} {action}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return line


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller gave as ``extra``; with a warning or error in any case an action."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    if record.levelno >= logging.WARNING:
        fields.setdefault("action", action_for(record.name))
    return fields


def action_for(logger: str) -> str:
    """What to do first about something that this logger warns of."""
    fitting = (part for part in ACTIONS if f"{logger}.".startswith(f"{part}."))
    return ACTIONS.get(max(fitting, key=len, default=""), OTHERWISE)
