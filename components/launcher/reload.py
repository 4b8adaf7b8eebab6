"""What of a changed configuration a running platform takes, and what has to wait.

what                                    taken
log_level, status_interval_s            at once
a process' restart policy, hang_after_s at once
feed.*, metrics.*, oracle.snapshots.*   by a restart in place of feed, monitor, snapshots
a process' CPU, wait strategy, options; by a restart in place that a person asks for: it makes
  durability.sync and its interval        the others wait for a moment
all else                                at the next start: it makes the rings, or enters the
                                        journal as commands
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.configuration.model import JOURNAL, SNAPSHOTS, PlatformConfiguration
from disruptor.supervisor.restart_policy import POLICY_KEYS

AT_ONCE: Final = ""
_FEED: Final = "feed"
_MONITOR: Final = "monitor"
_LIVE: Final = ("log_level", "status_interval_s")
_OF_THE_TOPOLOGY: Final = ("reads", "writes", "after")
_ENTERS_THE_JOURNAL: Final = (
    "feed.symbols",
    "feed.order_flow.maker_accounts",
    "feed.order_flow.taker_accounts",
    "feed.order_flow.collateral",
)
_HARMLESS: Final = (_FEED, _MONITOR, SNAPSHOTS)
"""Processes whose restart in place holds up nobody."""


@dataclass(frozen=True)
class Changes:
    """The keys that differ, by what takes them."""

    at_once: tuple[str, ...]
    by_restart: Mapping[str, tuple[str, ...]]  # of a process: the keys that concern it
    at_next_start: tuple[str, ...]

    @property
    def harmless(self) -> tuple[str, ...]:
        """The processes to restart that nobody waits for."""
        return tuple(name for name in self.by_restart if name in _HARMLESS)

    def only(self, process: str, besides: tuple[str, ...] = ()) -> Changes:
        """Of these what a restart of that process takes, and these that are taken at once."""
        of_it = f"processes.{process}."
        at_once = tuple(key for key in self.at_once if key in besides or key.startswith(of_it))
        taken = {name: keys for name, keys in self.by_restart.items() if name == process}
        return Changes(at_once, taken, ())

    def without(self, processes: tuple[str, ...]) -> Changes:
        """The same but for what takes a restart of these."""
        left = {name: keys for name, keys in self.by_restart.items() if name not in processes}
        return Changes(self.at_once, left, self.at_next_start)

    def beside(self, process: str) -> tuple[str, ...]:
        """The keys that a restart of that process does not take."""
        others = (keys for name, keys in self.by_restart.items() if name != process)
        return (*(key for keys in others for key in keys), *self.at_next_start)

    def lines(self, restarted: tuple[str, ...]) -> list[str]:
        """What a person is told; ``restarted``: the processes that start anew because of it."""
        told = []
        if self.at_once:
            told.append(f"taken at once: {', '.join(self.at_once)}")
        for name, keys in self.by_restart.items():
            how = "taken by its restart" if name in restarted else f"bin/ctl restart {name} takes"
            told.append(f"{name}: {how}: {', '.join(keys)}")
        if self.at_next_start:
            told.append(f"not before the next start: {', '.join(self.at_next_start)}")
        return told or ["nothing has changed"]


def changes(before: PlatformConfiguration, after: PlatformConfiguration) -> Changes:
    """What differs between two configurations, and who takes it."""
    at_once, waiting = [], []
    by_restart: dict[str, list[str]] = {}
    for key in _different("", before.model_dump(), after.model_dump()):
        taker = _taker(key)
        if taker == AT_ONCE:
            at_once.append(key)
        elif taker in before.processes and taker in after.processes:
            by_restart.setdefault(str(taker), []).append(key)
        else:
            waiting.append(key)
    return Changes(
        tuple(at_once), {name: tuple(keys) for name, keys in by_restart.items()}, tuple(waiting)
    )


def merged(
    before: PlatformConfiguration, after: PlatformConfiguration, taken: Changes
) -> PlatformConfiguration:
    """``before`` with those keys of ``after`` that are taken now or by a restart."""
    keys = {*taken.at_once, *(key for each in taken.by_restart.values() for key in each)}
    update: dict[str, Any] = {key: getattr(after, key) for key in _LIVE if key in keys}
    if any(key.startswith("feed.") for key in keys):
        kept = before.feed.order_flow
        flow = after.feed.order_flow.model_copy(
            update={
                name: getattr(kept, name)
                for name in ("maker_accounts", "taker_accounts", "collateral")
            }
        )
        update["feed"] = after.feed.model_copy(
            update={"order_flow": flow, "symbols": before.feed.symbols}
        )
    if any(key.startswith("metrics.") for key in keys):
        update["metrics"] = after.metrics
    if any(key.startswith("oracle.snapshots.") for key in keys):
        update["oracle"] = before.oracle.model_copy(update={"snapshots": after.oracle.snapshots})
    if any(key.startswith("durability.") for key in keys):
        update["durability"] = after.durability.model_copy(update={"gate": before.durability.gate})
    update["processes"] = {
        name: after.processes[name].model_copy(
            update={key: getattr(process, key) for key in _OF_THE_TOPOLOGY}
        )
        if any(key.startswith(f"processes.{name}.") for key in keys)
        else process
        for name, process in before.processes.items()
    }
    return before.model_copy(update=update)


def _taker(key: str) -> str | None:
    """AT_ONCE, the process whose restart takes it, or None if only a new start does."""
    first, *rest = key.split(".")
    if key in _LIVE:
        return AT_ONCE
    if first == "processes" and len(rest) > 1 and rest[1] not in _OF_THE_TOPOLOGY:
        return AT_ONCE if rest[1] in POLICY_KEYS else rest[0]
    if first == "feed" and key not in _ENTERS_THE_JOURNAL:
        return _FEED
    if first == "metrics":
        return _MONITOR
    if key.startswith("oracle.snapshots."):
        return SNAPSHOTS
    if first == "durability" and key != "durability.gate":
        return JOURNAL
    return None


def _different(at: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{at}.{key}" if at else str(key)
            yield from _different(inner, before.get(key), after.get(key))
    elif before != after:
        yield at
