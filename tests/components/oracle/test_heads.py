"""A head that was exported once proves, for ever after, what it stood for then."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from components.oracle.store import Journal, verify
from components.oracle.store.segments import data_path, places
from tests.components.oracle.store.samples import STREAMS, append, fill
from tests.components.oracle.test_cli import oracle


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Several segments, as each is sealed at 64 KiB."""
    with Journal.open_writer(tmp_path / "j", STREAMS, segment_bytes=1 << 16, sync="off") as journal:
        for _ in range(60):
            append(journal, 100)
    assert len(places(tmp_path / "j")) > 2
    return tmp_path / "j"


def heads(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(oracle("head", "--path", path, "--json").stdout)
    return content


def test_the_head_is_what_info_tells(path: Path) -> None:
    told = json.loads(oracle("info", "--path", path, "--json").stdout)["streams"]
    plain = oracle("head", "--path", path).stdout

    for stream, head in heads(path).items():
        assert (head["digest"], head["sequence"]) == (told[stream]["head"], 6_000)
        assert f"{stream} 6000 {head['digest']}\n" in plain


def test_a_head_is_proven_however_much_is_written_since(path: Path, tmp_path: Path) -> None:
    (tmp_path / "heads").write_text(oracle("head", "--path", path).stdout)
    digest = heads(path)["orders"]["digest"]
    fill(path, batches=50)
    fill(path, batches=1)
    by_digest = oracle("verify", "--path", path, "--expect-head", digest)
    by_file = oracle("verify", "--path", path, "--expect-head", tmp_path / "heads", "--json")

    assert by_digest.exit_code == 0
    assert f"head {digest} is proven: stream orders up to 6,000 is what it was" in by_digest.stdout
    assert {each["stream"] for each in json.loads(by_file.stdout)["heads"]} == {"orders", "plain"}


def test_the_head_of_an_empty_stream_is_its_beginning(tmp_path: Path) -> None:
    Journal.open_writer(tmp_path / "j", STREAMS).close()
    digest = heads(tmp_path / "j")["orders"]["digest"]
    fill(tmp_path / "j", batches=2)

    assert oracle("verify", "--path", tmp_path / "j", "--expect-head", digest).exit_code == 0


def test_another_history_is_not_the_one_expected(path: Path, tmp_path: Path) -> None:
    """Whoever can write the whole journal anew can make it whole, but not with the old head."""
    digest = heads(path)["orders"]["digest"]
    fill(tmp_path / "other", batches=600, sync="off")
    result = oracle("verify", "--path", tmp_path / "other", "--expect-head", digest)

    assert verify(tmp_path / "other").ok
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: no stream ever ended with the digest {digest}: what it stands for is not in this "
        "journal, or was changed\n"
    )


def test_a_changed_byte_is_named_and_the_heads_after_it_are_not_met(path: Path) -> None:
    digest = heads(path)["plain"]["digest"]
    content = bytearray(data_path(path).read_bytes())
    for found in re.finditer(b"JREC", bytes(content)):  # some are stale copies in free pages
        changed = bytearray(content)
        changed[found.start() + 300] ^= 1
        data_path(path).write_bytes(changed)
        result = oracle("verify", "--path", path, "--expect-head", digest)
        if "stream plain" in result.stderr:
            break

    assert result.exit_code == 1
    assert re.search(r"stream plain, record \d+–\d+: its bytes have the digest", result.stderr)
    assert f"no stream ever ended with the digest {digest}" in result.stderr


@pytest.mark.parametrize("text", ["abc", "0" * 63, "no-such-file"])
def test_what_is_no_head_is_wrong_usage(path: Path, text: str) -> None:
    result = oracle("verify", "--path", path, "--expect-head", text)

    assert result.exit_code == 2
    assert f"--expect-head {text}: neither a digest" in " ".join(result.stderr.split())
