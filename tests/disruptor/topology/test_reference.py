"""Names in a topology lead to objects, or to one sentence on why not."""

from __future__ import annotations

import numpy as np
import pytest

from disruptor.errors import ConfigurationError
from disruptor.topology.model import Process, Ring
from disruptor.topology.reference import event_dtype, resolve, run_function

EVENT = np.dtype([("value", np.int64)])
HERE = __name__


def run() -> None:
    """What a process would run."""


def test_a_ring_names_its_layout_and_a_process_its_function() -> None:
    assert event_dtype(Ring(capacity=2, event=f"{HERE}:EVENT")) == EVENT
    assert run_function(Process(run=f"{HERE}:run")) is run


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("no_such.module:run", "there is no module no_such; write package.module:NAME"),
        (
            "disruptor.no_such:run",
            "there is no module disruptor.no_such; write package.module:NAME",
        ),
        (f"{HERE}:EVNT", f'{HERE} has no EVNT (did you mean "EVENT"?)'),
    ],
)
def test_a_name_that_leads_nowhere_is_one_sentence(reference: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(reference)

    assert str(caught.value) == f"{reference}: {sentence}"


def test_a_layout_must_be_a_dtype_and_a_function_callable() -> None:
    with pytest.raises(ConfigurationError, match="found no numpy dtype"):
        event_dtype(Ring(capacity=2, event=f"{HERE}:run"))
    with pytest.raises(ConfigurationError, match="found nothing that can be called"):
        run_function(Process(run=f"{HERE}:HERE"))


def test_every_shipped_event_layout_exists() -> None:
    for stream in ("command:COMMAND", "event:EVENT", "risk:RISK"):
        assert isinstance(resolve(f"components.messages.{stream}"), np.dtype)
