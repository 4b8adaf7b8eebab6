"""A program with kernels in a process of its own, whose cache of kernels begins empty."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def printed_by(folder: Path, module: str) -> str:
    """What the module in ``folder`` prints; its kernels are kept in ``folder``/cache."""
    environment = {
        **os.environ,
        "KERNEL_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": f"{folder}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    ran = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        env=environment, capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return ran.stdout.strip()
