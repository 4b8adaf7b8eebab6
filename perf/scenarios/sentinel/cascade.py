"""A crash over 400,000 accounts on 160 symbols, and what it costs: see perf/workloads/cascade.py.

::

    makers and marks ──► Titan ──► Sentinel ──► liquidation orders ──┐
          ▲                                                         │
          └─────────────────────────────────────────────────────────┘      until none comes

Run twice by the same figures, and derived a third time from the recorded commands: all three must end
in the same state.  The course of the fund, of liquidations and of takeovers stands in the report's chart.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from components.units import MONEY_SCALE
from perf.harness.measurement import Measurement, Options
from perf.workloads.cascade import FULL, QUICK, Course, replayed
from perf.workloads.cascade import run as run_crash

SCENARIO: Final = "sentinel.cascade"


def run(options: Options) -> list[Measurement]:
    """The crash, its repetition, and its replay."""
    crash = QUICK if options.quick else FULL
    began = time.perf_counter()
    course = run_crash(crash)
    took = time.perf_counter() - began
    assert run_crash(crash).hashes == course.hashes == replayed(crash, course)
    assert course.totals is not None
    variant = f"{crash.accounts:,} accounts, {crash.symbols} symbols, {crash.steps} steps"
    commands = sum(map(len, course.commands))
    figures = (
        ("liquidations", "count", sum(course.liquidations), "≥ 60,000"),
        ("takeovers", "count", sum(course.deleveragings) // 2, ""),
        ("insurance fund at the end", "quote", course.funds[-1] / MONEY_SCALE, ""),
        ("bad debt", "quote", course.totals.bad_debt / MONEY_SCALE, ""),
        ("busiest step", "liquidations", max(course.liquidations), ""),
        ("whole crash", "s", took, ""),
        ("commands", "M commands/s", commands / took / 1e6, ""),
    )
    return [
        Measurement(SCENARIO, variant, metric, unit, (float(value),), target)
        for metric, unit, value, target in figures
    ] + drawn(SCENARIO, variant, course)


def paths(course: Course) -> tuple[tuple[str, str, list[float]], ...]:
    """What the chart shows: name, unit, and a value a step."""
    return (
        ("fund by step", "quote", [each / MONEY_SCALE for each in course.funds]),
        ("bad debt by step", "quote", [each / MONEY_SCALE for each in course.bad_debts]),
        ("liquidations by step", "count", np.cumsum(course.liquidations).tolist()),
        ("takeovers by step", "count", (np.cumsum(course.deleveragings) / 2).tolist()),
    )


def drawn(scenario: str, variant: str, course: Course) -> list[Measurement]:
    """The figures that the chart is made of."""
    return [
        Measurement(
            scenario,
            variant,
            name,
            unit,
            (values[-1],),
            details={str(step): value for step, value in enumerate(values)},
        )
        for name, unit, values in paths(course)
    ]
