"""What the README shows is what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.monitor.catalogue import metrics_table
from disruptor.topology.load import load_topology
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


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?:config|disruptor)/[\w/]+\.yaml", README)))
)
def test_every_configuration_that_it_names_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("script", blocks_with("|\n  bin/titan"))
def test_titans_examples_give_the_answers_shown(script: str) -> None:
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


def test_the_journals_first_program_prints_what_it_says() -> None:
    (program,) = programs_with("Journal.create")
    expected = re.findall(r"# prints: (.*)", program)

    assert expected
    assert python(program).splitlines() == expected


def test_the_journals_program_asks_a_journal(tmp_path: Path) -> None:
    (program,) = programs_with('"platform_events"')
    platform = Platform(seed=7)
    platform.run(300)
    write(tmp_path / "j", platform.streams())
    printed = python(program.replace('"platform_events"', repr(str(tmp_path / "j"))))

    assert printed.splitlines()[0] == platform.hash()


GUIDE = README.split("## The framework alone")[1].split("\n## ")[0]
GUIDES_PROGRAMS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("at", range(len(GUIDES_PROGRAMS)))
def test_each_program_of_the_frameworks_guide_prints_what_it_says(at: int, tmp_path: Path) -> None:
    text = re.sub(r'"(prices|ticks)"', rf'"readme-{os.getpid()}-\1"', GUIDES_PROGRAMS[at])
    program = tmp_path / f"guide_{at}.py"
    program.write_text(text, "utf-8")
    ran = subprocess.run(
        [sys.executable, str(program)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    said = re.findall(r"# prints: (.*)", text)

    assert said
    assert (ran.stdout.splitlines(), ran.stderr) == (said, "")


def test_the_guides_pipeline_is_a_topology(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    path = tmp_path / "pipeline.yaml"
    path.write_text(text, "utf-8")

    assert list(load_topology(path).processes) == ["source", "price", "store"]
