"""``bin/sentinel``: the liquidation engine over JSON lines, from standard input to output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from components.configuration.instruments import load_instruments
from components.messages.json_lines import TextError
from components.sentinel.offline import OfflineSentinel, RiskRule, run
from components.units import ACCOUNT_MAX, PPM, UnitError, money_from_text, ppm_from_text
from disruptor.errors import ConfigurationError


def _ratio(context: click.Context, parameter: click.Parameter, value: str) -> int:
    try:
        ppm = ppm_from_text(value)
    except UnitError as error:
        raise click.BadParameter(str(error)) from None
    if not 0 <= ppm <= PPM:
        raise click.BadParameter(f"found {value}; write a ratio from 0 to 1")
    return ppm


def _positive_ratio(context: click.Context, parameter: click.Parameter, value: str) -> int:
    ppm = _ratio(context, parameter, value)
    if ppm == 0:
        raise click.BadParameter("found 0; write a ratio above 0, at most 1")
    return ppm


def _money(context: click.Context, parameter: click.Parameter, value: str) -> int:
    try:
        money = money_from_text(value)
    except UnitError as error:
        raise click.BadParameter(str(error)) from None
    if money < 0:
        raise click.BadParameter(f"found {value}; write an amount of at least 0")
    return money


_INSTRUMENTS = Path(__file__).resolve().parents[2] / "config" / "instruments.yaml"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--instruments",
    "instruments_path",
    type=click.Path(path_type=Path),
    default=_INSTRUMENTS,
    show_default="config/instruments.yaml",
    help="YAML file with the instruments and their margin tiers.",
)
@click.option("--orders", is_flag=True, help="Also write the liquidation orders, as commands.")
@click.option(
    "--liquidation-fee",
    default="0",
    show_default=True,
    callback=_ratio,
    help="Share of a liquidated value that goes to the insurance fund.",
)
@click.option(
    "--at-risk",
    default="0.8",
    show_default=True,
    callback=_positive_ratio,
    help="Maintenance over equity above which an account is at risk.",
)
@click.option(
    "--insurance-fund",
    default="0",
    show_default=True,
    callback=_money,
    help="What the insurance fund starts with.",
)
@click.option(
    "--explain",
    type=click.IntRange(0, ACCOUNT_MAX),
    help="Instead of risk, print this account's margin calculation line by line at the end.",
)
@click.argument("lines", type=click.File("rb"), default="-")
def main(
    instruments_path: Path,
    orders: bool,
    liquidation_fee: int,
    at_risk: int,
    insurance_fund: int,
    explain: int | None,
    lines: BinaryIO,
) -> None:
    """Margin accounts over JSON lines: events and account or price commands in, risk out.

    LINES is a file, or standard input.  Example:

    \b
        bin/titan --instruments config/instruments.yaml --all < commands.jsonl \\
          | bin/sentinel --instruments config/instruments.yaml > risk.jsonl
    """
    out = sys.stdout.buffer
    source = getattr(lines, "name", "<stdin>")
    rule = RiskRule(liquidation_fee, at_risk, insurance_fund)
    try:
        instruments = load_instruments(instruments_path)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    try:
        sentinel = OfflineSentinel(instruments, rule)
        for line in run(sentinel, lines, source, with_orders=orders):
            if explain is None:
                out.write(line + b"\n")
        if explain is not None:
            for told in sentinel.explain(explain):
                out.write(told.encode() + b"\n")
        out.flush()
    except (ConfigurationError, TextError) as error:
        out.flush()
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main(prog_name="bin/sentinel")
