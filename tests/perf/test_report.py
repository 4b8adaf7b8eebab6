"""Reports hold the figures that were measured, and comparing two of them tells what changed."""

from __future__ import annotations

import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from perf.harness.measurement import Measurement, absent
from perf.report.compare import changes, compare, more_is_better
from perf.report.content import Report, read_json, to_json
from perf.report.html import to_html
from perf.report.markdown import to_markdown
from perf.report.ratios import ratios

FIGURES = (
    Measurement("ring.unicast", "processes, yielding", "throughput", "M events/s",
                (300.0, 100.0, 200.0), "≥ 2 × LMAX", "", {"wait": "yielding"}),
    Measurement("ring.unicast", "threads, yielding", "throughput", "M events/s",
                (50.0,), "", "LMAX <3>", {"wait": "yielding"}),
    Measurement("ring.unicast", "threads, blocking", "throughput", "M events/s",
                (5.0,), "", "LMAX <3>", {"wait": "blocking"}),
    Measurement("ring.unicast", "processes", "throughput", "M events/s", (0.1,), "", "a | queue"),
    absent("ring.unicast", "pigeons", "there are no pigeons"),
    *(
        Measurement("ring.ping_pong", "processes, yielding", f"round trip {name}", "ns", (value,))
        for name, value in (
            ("p50 uncorrected", 90.0), ("p50", 100.0), ("p90", 200.0), ("p99", 300.0),
            ("p99.9", 900.0), ("p99.99", 5000.0), ("max", 70_000.0),
        )
    ),
)  # fmt: skip
REPORT = Report({"cpu": "a <fast> one", "cpus": 2}, ("the load is 9",), FIGURES)


class Page(HTMLParser):
    """Tags that are open, cells of tables, and what the page would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")
        self.loads += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href")
                       and not (value or "").startswith("#")]  # fmt: skip
        self.loads += [tag] if tag in ("script", "link", "img", "iframe") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def svgs(html: str) -> list[ElementTree.Element]:
    return [
        ElementTree.fromstring(piece.split("</svg>")[0] + "</svg>")
        for piece in html.split("<svg")[1:]
        for piece in ["<svg" + piece]
    ]


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = Page(to_html(REPORT))

    assert page.open == []
    assert page.loads == []


def test_the_page_tells_machine_figures_targets_absences_and_ratios() -> None:
    cells = Page(to_html(REPORT)).cells

    assert "a <fast> one" in cells
    at = cells.index("processes, yielding", cells.index("target"))
    assert cells[at : at + 7] == [
        "processes, yielding", "throughput", "200", "100", "300", "M events/s", "≥ 2 × LMAX",
    ]  # fmt: skip
    assert "pigeons: not measured, there are no pigeons" in cells
    ratio = cells.index("LMAX <3>: threads, yielding")
    assert cells[ratio + 1] == "4 ×"
    assert "the load is 9" in to_html(REPORT)


def test_the_page_has_a_chart_of_throughputs_and_one_of_latencies() -> None:
    bars, curves = svgs(to_html(REPORT))

    told = "".join(bars.itertext())
    assert "LMAX <3>: threads, yielding" in told
    assert "pigeons" not in told
    assert "M events/s" in told
    told = "".join(curves.itertext())
    assert "p99.99" in told
    assert "processes, yielding" in told


def test_what_grows_is_drawn_with_a_panel_for_each_size_and_unit() -> None:
    grown = [
        Measurement("s", f"{size} things", metric, unit, (cost,), details={"axis": axis, "size": size})
        for axis, metric, unit, cost in (
            ("orders at rest", "cost of one", "ns/op", 9.0),
            ("orders at rest", "cost of another", "ns/op", 8.0),
            ("accounts", "price", "µs", 7.0),
        )
        for size in (10, 1_000)
    ]  # fmt: skip
    (panels,) = svgs(to_html(replace(REPORT, figures=tuple(grown))))

    told = "".join(panels.itertext())
    assert all(told.count(each) == 1 for each in ("orders at rest", "accounts", "cost of another"))
    assert 'id="growth"' not in to_html(REPORT)


def test_equal_reports_give_equal_pages() -> None:
    assert to_html(REPORT) == to_html(REPORT)


def test_markdown_has_every_figure_and_escapes_what_would_break_a_table() -> None:
    lines = to_markdown(REPORT).splitlines()

    assert "- cpu: a <fast> one" in lines
    assert (
        "| processes, yielding | throughput | 200 | 100 | 300 | M events/s | ≥ 2 × LMAX |" in lines
    )
    assert any(line.startswith(r"| a \| queue: processes | throughput | 0.1") for line in lines)
    assert any("pigeons (not measured: there are no pigeons)" in line for line in lines)
    tables = [line for line in lines if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in tables} == {6, 8}


def test_json_gives_the_same_report_back(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(to_json(REPORT))

    assert read_json(file) == REPORT
    assert b'"median": 200.0' in to_json(REPORT)


def test_ratios_stand_beside_peers_of_the_same_work_and_wait_strategy_only() -> None:
    told = {(each.theirs.peer, each.theirs.variant): each.value for each in ratios(FIGURES)}

    assert told == {("LMAX <3>", "threads, yielding"): 4.0, ("a | queue", "processes"): 2000.0}


def test_a_figure_without_runs_has_no_median() -> None:
    assert math.isnan(absent("s", "p", "r").value)


@pytest.mark.parametrize(
    ("unit", "more"),
    [("M events/s", True), ("MB/s", True), ("ns", False), ("CPU s/s", False), ("ns/op", False)],
)
def test_what_is_better_depends_on_the_unit(unit: str, more: bool) -> None:
    assert more_is_better(unit) is more


def altered(metric: str, factor: float) -> Report:
    figures = tuple(
        replace(each, runs=tuple(factor * run for run in each.runs))
        if each.metric == metric and not each.peer
        else each
        for each in FIGURES
    )
    return replace(REPORT, figures=figures)


def test_changes_tell_gains_in_the_direction_of_the_unit() -> None:
    faster = {each.after.metric: each.gain for each in changes(REPORT, altered("throughput", 2))}
    slower = {
        each.after.metric: each.gain for each in changes(REPORT, altered("round trip p50", 2))
    }

    assert faster["throughput"] == 1  # the last of that metric is a peer's, unchanged
    assert next(each.gain for each in changes(REPORT, altered("throughput", 2))) == 2
    assert slower["round trip p50"] == 0.5
    assert slower["round trip p99"] == 1


@pytest.mark.parametrize(("factor", "status"), [(1.0, 0), (0.95, 0), (0.8, 1), (3.0, 0)])
def test_compare_fails_when_a_figure_of_ours_is_worse_than_tolerated(
    tmp_path: Path, factor: float, status: int
) -> None:
    before, after = tmp_path / "a.json", tmp_path / "b.json"
    before.write_bytes(to_json(REPORT))
    after.write_bytes(to_json(altered("throughput", factor)))

    ran = CliRunner().invoke(compare, [str(before), str(after), "--tolerance", "10"])

    assert ran.exit_code == status, ran.output
    assert f"{factor:.2f} ×" in ran.output


def test_compare_refuses_what_is_no_report(tmp_path: Path) -> None:
    wrong = tmp_path / "a.json"
    wrong.write_text("[1]")
    ran = CliRunner().invoke(compare, [str(wrong), str(wrong)])

    assert ran.exit_code == 2
    assert "is no report of bin/perf" in ran.output
