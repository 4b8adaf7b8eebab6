"""The public league's flow and reports, against the digests that the league publishes."""

from __future__ import annotations

import hashlib

import pytest

from components.messages.code import OP_AMEND, OP_CANCEL, OP_INSTRUMENT, OP_PLACE
from perf.peers.league_reference import reports
from perf.workloads.league import SCENARIOS, Scenario, messages, titan_commands
from perf.workloads.league_reports import Judgement, judge_titan

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)


def judge_reference(scenario: Scenario, orders: int) -> Judgement:
    lines = list(reports(messages(scenario, orders)))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return Judgement(sum(line[0] == "1" for line in lines), len(lines), digest)


def published(scenario: Scenario) -> Judgement:
    return Judgement(scenario.trades, scenario.reports, scenario.sha256)


def test_the_flow_has_as_many_messages_of_each_kind_as_the_league_says() -> None:
    flow = messages(SCENARIOS[1])
    commands = titan_commands(flow)

    assert len(flow) == 1_996_097
    assert int(flow["ioc"].sum()) == 150_234
    counts = {op: int((commands["op"] == op).sum()) for op in (OP_PLACE, OP_CANCEL, OP_AMEND)}
    assert counts == {OP_PLACE: 1_000_000, OP_CANCEL: 823_422, OP_AMEND: 172_675}
    assert commands[0]["op"] == OP_INSTRUMENT


@each_scenario
def test_titan_reports_byte_for_byte_what_the_league_published(scenario: Scenario) -> None:
    assert judge_titan(messages(scenario)) == published(scenario)


@each_scenario
def test_titan_and_the_plain_book_report_the_same_on_a_small_flow(scenario: Scenario) -> None:
    assert judge_titan(messages(scenario, 5_000)) == judge_reference(scenario, 5_000)


@pytest.mark.soak
@each_scenario
def test_the_plain_book_reports_what_the_league_published(scenario: Scenario) -> None:
    assert judge_reference(scenario, 1_000_000) == published(scenario)


def test_a_report_that_differs_in_one_digit_is_noticed() -> None:
    flow = messages(SCENARIOS[1], 5_000)
    expected = judge_titan(flow)
    flow["qty"][0] += 1

    assert judge_titan(flow).sha256 != expected.sha256
