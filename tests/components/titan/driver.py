"""Runs the engine on commands given as dicts, and shows its answers and book like the reference."""

from __future__ import annotations

from components.titan.engine import TitanState, apply_batch, new_outbox, new_state, outbox_bound
from tests.models.reference_book import Answer, ReferenceTitan
from tests.strategies import records

ANSWER_FIELDS = (
    "kind",
    "symbol",
    "account",
    "order_id",
    "price",
    "qty",
    "side",
    "reason",
    "maker_account",
    "maker_order_id",
    "taker_fee",
    "maker_fee",
)

LIMITS = {"max_orders": 4096, "max_symbols": 4, "max_positions": 256}


class Driver:
    """One engine and its outbox."""

    def __init__(self, state: TitanState | None = None) -> None:
        self.state = new_state(**LIMITS) if state is None else state
        self.outbox = new_outbox(1 << 16)
        self.sequence = 0

    def apply(self, command: dict[str, int]) -> list[Answer]:
        """The answers of one command."""
        return self.apply_all([command])[0]

    def apply_all(self, commands: list[dict[str, int]]) -> list[list[Answer]]:
        """The answers of each of several commands; checks numbering and the promised bound."""
        answers = []
        for command in commands:
            self.sequence += 1
            bound = int(outbox_bound(self.state))
            assert apply_batch(self.state, records([command]), self.sequence, self.outbox) == 1
            events = self.outbox.slots[: int(self.outbox.count[0])]
            assert len(events) <= bound
            assert events["seq"].tolist() == [self.sequence] * len(events)
            assert events["index"].tolist() == list(range(len(events)))
            answers.append([tuple(event) for event in events[list(ANSWER_FIELDS)].tolist()])
            self.outbox.count[0] = 0
        return answers


SavedOrder = tuple[int, ...]


def orders_of_reference(reference: ReferenceTitan) -> list[SavedOrder]:
    """All live orders in the order of the canonical bytes."""
    found: list[SavedOrder] = []
    for symbol in sorted(reference.books):
        book = reference.books[symbol]
        found += [
            (o.symbol, o.side, o.account, o.number, o.price, o.open)
            for o in (*book.queue(0), *book.queue(1), *book.stops)
        ]
    return found
