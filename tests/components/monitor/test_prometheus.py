"""A real Prometheus scrapes the exporter, and the promised queries answer."""

from __future__ import annotations

import asyncio
import json
import math
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from components.monitor.exporter import ExporterSettings, port_of, serve
from tests.components.monitor.conftest import Platform

ROOT = Path(__file__).resolve().parents[3]
MONITORING = ROOT / "config" / "monitoring"
QUERIES = (
    "rate(sentinel_liquidations_total[1m])",
    "avg(sentinel_margin_ratio)",
    "histogram_quantile(0.99, rate(sentinel_process_time_micros_bucket[5m]))",
    "rate(price_feed_updates_total[30s])",
    "sum(rate(titan_executions_total[1m]))",
)
LIMIT_SECONDS = 60


def dashboard_queries() -> list[str]:
    """Every expression of every dashboard, for all symbols and processes."""
    found = []
    for path in sorted((MONITORING / "grafana" / "dashboards").glob("*.json")):
        panels = json.loads(path.read_text())["panels"]
        found += [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return [query.replace("$symbol", ".*").replace("$process", ".*") for query in found]


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; Debian's package is called prometheus")
    return found


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def configuration(directory: Path, target: int) -> Path:
    """The project's own configuration, with the test's target and a scrape each second."""
    text = (MONITORING / "prometheus.yml").read_text()
    assert "scrape_interval: 5s" in text
    text = text.replace("interval: 5s", "interval: 1s").replace(
        "host.docker.internal:9000", f"127.0.0.1:{target}"
    )
    path = directory / "prometheus.yml"
    path.write_text(text)
    for rules in MONITORING.glob("*.rules.yml"):
        shutil.copy(rules, directory)
    return path


def finite(answer: dict[str, Any]) -> bool:
    values = [float(each["value"][1]) for each in answer["data"]["result"]]
    return bool(values) and all(math.isfinite(value) for value in values)


@pytest.mark.system
def test_every_promised_query_and_every_panel_has_a_finite_answer(
    busy: Platform, tmp_path: Path
) -> None:
    prometheus = program("prometheus")
    busy.ring.register_consumer("oracle", start=0)

    async def scenario() -> dict[str, dict[str, Any]]:
        view, port = busy.view(), free_port()
        runner = await serve(view, ExporterSettings(port=0))
        command = [
            prometheus,
            f"--config.file={configuration(tmp_path, port_of(runner))}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            return await answered(busy, f"http://127.0.0.1:{port}/api/v1/query")
        finally:
            process.terminate()
            await process.wait()
            await runner.cleanup()
            view.close()

    answers = asyncio.run(scenario())

    assert set(answers) == {*QUERIES, *dashboard_queries()}
    symbols = [each["metric"]["symbol"] for each in answers[QUERIES[0]]["data"]["result"]]
    assert sorted(symbols) == ["BTCUSDT", "ETHUSDT"]


async def answered(busy: Platform, url: str) -> dict[str, dict[str, Any]]:
    """Let the platform trade until every query has a finite answer, or the limit is over."""
    waiting = {*QUERIES, *dashboard_queries()}
    answers: dict[str, dict[str, Any]] = {}
    deadline = time.monotonic() + LIMIT_SECONDS
    async with aiohttp.ClientSession() as client:
        while time.monotonic() < deadline and waiting:
            busy.trade()
            for query in sorted(waiting):
                try:
                    async with client.get(url, params={"query": query}) as reply:
                        answer = await reply.json()
                except aiohttp.ClientError:
                    break
                if answer.get("status") == "success" and finite(answer):
                    answers[query] = answer
            waiting -= answers.keys()
            await asyncio.sleep(0.25)
    return answers


@pytest.mark.parametrize("name", ["prometheus.yml", "alerts.rules.yml", "recording.rules.yml"])
def test_promtool_accepts_the_configuration(name: str) -> None:
    kind = "config" if name == "prometheus.yml" else "rules"
    checked = subprocess.run(
        [program("promtool"), "check", kind, str(MONITORING / name)],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def dashboards() -> dict[str, dict[str, Any]]:
    found = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in found}


def test_there_is_a_dashboard_for_each_part_and_grafana_opens_the_overview() -> None:
    compose = (MONITORING / "docker-compose.yml").read_text()

    assert set(dashboards()) == {"overview", "titan", "sentinel", "oracle", "feed", "pipeline"}
    assert "/var/lib/grafana/dashboards/overview.json" in compose
    assert all(re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", image)
               for image in re.findall(r"image: (\S+)", compose))  # fmt: skip


def services() -> dict[str, Any]:
    return dict(yaml.safe_load((MONITORING / "docker-compose.yml").read_text())["services"])


def mounted(service: str, root: Path) -> None:
    """Copy what a container of this service is given to where it finds it, under ``root``."""
    for volume in services()[service]["volumes"]:
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            found, place = MONITORING / source, root / target.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if found.is_dir() else shutil.copy)(found, place)


def test_prometheus_finds_its_rules_where_the_container_has_them(tmp_path: Path) -> None:
    mounted("prometheus", tmp_path)
    (option,) = (each for each in services()["prometheus"]["command"] if "config.file" in each)
    checked = subprocess.run(
        [program("promtool"), "check", "config", tmp_path / option.split("=/")[1]],
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("rules found") == 2


def test_grafana_finds_its_dashboards_and_prometheus(tmp_path: Path) -> None:
    mounted("grafana", tmp_path)
    provisioning = tmp_path / "etc/grafana/provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/dashboards.yml").read_text())[
        "providers"
    ]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    home = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    seen = {path.stem for path in (tmp_path / provider["options"]["path"][1:]).glob("*.json")}

    assert seen == set(dashboards())
    assert (tmp_path / home[1:]).is_file()
    host, port = source["url"].removeprefix("http://").split(":")
    assert f"127.0.0.1:{port}:{port}" in services()[host]["ports"]


