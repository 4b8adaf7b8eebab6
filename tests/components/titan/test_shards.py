"""Several Titans and their merged events, beside one engine that is given the same commands.

Order ids are one symbol's own here, and so are pairs: what spans symbols is a shard's own, and has
its tests at the end.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.messages import code as c
from components.messages.command import ALL_SYMBOLS
from components.messages.event import EVENT, Events
from components.titan.engine import canonical_bytes, check_invariants, new_state, restore
from components.titan.engine.state import Outbox, new_outbox
from components.titan.merging import as_many, merge, new_cursor
from components.titan.shards import Deriver, Shards, combined_hash, shards_hash
from tests.components.titan.driver import LIMITS
from tests.strategies import blank, listings, random_command, records

_IDS_A_SYMBOL = 1000
_OUTBOX = 64


def new_shards(count: int, **limits: int) -> Shards:
    bounds = LIMITS | limits
    return tuple(new_state(**bounds, shard=number, shards=count) for number in range(count))


def told(shards: Shards, commands: list[dict[str, int]], step: int = 1 << 20) -> Events:
    """All events, taken in steps of so many commands."""
    deriver, rows, found = Deriver(shards, _OUTBOX), records(commands), [np.zeros(0, EVENT)]
    for start in range(0, len(rows), step):
        batch = rows[start : start + step]
        found += [events.copy() for _, events in deriver.feed(batch, start + 1)]
    for shard in shards:
        check_invariants(shard)
    return np.concatenate(found)


def test_an_outbox_that_was_made_larger_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large one is new memory, which costs more than the commands whose events it takes."""
    made = []

    def noted(records: int) -> Outbox:
        made.append(records)
        return new_outbox(records)

    monkeypatch.setattr("components.titan.shards.new_outbox", noted)
    deriver, rows = Deriver(new_shards(1), 4), records(random_run(random.Random(3), 600))
    for start in range(0, len(rows), 6):
        for _ in deriver.feed(rows[start : start + 6], start + 1):
            pass

    assert max(made) > 4
    assert len(made) < 20


def with_own_ids(command: dict[str, int]) -> dict[str, int]:
    """The command with ids that no other symbol's orders have."""
    ids = ["order_id", "cause"] if command["op"] in (c.OP_PLACE, c.OP_REPLACE) else ["order_id"]
    if command["op"] == c.OP_BRACKET:
        ids += ["origin_ts", "cause"]
    if command["op"] == c.OP_INSTRUMENT:
        ids = []
    moved = _IDS_A_SYMBOL * (command["symbol"] % 5)
    changed = {name: command[name] + moved for name in ids if 0 < command[name] < _IDS_A_SYMBOL}
    return {**command, **changed}


def random_run(rng: random.Random, count: int) -> list[dict[str, int]]:
    commands = [blank(c.OP_LIMITS, symbol=3)]
    commands += [with_own_ids(random_command(rng, symbols=4)) for _ in range(count)]
    fourth = blank(c.OP_INSTRUMENT, symbol=3, leverage=10, price=1, qty=1, stop_price=1)
    return [*listings(), fourth, *commands]


def without_index(events: Events) -> list[Any]:
    plain = events.copy()
    plain["index"] = 0
    return list(plain.tolist())


def assert_same(alone: Events, merged: Events, shards: int) -> None:
    """Equal, but for the order in which several shards tell of one command."""
    assert (np.diff(merged["seq"]) >= 0).all()
    for symbol in np.union1d(alone["symbol"], merged["symbol"]).tolist():
        of_one, of_many = (each[each["symbol"] == symbol] for each in (alone, merged))
        assert without_index(of_one) == without_index(of_many), symbol
    for seq in np.unique(merged["seq"]).tolist():
        answer = merged[merged["seq"] == seq]
        assert answer["index"].tolist() == list(range(len(answer)))
        one_shard = len(set((answer["symbol"] % shards).tolist())) == 1
        if one_shard and not (answer["symbol"] == ALL_SYMBOLS).any():
            assert answer.tolist() == alone[alone["seq"] == seq].tolist()


def compare(rng: random.Random, count: int, shards: int) -> None:
    """Drive both with the same random commands, and compare what they tell."""
    commands = random_run(rng, count)
    assert_same(told(new_shards(1), commands), told(new_shards(shards), commands), shards)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 80), st.sampled_from((2, 3)))
def test_shards_tell_together_what_one_engine_tells(seed: int, count: int, shards: int) -> None:
    compare(random.Random(seed), count, shards)


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_shards_agree_with_one_engine_in_long_runs(shards: int) -> None:
    """Books that have grown; more shards than symbols, too."""
    commands = random_run(random.Random(shards), 1500)
    alone = told(new_shards(1), commands)
    merged = told(new_shards(shards), commands, step=7)
    assert_same(alone, merged, shards)
    if shards == 1:
        assert alone.tolist() == merged.tolist()


