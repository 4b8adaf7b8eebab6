"""LMAX Disruptor on Java at the same work: the programs in lmax/, compiled when they are needed.

It needs a JDK, ``taskset`` and Debian's libdisruptor-java (or the jar that LMAX_DISRUPTOR_JAR
names).  Its threads share the same two CPUs as our workers; the first runs only warm the JIT up.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from perf.harness.machine import two_cpus

NAME: Final = "LMAX Disruptor"
_WAITS: Final = (
    "busy_spin",
    "yielding",
    "sleeping",
    "blocking",
    "timed_blocking",
    "phased_backoff",
    "adaptive",
)
"""Wait strategies of ours that have a counterpart; ``adaptive`` is LMAX's phased back-off."""

_SOURCES: Final = Path(__file__).with_name("lmax")
_CACHE: Final = Path(__file__).resolve().parents[2] / ".cache" / "lmax"
_DEBIAN_JAR: Final = "/usr/share/java/disruptor.jar"
_WARM_UPS: Final = 2
_LIMIT_SECONDS: Final = 300


@dataclass(frozen=True)
class LmaxRun:
    """One line of the Java program."""

    events: int
    seconds: float
    cpu_seconds: float
    batches: int
    results: tuple[int, ...]


def absence() -> str:
    """Why it cannot be measured here; empty when it can."""
    for program in ("java", "javac", "taskset"):
        if shutil.which(program) is None:
            return f"there is no {program} on the PATH"
    if not _jar().exists():
        return f"there is no {_jar()}; install Debian's libdisruptor-java"
    return ""


def peer_name() -> str:
    """With the version that the file's name, or a link to it, tells."""
    jar = _jar().resolve()
    for path in (_jar(), *sorted(_jar().parent.glob("disruptor-*.jar"))):
        found = re.fullmatch(r"disruptor-([\d.]+)\.jar", path.name)
        if found and path.resolve() == jar:
            return f"{NAME} {found[1]}"
    return NAME


def counterparts(waits: Sequence[str]) -> list[str]:
    """Those of our wait strategies that it has something like."""
    return [wait for wait in waits if wait in _WAITS]


def measure(scenario: str, events: int, runs: int, wait: str) -> list[LmaxRun]:
    """So many measured runs of one scenario with one wait strategy, in one JVM."""
    lines = _run(scenario, str(events), str(_WARM_UPS), str(runs), wait).splitlines()
    told = [orjson.loads(line) for line in lines]
    return [LmaxRun(**{**each, "results": tuple(each["results"])}) for each in told]


def round_trips(rounds: int, runs: int, wait: str) -> list[NDArray[np.int64]]:
    """The times of each run's round trips, after checking that every answer was right."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "times"
        lines = _run("ping_pong", str(rounds), str(_WARM_UPS), str(runs), wait, str(file))
        times = np.fromfile(file, "<i8")
    answers = [orjson.loads(line)["results"][1] for line in lines.splitlines()]
    if answers != [rounds] * runs:
        raise RuntimeError(f"LMAX's ping-pong: {answers} of {rounds} answers were right")
    return np.split(times, _WARM_UPS + runs)[_WARM_UPS:]


def _run(*arguments: str) -> str:
    cpus = ",".join(str(cpu) for cpu in dict.fromkeys(two_cpus()))
    command = ["taskset", "-c", cpus, "java", "-cp", f"{_classes()}:{_jar()}", "LmaxPerf"]
    ran = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_SECONDS,
    )
    if ran.returncode != 0:
        raise RuntimeError(f"LmaxPerf {' '.join(arguments)} failed: {ran.stderr.strip()}")
    return ran.stdout


@functools.cache
def _classes() -> Path:
    """Where the compiled programs lie; compiled anew when a source or the jar has changed."""
    sources = sorted(_SOURCES.glob("*.java"))
    digest = hashlib.sha256(_jar().read_bytes())
    for source in sources:
        digest.update(source.read_bytes())
    folder = _CACHE / digest.hexdigest()[:16]
    if not folder.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as partial:
            classes = Path(partial) / "classes"
            command = ["javac", "-d", str(classes), "-cp", str(_jar()), *map(str, sources)]
            subprocess.run(command, check=True, timeout=_LIMIT_SECONDS)
            classes.rename(folder)
    return folder


def _jar() -> Path:
    return Path(os.environ.get("LMAX_DISRUPTOR_JAR", _DEBIAN_JAR))