def test_every_volume_is_a_file_here_or_a_named_one() -> None:
    named = yaml.safe_load((MONITORING / "docker-compose.yml").read_text())["volumes"]
    sources = [each.split(":")[0] for of in services().values() for each in of["volumes"]]

    assert all((MONITORING / each).exists() for each in sources if each.startswith("."))
    assert sorted(each for each in sources if not each.startswith(".")) == sorted(named)


@pytest.mark.parametrize("name", sorted(dashboards()))
def test_a_dashboards_panels_can_be_drawn(name: str) -> None:
    provisioned = (MONITORING / "grafana/provisioning/datasources/prometheus.yml").read_text()
    dashboard = dashboards()[name]
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"])
             for y in range(at["y"], at["y"] + at["h"])]  # fmt: skip

    assert "uid: prometheus\n" in provisioned
    assert {panel["datasource"]["uid"] for panel in panels} == {"prometheus"}
    assert [each["name"] for each in dashboard["templating"]["list"]] == ["symbol", "process"]
    assert all(panel["title"] and panel["targets"] for panel in panels)
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def alerts() -> dict[str, dict[str, Any]]:
    rules = yaml.safe_load((MONITORING / "alerts.rules.yml").read_text())["groups"][0]["rules"]
    return {rule["alert"]: rule for rule in rules}


@pytest.mark.parametrize("name", sorted(alerts()))
def test_an_alert_says_what_to_do_links_its_section_and_has_a_test(name: str) -> None:
    annotations = alerts()[name]["annotations"]
    path, anchor = annotations["runbook_url"].split("#")
    runbook = (ROOT / path).read_text()

    assert annotations["summary"]
    assert annotations["action"].endswith(".")
    assert anchor in [head.lower() for head in re.findall(r"^## (\w+)$", runbook, re.M)]
    assert f"alertname: {name}" in (MONITORING / "alerts.test.yml").read_text()


def test_the_runbook_knows_no_other_alerts_and_links_only_its_own_sections() -> None:
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    heads = re.findall(r"^## (\w+)$", runbook, re.M)

    assert sorted(heads) == sorted(alerts())
    assert set(re.findall(r"\(#(\w+)\)", runbook)) <= {head.lower() for head in heads}


def test_alerts_fire_when_they_should_and_not_before() -> None:
    checked = subprocess.run(
        [program("promtool"), "test", "rules", str(MONITORING / "alerts.test.yml")],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
