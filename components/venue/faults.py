"""What goes wrong on purpose, frame by frame: pure, and the same in every run.

Each fault hits every n-th data frame of a connection; several may be asked for at once.

    drop        it is never sent                 malformed   its first half is sent before it
    duplicate   it is sent twice                 giant       a frame of 8 MiB is sent before it
    reorder     it changes places with the next
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GIANT_BYTES: Final = 8 * 2**20
GIANT: Final = b'{"stream":"giant","data":"' + b"x" * GIANT_BYTES + b'"}'


@dataclass(frozen=True)
class FaultSettings:
    """How often each happens; 0: never."""

    drop_every: int = 0
    duplicate_every: int = 0
    reorder_every: int = 0
    malformed_every: int = 0
    giant_every: int = 0


class Faults:
    """The faults of one connection."""

    def __init__(self, settings: FaultSettings) -> None:
        self._settings = settings
        self._count = 0
        self._late: bytes | None = None

    def frames(self, frame: bytes) -> list[bytes]:
        """What is sent in the place of a data frame."""
        self._count += 1
        settings = self._settings
        sent: list[bytes] = []
        if self._hits(settings.malformed_every):
            sent.append(frame[: len(frame) // 2])
        if self._hits(settings.giant_every):
            sent.append(GIANT)
        if self._hits(settings.drop_every):
            return sent
        late, self._late = self._late, None
        if late is None and self._hits(settings.reorder_every):
            self._late = frame
            return sent
        sent += [frame] * (2 if self._hits(settings.duplicate_every) else 1)
        if late is not None:
            sent.append(late)
        return sent

    def _hits(self, every: int) -> bool:
        return every > 0 and self._count % every == 0
