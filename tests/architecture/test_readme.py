"""What the README shows is what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.monitor.catalogue import metrics_table
from tests.components.oracle.platform_samples import Platform, write

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip


def blocks_with(program: str) -> list[str]:
    return [
        block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if program in block
    ]


def test_the_table_of_metrics_is_the_catalogues() -> None:
    assert metrics_table() in README


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^bin/(\w+)", SHELL, re.MULTILINE))))
def test_every_program_that_it_names_answers_help(command: str) -> None:
    if command == "test":
        pytest.skip("bin/test runs these very tests")
    shown = {}
    for words, option in re.findall(
        rf"^bin/{command}\b([^#\n]*?) (--[a-z-]+)", SHELL, re.MULTILINE
    ):
        of = (words.split() or [""])[0].strip("-")
        if of not in shown:
            ran = run(f"bin/{command} {of} --help")
            assert ran.returncode == 0, ran.stderr
            shown[of] = ran.stdout
        assert option in shown[of]
    assert shown or run(f"bin/{command} --help").returncode == 0


@pytest.mark.parametrize("path", sorted(set(re.findall(r"config/[\w/]+\.yaml", README))))
def test_every_configuration_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_titans_example_gives_the_answer_shown() -> None:
    (script,) = blocks_with("|\n  bin/titan")
    shown = README.split(script)[1].split("```\n", 2)[2].split("```")[0]
    ran = run(script)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == shown


def test_sentinels_example_liquidates_at_the_second_price() -> None:
    (script,) = blocks_with("bin/sentinel")
    ran = run(script)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count('"risk":"liquidation"') == 1
    assert '"seq":5,"risk":"liquidation"' in ran.stdout
    assert '"op":"place"' in ran.stdout


def programs_with(words: str) -> list[str]:
    return [each for each in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if words in each]


def python(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    return ran.stdout


@pytest.mark.parametrize("words", ["RingBuffer", "Journal.create"])
def test_a_program_prints_what_it_says(words: str) -> None:
    (program,) = programs_with(words)
    expected = re.findall(r"# prints: (.*)", program)
    printed = python(program.replace('"prices"', f'"readme-{os.getpid()}"'))

    assert expected
    assert printed.splitlines() == expected


def test_the_journals_program_asks_a_journal(tmp_path: Path) -> None:
    (program,) = programs_with('"platform_events"')
    platform = Platform(seed=7)
    platform.run(300)
    write(tmp_path / "j", platform.streams())
    printed = python(program.replace('"platform_events"', repr(str(tmp_path / "j"))))

    assert printed.splitlines()[0] == platform.hash()
