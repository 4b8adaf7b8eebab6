"""A third party's judge, tracebook-conformance, compares Titan with its own reference engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tracebook.conformance", reason="tracebook-conformance is not installed")

from tracebook.conformance import (
    PROTOCOL_NAME,
    PROTOCOL_VERSION,
    ConformanceSuite,
    ReferenceEngineAdapter,
    SuiteCase,
    copy_bundled_conformance_suite,
    run_campaign,
    run_conformance,
)

from tests.components.titan.tracebook_adapter import TitanAdapter

ROOT = Path(__file__).resolve().parents[3]

PRICE_TIME_CASES = (
    "fifo-lifecycle", "order-instructions", "stp-cancel-resting", "stp-cancel-resting-deep",
    "stp-cancel-incoming", "multi-symbol", "tick-grid", "deep-cancellation",
)  # fmt: skip
OUT_OF_SCOPE = {"pro-rata-allocation"}
"""Titan matches by price, then time, and knows no other allocation."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> ConformanceSuite:
    """The newest bundled suite; loading it verifies the digest of every trace."""
    return copy_bundled_conformance_suite(tmp_path_factory.mktemp("tracebook") / "suite")


def case(suite: ConformanceSuite, name: str) -> SuiteCase:
    return next(each for each in suite.cases if each.name == name)


def test_every_price_time_case_is_judged_here_and_only_pro_rata_is_out_of_scope(
    suite: ConformanceSuite,
) -> None:
    assert {each.name for each in suite.cases} == {*PRICE_TIME_CASES, *OUT_OF_SCOPE}


@pytest.mark.parametrize("name", PRICE_TIME_CASES)
def test_titan_conforms_where_price_and_time_decide(suite: ConformanceSuite, name: str) -> None:
    chosen = case(suite, name)
    report = run_conformance(chosen.load_events(), TitanAdapter, chosen.config, name)

    assert report.divergence is None
    assert report.conformant
    assert report.compared_events == len(chosen.load_events()) > 0


def test_a_process_answers_over_the_judges_protocol_as_its_reference_does(
    suite: ConformanceSuite,
) -> None:
    chosen = case(suite, "fifo-lifecycle")
    events = chosen.load_events()
    hello = {
        "type": "hello", "protocol": PROTOCOL_NAME, "protocol_version": PROTOCOL_VERSION,
        "config": chosen.config.to_dict(),
    }  # fmt: skip
    messages = [
        hello,
        *(
            {"type": "event", "index": n, "event": each.to_dict()}
            for n, each in enumerate(events, 1)
        ),
        {"type": "snapshot", "index": len(events)},
        {"type": "finish", "event_count": len(events)},
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.components.titan.tracebook_adapter"],
        input="".join(json.dumps(each) + "\n" for each in messages),
        capture_output=True, text=True, cwd=ROOT, check=True, timeout=100,
    )  # fmt: skip
    ready, *observed, snapshot, complete = map(json.loads, ran.stdout.splitlines())
    reference = ReferenceEngineAdapter(chosen.config)
    expected = [reference.apply(each, n).to_dict() for n, each in enumerate(events, 1)]

    assert ready["engine"]["name"] == "titan"
    assert len(observed) == len(expected)
    for ours, theirs in zip(observed, expected, strict=True):
        assert ours.pop("type") == "observation"
        for answer in (ours, theirs):
            answer["outcome"].pop("message")
        assert ours == theirs
    assert snapshot["state"] == reference.snapshot().to_dict()
    assert complete == {"type": "complete", "event_count": len(events)}


@pytest.mark.parametrize("profile", ["fifo-limit-v1", "fifo-full-v1", "fifo-partial-fill-v1"])
def test_seeded_campaigns_find_no_divergence(profile: str) -> None:
    result = run_campaign(TitanAdapter, profile, seed=1337, traces=2, events_per_trace=180)

    assert result.failure is None
    assert result.conformant


@pytest.mark.soak
@pytest.mark.parametrize("profile", ["fifo-limit-v1", "fifo-full-v1", "fifo-partial-fill-v1"])
def test_long_campaigns_find_no_divergence(profile: str) -> None:
    result = run_campaign(TitanAdapter, profile, seed=7, traces=30, events_per_trace=300)

    assert result.failure is None


def test_an_engine_that_forgets_priority_is_found() -> None:
    """The judge is not blind: an adapter that lets a reduction lose its place diverges."""

    class Forgetful(TitanAdapter):
        def _reduce(self, event: object) -> list[object]:
            words = self._words(event)
            live = self._live(words["order_id"])
            if live is None:
                return super()._reduce(event)
            return self._replace(event)

    result = run_campaign(Forgetful, "fifo-limit-v1", seed=1337, traces=4, events_per_trace=180)

    assert result.failure is not None
