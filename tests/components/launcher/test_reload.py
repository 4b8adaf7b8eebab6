"""What a running platform takes of a changed configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.configuration import PlatformConfiguration, load_platform
from components.launcher.reload import changes, merged

TRADING = Path(__file__).parents[3] / "config" / "trading.yaml"


def platform(*overrides: str) -> PlatformConfiguration:
    return load_platform(TRADING, overrides, {})


@pytest.mark.parametrize(
    ("override", "at_once", "by_restart", "at_next_start"),
    [
        ("log_level=debug", ("log_level",), {}, ()),
        ("status_interval_s=1.5", ("status_interval_s",), {}, ()),
        ("processes.titan.max_restarts=9", ("processes.titan.max_restarts",), {}, ()),
        ("processes.feed.hang_after_s=3", ("processes.feed.hang_after_s",), {}, ()),
        ("feed.order_flow.orders_per_second=9", (),
         {"feed": ("feed.order_flow.orders_per_second",)}, ()),
        ("metrics.port=9001", (), {"monitor": ("metrics.port",)}, ()),
        ("oracle.snapshots.keep=7", (), {"snapshots": ("oracle.snapshots.keep",)}, ()),
        ("processes.titan.wait=yielding", (), {"titan": ("processes.titan.wait",)}, ()),
        ("durability.sync=interval", (), {"oracle": ("durability.sync",)}, ()),
        ("rings.commands.capacity=1024", (), {}, ("rings.commands.capacity",)),
        ("risk.suspect_jump=0.5", (), {}, ("risk.suspect_jump",)),
        ("feed.order_flow.collateral=5", (), {}, ("feed.order_flow.collateral",)),
        ("oracle.path=./elsewhere", (), {}, ("oracle.path",)),
        ("name=other", (), {}, ("name",)),
    ],
)  # fmt: skip
def test_each_key_has_its_taker(
    override: str,
    at_once: tuple[str, ...],
    by_restart: dict[str, tuple[str, ...]],
    at_next_start: tuple[str, ...],
) -> None:
    found = changes(platform(), platform(override))

    assert (found.at_once, found.by_restart, found.at_next_start) == (
        at_once, by_restart, at_next_start,
    )  # fmt: skip


def test_what_waits_for_the_next_start_is_not_taken_with_the_rest() -> None:
    before = platform()
    after = platform(
        "feed.order_flow.orders_per_second=9", "feed.order_flow.collateral=5", "log_level=error",
        "rings.risk.capacity=1024", "processes.titan.wait=yielding", "durability.sync=off",
    )  # fmt: skip
    taken = merged(before, after, changes(before, after))

    assert taken.feed.order_flow.orders_per_second == 9
    assert taken.feed.order_flow.collateral == before.feed.order_flow.collateral
    assert taken.log_level == "error"
    assert taken.rings == before.rings
    assert taken.processes["titan"].wait == "yielding"
    assert taken.durability.sync == "off"
    left = changes(taken, after)
    assert (left.at_once, left.by_restart) == ((), {})
    assert set(left.at_next_start) == {"feed.order_flow.collateral", "rings.risk.capacity"}


def test_a_person_is_told_what_is_taken_and_what_is_not() -> None:
    found = changes(
        platform(),
        platform("log_level=error", "metrics.port=1", "processes.oracle.wait=yielding", "name=b"),
    )

    assert found.harmless == ("monitor",)
    assert sorted(found.lines(found.harmless)) == [
        "monitor: taken by its restart: metrics.port",
        "not before the next start: name",
        "oracle: bin/ctl restart oracle takes: processes.oracle.wait",
        "taken at once: log_level",
    ]
    assert changes(platform(), platform()).lines(()) == ["nothing has changed"]
