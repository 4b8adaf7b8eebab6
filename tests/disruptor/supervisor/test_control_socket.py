"""A person's requests to a running supervisor, and those of one who talks nonsense."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from disruptor.supervisor import control_socket
from disruptor.supervisor.control_socket import ControlError, ControlSocket, ask, path_of, running


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def echo(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request.get("do") == "refuse":
        raise ControlError("not today")
    return {"heard": dict(request)}


@contextmanager
def serving(name: str) -> Iterator[ControlSocket]:
    server = ControlSocket(name, echo)
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.001):
            server.serve()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield server
    finally:
        over.set()
        thread.join()
        server.close()


def test_a_request_is_answered() -> None:
    with serving("one"):
        assert ask("one", {"do": "look", "name": "titan"}) == {
            "heard": {"do": "look", "name": "titan"}
        }
        assert running() == ["one"]
    assert running() == []
    assert not path_of("one").exists()


def test_a_refusal_is_its_sentence() -> None:
    with serving("one"), pytest.raises(ControlError, match="not today"):
        ask("one", {"do": "refuse"})


def test_nobody_there_is_one_sentence() -> None:
    with pytest.raises(ControlError, match="no platform 'none' runs here"):
        ask("none", {"do": "status"})


def test_who_does_not_answer_is_not_waited_for_for_ever() -> None:
    silent = ControlSocket("silent", echo)
    try:
        with pytest.raises(ControlError, match="did not answer within 0 s"):
            ask("silent", {"do": "status"}, timeout_s=0.05)
    finally:
        silent.close()


@pytest.mark.parametrize("nonsense", [b"what?\n", b"[]\n", b"\xff\xfe\n", b'{"do": \n'])
def test_nonsense_is_refused_and_the_next_request_is_answered(nonsense: bytes) -> None:
    with serving("one"), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(60)
        client.connect(str(path_of("one")))
        client.sendall(nonsense + b'{"do": "look"}\n')
        heard = b""
        while heard.count(b"\n") < 2:
            heard += client.recv(4096)
    refused, answered = map(json.loads, heard.splitlines())

    assert refused["ok"] is False
    assert refused["error"]
    assert answered == {"ok": True, "heard": {"do": "look"}}


def test_an_endless_line_is_hung_up_on() -> None:
    with serving("one"), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(60)
        client.connect(str(path_of("one")))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            client.sendall(b"x" * (1 << 24))


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disruptor").mkdir()
    (tmp_path / "disruptor").chmod(0o755)

    with pytest.raises(ControlError, match="is not this user's alone"):
        control_socket.directory()


def test_what_a_killed_platform_left_is_taken_over() -> None:
    path_of("one").touch()

    with serving("one"):
        assert ask("one", {"do": "look"}) == {"heard": {"do": "look"}}
