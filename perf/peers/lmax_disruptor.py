"""LMAX Disruptor on Java at the same work: the programs in lmax/, compiled when they are needed.

It needs a JDK, ``taskset`` and Debian's libdisruptor-java (or the jar that LMAX_DISRUPTOR_JAR
names).  Its threads share the same two CPUs as our workers; the first runs only warm the JIT up.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from perf.harness.machine import two_cpus

NAME: Final = "LMAX Disruptor"
WAITS: Final = (
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


class LmaxSession:
    """One scenario in one JVM, warmed up; between the runs that are asked for it is at rest."""

    def __init__(self, scenario: str, events: int, wait: str) -> None:
        self._events = events
        self._folder = tempfile.TemporaryDirectory()
        self._times = Path(self._folder.name) / "times"
        cpus = ",".join(str(cpu) for cpu in dict.fromkeys(two_cpus()))
        command = ["taskset", "-c", cpus, "java", "-cp", f"{_classes()}:{_jar()}", "LmaxPerf"]
        command += [scenario, str(events), str(_WARM_UPS), wait, str(self._times)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> LmaxSession:
        try:
            self._answer_until("ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    def run(self) -> LmaxRun:
        """One run."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"run\n")
        self._process.stdin.flush()
        told = orjson.loads(self._answer_until("done")[0])
        return LmaxRun(**{**told, "results": tuple(told["results"])})

    def round_trips(self) -> NDArray[np.int64]:
        """The times of one run's round trips, after checking that every answer was right."""
        answers = self.run().results[1]
        if answers != self._events:
            raise RuntimeError(f"LMAX's ping-pong: {answers} of {self._events} answers were right")
        return np.fromfile(self._times, "<i8").astype(np.int64)

    def _answer_until(self, end: str) -> list[bytes]:
        """The lines before ``end``; RuntimeError when the JVM ends or takes too long."""
        output = self._process.stdout
        assert output is not None
        deadline = threading.Timer(_LIMIT_SECONDS, self._process.kill)
        deadline.start()
        try:
            lines: list[bytes] = []
            for line in output:
                if line.strip() == end.encode():
                    return lines
                lines.append(line)
        finally:
            deadline.cancel()
            deadline.join()
        assert self._process.stderr is not None
        error = self._process.stderr.read().decode(errors="replace").strip()
        raise RuntimeError(f"LMAX's program ended: {error or f'{_LIMIT_SECONDS} s were over'}")


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
            with contextlib.suppress(OSError):  # another run was first, with the same classes
                classes.rename(folder)
    return folder


def _jar() -> Path:
    return Path(os.environ.get("LMAX_DISRUPTOR_JAR", _DEBIAN_JAR))
