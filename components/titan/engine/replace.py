"""Cancel-replace in one step: a new order on the same side ends an old one, or nothing happens.

The new order is judged in full while the old one still stands; only its id and its room are free
for the new one.  So what is refused leaves the old order where it was.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    REASON_BAD_LINK,
    REASON_UNKNOWN_ORDER,
    REASON_UNKNOWN_SYMBOL,
)
from components.titan.engine.answers import tell_rejected
from components.titan.engine.order_index import find_order
from components.titan.engine.place import is_listed, place_layered
from components.titan.engine.state import LAYER_LINKED, Outbox, TitanState, int64
from disruptor.compiled import pasted


@pasted
def replace(state: TitanState, outbox: Outbox, command: np.void) -> None:
    """Answer one replace command: ``cancelled`` for the old order, then as for a place command."""
    symbol = int64(command["symbol"])
    if not is_listed(state, symbol):
        tell_rejected(state, outbox, command, REASON_UNKNOWN_SYMBOL)
        return
    old = find_order(state, command["account"], command["cause"])
    if old == 0 or int64(state.orders[old]["symbol"]) != symbol:
        tell_rejected(state, outbox, command, REASON_UNKNOWN_ORDER)
    elif state.orders[old]["side"] != command["side"] or state.orders[old]["layers"] & LAYER_LINKED:
        tell_rejected(state, outbox, command, REASON_BAD_LINK)
    else:
        place_layered(state, outbox, command, old)
