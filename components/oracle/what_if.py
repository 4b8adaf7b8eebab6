"""What would have happened: the journal's commands under other rules, beside what did happen.

Both worlds are derived side by side from the same commands, one of them changed (``changes``).
Sentinel's orders come back where they did in the journal; those that the journal does not have
come back after as many commands as the journal's took (their median).  Everybody else is assumed
to have acted as they did, which is what such an experiment can say and no more.

A journal that has given up its oldest segments is told apart from its oldest snapshot on, after
which everything is still there: both worlds begin with that state.
"""

from __future__ import annotations

import heapq
import statistics
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.instruments import InstrumentTable
from components.messages.code import (
    EVENT_REJECTED,
    EVENT_TRADE,
    RISK_LIQUIDATION,
    SOURCE_SENTINEL,
)
from components.messages.command import Commands
from components.messages.event import EVENT, Events
from components.messages.risk import RISK, Risks
from components.oracle.changes import Changes
from components.oracle.derivation import Derivation, StateHashes
from components.oracle.platform_state import PlatformState
from components.oracle.read_ahead import ReadAhead
from components.oracle.snapshots import Snapshot
from components.oracle.starts import oldest_start
from components.oracle.store import Journal, JournalError
from components.oracle.what_if_kernel import (
    ANSWERS_FULL,
    APPLIED,
    DONE,
    EVENTS_FULL,
    ORDER,
    SEEN,
    apply_until_order,
)
from components.risk_gate import verdicts_needed
from components.sentinel import engine as sentinel_engine
from components.sentinel.account_view import AccountViews, Totals, totals
from components.sentinel.engine.state import FIRST_ORDER_ID
from components.titan import engine as titan_engine
from components.titan.shards import Deriver, new_shards, shards_told

_OUTBOX_RECORDS: Final = 1 << 16
_TRADE_FIELDS: Final = (
    "seq",
    "symbol",
    "price",
    "qty",
    "side",
    "account",
    "order_id",
    "maker_account",
    "maker_order_id",
)

Key = tuple[int, int, int]
"""What an order of Sentinel is for: the sequence of its cause, account, symbol."""


class Trades(NamedTuple):
    """Sums over one symbol's trades, in lots and money."""

    number: int
    lots: int
    notional: int
    fees: int


@dataclass(frozen=True)
class Outcome:
    """How one world ended."""

    trades: dict[int, Trades]
    rejected: int
    liquidations: Risks
    balances: AccountViews
    totals: Totals
    hashes: StateHashes


@dataclass(frozen=True)
class WhatIf:
    """Both worlds after ``commands`` commands, the same up to command ``same_until`` because the
    journal begins there; the sequence at which their trades first differ."""

    commands: int
    same_until: int
    instruments: InstrumentTable
    journaled: Outcome
    changed: Outcome
    first_different_trade: int | None


def what_if(journal: Journal, changes: Changes, *, to: int | None = None) -> WhatIf:
    """Derive both worlds up to command ``to`` (default: all)."""
    last = journal.last_sequence("commands") if to is None else to
    base_start, start = oldest_start(journal), oldest_start(journal)
    begin = start.commands_last if start is not None else 0
    if last < begin:
        raise JournalError(
            f"the journal {journal.path} can be changed from command {begin + 1} on, where its "
            f"oldest snapshot is; asked for {last}"
        )
    returns = _returns(journal, begin + 1, last)
    opening = changes.opening(journal, start)
    base, before = _derivation(base_start), _Tally()
    world, after = _World(returns, start or _beginning(journal)), _Tally()
    world.feed(begin, begin, opening, np.full(len(opening), begin))
    comparison = _TradeComparison()
    with ReadAhead(journal, "commands", begin + 1, last) as chunks:
        for first, commands in chunks:
            for derived in base.feed(commands):
                before.count(derived.events, derived.risks)
                world.expect(derived.orders)
            chosen, sequences = changes.applied(first, commands)
            world.feed(first, first + len(commands) - 1, chosen, sequences)
            after.count(*world.take())
            comparison.feed(before.take_trades(), after.take_trades())
    old = PlatformState(base.commands_last, base.shards, base.sentinel)
    new = PlatformState(base.commands_last, world.shards, world.sentinel)
    return WhatIf(
        commands=base.commands_last,
        same_until=begin,
        instruments=old.instruments,
        journaled=before.outcome(old),
        changed=after.outcome(new),
        first_different_trade=comparison.first,
    )


