"""Runs the platform as a user would, from another process, on a name, port and journal of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from components.oracle.cli import main as oracle_main
from disruptor.memory.segment import existing

Metrics = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by sample name and labels."""

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(module: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run one of the programs to its end."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, **options,  # type: ignore[call-overload]
    )  # fmt: skip


def oracle(journal: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """bin/oracle on a journal, in this process, whose kernels are compiled and loaded already."""
    whole = ["--path", str(journal), *arguments]
    ran = CliRunner().invoke(oracle_main, whole, catch_exceptions=False)
    return subprocess.CompletedProcess(whole, ran.exit_code, ran.stdout, ran.stderr)


def _processes_with(argument: str) -> list[int]:
    """The processes that were given this argument, or forked from one that was."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if argument in path.read_text("utf-8", "replace").split("\0"):
                found.append(int(path.parent.name))
    return found


class PlatformRun:
    """One bin/start; ``with`` waits until it is operational and kills it if a test forgets."""

    def __init__(self, name: str, journal: Path, *arguments: str, root: Path = ROOT) -> None:
        """``root``: where its source tree lies."""
        self.port = free_port()
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "components.launcher.cli",
             "--set", f"name={name}", "--set", "status_interval_s=0.5", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(root), "ORACLE_PATH": str(journal),
                 "PROMETHEUS_PORT": str(self.port)}, cwd=root,
        )  # fmt: skip
        self.output = ""
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> PlatformRun:
        self.read_until("Press Ctrl\\+C to shutdown")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(30)
        self._reader.join(30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self._process.pid

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read output until a line matches; fails when it ends before."""
        while line := self._next():
            found = re.search(pattern, line)
            if found:
                return found
        raise AssertionError(f"the platform never said {pattern!r}:\n{self.output}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and read the rest; the exit status."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Read the rest of the output; the exit status."""
        while self._next():
            pass
        return self._process.wait(30)

    def _read(self) -> None:
        """Take what it says as it says it: a full pipe would hold it up."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _next(self) -> str:
        """The next line of its output; empty at the end."""
        line = self._lines.get()
        self.output += line
        if not line:
            self._lines.put("")
        return line

    def metrics(self) -> Metrics:
        """One scrape: value by sample name and labels."""
        address = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            text = answer.read().decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def wait_until(self, condition: Callable[[Metrics], bool]) -> None:
        """Scrape until a condition on all samples holds."""
        deadline = time.monotonic() + 60
        while not condition(self.metrics()):
            if time.monotonic() >= deadline:
                raise AssertionError(f"the metrics never were as expected:\n{self.output}")
            time.sleep(0.05)

    def wait_for_metric(self, name: str, at_least: float, **labels: str) -> float:
        """Scrape until a sample reaches a value."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            value = self.metrics().get((name, frozenset(labels.items())), 0.0)
            if value >= at_least:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{name}{labels} never reached {at_least}:\n{self.output}")

    def told(self) -> str:
        """All of its output so far."""
        while not self._lines.empty() and self._next():
            pass
        return self.output

    def left(self) -> list[str]:
        """What is there of it after its end: segments, processes, its port; nothing, if all is well."""
        found = existing(f"{self.name}.")
        found += [f"process {pid}" for pid in _processes_with(f"name={self.name}")]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                found.append(f"port {self.port}")
        return found

    def state_hash(self) -> str:
        """What the farewell reported."""
        found = re.search(r"state hash ([0-9a-f]{64})", self.output)
        assert found, self.output
        return found.group(1)
