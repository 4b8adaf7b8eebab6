"""Saves what is due of a journal, in a fork for each try, which dies at a given line.

    python -m tests.faults.snapshot_taker JOURNAL EVERY KEEP

Each line of the input is a number: the fork kills itself with SIGKILL when it is about to run the
so-many-th line that is new of those that write or retire a snapshot file; 0 lets it come to its
end.  The answer to each is ``killed`` or ``saved``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from components.launcher.warm_up import warm_up
from components.oracle import snapshots
from components.oracle.shadow import Schedule, Shadow
from components.oracle.snapshots import Snapshot
from components.oracle.snapshotter import Keeper
from components.oracle.store import Journal, snapshot_file

_TRACED = (snapshot_file.write.__code__, snapshot_file.retire.__code__)


def kill_at_line(number: int) -> None:
    """Die before the ``number``-th line that is run for the first time."""
    seen: set[int] = set()

    def on_line(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            seen.add(frame.f_lineno)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        return on_line if frame.f_code in _TRACED else None

    sys.settrace(on_call)


def take(path: Path, every: int, keep: int, line: int) -> None:
    """Go on from the newest snapshot to the journal's end, and save what is due on the way."""
    with Journal.open_reader(path) as journal:
        start, _ = snapshots.newest(journal)
        shadow = Shadow(journal, start or Snapshot.beginning(), Schedule(every, 0))
        keeper = Keeper(journal, shadow, keep, 86_400.0)
        if line:
            kill_at_line(line)
        while keeper.follow(lambda: None, lambda: False):
            pass
        sys.settrace(None)


def serve(path: Path, every: int, keep: int) -> None:
    """Answer each line of the input; the kernels are loaded here once, for all forks."""
    warm_up(lambda line: None)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            take(path, every, keep, int(line))
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or status == 0
        print("killed" if os.WIFSIGNALED(status) else "saved", flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
