"""A process that appends for ever and says what was acknowledged; the tests kill it.

    python -m tests.faults.journal_writer DIRECTORY SYNC SEED

Prints ``open`` once the journal is open, then the last sequence of each stream after each append
that returned: the ledger of acknowledgements, kept outside of the journal.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import cast

from components.oracle.store import Journal
from components.oracle.store.writer import SyncMode
from tests.components.oracle.store.samples import STREAMS, append


def write_for_ever(path: Path, sync: SyncMode, seed: int) -> None:
    """Append batches of random size until killed, rolling to a new segment every few of them."""
    chance = random.Random(seed)
    options = {"interval_ms": 5, "segment_bytes": 1 << 18}
    with Journal.open_writer(path, STREAMS, sync=sync, **options) as journal:
        print("open", flush=True)
        while True:
            append(journal, chance.choice((1, 7, 100, 2000)))
            print(journal.last_sequence("orders"), flush=True)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), cast("SyncMode", sys.argv[2]), int(sys.argv[3]))
