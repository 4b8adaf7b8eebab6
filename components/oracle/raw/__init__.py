"""The raw journal: every frame of a venue as it was received, before anybody parsed it.

It is a journal of its own, in the folder ``raw`` of the platform's, written by the feed's process; two
streams under the same chain, the same proofs and the same tools:

    frames   bytes: the blocks, compressed, one after the other
    blocks   one record a block: when it begins and ends, where its bytes are, how many entries it has

What has not yet become a block is in a tail file (tail.py), which survives the death of the process
as the journal does; the next start finds it and makes the block of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

FOLDER: Final = "raw"
FRAMES: Final = "frames"
BLOCKS: Final = "blocks"

BLOCK: Final = np.dtype(
    [
        ("ts", np.int64),  # receive time of the first entry, ns
        ("last_ts", np.int64),  # the largest of them all
        ("offset", np.int64),  # the block's first byte, as a sequence of FRAMES
        ("size_bytes", np.int64),  # as stored
        ("plain_bytes", np.int64),  # unpacked
        ("entries", np.int64),
    ],
    align=True,
)
STREAMS: Final = {FRAMES: np.dtype(np.uint8), BLOCKS: BLOCK}


def raw_path(journal: Path) -> Path:
    """Where the raw journal beside a platform's journal is."""
    return journal / FOLDER