@pytest.mark.parametrize("shards", [2, 3])
def test_a_snapshot_of_every_shard_changes_nothing(shards: int) -> None:
    commands = random_run(random.Random(7), 600)
    whole, halves = new_shards(shards), new_shards(shards)
    expected = told(whole, commands)
    first = told(halves, commands[:300])
    restored = tuple(
        restore(canonical_bytes(each), **LIMITS, shard=number, shards=shards)
        for number, each in enumerate(halves)
    )
    rows, deriver = records(commands[300:]), Deriver(restored, _OUTBOX)
    rest = [events.copy() for _, events in deriver.feed(rows, 301)]
    assert np.concatenate([first, *rest]).tolist() == expected.tolist()
    assert shards_hash(restored) == shards_hash(whole)


def stream(*told_by: tuple[int, int]) -> Events:
    """Events as (sequence, a mark that tells them apart)."""
    events = np.zeros(len(told_by), EVENT)
    events["kind"] = c.EVENT_ACCEPTED
    for number, (seq, mark) in enumerate(told_by):
        events[number]["seq"], events[number]["order_id"] = seq, mark
    return events


class BoundedShard:
    """A shard of a live platform in small: it publishes each batch's events into a ring of few
    slots, and only then says that it has passed the batch."""

    def __init__(self, events: Events, capacity: int, last: int, batch: int) -> None:
        self.events = events
        self.slots = np.zeros(capacity, EVENT)
        self.published = self.taken = self.passed = 0
        self._last, self._batch = last, batch

    def step(self) -> bool:
        """Publish one event, or pass a batch; False when blocked, or done."""
        through = min(self.passed + self._batch, self._last)
        due = int(np.searchsorted(self.events["seq"], through, side="right"))
        if self.published < due:
            if self.published - self.taken == len(self.slots):
                return False
            self.slots[self.published % len(self.slots)] = self.events[self.published]
            self.published += 1
            return True
        is_new = through > self.passed
        self.passed = through
        return is_new


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.lists(st.integers(1, 12), max_size=30), min_size=1, max_size=4),
    st.sampled_from((1, 2, 8)),
    st.sampled_from((1, 3, 12)),
    st.sampled_from((1, 2, 50)),
)
def test_a_merge_of_full_rings_never_waits_for_ever(
    seed: int, causes: list[list[int]], capacity: int, batch: int, room: int
) -> None:
    """Rings far smaller than what one command causes, shards that run ahead of each other, an
    outbox of one event: whoever is in nobody's way goes on until all is out, in the one order."""
    rng = random.Random(seed)
    streams = [
        stream(*((seq, 100 * shard + n) for n, seq in enumerate(sorted(each))))
        for shard, each in enumerate(causes)
    ]
    shards = [BoundedShard(events, capacity, 12, batch) for events in streams]
    taken, cursor, outbox = np.zeros(len(shards), np.int64), new_cursor(), new_outbox(room)
    sources = as_many([shard.slots for shard in shards])
    masks = np.full(len(shards), capacity - 1, np.uint64)
    found: list[Events] = []
    through = 0
    while through < 12:
        moved = False
        for shard in rng.sample(shards, len(shards)):
            for _ in range(rng.randint(1, 5)):
                moved |= shard.step()
        passed = np.array([shard.passed for shard in shards], np.int64)
        ends = np.array([shard.published for shard in shards], np.int64)
        before = taken.copy()
        through = merge(sources, masks, taken, ends, passed, cursor, outbox)
        found.append(outbox.slots[: outbox.count[0]].copy())
        outbox.count[0] = 0
        for shard, place in zip(shards, taken.tolist(), strict=True):
            shard.taken = place
        assert moved or (taken != before).any(), "everybody waits"
    merged = np.concatenate(found)
    expected = sorted(
        ((int(event["seq"]), shard, int(event["order_id"])))
        for shard, events in enumerate(streams)
        for event in events
    )
    assert [(int(e["seq"]), int(e["order_id"])) for e in merged] == [
        (seq, mark) for seq, _, mark in expected
    ]
    for seq in set(merged["seq"].tolist()):
        indices = merged[merged["seq"] == seq]["index"].tolist()
        assert indices == list(range(len(indices)))


def place(symbol: int, number: int, **values: int) -> dict[str, int]:
    order = {"account": 7, "side": c.BUY, "price": 100, "qty": 5, **values}
    return blank(c.OP_PLACE, symbol=symbol, order_id=number, **order)


def kinds(events: Events) -> list[str]:
    plain = events[~np.isin(events["kind"], (c.EVENT_TOUCH, c.EVENT_DEPTH))]
    return [c.EVENT_NAMES[int(kind)] for kind in plain["kind"]]


def answers_to(shards: Shards, *commands: dict[str, int]) -> Events:
    """What the last of the commands causes, after the listings."""
    every = [*listings(), *commands]
    events = told(shards, every)
    return events[events["seq"] == len(every)]


