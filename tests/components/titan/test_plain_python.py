"""Without compilation the kernels are plain Python, and decide the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import random, warnings
warnings.simplefilter("error")
from tests.components.titan.test_differential import compare
for seed in range(3):
    compare(random.Random(seed), 300)
"""


def test_the_engine_agrees_with_the_reference_uncompiled() -> None:
    """No overflow warnings, no floats, no difference."""
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