def _derivation(start: Snapshot | None) -> Derivation:
    if start is None:
        return Derivation()
    return Derivation(start.shards, start.sentinel, start.commands_last)


def _beginning(journal: Journal) -> Snapshot:
    """The states before the first command, of as many shards as the journal has."""
    first = next(iter(journal.read("commands", 1, 1)), None)
    return replace(Snapshot.beginning(), shards=new_shards(shards_told(first[1]) if first else 1))


def _returns(journal: Journal, first: int, last: int) -> dict[Key, int]:
    """Where each of Sentinel's orders came back into the commands."""
    found: dict[Key, int] = {}
    with ReadAhead(journal, "commands", first, last) as chunks:
        for begin, commands in chunks:
            for place in np.flatnonzero(commands["source"] == SOURCE_SENTINEL).tolist():
                found[_key(commands[place])] = begin + place
    return found


def _key(order: np.void) -> Key:
    return int(order["cause"]), int(order["account"]), int(order["symbol"])


class _World:
    """The changed world: its states, and Sentinel's orders that are still under way."""

    def __init__(self, returns: dict[Key, int], start: Snapshot) -> None:
        self.shards = start.shards
        self.sentinel = start.sentinel
        self._deriver = Deriver(self.shards, _OUTBOX_RECORDS, self.sentinel)
        self._returns = returns
        delays = [place - key[0] for key, place in returns.items()]
        self._delay = max(1, round(statistics.median(delays))) if delays else 1
        self._never: set[Key] = set()
        self._under_way: list[tuple[int, int, Commands]] = []
        self._numbered = 0
        self._events = titan_engine.new_outbox(_OUTBOX_RECORDS)
        self._answers = sentinel_engine.new_outbox(_OUTBOX_RECORDS, _OUTBOX_RECORDS)
        self._progress = np.zeros(2, np.int64)
        self._taken: list[tuple[Events, Risks]] = []
        self.expect(start.pending_orders)
        self._await(start.pending_orders)

    def expect(self, orders: Commands) -> None:
        """Orders of the journal's world; those that did not come back there do not here."""
        for order in orders:
            key = _key(order)
            if key not in self._returns:
                self._never.add(key)

    def feed(self, first: int, last: int, commands: Commands, sequences: NDArray[np.int64]) -> None:
        """The commands that stand for ``first`` to ``last``, and the orders that come back there."""
        done = 0
        while True:
            back = self._under_way[0][0] if self._under_way else last + 1
            end = len(commands) if back > last else int(np.searchsorted(sequences, back))
            if done < end:
                done += self._apply(commands[done:end], sequences[done:end])
            elif back <= last:
                _, _, order = heapq.heappop(self._under_way)
                self._apply(order, np.array([back], np.int64))
            else:
                return

    def take(self) -> tuple[Events, Risks]:
        """What came out since the last call."""
        self._empty()
        events, risks = zip(*self._taken, strict=True)
        self._taken = []
        return np.concatenate(events), np.concatenate(risks)

    def _apply(self, commands: Commands, sequences: NDArray[np.int64]) -> int:
        """Apply commands until orders come out; how many."""
        self._progress[APPLIED] = 0
        while True:
            reason = self._until_order(commands, sequences)
            if reason == ORDER:
                self._send()
            elif reason == DONE:
                return len(commands)
            else:
                self._make_room(reason)
                continue
            return int(self._progress[APPLIED])

    def _until_order(self, commands: Commands, sequences: NDArray[np.int64]) -> int:
        """``apply_until_order``; of several shards, or through the risk gate, command by command."""
        if len(self.shards) == 1 and not verdicts_needed(self.shards[0], commands):
            return apply_until_order(
                self.shards[0],
                self.sentinel,
                commands,
                sequences,
                self._events,
                self._answers,
                self._progress,
            )
        while True:
            place = int(self._progress[APPLIED])
            reason = apply_until_order(
                self.shards[0],
                self.sentinel,
                commands[:place],
                sequences,
                self._events,
                self._answers,
                self._progress,
            )
            if reason != DONE or place == len(commands):
                return reason
            box, begin = self._events, int(self._events.count[0])
            if begin + self._bound() > box.slots.size:
                return EVENTS_FULL
            one = commands[place : place + 1]
            for _, events in self._deriver.feed(one, int(sequences[place])):
                box.slots[begin : begin + len(events)] = events
                box.count[0] += len(events)
            self._progress[APPLIED] = place + 1

    def _bound(self) -> int:
        """The most events that the next command can cause in all shards."""
        return sum(int(titan_engine.outbox_bound(each)) for each in self.shards)

    def _send(self) -> None:
        box = self._answers
        self._await(box.orders[: box.order_count[0]].copy())
        box.order_count[0] = 0

    def _await(self, orders: Commands) -> None:
        """Orders that come back where the journal's did, or as much later as those."""
        for order in orders:
            key = _key(order)
            if key in self._never:
                continue
            place = self._returns.get(key, key[0] + self._delay)
            self._numbered += 1
            heapq.heappush(self._under_way, (place, self._numbered, order.reshape(1)))

    def _make_room(self, reason: int) -> None:
        had_events, had_risks = self._events.count[0], self._answers.risk_count[0]
        self._empty()
        if reason == EVENTS_FULL and not had_events:
            self._events = titan_engine.new_outbox(2 * self._bound() + _OUTBOX_RECORDS)
        if reason == ANSWERS_FULL and not had_risks:
            room = 2 * int(sentinel_engine.outbox_bound(self.sentinel)) + _OUTBOX_RECORDS
            self._answers = sentinel_engine.new_outbox(room, room)

    def _empty(self) -> None:
        """Set aside what the outboxes hold, as far as Sentinel has seen it."""
        seen = int(self._progress[SEEN])
        slots, count = self._events.slots, int(self._events.count[0])
        risks = self._answers.risks[: self._answers.risk_count[0]].copy()
        self._taken.append((slots[:seen].copy(), risks))
        slots[: count - seen] = slots[seen:count].copy()
        self._events.count[0] = count - seen
        self._progress[SEEN] = 0
        self._answers.risk_count[0] = 0


