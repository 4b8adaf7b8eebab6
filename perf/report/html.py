"""A report as one self-contained page: tables, and charts as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from perf.harness.measurement import Measurement
from perf.report.charts import (
    course_panels,
    grows,
    growth_panels,
    has_curve,
    is_course,
    label,
    latency_curves,
    throughput_bars,
)
from perf.report.content import Report
from perf.report.ratios import ratios
from perf.report.table import number

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .7rem; text-align: left; border-bottom: 1px solid #ddd; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.peer { color: #777; }
.warning { color: #a40; }
svg { max-width: 100%; height: auto; }
"""


def to_html(report: Report) -> str:
    """The whole page."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8"><title>Performance</title>'
    yield f"<style>{_STYLE}</style></head><body>"
    yield "<h1>Performance</h1>"
    yield '<table id="machine">'
    for name, value in report.machine.items():
        yield f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
    yield "</table>"
    yield from (f'<p class="warning">warning: {escape(each)}</p>' for each in report.warnings)
    yield from _ratios(report)
    yield from _growth(report.figures)
    for scenario in report.scenarios():
        yield f'<section id="{escape(scenario)}"><h2>{escape(scenario)}</h2>'
        figures = report.of(scenario)
        yield from _charts(figures)
        yield from _table(figures)
        yield "</section>"
    yield "</body></html>"


def _growth(figures: Sequence[Measurement]) -> Iterator[str]:
    found = [each for each in figures if grows(each)]
    if found:
        yield f'<section id="growth"><h2>How the cost grows</h2>{growth_panels(found)}</section>'


def _charts(figures: Sequence[Measurement]) -> Iterator[str]:
    throughput = [each for each in figures if each.metric == "throughput" and each.runs]
    if throughput:
        yield throughput_bars(throughput)
    latencies: dict[str, list[Measurement]] = {}
    for each in filter(has_curve, figures):
        latencies.setdefault(each.metric.rpartition(" ")[0], []).append(each)
    for metric, found in latencies.items():
        yield f"<h3>{escape(metric)}</h3>"
        yield latency_curves(found)
    courses = [each for each in figures if is_course(each)]
    if courses:
        yield course_panels(courses)


def _table(figures: Sequence[Measurement]) -> Iterator[str]:
    headings = ("variant", "metric", "median", "lowest", "highest", "unit", "target")
    yield f"<table><tr>{''.join(f'<th>{each}</th>' for each in headings)}</tr>"
    for each in figures:
        kind = ' class="peer"' if each.peer else ""
        if each.absence:
            told = f"{escape(each.peer)}: not measured, {escape(each.absence)}"
            yield f'<tr{kind}><td colspan="{len(headings)}">{told}</td></tr>'
            continue
        numbers = (number(value) for value in (each.value, min(each.runs), max(each.runs)))
        cells = "".join(f'<td class="n">{value}</td>' for value in numbers)
        yield (
            f"<tr{kind}><td>{escape(label(each))}</td><td>{escape(each.metric)}</td>{cells}"
            f"<td>{escape(each.unit)}</td><td>{escape(each.target)}</td></tr>"
        )
    yield "</table>"


def _ratios(report: Report) -> Iterator[str]:
    found = ratios(report.figures)
    if not found:
        return
    yield '<h2>Beside the peers, in this run</h2><table id="ratios">'
    yield "<tr><th>scenario</th><th>ours</th><th>metric</th><th>peer</th><th>ratio</th></tr>"
    for each in found:
        cells = (each.ours.scenario, label(each.ours), each.ours.metric, label(each.theirs))
        told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f'<tr>{told}<td class="n">{number(each.value)} ×</td></tr>'
    yield "</table>"
