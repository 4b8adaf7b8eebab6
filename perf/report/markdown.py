"""A report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perf.report.charts import label
from perf.report.content import Report
from perf.report.ratios import ratios
from perf.report.table import number


def to_markdown(report: Report) -> str:
    """The machine, a table a scenario, and the ratios to the peers."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Performance"
    yield ""
    yield from (f"- {name}: {value}" for name, value in report.machine.items())
    yield from (f"- **warning**: {warning}" for warning in report.warnings)
    for scenario in report.scenarios():
        yield from ("", f"## {scenario}", "")
        yield from _table(
            ("variant", "metric", "median", "lowest", "highest", "unit", "target"),
            [
                (f"{each.peer} (not measured: {each.absence})", "", "", "", "", "", "")
                if each.absence
                else (
                    label(each),
                    each.metric,
                    number(each.value),
                    number(min(each.runs)),
                    number(max(each.runs)),
                    each.unit,
                    each.target,
                )
                for each in report.of(scenario)
            ],
        )
    found = ratios(report.figures)
    if found:
        yield from ("", "## Beside the peers, in this run", "")
        yield from _table(
            ("scenario", "ours", "metric", "peer", "ratio"),
            [
                (
                    each.ours.scenario,
                    label(each.ours),
                    each.ours.metric,
                    label(each.theirs),
                    f"{number(each.value)} ×",
                )
                for each in found
            ],
        )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(headings)
    yield _row(["---"] * len(headings))
    yield from (_row(row) for row in rows)


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"
