"""Each class of mistake in a platform's file is one line: file, line, key, what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.configuration.platforms import (
    CONFIG,
    TRADING,
    changed,
    line_of,
    mistakes_of,
)

LONG = '{symbol: BTCUSDT, side: long, qty: "0.5", entry: "50000", leverage: 10}'


def long(was: str, becomes: str) -> tuple[str, str]:
    assert was in LONG
    return LONG, LONG.replace(was, becomes)


CASES = [
    (
        (
            "sync: commit\n  interval_ms: 100\n  gate: output",
            "gate: input\n  interval_ms: 100\n  sync: off",
        ),
        (
            "durability.gate: found input with sync: off; write output, or sync: commit, because "
            "input promises that titan sees only what is on disk"
        ),
    ),
    (
        long("BTCUSDT", "BTCUSD"),
        (
            'accounts.0.positions.0.symbol: found "BTCUSD", which is no instrument '
            '(did you mean "BTCUSDT"?)'
        ),
    ),
    (
        long('"0.5"', '"0.000001"'),
        (
            "accounts.0.positions.0.qty: found 0.000001, off the lot_size of 0.00001; "
            "write e.g. 0.00001"
        ),
    ),
    (
        long('"50000"', "50000.005"),
        (
            "accounts.0.positions.0.entry: found 50000.005, off the tick_size of 0.01; "
            "write e.g. 50000 or 50000.01"
        ),
    ),
    (
        long('"50000"', '"-1"'),
        (
            'accounts.0.positions.0.entry: found "-1"; write a number from 0.000000000001 to '
            "1099511627776"
        ),
    ),
    (
        long('"0.5"', "1e3"),
        'accounts.0.positions.0.qty: found 1e3; write a plain decimal number, e.g. "100.5"',
    ),
    (
        long('"0.5"', ".nan"),
        'accounts.0.positions.0.qty: found .nan; write a plain decimal number, e.g. "100.5"',
    ),
    (
        ("symbols: 64 ", "symbols: 2 "),
        "capacity.symbols: found 2, but there are 3 instruments; write at least 3",
    ),
    (
        ("symbols: 64 ", "symbols: 5000 "),
        "capacity.symbols: found 5000; write instruments, removed ones too, from 1 to 4096",
    ),
    (
        long('"0.5"', '"20000"'),
        "accounts.0.positions.0.qty: found a position worth 1000000000; write at most 720575940",
    ),
    (
        long("leverage: 10", "leverage: 101"),
        (
            "accounts.0.positions.0.leverage: found 101; write at most 100, the most that BTCUSDT "
            "allows"
        ),
    ),
    (
        long("side: long", "side: lnog"),
        'accounts.0.positions.0.side: found "lnog"; write long or short (did you mean "long"?)',
    ),
    (
        long("side: long", "side: long, size: 1"),
        'accounts.0.positions.0.size: unknown key (did you mean "side"?)',
    ),
    (
        ("user: 1002", "user: 1001"),
        "accounts.1.user: found 1001 again, after accounts.0; merge the two",
    ),
    (
        ("user: 1002", "user: 9001"),
        "accounts.1.user: found 9001, with which the order flow trades; write another number",
    ),
    (
        ("user: 1002", "user: 0"),
        "accounts.1.user: found 0; write a positive account number",
    ),
    (
        ('collateral: "500"', 'collateral: "-500"'),
        'accounts.1.collateral: found "-500"; write an amount from 0 to 11529215046.06846976',
    ),
    (
        ('collateral: "500"', "collateral: 0.000000001"),
        "accounts.1.collateral: found 0.000000001; write an amount of at most 8 decimals",
    ),
    (
        ('maintenance_margin: "0.005"', "maintenance_margin: 0"),
        "risk.maintenance_margin: found 0; write a ratio above 0, at most 1",
    ),
    (
        ('liquidation_fee: "0.005"', "liquidation_fee: 5%"),
        'risk.liquidation_fee: found "5%"; write a plain decimal number, e.g. "100.5"',
    ),
    (
        ("symbols: [BTCUSDT]", "symbols: [XRPUSDT]"),
        (
            'feed.symbols.0: found "XRPUSDT", which is no instrument; instruments are BTCUSDT, '
            "ETHUSDT, SOLUSDT"
        ),
    ),
    (
        ("symbols: [BTCUSDT]", "symbols: [BTCUSDT, BTCUSDT]"),
        'feed.symbols.1: found "BTCUSDT" again; name it once',
    ),
    (
        ('{BTCUSDT: "50000"}', '{BTCUSDT: "0.005"}'),
        (
            "feed.simulation.start_prices.BTCUSDT: found 0.005, off the tick_size of 0.01; "
            "write e.g. 0.01"
        ),
    ),
    (
        ("volatility: 0.002", "volatility: 20"),
        (
            "feed.simulation.volatility: found 20; write the standard deviation of one step's return, "
            "from 0 to 0.5"
        ),
    ),
    (
        ("volatility: 0.002 ", "reversion: 0.5"),
        (
            "feed.simulation.reversion: found 0.5; write the part of the way to its level that a "
            "price is pulled in one step, from 0 to 0.25"
        ),
    ),
    (
        ("volatility: 0.002 ", "correlation: [[1, 2], [2, 1]]"),
        (
            "feed.simulation.correlation: found 'rows of [2, 2] numbers'; write 1 rows of 1 "
            "numbers, in the order of feed.symbols: BTCUSDT"
        ),
    ),
    (
        ("volatility: 0.002 ", "stress: [{kind: gap, at_s: 1, change: 0}]"),
        ("feed.simulation.stress: found 0.0; the change of a gap is from -0.99 to 100, and not 0"),
    ),
    (
        ("volatility: 0.002 ", "stress: [{kind: slump, at_s: 1}]"),
        'feed.simulation.stress.0.kind: found "slump"; write crash, gap, flash or freeze',
    ),
    (
        ("mode: simulation", "mode: recordd"),
        (
            'feed.mode: found "recordd"; write simulation, recorded, binance or venues '
            '(did you mean "recorded"?)'
        ),
    ),
    (
        ("\n  sync: commit", "\n  sync: off_"),
        'durability.sync: found "off_"; write commit, interval or off (did you mean "off"?)',
    ),
    (
        ("port: 9000", "port: 90000"),
        "metrics.port: found 90000; write a port from 0 to 65535",
    ),
    (
        ("producers: multi", "producers: single"),
        (
            "rings.commands.producers: found single; write multi, because set-up commands are "
            "published to it too"
        ),
    ),
    (
        ("instruments: instruments.yaml", "instruments: instrumnts.yaml"),
        (
            "instruments: there is no file instrumnts.yaml; write the path of a YAML file, or a "
            "mapping from symbols to their settings"
        ),
    ),
    (
        ("instruments: instruments.yaml", "instruments: 3"),
        "instruments: found 3; write a mapping from symbols to their settings, or a path to one",
    ),
]


@pytest.mark.parametrize(("change", "text"), CASES, ids=[text[:50] for _, text in CASES])
def test_a_mistake_has_its_line_key_and_what_would_be_right(
    change: tuple[str, str], text: str, tmp_path: Path
) -> None:
    number = line_of(TRADING, change[0])

    assert mistakes_of(changed(tmp_path, change)) == [f"trading.yaml:{number}: {text}"]


def test_what_only_the_feed_knows_to_be_wrong_is_placed_too(tmp_path: Path) -> None:
    path = changed(tmp_path, ("taker_accounts: [9101, 9102]", "taker_accounts: [9001]"))

    assert mistakes_of(path) == [
        (
            f"trading.yaml:{line_of(path, '  order_flow:')}: feed.order_flow: "
            "found (9001, 9002, 9001); each account may stand only once"
        )
    ]


def test_mistakes_of_several_kinds_and_files_are_told_together(tmp_path: Path) -> None:
    path = changed(tmp_path, ("port: 9000", "prt: 9000"), ("seed: 42", "seed: one"))
    instruments = tmp_path / "instruments.yaml"
    instruments.write_text(instruments.read_text().replace('"0.0001"', '"-1"', 1))
    lot, port, seed = (
        line_of(instruments, '"-1"'),
        line_of(path, "prt:"),
        line_of(path, "seed: one"),
    )

    assert mistakes_of(path) == [
        (
            f"instruments.yaml:{lot}: instruments.ETHUSDT.lot_size: "
            'found "-1"; write a number from 0.000000000001 to 1099511627776'
        ),
        f'trading.yaml:{port}: metrics.prt: unknown key (did you mean "port"?)',
        f'trading.yaml:{seed}: feed.seed: found "one"; write a whole number from 0',
    ]


@pytest.mark.parametrize(
    ("change", "key", "text"),
    [
        (
            ('lot_size: "0.00001"', 'lot_size: "0.0000001"'),
            "BTCUSDT.tick_size",
            (
                "found that tick_size × lot_size is 1E-9; it must be a whole multiple of 0.00000001, "
                "at most 1048576 of them"
            ),
        ),
        (
            ('{above: "500000", maintenance: "0.01"}', '{above: "0", maintenance: "0.01"}'),
            "ETHUSDT.margin_tiers.1.above",
            "tiers must rise; write more than the tier before it has",
        ),
        (
            ('{above: "500000", maintenance: "0.01"}', '{above: "5", maintenance: "0.001"}'),
            "ETHUSDT.margin_tiers.1.maintenance",
            "margin must not fall; write at least that of the tier before it",
        ),
        (
            ('{above: "0", maintenance: "0.005"}', '{above: "1", maintenance: "0.005"}'),
            "ETHUSDT.margin_tiers.0.above",
            'the first tier must hold from the start; write above: "0"',
        ),
        (
            ("max_leverage: 75", "max_leverage: 200"),
            "ETHUSDT.max_leverage",
            (
                "found 200, with which a new position is below its maintenance margin at once; write "
                "less than 200"
            ),
        ),
        (
            ("max_leverage: 75", "max_leverage: 0"),
            "ETHUSDT.max_leverage",
            "found 0; write a whole number from 1 to 1000",
        ),
    ],
)
def test_instruments_must_make_sense(
    change: tuple[str, str], key: str, text: str, tmp_path: Path
) -> None:
    path = changed(tmp_path)
    instruments = tmp_path / "instruments.yaml"
    was = instruments.read_text()
    assert change[0] in was
    instruments.write_text(was.replace(*change, 1))

    (line,) = mistakes_of(path)
    assert line.startswith("instruments.yaml:")
    assert line.endswith(f": instruments.{key}: {text}")


def test_a_symbol_that_cannot_travel_is_refused(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        (
            "instruments: instruments.yaml",
            'instruments: {SEVENTEEN_LETTERS: {tick_size: "1", lot_size: "1"}}',
        ),
    )

    (line,) = mistakes_of(path)
    assert line.endswith(
        'instruments.SEVENTEEN_LETTERS: found "SEVENTEEN_LETTERS"; write a symbol of 1 to 16 '
        "ASCII letters and digits"
    )


def test_a_ring_that_the_platform_needs_is_missed(tmp_path: Path) -> None:
    path = changed(tmp_path, ("  risk:                   ", "  rsk:                    "))

    assert mistakes_of(path) == [
        (
            f"trading.yaml:{line_of(TRADING, 'rings:')}: rings.risk: missing; write the ring of risk "
            '(did you mean "rsk"?)'
        )
    ]


def test_a_graph_that_can_stop_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, ("{ring: commands, blocking: false}", "commands"))

    (line,) = mistakes_of(path)
    assert "the circle sentinel → commands → titan → events → sentinel can fill up" in line


def test_a_missing_recording_is_named() -> None:
    (line,) = mistakes_of(TRADING, "feed.mode=recorded")
    assert line.endswith(": feed.recorded.path: missing; write the path of a recording")
    assert mistakes_of(TRADING, "feed.mode=recorded", "feed.recorded.path=/no/such.gz") == [
        "--set feed.recorded.path: there is no file /no/such.gz; write the path of a recording"
    ]


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        (
            "PROMETHEUS_PORT",
            "http",
            (
                'environment variable PROMETHEUS_PORT: metrics.port: found "http"; write a port from '
                "0 to 65535"
            ),
        ),
        (
            "LOG_LEVEL",
            "VERBOSE",
            (
                'environment variable LOG_LEVEL: log_level: found "verbose"; write debug, info, '
                "warning or error"
            ),
        ),
    ],
)
def test_a_wrong_variable_is_named(variable: str, value: str, line: str) -> None:
    assert mistakes_of(TRADING, environment={variable: value}) == [line]


def test_a_wrong_override_is_named() -> None:
    assert mistakes_of(TRADING, "feed.simulation.volatilty=0.1") == [
        '--set feed.simulation.volatilty: unknown key (did you mean "volatility"?)'
    ]


def test_a_platform_is_not_an_instruments_file() -> None:
    lines = mistakes_of(CONFIG / "instruments.yaml")

    assert [line.split(": ")[1] for line in lines] == ["name", "rings", "processes"]
