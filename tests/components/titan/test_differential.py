"""The engine and the plain reference, driven with the same commands, never differ."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.titan.engine import canonical_bytes, check_invariants, restore, state_hash
from components.titan.engine.snapshot import parts
from tests.components.titan.driver import LIMITS, Driver, SavedOrder, orders_of_reference
from tests.models.reference_book import ReferenceTitan
from tests.strategies import listings, random_command


def saved_orders(data: bytes) -> list[SavedOrder]:
    """The live orders of canonical bytes, as the reference shows them."""
    *_, orders = parts(data)
    whole = orders["qty"] + orders["hidden"]
    names = ("symbol", "side", "account", "order_id", "price")
    return list(zip(*(orders[name].tolist() for name in names), whole.tolist(), strict=True))


def saved_positions(data: bytes) -> dict[tuple[int, int], int]:
    """The positions of canonical bytes."""
    *_, held, _, _ = parts(data)
    return {(int(h["account"]), int(h["symbol"])): int(h["qty"]) for h in held}


def compare(rng: random.Random, count: int, every: int = 50) -> None:
    """Drive both; compare each answer, and now and then the whole state."""
    reference, driver = ReferenceTitan(), Driver()
    commands = listings() + [random_command(rng) for _ in range(count)]
    for number, command in enumerate(commands):
        assert reference.apply(command) == driver.apply(command), (number, command)
        if number % every == 0 or number == len(commands) - 1:
            check_invariants(driver.state)
            data = canonical_bytes(driver.state)
            assert orders_of_reference(reference) == saved_orders(data)
            held = {name: qty for name, qty in reference.positions.items() if qty}
            assert held == saved_positions(data)


def compare_split(rng: random.Random, count: int) -> None:
    """Drive one engine, and one that is saved and restored after each command."""
    whole, split = Driver(), Driver()
    for command in listings() + [random_command(rng) for _ in range(count)]:
        assert whole.apply(command) == split.apply(command)
        data = canonical_bytes(whole.state)
        assert data == canonical_bytes(split.state)
        split.state = restore(data, **LIMITS)
        assert state_hash(whole.state) == state_hash(split.state)
    check_invariants(split.state)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_short_runs_agree(rng: random.Random, count: int) -> None:
    """Hypothesis shrinks what differs to a few commands."""
    compare(rng, count)


@pytest.mark.parametrize("seed", range(4))
def test_longer_runs_agree(seed: int) -> None:
    """Books that have grown, seeded."""
    compare(random.Random(seed), 800)


@pytest.mark.parametrize("seed", range(3))
def test_a_snapshot_between_any_two_commands_changes_nothing(seed: int) -> None:
    """Restored at every step, the engine answers as the one that was never interrupted."""
    compare_split(random.Random(1000 + seed), 250)


def test_the_same_orders_give_the_same_bytes_whatever_came_before() -> None:
    """A long history that ends in an empty book leaves no trace but prices and time."""
    rng = random.Random(5)
    direct, detour = Driver(), Driver()
    for command in listings():
        direct.apply(command)
        detour.apply(command)
    order = {
        "order_id": 1, "account": 9, "symbol": 0, "side": 0, "price": 7, "qty": 3, "op": 1,
    }  # fmt: skip
    for number in range(200):
        extra = {**random_command(rng), **order, "order_id": number + 2, "price": number + 10}
        extra.update(flags=0, order_type=0, tif=0, stop_price=0, expires=0, ts=0, display_qty=0)
        detour.apply({**extra, "stp": 0})
        detour.apply({**extra, "op": 2})
    place = dict.fromkeys(extra, 0) | order
    direct.apply(place)
    detour.apply(place)

    assert canonical_bytes(direct.state) == canonical_bytes(detour.state)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:10], "at least"),
        (lambda data: b"x" + data[1:], "no snapshot of Titan"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: data + b"x", "too many"),
    ],
)
def test_damaged_bytes_are_refused(damage: object, message: str) -> None:
    """Never half a book."""
    driver = Driver()
    driver.apply_all(listings())
    with pytest.raises(ValueError, match=message):
        restore(damage(canonical_bytes(driver.state)), **LIMITS)  # type: ignore[operator]


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_million_random_commands_agree() -> None:
    """The long run: many books of a thousand commands each."""
    for seed in range(1000):
        compare(random.Random(10_000 + seed), 1000, every=250)
