"""Run a topology: ``python -m disruptor.supervisor FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from disruptor.errors import ConfigurationError, DisruptorError, GraphError
from disruptor.supervisor.run import load_runnable, run_topology


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--duration", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after this long."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Override one value of the file, e.g. --set name=second; may be repeated.",
)
def main(file: Path, duration: float | None, overrides: tuple[str, ...]) -> None:
    """Run the processes of a YAML file until Ctrl+C, SIGTERM, --duration or their own end.

    What it names as package.module:NAME is imported from here or the Python path.  Exit status: 0
    after a clean end, 1 on a failure, 2 for a wrong option or file.
    """
    try:
        topology = load_runnable(file, overrides)
    except (ConfigurationError, GraphError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    try:
        run_topology(topology, lambda line: click.echo(line, err=True), duration)
    except DisruptorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m disruptor.supervisor")
