"""What a recording and the engine agree on, counted, and where they first differ, by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from components.titan.exchange_data.venue import Levels, Outcome, Step

DIFFERENCES_KEPT: Final = 20


@dataclass
class Comparison:
    """Grows while a recording runs; identical if nothing differed and nothing was refused."""

    commands: int = 0
    incoming: int = 0  # orders that the recording says traded at once
    fills: int = 0  # as recorded
    fills_equal: int = 0  # in maker, price, quantity and place in the sequence
    books: int = 0
    books_equal: int = 0
    differing: int = 0
    differences: list[str] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)  # of the recording, by kind

    @property
    def is_identical(self) -> bool:
        """Whether the engine did what the exchange did, as far as the recording tells."""
        return self.differing == 0

    def judge_step(self, step: Step, outcome: Outcome, where: str) -> None:
        """Compare one command's fills."""
        self.commands += 1
        self.incoming += bool(step.fills)
        self.fills += len(step.fills)
        if outcome.refusal:
            self._tell(f"{where}: order {step.order_id} is refused: {outcome.refusal}")
        if step.fills == outcome.fills:
            self.fills_equal += len(step.fills)
            return
        pairs = zip(step.fills, outcome.fills, strict=False)
        equal = [recorded == engine for recorded, engine in pairs]
        self.fills_equal += sum(equal)
        at = equal.index(False) if False in equal else len(equal)
        recorded_fill = tuple(step.fills[at]) if at < len(step.fills) else "none"
        engine_fill = tuple(outcome.fills[at]) if at < len(outcome.fills) else "none"
        self._tell(
            f"{where}: order {step.order_id}, fill {at + 1}: "
            f"recorded {recorded_fill}, engine {engine_fill} (maker, price, quantity)"
        )

    def judge_book(
        self, recorded: tuple[Levels, Levels], engine: tuple[Levels, Levels], where: str
    ) -> None:
        """Compare one state of the book."""
        self.books += 1
        if recorded == engine:
            self.books_equal += 1
            return
        for side, theirs, ours in zip(("bid", "ask"), recorded, engine, strict=True):
            for level in range(max(len(theirs), len(ours))):
                pair = [each[level] if level < len(each) else "none" for each in (theirs, ours)]
                if pair[0] != pair[1]:
                    self._tell(
                        f"{where}: {side} {level + 1}: "
                        f"recorded {pair[0]}, engine {pair[1]} (price, quantity)"
                    )
                    return

    def miss_book(self, where: str) -> None:
        """A recorded book that the engine never showed."""
        self.books += 1
        self._tell(f"{where}: the engine's book never was the recorded one")

    def _tell(self, sentence: str) -> None:
        self.differing += 1
        if len(self.differences) < DIFFERENCES_KEPT:
            self.differences.append(sentence)

    def lines(self) -> list[str]:
        """The report for a person."""
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.messages.items()))
        told = [
            f"recording         {kinds}",
            f"commands          {self.commands:,}, {self.incoming:,} of them trade at once",
            f"fills             {self.fills_equal:,} of {self.fills:,} identical",
            f"books             {self.books_equal:,} of {self.books:,} identical",
            f"differences       {self.differing:,}",
        ]
        if self.differing > len(self.differences):
            return [
                *told,
                *self.differences,
                f"… and {self.differing - len(self.differences):,} more",
            ]
        return [*told, *self.differences]
