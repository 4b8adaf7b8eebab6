"""Commands as JSON lines, CSV and binary: the three forms mean the same."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.instruments import Instrument, InstrumentTable
from components.messages.command import COMMAND, Commands
from components.messages.command_text import format_command
from components.messages.event import EVENT
from components.messages.json_lines import TextError
from components.titan.command_journal import BATCH, READERS, header_line
from components.titan.offline import OfflineTitan
from components.units import parse_decimal
from tests.strategies import random_command, records

ROOT = Path(__file__).resolve().parents[3]
STEP = parse_decimal("0.01")
TABLE = InstrumentTable([Instrument("AAA", 0, STEP, STEP), Instrument("BBB", 1, STEP, STEP)])


def some_commands(count: int = 3_000) -> Commands:
    rng = random.Random(4)
    return records([random_command(rng, symbols=2) for _ in range(count)])


def as_csv(commands: Commands, columns: tuple[str, ...] = COMMAND.names or ()) -> bytes:
    rows = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in commands[list(columns)].tolist()),
    ]
    return "\n".join(rows).encode() + b"\n"


def read(form: str, content: bytes) -> Commands:
    batches = list(READERS[form](io.BytesIO(content), TABLE))
    assert all(len(batch) <= BATCH for batch in batches)
    return np.concatenate(batches) if batches else np.zeros(0, COMMAND)


def run(content: bytes, form: str, events_form: str, every_event: bool = False) -> bytes:
    output = io.BytesIO()
    titan = OfflineTitan(TABLE, every_event=every_event)
    titan.run(READERS[form](io.BytesIO(content), TABLE), output, events_form)
    return output.getvalue()


def test_csv_and_binary_give_back_every_field_of_any_command() -> None:
    commands = some_commands()

    assert np.array_equal(read("csv", as_csv(commands)), commands)
    assert np.array_equal(read("binary", header_line(COMMAND) + commands.tobytes()), commands)


def test_the_three_forms_of_one_journal_cause_the_same_events() -> None:
    lines = [
        b'{"op":"place","symbol":"AAA","id":%d,"account":%d,"side":"%s","price":"%d.5","qty":"2"}'
        % (number, number % 3 + 1, (b"buy", b"sell")[number % 2], 100 + number * 7 % 9)
        for number in range(1, 400)
    ]
    text = b"\n".join(lines)
    commands = read("jsonl", text)
    journals = {
        "jsonl": text,
        "csv": as_csv(commands),
        "binary": header_line(COMMAND) + commands.tobytes(),
    }
    events = {form: run(journal, form, "jsonl") for form, journal in journals.items()}

    assert b'"event":"trade"' in events["jsonl"]
    assert events["csv"] == events["binary"] == events["jsonl"]
    assert format_command(commands[0], TABLE).startswith(b'{"op":"place"')


def test_events_in_csv_and_binary_are_the_engines_own_records() -> None:
    journal = as_csv(some_commands())
    binary = run(journal, "csv", "binary", every_event=True)
    header = header_line(EVENT)
    events = np.frombuffer(binary[len(header) :], EVENT)
    rows = run(journal, "csv", "csv", every_event=True).decode().splitlines()

    assert binary.startswith(header)
    assert rows[0] == ",".join(EVENT.names or ())
    assert [tuple(map(int, row.split(","))) for row in rows[1:]] == events.tolist()
    assert len(events) > 3_000


def test_columns_come_in_any_order_and_missing_ones_are_zero() -> None:
    found = read("csv", b"sequence,qty,op,account\n\n7,5,1,3\r\n8,6,2,4\n")

    assert found[["op", "account", "qty"]].tolist() == [(1, 3, 5), (2, 4, 6)]
    assert not found["price"].any()


@pytest.mark.parametrize(
    ("form", "content", "before", "message"),
    [
        ("csv", b"op,prise\n1,2\n", 0, "line 1: unknown column 'prise' (did you mean 'price'?)"),
        ("csv", b"price\n1\n", 0, "line 1: the header must name each column once, op among them"),
        ("csv", b"op,op\n1,1\n", 0, "line 1: the header must name each column once"),
        ("csv", b"op,price\n1,2\n1\n1,2\n", 1, "line 3: found 1 values; the header has 2 columns"),
        ("csv", b"op,price\n1,2\n1,2.5\n", 1, "line 3: price: found '2.5'; write a whole number"),
        ("csv", b"op,price\n256,2\n", 0, "line 2: op: found '256'; write a whole number from 0 to"),
        ("binary", b"{}\n", 0, "line 1: this does not describe the commands of this version"),
        ("binary", header_line(COMMAND) + bytes(100), 1, "record 2: found 4 bytes; a record has 96"),
        ("jsonl", b'{"op":"timer"}\n\n{"op":"tmer"}\n', 1, "line 3: op: found"),
    ],
)  # fmt: skip
def test_what_is_malformed_is_named_after_everything_before_it(
    form: str, content: bytes, before: int, message: str
) -> None:
    seen = 0
    with pytest.raises(TextError) as told:  # noqa: PT012 (what came before is counted)
        for batch in READERS[form](io.BytesIO(content), TABLE):
            seen += len(batch)

    assert seen == before
    assert str(told.value).startswith(message)


@pytest.mark.parametrize("form", ["jsonl", "csv", "binary"])
def test_an_empty_journal_is_no_error(form: str) -> None:
    assert len(read(form, b"")) == 0


def test_the_program_takes_one_form_and_writes_another() -> None:
    journal = b"op,account,order_id,price,qty,side\n1,7,1,100,2,1\n1,8,1,100,1,0\n"
    ran = subprocess.run(
        [sys.executable, "-m", "components.titan.cli", "--format", "csv", "--events-format", "jsonl"],
        input=journal, capture_output=True, cwd=ROOT, check=True, timeout=100,
    )  # fmt: skip

    assert ran.stdout.count(b"\n") == 3
    assert b'"event":"trade","symbol":"BTCUSDT","price":"1","qty":"0.00001"' in ran.stdout
