"""A running platform for measurements of what watching it costs: started, loaded, watched, stopped."""

from __future__ import annotations

import base64
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.monitor.platform_view import SharedMemoryView
from components.monitor.readings import merged, of_metric

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0


class WatchedPlatform:
    """One bin/start under load, seen through shared memory; its monitor can be held and let go."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self._view = SharedMemoryView(name)

    @property
    def applied(self) -> float:
        """Commands that Titan has applied."""
        readings = merged(self._view.counters())
        return sum(each.value for each in of_metric(readings, "titan_commands_processed"))

    def rate(self, seconds: float) -> float:
        """Commands a second, over so many seconds from now."""
        before, began = self.applied, time.perf_counter()
        time.sleep(seconds)
        return (self.applied - before) / (time.perf_counter() - began)

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """The monitor stands still meanwhile, as if there were none."""
        pid = next(each.pid for each in self._view.processes() if each.name == "monitor")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def scrape(self) -> float:
        """Seconds that one scrape takes, from request to last byte."""
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            answer.read()
        return time.perf_counter() - began

    def first_value(self) -> float:
        """Seconds from asking for the page until its socket has brought a price."""
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=60) as answer:
            answer.read()
        page = open_live(self.port)
        seen = b""
        while b'"last":' not in seen:
            seen += page.recv(65_536)
        page.close()
        return time.perf_counter() - began

    def close(self) -> None:
        """Drop the mappings."""
        self._view.close()


@contextmanager
def platform_under_load(directory: Path, orders_per_second: int) -> Iterator[WatchedPlatform]:
    """The default platform with so many simulated orders a second; gone afterwards."""
    name, port = f"perf-monitor-{os.getpid()}", _free_port()
    settings = (
        f"name={name}",
        "status_interval_s=0",
        f"feed.order_flow.orders_per_second={orders_per_second}",
        "durability.sync=off",
    )
    command = [sys.executable, "-m", "components.launcher.cli"]
    process = subprocess.Popen(
        [*command, *(word for each in settings for word in ("--set", each))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ORACLE_PATH": str(directory / "journal"),
            "PROMETHEUS_PORT": str(port),
        },
    )
    platform = WatchedPlatform(name, port)
    try:
        _wait_until_it_works(process, platform)
        yield platform
    finally:
        platform.close()
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _wait_until_it_works(process: subprocess.Popen[bytes], platform: WatchedPlatform) -> None:
    deadline = time.monotonic() + START_S
    while platform.applied < orders_before_measuring():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the platform did not start; bin/start says why")
        time.sleep(0.05)


def orders_before_measuring() -> int:
    """So many commands, that books are filled and every process is warm."""
    return 20_000


@contextmanager
def live_pages(port: int, count: int) -> Iterator[None]:
    """So many clients that read all that the page's socket brings, as fast as it comes."""
    stop = threading.Event()
    with selectors.DefaultSelector() as chosen:
        for _ in range(count):
            chosen.register(open_live(port), selectors.EVENT_READ)
        reading = threading.Thread(target=_read_on, args=(chosen, stop))
        reading.start()
        try:
            yield
        finally:
            stop.set()
            reading.join()
            for key in list(chosen.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]


def _read_on(chosen: selectors.DefaultSelector, stop: threading.Event) -> None:
    while not stop.is_set():
        for key, _ in chosen.select(0.1):
            key.fileobj.recv(1 << 20)  # type: ignore[union-attr]


def open_live(port: int) -> socket.socket:
    """The page's WebSocket, hands shaken."""
    page = socket.create_connection(("127.0.0.1", port), timeout=60)
    key = base64.b64encode(os.urandom(16)).decode()
    page.sendall(
        f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    answer = page.recv(4096)
    if b" 101 " not in answer.split(b"\r\n", 1)[0]:
        raise RuntimeError(f"the page's socket refused: {answer[:80]!r}")
    return page


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
