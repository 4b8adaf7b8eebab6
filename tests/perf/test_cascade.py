"""A small crash: whoever falls, the fund and the takeovers, are the same in every run and replay."""

from __future__ import annotations

import numpy as np

from components.units import MONEY_SCALE
from perf.harness.measurement import Measurement
from perf.report.content import Report
from perf.report.html import to_html
from perf.scenarios.sentinel.cascade import paths
from perf.workloads.cascade import Course, Crash, replayed, run

CRASH = Crash(accounts=300, symbols=3, steps=12, depth_lots=2_000, fund=100 * MONEY_SCALE)


def outcome(course: Course) -> tuple[object, ...]:
    return course.hashes, course.liquidations, course.deleveragings, course.funds, course.bad_debts


def test_a_crash_empties_the_fund_deleverages_and_ends_the_same_in_every_run_and_replay() -> None:
    course = run(CRASH)

    assert outcome(run(CRASH)) == outcome(course)
    assert replayed(CRASH, course) == course.hashes
    assert sum(course.liquidations) > 500
    assert course.funds[0] > 0 == course.funds[-1]
    first_takeover = next(step for step, count in enumerate(course.deleveragings) if count)
    assert course.funds[first_takeover] == 0, "nobody is taken over while the fund can pay"
    assert course.bad_debts[-1] > 0


def test_the_report_draws_the_course() -> None:
    course = Course(liquidations=[1, 5], deleveragings=[0, 4], funds=[7, 0], bad_debts=[0, 2])
    figures = tuple(
        Measurement(
            "sentinel.cascade", "small", name, unit, (values[-1],), details=dict(enumerated(values))
        )
        for name, unit, values in paths(course)
    )

    page = to_html(Report({}, (), figures))

    assert page.count("<svg") == 1
    for name in ("fund", "bad debt", "liquidations", "takeovers"):
        assert f">{name}</text>" in page
    assert np.isfinite([each.value for each in figures]).all()


def enumerated(values: list[float]) -> dict[str, float]:
    return {str(step): value for step, value in enumerate(values)}
