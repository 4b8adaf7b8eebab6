"""Small processes for the supervisor's tests."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from disruptor.errors import DisruptorError
from disruptor.supervisor.child import ProcessContext

NUMBER = np.dtype([("value", np.int64)])


def count_up(context: ProcessContext) -> None:
    """Writes 1, 2, 3 … until told to stop."""
    producer = context.producer("numbers")
    context.ready()
    value = 0
    while not context.should_stop():
        value += 1
        producer.write(np.array([(value,)], NUMBER))
        context.beat()


def count_up_gently(context: ProcessContext) -> None:
    """``count_up`` at some thousands a second, so that a reader that starts anew catches up."""
    producer = context.producer("numbers")
    context.ready()
    value = 0
    while not context.should_stop():
        value += 1
        producer.write(np.array([(value,)], NUMBER))
        context.beat()
        time.sleep(0.0002)


def double(context: ProcessContext) -> None:
    """Writes twice each number; leaves how many it read."""
    consumer, producer = context.consumer("numbers"), context.producer("doubled")
    context.ready()
    while not context.has_drained("numbers"):
        high = consumer.wait(10_000_000)
        for batch in consumer.batches(high):
            doubled = batch.copy()
            doubled["value"] *= 2
            producer.write(doubled)
        consumer.advance(high)
    context.line.result = consumer.sequence.to_bytes(32, "big")


def check_doubled(context: ProcessContext) -> None:
    """Reads even numbers in order; leaves how many."""
    consumer = context.consumer("doubled")
    context.ready()
    expected = 0
    while not context.has_drained("doubled"):
        high = consumer.wait(10_000_000)
        for batch in consumer.batches(high):
            for value in batch["value"].tolist():
                expected += 2
                if value != expected:
                    raise DisruptorError(f"found {value}, expected {expected}")
        consumer.advance(high)
    context.line.result = (expected // 2).to_bytes(32, "big")


def refuse(context: ProcessContext) -> None:
    """Never becomes ready."""
    raise DisruptorError("the moon is not full")


def end_by_itself(context: ProcessContext) -> None:
    """Becomes ready and returns."""
    context.ready()


def die_once(context: ProcessContext) -> None:
    """Killed in its first life, well in its second; writes one number a life."""
    producer = context.producer("numbers")
    context.ready()
    producer.write(np.array([(1 + context.line.restarts,)], NUMBER))
    if not context.is_restart:
        producer.next(2)
        os.kill(os.getpid(), signal.SIGKILL)
    while not context.should_stop():
        pass


def drop(context: ProcessContext) -> None:
    """Reads and forgets."""
    consumer = context.consumer("numbers")
    context.ready()
    while not context.has_drained("numbers"):
        consumer.advance(consumer.wait(10_000_000))


def stop_while_restoring_once(context: ProcessContext) -> None:
    """Stands still before it runs, in its first life; then it counts up."""
    context.restoring()
    if not context.is_restart:
        os.kill(os.getpid(), signal.SIGSTOP)
    count_up(context)


def stand_still_once(context: ProcessContext) -> None:
    """Reads nothing until a signal comes in its first life; afterwards it reads."""
    consumer = context.consumer("numbers")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    context.ready()
    if not context.is_restart:
        signal.sigwait({signal.SIGUSR1})
    while not context.should_stop():
        consumer.advance(consumer.wait(10_000_000))


def hold_a_claim(context: ProcessContext) -> None:
    """Claims two slots, and neither publishes nor stops."""
    context.producer("numbers").next(2)
    context.ready()
    while True:
        signal.pause()
