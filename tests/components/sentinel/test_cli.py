"""bin/sentinel as a user meets it: lines in, lines out, clear refusals."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from components.sentinel.cli import main

INSTRUMENTS = """\
instruments:
  BTCUSDT:
    tick_size: "0.01"
    lot_size: "0.001"
    margin_tiers:
      - {above: "0", maintenance: "0.004"}
      - {above: "50000", maintenance: "0.005"}
  ETHUSDT: {tick_size: "0.01", lot_size: "0.001"}
"""
LONG = """\
{"op":"account","account":1001}
{"op":"deposit","account":1001,"amount":"5000"}
{"op":"position","account":1001,"symbol":"BTCUSDT","side":"long","qty":"1","entry":"50000","leverage":10}
"""
ORDER_ID = 2**61


@pytest.fixture
def instruments(tmp_path: Path) -> Path:
    path = tmp_path / "instruments.yaml"
    path.write_text(INSTRUMENTS)
    return path


def run(instruments: Path, lines: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["--instruments", str(instruments), *options], input=lines)


def told(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_a_long_falls_where_its_tier_says(instruments: Path) -> None:
    """Within the first tier: (5000 - 50000) / (0.004 - 1) = 45180.72…"""
    prices = '{"op":"price","symbol":"BTCUSDT","price":"%s"}\n'
    lines = told(run(instruments, LONG + prices % "45180.73" + prices % "45180.72", "--orders"))

    assert [each.get("risk") for each in lines] == [
        "account",
        "account",
        "position",
        "at_risk",
        "liquidation",
        None,
        None,
    ]
    assert lines[4] == {
        "seq": 5,
        "risk": "liquidation",
        "account": 1001,
        "symbol": "BTCUSDT",
        "side": "sell",
        "qty": "0.241",
        "price": "45180.72",
        "loss": "1161.44648",
        "bankruptcy_price": "45000",
        "collateral": "5000",
        "equity": "180.72",
        "maintenance": "180.72288",
    }
    assert lines[5] == {"op": "cancel_all", "account": 1001}
    assert lines[6] == {
        "op": "place",
        "symbol": "BTCUSDT",
        "id": ORDER_ID,
        "account": 1001,
        "side": "sell",
        "type": "limit",
        "tif": "ioc",
        "price": "45000",
        "qty": "0.241",
        "reduce_only": True,
        "liquidation": True,
        "cause": 5,
    }


def test_events_of_the_order_finish_the_liquidation(instruments: Path) -> None:
    trade = (
        '{"seq":70,"event":"trade","symbol":"BTCUSDT","price":"44000","qty":"1",'
        f'"taker":{ORDER_ID},"taker_account":1001,"maker":1,"maker_account":7,"side":"sell"}}\n'
    )
    price = '{"op":"price","symbol":"BTCUSDT","price":"44000","seq":69}\n'
    lines = told(run(instruments, LONG + price + trade, "--insurance-fund", "400"))

    assert lines[-4:] == [
        {
            "seq": 70,
            "risk": "position",
            "account": 1001,
            "symbol": "BTCUSDT",
            "qty": "0",
            "entry_value": "0",
            "price": "44000",
            "amount": "-6000",
            "collateral": "-600",
        },
        {
            "seq": 70,
            "risk": "insurance_fund",
            "account": 1001,
            "amount": "0",
            "fund": "0",
            "bad_debt": "600",
        },
        {
            "seq": 70,
            "risk": "account",
            "account": 1001,
            "collateral": "0",
            "equity": "0",
            "maintenance": "0",
            "amount": "-5400",
        },
        {
            "seq": 70,
            "risk": "at_risk",
            "account": 1001,
            "state": "left",
            "level": 0,
            "collateral": "0",
            "equity": "0",
            "maintenance": "0",
        },
    ]


def test_refusals_are_lines_not_errors(instruments: Path) -> None:
    lines = told(
        run(
            instruments,
            '{"op":"withdraw","account":3,"amount":"1"}\n'
            '{"op":"price","symbol":"XRPUSDT","price":"1"}\n\n'
            '{"op":"price","symbol":"BTCUSDT","price":"1.001"}\n',
        )
    )

    assert [each["reason"] for each in lines] == ["unknown_account", "unknown_symbol", "bad_price"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "this is not JSON"),
        ('{"op":"place","symbol":"BTCUSDT"}', "Sentinel reads account, deposit"),
        ('{"op":"price","event":"price"}', "both op and event"),
        ('{"op":"price","symbol":"BTCUSDT","prise":"1"}', "price"),
        ('{"op":"price","symbol":"BTCUSDT","price":"1","seq":"x"}', "seq"),
        ('{"op":"price","symbol":"BTCUSDT","price":"1","seq":99999999999999999999}', "seq"),
        ('{"op":"deposit","account":1,"amount":5}', "amount"),
        ('{"event":"trade"}', "seq"),
        ("[]", "object"),
    ],
)
def test_a_malformed_line_is_named_and_what_came_before_is_kept(
    instruments: Path, line: str, sentence: str
) -> None:
    result = run(instruments, LONG + line + "\n")

    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 3
    assert "<stdin>:4" in result.stderr
    assert sentence in result.stderr


@pytest.mark.parametrize(
    "options",
    [["--at-risk", "0"], ["--at-risk", "2"], ["--liquidation-fee", "x"], ["--insurance-fund=-1"]],
)
def test_wrong_options_are_usage_errors(instruments: Path, options: list[str]) -> None:
    assert run(instruments, "", *options).exit_code == 2


def test_a_missing_instruments_file_is_wrong_usage_and_named(tmp_path: Path) -> None:
    result = run(tmp_path / "none.yaml", "")

    assert result.exit_code == 2
    assert "none.yaml" in result.stderr
