"""The ratios that must hold: what is broken is named, and the pairs do the work that they name."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from perf.check import cli
from perf.check.cli import judge
from perf.check.pairs import Pair, pairs


def pair(ours: list[float], theirs: list[float], least: float) -> Pair:
    return Pair("ours", "theirs", lambda: ours.pop(0), lambda: theirs.pop(0), least)


def test_a_ratio_is_that_of_the_shortest_times() -> None:
    verdict = judge(pair([9.0, 2.0, 5.0], [8.0, 4.0, 6.0], 2.0), turns=3)

    assert verdict.ratio == 2.0
    assert verdict.holds


def test_a_broken_ratio_is_named_and_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        def __enter__(self) -> list[Pair]:
            return [pair([1.0] * 5, [6.0] * 5, 5.0), pair([1.0] * 5, [4.0] * 5, 5.0)]

        def __exit__(self, *error: object) -> None: ...

    monkeypatch.setattr(cli, "pairs", Made)
    ran = CliRunner().invoke(cli.check, [])

    assert ran.exit_code == 1
    assert "ours: 4 times as fast as theirs; it must be at least 5 times" in ran.output


def test_every_pair_measures_both_sides() -> None:
    with pairs() as found:
        assert all(each.ours() > 0 and each.theirs() > 0 for each in found)
        assert all(each.least > 0 for each in found)