class _Tally:
    """Counts one world's events and risk records."""

    def __init__(self) -> None:
        self._trades: dict[int, Trades] = {}
        self._rejected = 0
        self._liquidations = [np.zeros(0, RISK)]
        self._new: list[Events] = []

    def count(self, events: Events, risks: Risks) -> None:
        """Take in what came out next."""
        self._rejected += int((events["kind"] == EVENT_REJECTED).sum())
        trades = events[events["kind"] == EVENT_TRADE]
        for symbol in np.unique(trades["symbol"]).tolist():
            self._add(symbol, trades[trades["symbol"] == symbol])
        self._new.append(trades)
        self._liquidations.append(risks[risks["kind"] == RISK_LIQUIDATION])

    def take_trades(self) -> Events:
        """The trades counted since the last call."""
        trades = np.concatenate([np.zeros(0, EVENT), *self._new])
        self._new = []
        return trades

    def outcome(self, state: PlatformState) -> Outcome:
        """The counts, and how the world's state ended; lots become money by its instruments."""
        return Outcome(
            trades={
                symbol: each._replace(
                    notional=each.notional * int(state.book(symbol)["money_unit"])
                )
                for symbol, each in sorted(self._trades.items())
            },
            rejected=self._rejected,
            liquidations=np.concatenate(self._liquidations),
            balances=state.balances(),
            totals=totals(state.sentinel),
            hashes=state.hashes(),
        )

    def _add(self, symbol: int, trades: Events) -> None:
        before = self._trades.get(symbol, Trades(0, 0, 0, 0))
        prices, lots = trades["price"].tolist(), trades["qty"].tolist()
        self._trades[symbol] = Trades(
            before.number + len(trades),
            before.lots + sum(lots),
            before.notional + sum(map(int.__mul__, prices, lots)),
            before.fees + sum(trades["taker_fee"].tolist()) + sum(trades["maker_fee"].tolist()),
        )


class _TradeComparison:
    """Finds the first trade that is not the same in both worlds; Sentinel's ids do not count."""

    def __init__(self) -> None:
        self.first: int | None = None

    def feed(self, ours: Events, theirs: Events) -> None:
        """The trades of the same commands in both worlds."""
        if self.first is not None or not (len(ours) or len(theirs)):
            return
        shared = min(len(ours), len(theirs))
        same = np.ones(shared, bool)
        for name in _TRADE_FIELDS if shared else ():
            left, right = ours[name][:shared], theirs[name][:shared]
            is_sentinels = (left >= FIRST_ORDER_ID) & (right >= FIRST_ORDER_ID)
            same &= (left == right) | is_sentinels if name.endswith("order_id") else left == right
        place = int(same.argmin()) if not same.all() else shared
        at = [int(each["seq"][place]) for each in (ours, theirs) if place < len(each)]
        self.first = min(at) if at else None
