"""A client that does not read is dropped, and nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.configuration.model import EVENTS, RISK, Gateway
from components.gateway.counters import GatewayCounters
from components.gateway.hub import LINE_BYTES_MAX, Hub, Platform
from components.gateway.order_entry import OrderEntry
from components.gateway.output_gate import OutputGate
from components.messages.command import COMMAND
from components.monitor.catalogue import GATEWAY, specs_for
from components.oracle.store import Journal
from disruptor.memory.counters import CounterBlock
from disruptor.ring.ring_buffer import RingBuffer
from tests.components.oracle import platform_samples
from tests.components.oracle.platform_samples import TABLE

ROUNDS_MAX = 2_000
LIMIT_S = 60.0


@pytest.fixture
def counters(segment_prefix: str) -> Iterator[CounterBlock]:
    block = CounterBlock.create(f"{segment_prefix}counters", specs_for(GATEWAY, TABLE))
    yield block
    block.unlink()


@pytest.fixture
def platform(segment_prefix: str, tmp_path: Path, counters: CounterBlock) -> Iterator[Platform]:
    made = platform_samples.Platform(seed=7)
    made.run(400)
    platform_samples.write(tmp_path / "j", made.streams())
    ring = RingBuffer.create(f"{segment_prefix}commands", COMMAND, 64, multi_producer=True)
    try:
        ring.register_consumer("titan", start=0)
        with Journal.open_reader(tmp_path / "j") as journal:
            entry = OrderEntry(ring.producer("gateway"))
            gate = OutputGate(journal, "commit")
            yield Platform(TABLE, entry, gate, GatewayCounters(counters))
    finally:
        ring.unlink()
        ring.close()


def counted(block: CounterBlock, name: str) -> int:
    return int(block.words[block.offset(name)])


def tell_all_again(hub: Hub) -> None:
    """As if all that was ever journaled became durable just now."""
    hub.platform.gate.left.update({EVENTS: 0, RISK: 0})
    hub.deliver()


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"op":"login","account":1}\n')
    assert await asyncio.wait_for(reader.readline(), LIMIT_S) != b""
    return reader, writer


def test_who_does_not_read_is_dropped_and_the_others_hear_everything(
    platform: Platform, counters: CounterBlock
) -> None:
    async def scene() -> None:
        hub = Hub(Gateway(buffer_kb=64), platform)
        server = await asyncio.get_running_loop().create_server(hub.session, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(slow, ("127.0.0.1", port))
        await asyncio.get_running_loop().sock_sendall(slow, b'{"op":"login","account":1}\n')
        reader, writer = await connected(port)
        while counted(counters, "gateway_clients") < 2 or counted(counters, "gateway_refused"):
            await asyncio.sleep(0.001)
        await asyncio.get_running_loop().sock_recv(slow, 100)
        heard = 0
        for _ in range(ROUNDS_MAX):
            before = counted(counters, "gateway_answers")
            tell_all_again(hub)
            listeners = 1 + (counted(counters, "gateway_clients") == 2)
            lines = (counted(counters, "gateway_answers") - before) // listeners
            for _ in range(lines):
                assert await asyncio.wait_for(reader.readline(), LIMIT_S) != b""
            heard += lines
            if counted(counters, "gateway_dropped"):
                break
        assert counted(counters, "gateway_dropped") == 1
        assert heard > 0
        while counted(counters, "gateway_clients") > 1:
            await asyncio.sleep(0.001)
        tell_all_again(hub)
        assert await asyncio.wait_for(reader.readline(), LIMIT_S) != b""
        slow.close()
        writer.close()
        server.close()

    asyncio.run(scene())


def test_one_connection_too_many_and_a_line_without_end_are_one_error_each(
    platform: Platform, counters: CounterBlock
) -> None:
    async def scene() -> None:
        hub = Hub(Gateway(clients_max=1), platform)
        server = await asyncio.get_running_loop().create_server(hub.session, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await connected(port)
        late, other = await asyncio.open_connection("127.0.0.1", port)
        told = await asyncio.wait_for(late.read(), LIMIT_S)
        assert told == b'{"error":"there are 1 connections already; try again later"}\n'
        writer.write(b"x" * (LINE_BYTES_MAX + 1))
        told = await asyncio.wait_for(reader.read(), LIMIT_S)
        assert told == b'{"error":"line 2: longer than 4096 bytes"}\n'
        while counted(counters, "gateway_clients"):
            await asyncio.sleep(0.001)
        writer.close()
        other.close()
        server.close()

    asyncio.run(scene())


def test_a_full_ring_is_told_and_never_waited_for(platform: Platform) -> None:
    async def scene() -> None:
        hub = Hub(Gateway(), platform)
        server = await asyncio.get_running_loop().create_server(hub.session, "127.0.0.1", 0)
        reader, writer = await connected(server.sockets[0].getsockname()[1])
        for number in range(1, 66):
            writer.write(b'{"op":"cancel","symbol":"BTCUSDT","id":%d,"account":1}\n' % number)
            await writer.drain()
        told = await asyncio.wait_for(reader.readline(), LIMIT_S)
        assert b"of 1: the platform is busy; try again" in told
        writer.close()
        server.close()

    asyncio.run(scene())
