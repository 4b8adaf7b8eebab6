"""Titan's command line as a user meets it: lines in, lines out, clear refusals."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from components.titan.cli import main

_ROOT = Path(__file__).resolve().parents[3]
_INSTRUMENTS = """\
instruments:
  BTCUSDT: {tick_size: "0.5", lot_size: "0.001", maker_fee_ppm: -100, taker_fee_ppm: 400}
"""
_SELL = b'{"op":"place","symbol":"BTCUSDT","id":1,"account":7,"side":"sell","price":"100.5","qty":"2"}\n'
_BUY = b'{"op":"place","symbol":"BTCUSDT","id":2,"account":8,"side":"buy","price":"101","qty":"1","ts":5}\n'


@pytest.fixture
def instruments(tmp_path: Path) -> Path:
    path = tmp_path / "instruments.yaml"
    path.write_text(_INSTRUMENTS)
    return path


def run(instruments: Path, lines: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    """One run of the program, in this process, whose kernels are compiled and loaded already."""
    command = ["--instruments", str(instruments), *options]
    ran = CliRunner().invoke(main, command, input=lines, catch_exceptions=False)
    return subprocess.CompletedProcess(command, ran.exit_code, ran.stdout_bytes, ran.stderr_bytes)


def test_the_documented_kinds_are_written_and_nothing_else(instruments: Path) -> None:
    """Best bid and ask, and what is passed through, are left out; blank lines count for nothing."""
    price = b'{"op":"price","symbol":"BTCUSDT","price":"100"}\n\n'
    done = run(instruments, _SELL + price + _BUY)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        '{"seq":1,"event":"accepted","symbol":"BTCUSDT","id":1,"account":7}',
        '{"seq":3,"event":"accepted","symbol":"BTCUSDT","id":2,"account":8}',
        (
            '{"seq":3,"event":"trade","symbol":"BTCUSDT","price":"100.5","qty":"1","taker":2,'
            '"taker_account":8,"maker":1,"maker_account":7,"side":"buy"}'
        ),
    ]


def test_all_adds_the_other_events_fees_and_times(instruments: Path) -> None:
    """Every event of the live stream, after the instrument's own."""
    done = run(instruments, _SELL + _BUY, "--all")
    events = [orjson.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0
    assert [event["event"] for event in events if event["seq"] > 0] == [
        "accepted",
        "touch",
        "accepted",
        "trade",
        "touch",
    ]
    trade = next(event for event in events if event["event"] == "trade")
    assert (trade["taker_fee"], trade["maker_fee"], trade["ts"]) == ("0.0402", "-0.01005", 5)


def test_the_state_hash_is_the_same_for_the_same_input_alone(instruments: Path) -> None:
    """64 hexadecimal digits on stderr, so that stdout stays events."""
    hashes = [run(instruments, lines, "--state-hash").stderr for lines in (_SELL, _SELL, _BUY)]

    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0].strip()) == 2 * hashlib.sha256().digest_size


def test_a_malformed_line_ends_the_run_after_everything_before_it(instruments: Path) -> None:
    """Status 1; the line is named, and the lines behind it are not read."""
    done = run(instruments, _SELL + b"\n" + b'{"op":"plcae"}\n' + _BUY)

    assert done.returncode == 1
    assert done.stdout.startswith(b'{"seq":1,"event":"accepted"')
    assert done.stdout.count(b"\n") == 1
    assert done.stderr.startswith(b"titan: line 3: op: found")
    assert b"did you mean 'place'" in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (_SELL.replace(b"BTCUSDT", b"NONE"), "unknown_symbol"),
        (_SELL.replace(b"100.5", b"100.3"), "bad_price"),
        (_SELL.replace(b"100.5", b"0"), "bad_price"),
        (_SELL.replace(b"100.5", b"9" * 30), "bad_price"),
        (_SELL.replace(b'"2"', b'"0.0001"'), "bad_qty"),
        (b'{"op":"cancel","symbol":"BTCUSDT","id":1,"account":7}\n', "unknown_order"),
    ],
)
def test_what_cannot_be_is_answered_and_the_run_goes_on(
    instruments: Path, line: bytes, reason: str
) -> None:
    """A refusal is an answer, not a failure."""
    done = run(instruments, line + _BUY)
    answers = [orjson.loads(each) for each in done.stdout.splitlines()]

    assert done.returncode == 0
    assert (answers[0]["event"], answers[0]["reason"]) == ("rejected", reason)
    assert (answers[1]["seq"], answers[1]["event"]) == (2, "accepted")


