"""bin/doctor: is this machine fit for the platform, and what would make it better?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from components.configuration import load_platform
from components.launcher.doctor import Finding, examine, findings, fitting_profile
from disruptor.errors import ConfigurationError, GraphError

_CONFIG = Path(__file__).resolve().parents[2] / "config"
_COLORS = {"fine": "green", "slow": "yellow", "bad": "red"}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=_CONFIG / "trading.yaml",
    show_default="config/trading.yaml",
    help="The platform that shall run here.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE",
              help="Override one value of the file; may be repeated.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Look at this machine, change nothing, and say what to change for the lowest latency.

    Exit status: 0 if the platform can run here, 1 if something is bad, 2 for a wrong file.
    """
    try:
        configuration = load_platform(config, overrides)
    except (ConfigurationError, GraphError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    machine = examine(Path(configuration.oracle.path))
    found = findings(machine, configuration)
    profile, reason = fitting_profile(machine)
    if as_json:
        told = {"machine": asdict(machine), "findings": [asdict(each) for each in found]}
        click.echo(json.dumps({**told, "profile": profile}))
    else:
        for each in found:
            click.echo(_line(each))
        click.echo(f"profile        config/{profile}   {reason}")
    sys.exit(1 if any(each.grade == "bad" for each in found) else 0)


def _line(finding: Finding) -> str:
    grade = click.style(f"{finding.grade:<6}", fg=_COLORS[finding.grade])
    line = f"{finding.subject:<15}{grade} {finding.found}"
    return f"{line}\n{'':<22}→ {finding.advice}" if finding.advice else line


if __name__ == "__main__":
    main(prog_name="bin/doctor")
