"""The crash of ``sentinel.cascade`` through the whole platform: rings, processes, journal, then replayed.

::

    makers and marks ──► commands ──► Titan ──► events ──► Sentinel ──► risk ──► Oracle
                            ▲                                 │
                            └──────── liquidation orders ─────┘

A fixed rate makes minutes of market time; what comes between what is the processes' affair, and in
the journal.  Derived again from its commands, all events, risk records and orders must be those that
were journaled, byte for byte; the course is read from the risk records, by market time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from components.messages.code import (
    EVENT_TIMER,
    RISK_DELEVERAGE,
    RISK_INSURANCE_FUND,
    RISK_LIQUIDATION,
)
from components.oracle.replay import replay
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from components.units import MONEY_SCALE
from perf.harness.measurement import Measurement, Options
from perf.platform.run import Setting, run_platform
from perf.scenarios.sentinel.cascade import drawn
from perf.workloads.cascade import FULL, QUICK, Course, Crash, steps_of

SCENARIO: Final = "sentinel.cascade_live"
RATE: Final = 2_000
"""Commands a second: the full crash lasts a minute."""

REST_S: Final = 15.0
"""What is still in flight when the last price was sent goes on bringing orders for a while."""


def run(options: Options) -> list[Measurement]:
    """The crash, and the replay of its journal."""
    crash, workload = (QUICK, "small_crash") if options.quick else (FULL, "crash")
    commands = sum(map(len, steps_of(crash)))
    setting = Setting(
        workload, RATE, commands / RATE, rest_s=REST_S, configuration=configuration_of(crash)
    )
    courses: list[Course] = []
    outcome = run_platform(setting, look=lambda journal: courses.append(course_of(journal, crash)))
    (course,) = courses
    variant = f"{crash.accounts:,} accounts, {crash.symbols} symbols, {outcome.seconds:,.0f} s"
    figures = (
        ("liquidations", "count", sum(course.liquidations), "≥ 60,000"),
        ("takeovers", "count", sum(course.deleveragings) // 2, ""),
        ("insurance fund at the end", "quote", course.funds[-1] / MONEY_SCALE, ""),
        ("bad debt", "quote", course.bad_debts[-1] / MONEY_SCALE, ""),
        ("busiest step", "liquidations", max(course.liquidations), ""),
        ("memory of all processes", "MB", outcome.usage.pss_bytes / 1e6, ""),
    )
    return [
        Measurement(SCENARIO, variant, metric, unit, (float(value),), target)
        for metric, unit, value, target in figures
    ] + drawn(SCENARIO, variant, course)


def configuration_of(crash: Crash) -> dict[str, Any]:
    """A platform with room for it, by the same rule and grids as ``sentinel.cascade``."""
    grid = {"tick_size": "0.01", "lot_size": "0.001", "max_leverage": 100}
    positions = 4 * crash.accounts
    names = ["BTCUSDT", *(f"S{symbol}" for symbol in range(1, crash.symbols))]
    return {
        "instruments": dict.fromkeys(names, grid),
        "capacity": {"orders": 1 << 18, "positions": positions, "symbols": crash.symbols},
        "sentinel": {
            "capacity": {
                "accounts": crash.accounts + 1,
                "symbols": crash.symbols,
                "positions": positions,
            }
        },
        "risk": {
            "liquidation_fee": "0.005",
            "insurance_fund": str(crash.fund // MONEY_SCALE),
        },
    }


def course_of(path: Path, crash: Crash) -> Course:
    """What became of it in each of the crash's steps; AssertionError if a replay differs."""
    with Journal.open_reader(path, STREAM_DTYPES) as journal:
        report = replay(journal)
        assert report.ok, f"the replay of the crash differs: {report.differences[0]}"
        begin, end = _between_marks(journal)
        edges = np.linspace(begin, end, crash.steps + 1)[1:]
        none = [0] * crash.steps
        course = Course(none.copy(), none.copy(), none.copy(), none.copy())
        fund, debt, step = crash.fund, 0, 0
        for _, risks in journal.read("risk"):
            kinds = risks["kind"]
            chosen = np.isin(kinds, (RISK_LIQUIDATION, RISK_DELEVERAGE, RISK_INSURANCE_FUND))
            for risk in risks[chosen]:
                while step < crash.steps - 1 and risk["ts"] > edges[step]:
                    course.funds[step], course.bad_debts[step] = fund, debt
                    step += 1
                if risk["kind"] == RISK_LIQUIDATION:
                    course.liquidations[step] += 1
                elif risk["kind"] == RISK_DELEVERAGE:
                    course.deleveragings[step] += 1
                else:
                    fund = int(risk["collateral"])
                    debt += int(risk["entry_value"])
        for rest in range(step, crash.steps):
            course.funds[rest], course.bad_debts[rest] = fund, debt
    return course


def _between_marks(journal: Journal) -> tuple[int, int]:
    """When the load began and ended, by the generator's two marks."""
    times: list[int] = []
    for _, events in journal.read("events"):
        times += events["ts"][events["kind"] == EVENT_TIMER].tolist()
    return times[0], times[-1]
