"""bin/start: run the platform."""

from __future__ import annotations

import math
import multiprocessing
import sys
import time
from pathlib import Path

import click

from components.launcher.interrupts import Interrupts
from disruptor.errors import ConfigurationError, DisruptorError, GraphError

_DEFAULT = Path(__file__).resolve().parents[2] / "config" / "trading.yaml"


def _finite(
    context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"found {value}; write a number of seconds, e.g. 30")
    return value


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=_DEFAULT,
    show_default="config/trading.yaml",
    help="The platform's YAML file.",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0),
    callback=_finite,
    metavar="SECONDS",
    help="Stop after this many seconds.",
)
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
    interrupts = Interrupts()  # before the imports, which take most of a second
    from components.configuration import load_platform
    from components.launcher.run import run_platform
    from components.logs import configure as configure_logs
    from disruptor.topology.reference import event_dtype, run_function

    try:
        configuration = load_platform(config, overrides)
        for ring in configuration.rings.values():
            event_dtype(ring)
        for process in configuration.processes.values():
            run_function(process)
    except (ConfigurationError, GraphError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    multiprocessing.current_process().name = "launcher"
    configure_logs(configuration.log_level)
    try:
        run_platform(
            configuration,
            interrupts,
            duration,
            started_at,
            lambda added: load_platform(config, (*overrides, *added)),
        )
    except DisruptorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="bin/start")
