"""What every kind of report tells: the machine, the warnings, the figures; and its form as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from perf.harness.measurement import Measurement


@dataclass(frozen=True)
class Report:
    """One run of bin/perf."""

    machine: dict[str, str | int | float]
    warnings: tuple[str, ...]
    figures: tuple[Measurement, ...]

    def scenarios(self) -> list[str]:
        """In the order in which they were run."""
        return list(dict.fromkeys(each.scenario for each in self.figures))

    def of(self, scenario: str) -> list[Measurement]:
        """The figures of one scenario."""
        return [each for each in self.figures if each.scenario == scenario]


def to_json(report: Report) -> bytes:
    """All of it, with each figure's median."""
    rows = [{**asdict(each), "median": each.value} for each in report.figures]
    content = {"machine": report.machine, "warnings": report.warnings, "measurements": rows}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


def read_json(path: Path) -> Report:
    """The report that ``to_json`` wrote; ValueError, naming the file, when it is another thing."""
    try:
        content = orjson.loads(path.read_bytes())
        figures = tuple(_figure(row) for row in content["measurements"])
        return Report(content["machine"], tuple(content["warnings"]), figures)
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ValueError(f"{path} is no report of bin/perf: {error!r}") from error


def _figure(row: dict[str, Any]) -> Measurement:
    fields = {name: value for name, value in row.items() if name != "median"}
    return Measurement(**{**fields, "runs": tuple(fields["runs"])})
