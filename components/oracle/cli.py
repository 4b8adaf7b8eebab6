"""``bin/oracle``: look into a journal, prove it, replay it, take its content elsewhere.

Works beside a running platform too.  Exit status: 0 all is well, 1 the journal is missing,
corrupt, or not what its commands give, 2 wrong usage.
"""

from __future__ import annotations

from components.oracle.commands import audit, experiments, keeping, looking, proofs, replays
from components.oracle.commands.group import main

__all__ = ["audit", "experiments", "keeping", "looking", "main", "proofs", "replays"]

if __name__ == "__main__":
    main(prog_name="bin/oracle")
