"""A writer that appends and syncs when told: a line each; for tests that read beside it.

    python -m tests.components.gateway.journal_appender DIRECTORY

``append`` adds one record to events and risk, ``sync`` puts all on disk; both are answered ``ok``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from components.messages.event import EVENT
from components.messages.risk import RISK
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES


def serve(path: Path) -> None:
    """Until the input ends."""
    with Journal.open_writer(path, STREAM_DTYPES, sync="interval", interval_ms=10**9) as journal:
        print("ok", flush=True)
        for line in sys.stdin:
            if line.strip() == "sync":
                journal.sync()
            else:
                streams = (("events", EVENT), ("risk", RISK))
                journal.append(
                    [
                        (name, journal.last_sequence(name) + 1, [np.zeros(1, dtype)])
                        for name, dtype in streams
                    ]
                )
            print("ok", flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
