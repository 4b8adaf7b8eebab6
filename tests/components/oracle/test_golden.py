"""The same commands give the same bytes and hashes, under every interpreter and in every year.

The digests below were written down once.  Whoever changes what an engine tells, how its state is
hashed, or how a batch is stored, changes them knowingly: the message of a failure is what to write.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components.oracle.golden import digests

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
NEEDED = "numpy, numba, lmdb, zstandard, pydantic, yaml"

GOLDEN = {
    "trades": 3474,
    "liquidations": 53,
    "head of commands": "97b72eee10623959f7bead75db0bf9499e764c74cfd5f68a7b35b7746ec59f16",
    "head of events": "2050b9e12de85e61ff6a5c082a65fda11578b0ab9432cdca9183d53887d066c6",
    "head of risk": "e11ff25a949038f0030433cffebf4e8da176f12bb7e9a4d34afde8ecc71e9a45",
    "titan": "1b46df46bb87bfe9cc874f0399f3c22300fd26e3728219152b6c8f7f850aec40",
    "sentinel": "39bf726950657a50f98f04b8b9cdea98e7d9e580f1e61ed0548881ce721b0d22",
    "platform": "855cc1880862af9396902bd19187fe6087254715fd5174fc4958497c025c34d5",
    "bin/titan": "5c39d8db77d008fbd94861163e20ebbab34216eee1f6352bdf8412799a466537",
}


def test_the_commands_give_the_digests_that_they_have_always_given(tmp_path: Path) -> None:
    assert digests(tmp_path / "j") == GOLDEN


def _candidates(version: str) -> list[str]:
    """Interpreters of this version: those that OTHER_PYTHONS names, and the one in PATH."""
    named = [each for each in os.environ.get("OTHER_PYTHONS", "").split(os.pathsep) if each]
    found = shutil.which(f"python{version}")
    return [*named, *([found] if found else [])]


@functools.cache
def interpreter_of(version: str) -> str | None:
    """One that has what the platform needs."""
    program = f"import sys, {NEEDED}; print('%d.%d' % sys.version_info[:2])"
    for candidate in _candidates(version):
        ran = subprocess.run(
            [candidate, "-c", program], capture_output=True, text=True, check=False, timeout=120
        )
        if ran.stdout.strip() == version:
            return candidate
    return None


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("version", VERSIONS)
def test_another_python_gives_the_same_digests(version: str, tmp_path: Path) -> None:
    """Another interpreter compiles for itself, which takes some minutes the first time."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("this very one, which the test above is for")
    interpreter = interpreter_of(version)
    if interpreter is None:
        pytest.skip(
            f"no Python {version} with {NEEDED} was found in PATH, nor named by OTHER_PYTHONS"
        )
    ran = subprocess.run(
        [interpreter, "-m", "tests.components.oracle.golden", str(tmp_path / "j")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=3_500,
    )

    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == GOLDEN
