"""bin/perf as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from perf.cli import main
from perf.report.content import read_json
from perf.selection import scenario_names


def test_a_run_prints_its_figures_and_writes_every_kind_of_report(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("f.json", "f.html", "f.md")]
    options = ["--json", files[0], "--html", files[1], "--markdown", files[2]]
    ran = CliRunner().invoke(
        main,
        ["ring.unicast", "--quick", "--runs", "2", "--wait", "sleeping", "--across", "threads",
         *map(str, options)],
    )  # fmt: skip

    assert ran.exit_code == 0, ran.output
    assert "threads, sleeping" in ran.output
    report = read_json(files[0])
    assert report.scenarios() == ["ring.unicast"]
    assert {figure.variant for figure in report.figures} == {"threads, sleeping"}
    assert all(len(figure.runs) == 2 for figure in report.figures)
    assert report.machine["cpus"]
    assert "<svg" in files[1].read_text("utf-8")
    assert "## ring.unicast" in files[2].read_text("utf-8")


def test_list_names_every_scenario() -> None:
    ran = CliRunner().invoke(main, ["--list"])

    assert ran.output.splitlines() == scenario_names()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rings"], "'rings' is no scenario"),
        (["ring", "--wait", "prayer"], "'prayer' is not one of"),
        (["ring", "--across", "oceans"], "'oceans' is not one of"),
        (["ring", "--runs", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_ends_with_one_clear_line(arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(main, arguments)

    assert ran.exit_code == 2
    assert said in ran.output
