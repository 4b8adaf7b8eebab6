"""Titan as a pure state machine: commands in, events out, nothing else touched.

state.py          the arrays              apply.py        the one door, and its loop
place replace bracket amend cancel        one command each
pass_through listing guards auction       what concerns a whole symbol
matching.py       the one loop            orders/         what is special about some orders
entering.py       the last judgement of an order before it enters the book
ladder price_tree order_index positions expiry order_pool      where things are found
shards.py         which of several engines answers
market_data answers fees snapshot invariants                   what is told, saved, checked

THE RULES, where engines differ.  A trade executes at the maker's price, best price first, then first
come, first served.

Answers
    Every command but a void one is answered.  A refusal names the first rule that is broken, in
    the order that place.py gives; nothing else has happened then.  ``accepted`` comes before an
    order's trades, ``cancelled`` tells what becomes of a rest that does not stay, with all that
    was open.  A mass cancel ends with ``mass_cancelled`` and how many orders it cancelled itself.
    An id is free again once its order is closed; in use, it is so in every symbol.
Time
    Now is the largest timestamp seen.  Before a command, what expires at or before now ends, in
    any symbol, in order of expiry, then placement.  One that is late when placed is refused.
    ``day`` orders end with a session_end command, in order of placement, waiting stops too.
Places in the queue
    A lower quantity at the same price keeps its place, as does an amend without a change; all else
    loses it and may trade at once.  An iceberg's next slice goes to the back.  Hidden orders stand
    behind all that is shown at their price, count in no depth or touch, and trade at once with as
    much as is wanted; a better price is better though hidden.
Market orders
    Their rest is cancelled, on an empty side too.  A price is the worst that they take.  With
    ``fok`` they fill within it or are refused.  By amount they take as many lots as what is left can
    pay for at each price; what then buys no lot is cancelled, in money.
Post-only
    One that would take, a hidden order too, is refused; amended into a cross it keeps its place.
    With ``slide`` it rests one tick short of the other side's best price instead.
Reduce-only
    Cut to the position when it enters, and again whenever it is met.
Self-trade prevention
    The taker's mode decides, maker by maker as they are met.  cancel_both tells of the maker
    first; decrement takes the smaller open quantity off both and trades nothing.
Stops
    Look at the last trade or the mark, once the command is done, and only at the last of its
    prices; equality triggers, at placement too.  Those that trigger together enter in order of
    placement, each finished before the next; those that they trigger queue behind.  A trailing stop
    follows the best such price since it was placed, or the first one there is, at its distance;
    triggered, its limit lies ``limit_offset`` beyond its stop.  A waiting order never matches by
    an amend: price (the offset of a trailing one) and quantity change, it goes on waiting.
Replace
    One step: the new order, on the same side and judged while the old one stands, ends it
    (``replaced``) and then takes; if it is refused the old one keeps its place.  Linked orders are
    amended, not replaced.
Pairs (``oco``)
    Two orders of an account that can stay, in any symbols.  When one is about to trade the other is
    cancelled before (``linked``); when one triggers, before that; when one ends in any other way,
    once the command is done.
Brackets
    Entry, take-profit and stop are accepted together or not at all.  The exits wait, and cannot be
    amended, until the entry is done: then they are ``armed`` with what it traded, the take-profit
    first, as a pair; if it traded nothing they end with it.
Mass cancel
    Of one account or all, one symbol or all, one side or both, in order of placement, waiting
    stops and exits included.
Instruments
    Listed, changed (never their grid) and removed by command; removed only while nobody has a
    position, which cancels all orders (``delisted``); listed again on the same grid.  ``halted``:
    only cancels.  ``auction``: what may rest or wait is taken, nothing trades, the book may cross
    and its touch says so.  ``continuous``: what is crossed trades at one price first, that of most
    volume, least imbalance, nearest to the reference, lower; the order placed later is the taker,
    self-trade prevention does not apply.  Then stops look at the reference price as it is.
Limits
    Least and largest quantity and notional (of a limit price, or an amount); largest ones bind
    amends too, least ones an amend that gives a quantity.  The collar is a ratio around the
    reference: what stops look at, or else the other of last trade and mark.  A limit price outside
    is refused; a market order, also a stop's, takes within only; a stop-limit that triggers outside
    is cancelled.  Exits of a bracket are not judged by it, nor are Sentinel's liquidation orders,
    which know no limits at all.
Shards
    Several engines may divide the symbols; what then is a shard's own, and who answers what, is in
    shards.py.
"""

from components.titan.engine.apply import apply, apply_batch, outbox_bound
from components.titan.engine.invariants import check_invariants
from components.titan.engine.market_data import best, depth
from components.titan.engine.snapshot import canonical_bytes, restore, state_hash
from components.titan.engine.state import Outbox, TitanState, new_outbox, new_state

__all__ = [
    "Outbox",
    "TitanState",
    "apply",
    "apply_batch",
    "best",
    "canonical_bytes",
    "check_invariants",
    "depth",
    "new_outbox",
    "new_state",
    "outbox_bound",
    "restore",
    "state_hash",
]