def test_an_id_is_in_use_in_the_symbols_of_its_shard_only() -> None:
    """Symbols 0 and 2 are one shard's, symbol 1 is another's."""
    (duplicate,) = answers_to(new_shards(2), place(0, 1), place(2, 1))
    assert duplicate["reason"] == c.REASON_DUPLICATE_ID
    assert kinds(answers_to(new_shards(2), place(0, 1), place(1, 1))) == ["accepted"]


def test_a_pair_is_of_one_shard() -> None:
    linked = {"flags": c.FLAG_OCO, "cause": 1}
    assert kinds(answers_to(new_shards(2), place(0, 1), place(2, 2, **linked))) == ["accepted"]
    (refused,) = answers_to(new_shards(2), place(0, 1), place(1, 2, **linked))
    assert refused["reason"] == c.REASON_UNKNOWN_ORDER


def test_the_capacity_counts_for_each_shard() -> None:
    limit = blank(c.OP_CAPACITY, price=1, qty=200)
    assert kinds(answers_to(new_shards(2), limit)) == ["capacity"]
    assert kinds(answers_to(new_shards(2), limit, place(0, 1), place(1, 2))) == ["accepted"]
    (refused,) = answers_to(new_shards(2), limit, place(0, 1), place(2, 2))
    assert refused["reason"] == c.REASON_POOL_FULL
    too_many = blank(c.OP_CAPACITY, price=1 << 40, qty=1)
    assert kinds(answers_to(new_shards(2), too_many)) == ["rejected"]


def test_a_mass_cancel_everywhere_has_one_answer_with_the_sum() -> None:
    everywhere = blank(c.OP_CANCEL_ALL, symbol=ALL_SYMBOLS, account=7)
    resting = [place(symbol, 1 + symbol) for symbol in (2, 1, 0)]
    told_events = answers_to(new_shards(2), *resting, everywhere)
    assert kinds(told_events) == ["cancelled"] * 3 + ["mass_cancelled"]
    (answer,) = told_events[told_events["kind"] == c.EVENT_MASS_CANCELLED]
    assert answer["qty"] == 3
    ended = told_events[told_events["kind"] == c.EVENT_CANCELLED]
    assert ended["symbol"].tolist() == [2, 0, 1], "shard by shard, in order of placement in each"
    refused = answers_to(new_shards(3), {**everywhere, "side": 3})
    assert kinds(refused) == ["rejected"]


def test_a_session_ends_everywhere_and_is_told_once() -> None:
    resting = [place(symbol, 1 + symbol, tif=c.TIF_DAY) for symbol in (0, 1)]
    ended = answers_to(new_shards(2), *resting, blank(c.OP_SESSION_END, symbol=ALL_SYMBOLS))
    assert kinds(ended) == ["session_end", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    "op", [c.OP_ACCOUNT, c.OP_DEPOSIT, c.OP_TIMER, c.OP_RESUME, c.OP_RISK_RULE, c.OP_COUNT]
)
def test_a_command_without_a_symbol_is_answered_once(op: int) -> None:
    assert len(answers_to(new_shards(3), blank(op, account=7))) == 1


@pytest.mark.parametrize("symbol", [3, 9, 10, 2**32 - 2])
def test_an_unknown_symbol_is_refused_once(symbol: int) -> None:
    for command in (place(symbol, 1), blank(c.OP_CANCEL, symbol=symbol, order_id=1, account=7)):
        (refused,) = answers_to(new_shards(2), command)
        assert refused["reason"] == c.REASON_UNKNOWN_SYMBOL


def test_time_moves_for_every_shard() -> None:
    """A command of one shard ends what expires in another, and its book tells so."""
    resting = place(1, 1, tif=c.TIF_GTD, expires=50)
    gone = answers_to(new_shards(2), resting, blank(c.OP_PRICE, symbol=0, price=100, ts=50))
    assert kinds(gone) == ["price", "cancelled"]
    assert gone[-1]["kind"] == c.EVENT_TOUCH
    assert gone["index"].tolist() == [0, 1, 2]


def test_the_number_of_shards_is_confirmed_or_refused() -> None:
    assert kinds(answers_to(new_shards(2), blank(c.OP_SHARDS, qty=2))) == ["shards"]
    (refused,) = answers_to(new_shards(2), blank(c.OP_SHARDS, qty=3))
    assert refused["reason"] == c.REASON_BAD_CAPACITY


def test_the_hash_tells_shards_apart() -> None:
    """One engine's hash is its own; of several, order and number count."""
    one, two = b"1" * 32, b"2" * 32
    assert combined_hash([one]) == one
    assert len({combined_hash(each) for each in ([one, two], [two, one], [one, one, two])}) == 3
    with pytest.raises(ValueError, match="shard=2 of 2; it must be from 0 to 1"):
        new_state(shard=2, shards=2)
