"""bin/oracle as its user meets it: output, exit status, one clear line on every mistake."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from components.oracle.cli import main
from components.oracle.store.segments import data_path
from tests.components.oracle.platform_samples import START_NS, Platform, write, write_by_hand


def oracle(*words: str | Path, **environment: str) -> Result:
    return CliRunner(env={"ORACLE_PATH": None, **environment}).invoke(main, [*map(str, words)])


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    write_by_hand(tmp_path / "j")
    return tmp_path / "j"


def test_the_path_comes_from_option_or_environment(journal: Path) -> None:
    outputs = {
        oracle("--path", journal, "info", "--json").output,
        oracle("info", "--path", journal, "--json").output,
        oracle("info", "--json", ORACLE_PATH=str(journal)).output,
    }

    assert len(outputs) == 1


@pytest.mark.parametrize("command", ["info", "verify", "hash", "replay", "tail"])
def test_a_missing_journal_is_one_clear_line(tmp_path: Path, command: str) -> None:
    result = oracle(command, "--path", tmp_path / "none")

    assert result.exit_code == 1
    assert result.stderr == f"Error: there is no journal at {tmp_path / 'none'}\n"
    assert result.stdout == ""
    assert not (tmp_path / "none").exists()


def test_info_as_json(journal: Path) -> None:
    content = json.loads(oracle("info", "--path", journal, "--json").stdout)
    commands = content["streams"]["commands"]

    assert list(content["streams"]) == ["commands", "events", "risk"]
    assert (commands["count"], commands["first_sequence"], commands["last_sequence"]) == (4, 1, 4)
    assert (commands["first_ts"], commands["last_ts"]) == (START_NS, START_NS + 2)
    assert (commands["durable_sequence"], commands["bytes"]) == (4, 384)
    assert len(commands["head"]) == 64
    assert content["format_version"] == 2


def test_info_for_people(journal: Path) -> None:
    result = oracle("info", "--path", journal)

    assert result.exit_code == 0
    assert "commands" in result.stdout
    assert "2026-01-02" in result.stdout


def test_verify_a_whole_journal(journal: Path) -> None:
    result = oracle("verify", "--path", journal, "--deep")

    assert result.exit_code == 0
    assert "commands: 4 events in 1 batches, 384 bytes" in result.stdout
    assert "pages: sound" in result.stdout
    assert "is whole" in result.stdout


def test_verify_names_a_changed_byte(journal: Path) -> None:
    whole = data_path(journal).read_bytes()
    for found in re.finditer(b"JREC", whole):  # some are stale copies in free pages
        content = bytearray(whole)
        content[found.start() + 200] ^= 1
        data_path(journal).write_bytes(content)
        result = oracle("verify", "--path", journal)
        if result.exit_code:
            break
    as_json = oracle("verify", "--path", journal, "--json")

    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert result.stderr.startswith("Error: stream ")
    assert "expected" in result.stderr
    assert result.stderr.count("\n") == 1
    assert json.loads(as_json.stdout)["ok"] is False


def test_verify_repairs_into_a_new_directory(journal: Path, tmp_path: Path) -> None:
    result = oracle("verify", "--path", journal, "--repair", tmp_path / "copy")

    assert result.exit_code == 0
    assert "commands: 4 events copied, 0 known to be lost" in result.output
    assert oracle("verify", "--path", tmp_path / "copy", "--deep").exit_code == 0
    again = oracle("verify", "--path", journal, "--repair", tmp_path / "copy")
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_tail_tells_cause_before_effect(journal: Path) -> None:
    result = oracle("tail", "--path", journal, "-n", "5")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]

    assert [line[:2] for line in lines] == [
        ["commands", "3"],
        ["risk", "1"],
        ["commands", "4"],
        ["events", "1"],
        ["events", "2"],
    ]
    order = json.loads(lines[2][2])
    assert (order["symbol"], order["price"], order["qty"]) == ("BTCUSDT", "49999.9", "1.5")


def test_tail_of_one_stream(journal: Path) -> None:
    result = oracle("tail", "--path", journal, "-n", "1", "--stream", "events")

    assert result.stdout.startswith("events            2 {")
    assert oracle("tail", "--path", journal, "-n", "0").stdout == ""


def test_export_as_json_lines(journal: Path) -> None:
    result = oracle("export", "--path", journal, "--stream", "commands", "--from", "3", "--to", "4")
    first, second = map(json.loads, result.stdout.splitlines())

    assert (first["op"], first["price"]) == ("price", "50000")
    assert (second["op"], second["id"], second["account"]) == ("place", 7, 42)


def test_export_as_csv(journal: Path) -> None:
    result = oracle("export", "--path", journal, "--stream", "risk", "--format", "csv")
    header, row = (line.split(",") for line in result.stdout.splitlines())
    record = dict(zip(header, row, strict=True))

    assert (record["sequence"], record["seq"], record["account"]) == ("1", "3", "42")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "--stream", "risk", "--to", "9"), "stream risk ends at 1; asked for 9"),
        (("export", "--stream", "orders"), "'orders' is not one of 'commands', 'events', 'risk'"),
        (("export",), "Missing option '--stream'"),
        (("hash", "--at", "9"), "the journal ends at command 4; asked for 9"),
        (("replay", "--to", "-1"), "-1 is not in the range"),
        (("tail", "-n", "many"), "'many' is not a valid integer"),
        (("dump",), "No such command 'dump'"),
    ],
)
def test_wrong_usage_has_status_two(journal: Path, words: tuple[str, ...], message: str) -> None:
    result = oracle("--path", journal, *words)

    assert result.exit_code == 2
    assert message in result.stderr


def test_a_journal_of_something_else_is_named(tmp_path: Path) -> None:
    from tests.components.oracle.store.samples import fill

    fill(tmp_path / "j", batches=1)
    result = oracle("tail", "--path", tmp_path / "j")

    assert result.exit_code == 1
    assert "has no stream 'commands'; it has orders, plain" in result.stderr


@pytest.mark.parametrize("command", [(), ("info",), ("verify",), ("replay",), ("export",)])
def test_help_is_there(command: tuple[str, ...]) -> None:
    result = oracle(*command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.stdout


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=2)
    made.run(300)
    return made


def test_hash_and_replay_tell_the_live_hash(tmp_path: Path, platform: Platform) -> None:
    write(tmp_path / "j", platform.streams())
    replayed = oracle("replay", "--path", tmp_path / "j", "--json")
    content = json.loads(replayed.stdout)

    assert oracle("hash", "--path", tmp_path / "j").stdout == platform.hash() + "\n"
    assert replayed.exit_code == 0
    assert content["ok"] is True
    assert content["platform_hash"] == platform.hash()
    assert content["derived"]["events"] == content["journaled"]["events"] == len(platform.events)
    assert "is what the commands give" in oracle("replay", "--path", tmp_path / "j").stdout


def test_hash_at_a_command_is_the_one_of_a_replay_to_it(tmp_path: Path, platform: Platform) -> None:
    write(tmp_path / "j", platform.streams())
    hashes = [
        oracle("hash", "--path", tmp_path / "j", "--at", str(at)).stdout.strip() for at in (50, 51)
    ]
    content = json.loads(oracle("replay", "--path", tmp_path / "j", "--to", "50", "--json").stdout)

    assert hashes[0] == content["platform_hash"] != hashes[1]


def test_a_replay_that_differs_has_status_one(tmp_path: Path, platform: Platform) -> None:
    streams = platform.streams()
    streams["events"]["qty"][30] += 1
    write(tmp_path / "j", streams)
    result = oracle("replay", "--path", tmp_path / "j")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: stream events, sequence 31, field qty: expected ")
    (difference,) = json.loads(oracle("replay", "--path", tmp_path / "j", "--json").stdout)[
        "differences"
    ]
    both = difference["expected_record"], difference["found_record"]
    assert both[1]["qty"] - both[0]["qty"] == 1
    assert both[0] | {"qty": 0} == both[1] | {"qty": 0}


def test_a_range_is_replayed(tmp_path: Path, platform: Platform) -> None:
    streams = platform.streams()
    streams["events"]["qty"][30] += 1
    write(tmp_path / "j", streams)
    after = str(int(streams["events"]["seq"][30]) + 1)
    result = oracle("replay", "--path", tmp_path / "j", "--from", after, "--to", "200")
    beyond = oracle("replay", "--path", tmp_path / "j", "--from", "202", "--to", "200")

    assert result.exit_code == 0
    assert "commands: 200 replayed" in result.stdout
    assert (beyond.exit_code, "lies after the last command, 200" in beyond.stderr) == (2, True)
