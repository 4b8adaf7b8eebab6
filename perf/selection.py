"""Scenarios by name: ``ring.unicast`` is perf/scenarios/ring/unicast.py, and ``ring`` is them all.

A name chooses one scenario; a first word (``ring``, ``titan``) those that begin with it; a last
word (``unicast``) the one that ends with it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence

from perf import scenarios


def scenario_names() -> list[str]:
    """All scenarios, by the paths of their modules."""
    prefix = f"{scenarios.__name__}."
    found = pkgutil.walk_packages(scenarios.__path__, prefix)
    return sorted(module.name.removeprefix(prefix) for module in found if not module.ispkg)


def select(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """The scenarios that the words choose, each once; all for no word, or for ``all``.

    KeyError: a word that chooses none.
    """
    if not words or "all" in words:
        return list(known)
    chosen: dict[str, None] = {}
    for word in words:
        found = [name for name in known if _chooses(word, name)]
        if word in known:
            found = [word]
        if not found:
            raise KeyError(word)
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def narrowed_to_league(words: Sequence[str]) -> list[str]:
    """The same words with the public league in Titan's place: what ``--league`` means."""
    return [*(word for word in words if word != "titan"), "titan.league"]


def _chooses(word: str, name: str) -> bool:
    return name.startswith((f"{word}.", f"{word}_")) or name.endswith(f".{word}")
