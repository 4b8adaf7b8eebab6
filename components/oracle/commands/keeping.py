"""backup, archive, restore: a journal in another place."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from components.oracle import raw
from components.oracle.commands.group import command, fail, reading
from components.oracle.store import archive, backup, retention
from components.oracle.store.verify import Report

_BESIDE: Final = ("snapshots",)
_WITHIN: Final = (raw.FOLDER,)
_directory = click.Path(file_okay=False, path_type=Path)


def _tell(what: str, target: Path, report: Report) -> None:
    streams = ", ".join(f"{each.name} up to {each.last_sequence:,}" for each in report.streams)
    click.echo(f"{what} {target}, proven: {streams}")


@command("backup")
@click.argument("target", type=_directory)
def backup_command(path: Path, target: Path) -> None:
    """Copy the journal to a new directory, while it is written, and prove the copy.

    With its snapshots and, of a live feed, the raw journal: all that has become blocks.
    """
    own, *others = backup.backup(path, target, _BESIDE, _WITHIN)
    _tell("backed up to", target, own)
    for report in others:
        _tell("backed up to", target / Path(report.path).name, report)


@command("archive")
@click.argument("target", type=_directory)
@click.option("--verify", "only_verify", is_flag=True, help="Only prove what is in the archive.")
@click.option(
    "--remove",
    is_flag=True,
    help="Then remove from the journal what is archived and no start needs; not beside a writer.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="With --remove: the newest sealed segments that stay.",
)
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    default=0,
    show_default=True,
    metavar="DAYS",
    help="With --remove: only those last written to so long ago.",
)
def archive_command(
    path: Path, target: Path, only_verify: bool, remove: bool, keep: int, days: float
) -> None:
    """Compress the journal's sealed segments into an archive; those that it has are left alone.

    Each file is unpacked again and compared before it counts.  ``restore`` makes a journal of it.
    """
    if only_verify and remove:
        raise click.BadParameter("--verify only looks; leave out --remove")
    if remove:
        _archive(path, target)
        _remove(path, target, keep, days)
    elif not only_verify:
        _archive(path, target)
    else:
        _prove(target)


def _archive(path: Path, target: Path) -> None:
    for each in archive.archive(path, target):
        click.echo(f"{each.name}: {each.manifest.file_bytes:,} bytes became {each.size_bytes:,}")
    click.echo(f"the archive {target} holds {len(archive.contents(target))} segments")


def _remove(path: Path, target: Path, keep: int, days: float) -> None:
    from components.oracle.starts import no_longer_needed

    with reading(path) as journal:
        needed = no_longer_needed(path, journal.streams)
    gone = retention.trim(path, target, keep=keep, age_s=days * retention.DAY_S, needed=needed)
    for name in gone:
        click.echo(f"{name} was removed from the journal")
    if not gone:
        click.echo("nothing was removed: all that is archived is kept, young, or needed by a start")


def _prove(target: Path) -> None:
    problems = archive.problems(target)
    held = [] if problems else archive.contents(target)
    if problems or not held:
        fail(*(problems or [f"{target} holds no archive"]))
        return
    for name, part in held[-1].manifest.streams.items():
        first = held[0].manifest.streams[name].begin.sequence + 1
        click.echo(f"{name}: {first:,} to {part.end.sequence:,}, head {part.end.digest.hex()}")
    click.echo(f"the archive {target} is whole: {len(held)} segments")


@command("restore")
@click.argument("target", type=_directory)
@click.argument("sources", type=_directory, nargs=-1, required=True)
def restore_command(path: Path, target: Path, sources: tuple[Path, ...]) -> None:
    """Make a new journal of archives, backups and journals together, and prove it.

    Of a segment that several hold, the first source's is taken.  Never in place: --path is not
    looked at.
    """
    _tell("restored to", target, archive.restore(sources, target))
