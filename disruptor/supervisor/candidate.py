"""The candidate's side of a handover: ``python -m disruptor.supervisor.candidate ORDER CHANNEL``.

Both are descriptors that the supervisor leaves open, see handover.py.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import socket
import sys

from disruptor.errors import DisruptorError
from disruptor.ring.ring_buffer import RingBuffer
from disruptor.supervisor.child import ProcessContext, RunFunction, become
from disruptor.supervisor.control_block import ControlBlock, ControlLine
from disruptor.supervisor.handover import GO, READY, SENTENCE_BYTES_MAX, Order
from disruptor.topology.graph import Graph
from disruptor.topology.placement import strategy_of
from disruptor.topology.reference import event_dtype, resolve, run_function

_log = logging.getLogger(__name__)


def main(order_descriptor: int, channel_descriptor: int) -> None:
    """Get ready, wait until the place is free, take it; never returns."""
    with open(order_descriptor, encoding="utf-8") as file:
        order = Order(**json.load(file))
    channel = socket.socket(fileno=channel_descriptor)
    multiprocessing.current_process().name = order.process  # logs tell it
    try:
        context, run = _prepared(order)
    except DisruptorError as error:
        _refuse(channel, str(error))
    except BaseException as error:
        _log.exception("the successor of %s failed", order.process)
        _refuse(channel, f"{type(error).__name__}: {error}")
    channel.send(READY)
    if channel.recv(len(GO)) != GO:
        os._exit(0)  # withdrawn
    channel.close()
    become(context, run, order.cpu, order.supervisor)


def _prepared(order: Order) -> tuple[ProcessContext, RunFunction]:
    """Everything that a forked successor has from the beginning."""
    make = resolve(order.make)
    assert callable(make), "whoever wrote the recipe names a function"
    topology, settings = make(order.given)
    process = topology.processes[order.process]
    run = run_function(process)
    rings = {
        name: RingBuffer.attach(f"{order.platform}.{name}", event_dtype(ring))
        for name, ring in topology.rings.items()
    }
    context = ProcessContext(
        platform=order.platform,
        name=order.process,
        settings=settings,
        process=process,
        strategy=strategy_of(order.wait, order.shares_cpu),
        line=_line(order),
        rings=rings,
        graph=Graph.of(topology),
    )
    return context, run


def _line(order: Order) -> ControlLine:
    block = ControlBlock.attach(order.platform)
    return next(line for line in block.lines if line.name == order.process)


def _refuse(channel: socket.socket, sentence: str) -> None:
    channel.send(sentence.encode()[:SENTENCE_BYTES_MAX])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
