"""Where recorded exchange data lies; the only place that knows."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def recording(*parts: str) -> Path:
    """The path of a recorded file; skips the calling test when the data is not there."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs recorded data that is not on this machine: {'/'.join(parts)}")
    return path