def test_a_missing_instruments_file_is_wrong_usage(tmp_path: Path) -> None:
    """Status 2 and a line that names the file."""
    done = run(tmp_path / "nothing.yaml", b"")

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"nothing.yaml" in done.stderr.splitlines()[-1]


def test_empty_input_is_no_error(instruments: Path) -> None:
    """Nothing in, nothing out."""
    done = run(instruments, b"")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_reader_that_leaves_is_no_traceback(instruments: Path) -> None:
    """``titan … | head -1``: the program ends, and says nothing."""
    command = [sys.executable, "-m", "components.titan.cli", "--instruments", str(instruments)]
    lines = b"".join(_SELL.replace(b'"id":1', b'"id":%d' % each) for each in range(1, 20_000))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=_ROOT
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        try:
            program.stdin.write(lines)
            program.stdin.close()
        except BrokenPipeError:
            pass
        said = program.stderr.read()

    assert said == b""
    assert program.returncode == 1


def test_an_instrument_is_listed_limited_and_traded_by_command(instruments: Path) -> None:
    """The lines that follow know the new symbol and its grid; what does not fit is answered."""
    lines = [
        b'{"op":"instrument","symbol":"NEW","tick_size":"0.25","lot_size":"0.001"}',
        b'{"op":"limits","symbol":"NEW","max_qty":"5"}',
        b'{"op":"place","symbol":"NEW","id":1,"account":7,"side":"sell","price":"10.25","qty":"5"}',
        b'{"op":"place","symbol":"NEW","id":1,"account":8,"side":"buy","price":"10.3","qty":"5"}',
        b'{"op":"place","symbol":"NEW","id":1,"account":8,"side":"buy","price":"10.5","qty":"6"}',
        b'{"op":"place","symbol":"NEW","id":1,"account":8,"side":"buy","type":"market","amount":"31"}',
        b'{"op":"instrument","symbol":"NEW","tick_size":"0.5","lot_size":"0.001"}',
        b'{"op":"instrument","symbol":"ODD","tick_size":"0.00000001","lot_size":"0.1"}',
        b'{"op":"phase","symbol":"BTCUSDT","phase":"removed"}',
        b'{"op":"cancel_all","symbol":"BTCUSDT"}',
    ]
    done = run(instruments, b"\n".join(lines))

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        '{"seq":3,"event":"accepted","symbol":"NEW","id":1,"account":7}',
        '{"seq":4,"event":"rejected","id":1,"account":8,"reason":"bad_price"}',
        '{"seq":5,"event":"rejected","id":1,"account":8,"reason":"max_qty"}',
        '{"seq":6,"event":"accepted","symbol":"NEW","id":1,"account":8}',
        (
            '{"seq":6,"event":"trade","symbol":"NEW","price":"10.25","qty":"3.024","taker":1,'
            '"taker_account":8,"maker":1,"maker_account":7,"side":"buy"}'
        ),
        (
            '{"seq":6,"event":"cancelled","symbol":"NEW","id":1,"account":8,"amount":"0.004",'
            '"reason":"market_unfilled"}'
        ),
        '{"seq":7,"event":"rejected","id":0,"account":5719374,"reason":"bad_instrument"}',
        '{"seq":8,"event":"rejected","id":0,"account":4473935,"reason":"bad_instrument"}',
        '{"seq":10,"event":"rejected","id":0,"account":0,"reason":"unknown_symbol"}',
    ]
