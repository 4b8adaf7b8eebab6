"""A replay onto metrics looks like the platform: the same counters, over HTTP, then gone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.messages.code import EVENT_TRADE, OP_PRICE, RISK_LIQUIDATION
from components.oracle.platform_state import state_at
from components.oracle.store import Journal
from components.units import MONEY_SCALE
from disruptor.memory.segment import existing
from tests.components.oracle.platform_samples import Platform, write
from tests.components.oracle.test_cli import oracle

PATIENCE_S = 60


@pytest.fixture(scope="module")
def platform() -> Platform:
    made = Platform(seed=7)
    made.run(900)
    return made


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> Path:
    directory = tmp_path_factory.mktemp("live") / "j"
    write(directory, platform.streams())
    return directory


class Playing:
    """``bin/oracle replay --metrics`` as a process of its own."""

    def __init__(self, path: Path, *words: str) -> None:
        program = [sys.executable, "-m", "components.oracle.cli", "--path", str(path), "replay"]
        self.process = subprocess.Popen(
            [*program, "--metrics", "0", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/metrics", self.process.stdout.readline())
        assert found is not None
        self.url = found[0]

    def value(self, metric: str) -> float:
        """The sum of a metric's series."""
        with urllib.request.urlopen(self.url, timeout=30) as answer:
            text = answer.read().decode()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in text.splitlines()
            if re.match(rf"{metric}(\{{|\s)", line)
        )

    def wait_for(self, metric: str, wanted: float) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.value(metric) != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self) -> None:
        """Whatever happened: nothing of it stays."""
        self.process.kill()
        self.process.communicate()

    def end(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0
        assert existing(f"replay-{self.process.pid}.") == []
        return rest


@pytest.fixture
def playing(path: Path, request: pytest.FixtureRequest) -> Iterator[Playing]:
    made = Playing(path, *request.param)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("playing", [("--speed", "max", "--hold")], indirect=True)
def test_the_whole_journal_is_counted_as_the_platform_counts(
    playing: Playing, path: Path, platform: Platform
) -> None:
    streams = platform.streams()
    kinds, commands = streams["events"]["kind"], streams["commands"]
    playing.wait_for("titan_commands_processed_total", len(commands))
    with Journal.open_reader(path) as journal:
        balances = state_at(journal).balances()

    assert playing.value("titan_executions_total") == (kinds == EVENT_TRADE).sum()
    assert playing.value("price_feed_updates_total") == (commands["op"] == OP_PRICE).sum()
    assert (
        playing.value("sentinel_liquidations_total")
        == (streams["risk"]["kind"] == RISK_LIQUIDATION).sum()
        > 0
    )
    assert playing.value("titan_process_time_micros_count") == len(commands)
    playing.wait_for("sentinel_accounts_total", len(balances))
    collateral = int(balances["collateral"].sum()) / MONEY_SCALE
    assert playing.value("sentinel_collateral_usd") == pytest.approx(collateral)
    rest = playing.end(signal.SIGINT)
    assert f"commands up to {len(commands)} were replayed" in rest.replace(",", "")


@pytest.mark.parametrize(
    "playing", [("--speed", "0.000001", "--from", "300", "--to", "500")], indirect=True
)
def test_commands_wait_until_they_are_due_and_a_signal_ends_it(
    playing: Playing, platform: Platform
) -> None:
    """At a millionth of its pace only the first command is due within a quarter of an hour."""
    playing.wait_for("titan_commands_processed_total", 1)
    times = platform.streams()["commands"]["ts"]

    assert times[300] - times[299] >= 1_000
    assert "commands up to 300 were replayed" in playing.end(signal.SIGTERM)


def test_a_range_is_played_to_its_end(path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "components.oracle.cli", "--path", str(path), "replay",
         "--metrics", "0", "--speed", "10", "--from", "2", "--to", "400"],
        capture_output=True, text=True, check=True, timeout=PATIENCE_S,
    )  # fmt: skip

    assert result.stdout.splitlines()[-1] == "commands up to 400 were replayed"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--speed", "2"), "--speed and --hold need --metrics PORT"),
        (("--hold",), "--speed and --hold need --metrics PORT"),
        (("--metrics", "0", "--speed", "0"), "write a number above 0, or max"),
        (("--metrics", "0", "--speed", "fast"), "write a number above 0, or max"),
        (("--metrics", "70000"), "70000 is not in the range"),
    ],
)
def test_what_cannot_be_played_is_wrong_usage(
    path: Path, words: tuple[str, ...], message: str
) -> None:
    result = oracle("replay", "--path", path, *words)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
