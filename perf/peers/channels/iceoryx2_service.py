"""iceoryx2: publish-subscribe over shared memory, polled; a full buffer makes the sender wait.

Its files lie in a folder and under a prefix of their own, so that nothing is left of a run that
was ended by force.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perf.peers.channels.channel import MESSAGES_IN_FLIGHT, Channel, ChannelPeer, Receiver, Sender

_MESSAGE_BYTES_MAX = 1024
_SHARED_MEMORY = Path("/dev/shm")


def peer() -> ChannelPeer:
    """There when it is installed."""
    try:
        import iceoryx2
    except ImportError as error:
        return ChannelPeer("iceoryx2", _open_channel, _remove_remains, str(error))
    iceoryx2.set_log_level(iceoryx2.LogLevel.Error)
    return ChannelPeer(f"iceoryx2 {version('iceoryx2')}", _open_channel, _remove_remains)


def _folder(prefix: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{prefix}.iceoryx2"


def _service(name: str, senders: int) -> Any:
    import iceoryx2 as iox2

    prefix = name.rpartition(".")[0]
    config = iox2.config.default()
    config.global_cfg.root_path = iox2.Path.new(str(_folder(prefix)))
    config.global_cfg.prefix = iox2.FileName.new(f"{prefix}.")
    node = iox2.NodeBuilder.new().config(config).create(iox2.ServiceType.Ipc)
    return (
        node.service_builder(iox2.ServiceName.new(name))
        .publish_subscribe(iox2.Slice[ctypes.c_uint8])
        .enable_safe_overflow(False)
        .subscriber_max_buffer_size(MESSAGES_IN_FLIGHT)
        .max_publishers(senders)
        .max_subscribers(1)
        .open_or_create()
    )


def _open_channel(name: str, senders: int) -> Channel:
    def sender() -> Sender:
        import iceoryx2 as iox2

        service = _service(name, senders)
        publisher = (
            service.publisher_builder()
            .initial_max_slice_len(_MESSAGE_BYTES_MAX)
            .backpressure_strategy(iox2.BackpressureStrategy.RetryUntilDelivered)
            .create()
        )

        def send(message: bytes) -> None:
            size = len(message)
            sample = publisher.loan_slice_uninit(size)
            ctypes.memmove(sample.payload_ptr, message, size)
            sample.assume_init().send()

        return Sender(send, publisher.delete)

    def receiver() -> Receiver:
        service = _service(name, senders)
        subscriber = service.subscriber_builder().create()

        def receive() -> bytes:
            sample = subscriber.receive()
            while sample is None:
                os.sched_yield()
                sample = subscriber.receive()
            return ctypes.string_at(sample.payload_ptr, sample.payload().number_of_elements)

        return Receiver(receive, subscriber.delete)

    return Channel(sender, receiver)


def _remove_remains(prefix: str) -> None:
    shutil.rmtree(_folder(prefix), ignore_errors=True)
    for path in _SHARED_MEMORY.glob(f"{prefix}.*"):
        os.unlink(path)
