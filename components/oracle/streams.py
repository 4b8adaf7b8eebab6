"""The three streams of the platform's journal and the layout of their records."""

from __future__ import annotations

from typing import Final

from components.messages.command import COMMAND
from components.messages.event import EVENT
from components.messages.risk import RISK

STREAM_DTYPES: Final = {"commands": COMMAND, "events": EVENT, "risk": RISK}
