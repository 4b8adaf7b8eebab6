"""bin/ctl: look at a running platform, and give it orders."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from disruptor.supervisor import control_socket
from disruptor.supervisor.control_socket import ControlError

_LOOK_S = 0.02
_SUCCESSOR_WITHIN_S = 900.0
"""Kernels that have changed are compiled first."""


class Target:
    """The platform that is asked, and how answers are shown."""

    def __init__(self, name: str | None, as_json: bool) -> None:
        self.name = name or _only_one()
        self.as_json = as_json

    def ask(self, **request: Any) -> Mapping[str, Any]:
        """One answer; ControlError if there is none."""
        return control_socket.ask(self.name, request)

    def show(self, answer: Mapping[str, Any], text: str) -> None:
        """As JSON, or in words."""
        click.echo(json.dumps(answer) if self.as_json else text)

    def wait(self, is_done: Callable[[], bool], seconds: float, what: str) -> None:
        """Look until it is done; ControlError if that takes too long."""
        deadline = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > deadline:
                raise ControlError(f"{what} within {seconds:.0f} s")
            time.sleep(_LOOK_S)


def _only_one() -> str:
    found = control_socket.running()
    if len(found) != 1:
        known = ", ".join(found) or "none"
        raise ControlError(f"name the platform with --name; running for this user: {known}")
    return found[0]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--name", help="The platform's name, if several run.")
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
@click.pass_context
def main(context: click.Context, name: str | None, as_json: bool) -> None:
    """Look at a running platform, and give it orders.

    Exit status: 0 when done, 1 when refused or nobody answers, 2 for wrong usage.
    """
    context.obj = lambda: Target(name, as_json)


@main.command()
@click.pass_obj
def status(target: Callable[[], Target]) -> None:
    """Every process and every ring, as they are now."""
    asked = target()
    answer = asked.ask(do="status")
    lines = [f"{'process':<12}{'state':<11}{'pid':<9}{'restarts':>8}  {'heartbeat':>9}"]
    for each in answer["processes"]:
        line = (
            f"{each['name']:<12}{each['state']:<11}{each['pid']:<9}{each['restarts']:>8}"
            f"  {each['heartbeat_age_s']:>7.3f} s"
        )
        if each["missing"]:
            line += f"  waits for {', '.join(each['missing'])}"
        lines.append(f"{line}  {each['failure']}".rstrip())
    for ring in answer["rings"]:
        lags = "  ".join(f"{reader} -{lag:,}" for reader, lag in ring["lag"].items())
        lines.append(
            f"{ring['name']:<12}at {ring['cursor']:,} of {ring['capacity']:,} slots  {lags}"
        )
    asked.show(answer, "\n".join(lines))


@main.command()
@click.argument("process")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY.PATH=VALUE",
    help="Another parameter for it, e.g. processes.titan.wait=busy_spin; may be repeated.",
)
@click.pass_obj
def restart(target: Callable[[], Target], process: str, overrides: tuple[str, ...]) -> None:
    """Give PROCESS a successor with the code and configuration of now, losing nothing.

    The successor gets ready while PROCESS works on, then takes its place; waits until it runs.  One
    that cannot get ready changes nothing; one that fails before it runs gives the place back to the
    code with which the platform was started.
    """
    asked = target()
    began = time.monotonic()
    before = asked.ask(do="restart", name=process, set=list(overrides))["restarts"]

    def is_back() -> bool:
        found = {each["name"]: each for each in asked.ask(do="status")["processes"]}[process]
        if found["refusal"]:
            raise ControlError(found["refusal"])
        return found["restarts"] > before and found["state"] == "running"

    asked.wait(is_back, _SUCCESSOR_WITHIN_S, f"{process} did not come back")
    seconds = round(time.monotonic() - began, 3)
    asked.show({"name": process, "seconds": seconds}, f"{process} runs again after {seconds:.3f} s")


@main.command()
@click.pass_obj
def reload(target: Callable[[], Target]) -> None:
    """Let it read its configuration anew; tells what it takes, and what not."""
    asked = target()
    answer = asked.ask(do="reload")
    asked.show(answer, "\n".join(answer["lines"]))


@main.command()
@click.pass_obj
def snapshot(target: Callable[[], Target]) -> None:
    """Save the state beside the journal; waits until it is on disk."""
    from components.oracle import snapshots
    from components.oracle.store import snapshot_file

    asked = target()
    answer = asked.ask(do="snapshot")
    folder = snapshots.folder(Path(answer["journal"]))

    def saved() -> list[Path]:
        places = snapshot_file.found_in(folder)
        return [each.path for each in places if each.sequence >= answer["command"]]

    asked.wait(lambda: bool(saved()), 60.0, "the snapshot was not saved")
    path = str(saved()[-1])
    asked.show({"command": answer["command"], "path": path}, f"saved {path}")


@main.command()
@click.pass_obj
def drain(target: Callable[[], Target]) -> None:
    """End it as Ctrl+C does: nothing in the rings is lost; waits for its end."""
    _end(target(), "drain")


@main.command()
@click.pass_obj
def stop(target: Callable[[], Target]) -> None:
    """End it at once, as a second Ctrl+C does; the journal has what was durable."""
    _end(target(), "stop")


def _end(asked: Target, how: str) -> None:
    answer = asked.ask(do=how)
    asked.wait(
        lambda: asked.name not in control_socket.running(), 60.0, f"{asked.name} did not end"
    )
    asked.show({"pid": answer["pid"]}, f"{asked.name} has ended")


def run() -> None:
    """The program: errors are one sentence and exit status 1."""
    try:
        main(prog_name="bin/ctl")
    except ControlError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
