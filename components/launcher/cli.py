"""bin/start: run the platform."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import click

from components.configuration import load_platform
from components.launcher.run import run_platform
from disruptor.errors import ConfigurationError, DisruptorError, GraphError

_DEFAULT = Path(__file__).resolve().parents[2] / "config" / "trading.yaml"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=_DEFAULT,
    show_default="config/trading.yaml",
    help="The platform's YAML file.",
)
@click.option("--duration", type=click.FloatRange(min=0), help="Stop after this many seconds.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Override one value of the file, e.g. --set feed.seed=7; may be repeated.",
)
def main(config: Path, duration: float | None, overrides: tuple[str, ...]) -> None:
    """Start the trading platform and run it until Ctrl+C, SIGTERM or --duration.

    Environment: LOG_LEVEL, PROMETHEUS_PORT, ORACLE_PATH.  Exit status: 0 after a clean stop,
    1 on a failure, 2 for a wrong option or configuration.
    """
    started_at = time.monotonic()
    try:
        configuration = load_platform(config, overrides)
    except (ConfigurationError, GraphError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    logging.basicConfig(
        level=configuration.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        run_platform(configuration, duration, started_at)
    except DisruptorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="bin/start")
