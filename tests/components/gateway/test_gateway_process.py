"""The gateway of a running platform, and what was seen of it when the whole machine stops."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.gateway.account_lines import lines_for
from components.instruments import InstrumentTable
from components.oracle.replay import replay
from components.oracle.store import Journal
from components.oracle.streams import STREAM_DTYPES
from disruptor.memory.segment import existing
from disruptor.supervisor.control_block import ControlBlock
from tests.components.gateway.clients import Client
from tests.system.platform_run import PlatformRun, free_port

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.timeout(300)]

STILL = (
    "--set", "feed.order_flow.orders_per_second=0",
    "--set", "feed.simulation.volatility=0",
)  # fmt: skip
ORDERS = 200


def order(number: int, account: int, side: str = "buy", price: str = "50000") -> dict[str, Any]:
    return {
        "op": "place", "symbol": "BTCUSDT", "id": number, "account": account, "side": side,
        "price": price, "qty": "0.001",
    }  # fmt: skip


def kill_everything(name: str, run: PlatformRun) -> None:
    """What a machine that stops does to processes."""
    pids = [each.owner.pid for each in ControlBlock.attach(name).snapshots()]
    for pid in (run.pid, *pids):
        os.kill(pid, signal.SIGKILL)
    run.wait()


def as_the_disk_has_it(path: Path, into: Path) -> None:
    """The journal as it is after the worst power failure: nothing but what is durable."""
    with Journal.open_reader(path) as journal, Journal.open_writer(into, STREAM_DTYPES) as kept:
        for stream in STREAM_DTYPES:
            for first, records in journal.read(stream, 1, journal.durable_sequence(stream)):
                kept.append([(stream, first, [records])])


def told_by(path: Path, account: int) -> dict[str, list[Any]]:
    """All that a journal tells an account, by stream."""
    with Journal.open_reader(path) as journal:
        commands = np.concatenate([records for _, records in journal.read("commands")])
        table = InstrumentTable.from_commands(commands)
        return {
            stream: [
                json.loads(line)
                for _, records in journal.read(stream)
                for _, line in lines_for(stream, records, np.array([account]), table)
            ]
            for stream in ("events", "risk")
        }


def heard_of(client: Client, key: str) -> list[Any]:
    return [line for line in client.heard if key in line]


def is_part_in_order(part: list[Any], whole: list[Any]) -> bool:
    """Whether all of ``part`` is in ``whole``, in this order."""
    rest = iter(whole)
    return all(line in rest for line in part)


def test_clients_trade_and_nothing_that_they_saw_is_lost_with_the_machine(
    segment_prefix: str, tmp_path: Path
) -> None:
    name, journal = segment_prefix.rstrip("."), tmp_path / "events"
    port = free_port()
    with PlatformRun(
        name, journal, *STILL, "--set", f"gateway.port={port}",
        "--set", "durability.sync=interval", "--set", "durability.interval_ms=300",
    ) as run, Client(port, 1001) as one, Client(port, 1002) as two:  # fmt: skip
        one.send(**order(1, 1001))
        one.wait_for(event="accepted", id=1)
        one.send(**order(1, 1001))
        one.wait_for(event="rejected", id=1, reason="duplicate_id")
        one.send_bytes(b"nonsense\n")
        assert "this is not JSON" in one.next()["error"]
        one.send(**order(2, 1002))
        assert "one that this connection has logged in" in one.next()["error"]
        two.send(**order(1, 1002, "sell"))
        assert two.wait_for(event="trade")["liquidity"] == "taker"
        assert one.wait_for(event="trade")["liquidity"] == "maker"
        one.wait_for(risk="position", account=1001)
        with Journal.open_reader(journal) as reader:
            before = reader.last_sequence("events")
            for number in range(2, 2 + ORDERS):
                one.send(**order(number, 1001, price="10000"))
            while reader.last_sequence("events") < before + ORDERS:
                time.sleep(0.001)
        kill_everything(name, run)
        one.read_to_the_end()
        two.read_to_the_end()
    for left in existing(f"{name}."):
        os.unlink(f"/dev/shm/{left}")
    as_the_disk_has_it(journal, tmp_path / "disk")

    for client, account in ((one, 1001), (two, 1002)):
        told = told_by(tmp_path / "disk", account)
        for stream, key in (("events", "event"), ("risk", "risk")):
            assert len(heard_of(client, key)) > 0
            assert all(line["account"] == account for line in heard_of(client, key))
            assert is_part_in_order(heard_of(client, key), told[stream])

    with PlatformRun(
        name, tmp_path / "disk", *STILL, "--set", f"gateway.port={port}"
    ) as again, Client(port, 1001) as client:  # fmt: skip
        client.send(**order(5000, 1001, price="10000"))
        client.wait_for(event="accepted", id=5000)
        client.send(**order(5001, 1001, price="10000"))
        assert again.stop() == 0
        client.read_to_the_end()
    with Journal.open_reader(tmp_path / "disk") as reader:
        assert replay(reader).ok
    assert is_part_in_order(heard_of(client, "event"), told_by(tmp_path / "disk", 1001)["events"])
