"""When an account is warned or liquidated, and the orders that then leave.

The rule at the edge: a wallet is liquidated when equity < maintenance; equality is safe.  It is
at risk, in levels, when maintenance / equity exceeds a level's threshold, and leaves the level only
at nineteen twentieths of it, so that it does not flicker.

A liquidation goes step by step; one decision of a wallet is in flight at a time.

    A  it begins           the account's open orders are cancelled; of an isolated position, those
                           in its symbol
    B  0 <= equity         the position with the most maintenance margin is reduced by the least
                           quantity that lets the account leave its warning, or closed if none
                           does: immediate-or-cancel, limited at the bankruptcy price
    C  equity < 0          the price went through the bankruptcy price, so no order at that price
                           can help: the fund pays what is missing and the position goes to market
    D  the fund is empty   the best-ranked position of the other side takes the position over at
                           the bankruptcy price (deleveraging.py)
    E  there is none       the position goes to market; what it loses beyond the account's money is
                           bad debt, which the books keep

Open orders carry no margin, so the test after the cancelling (A) is the test before it; the two
commands leave together, the mass cancel first.  The end of an order (filled, cancelled, rejected)
clears the way for the next step: at once if it was filled, for then the wallet is another; else
at the next price of one of its symbols, since the same book would give the same answer.

While a mark of the wallet is suspect (flagged by its source, a jump, or none yet since a restart),
steps B to E wait; A does not.
"""

from __future__ import annotations

import numpy as np

from components.messages.code import (
    BUY,
    FLAG_LIQUIDATION,
    FLAG_REDUCE_ONLY,
    OP_CANCEL_ALL,
    OP_PLACE,
    RISK_AT_RISK,
    RISK_LIQUIDATION,
    SELL,
    SIDES_BOTH,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
)
from components.messages.command import ALL_SYMBOLS
from components.sentinel.engine.accounts import OWN
from components.sentinel.engine.bands import arm_measured
from components.sentinel.engine.deleveraging import find_counterparty, send_deleverage
from components.sentinel.engine.insurance_fund import pay_from_fund
from components.sentinel.engine.margin import (
    bankruptcy_price,
    exceeds,
    leaving_ppm,
    maintenance_margin,
    of_ppm,
    proportion,
)
from components.sentinel.engine.outbox import (
    SentinelOutbox,
    add_order,
    add_risk,
    put_balances,
)
from components.sentinel.engine.positions import release_if_done
from components.sentinel.engine.state import NONE, RULES_TOLD, SentinelState, wide
from components.sentinel.engine.valuation import (
    Measure,
    level_at,
    maintenance_of,
    measure,
    tier_of,
    unrealised_of,
)
from components.units import PRICE_TICKS_MAX
from disruptor.compiled import inlined, internal


@internal
def update_at_risk(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, found: Measure
) -> None:
    """Go to another level of warning, or out of it, and say so; a safe wallet's liquidation is
    over."""
    account = state.accounts[row]
    if found.equity >= found.maintenance:
        account["is_liquidated"] = 0
    before = wide(account["at_risk"])
    now = level_at(state, before, found.equity, found.maintenance)
    if now == before:
        return
    account["at_risk"] = now
    state.summary[0]["at_risk_count"] += (1 if now > 0 else 0) - (1 if before > 0 else 0)
    index = add_risk(outbox, event, RISK_AT_RISK, account["account"])
    outbox.risks[index]["flags"] = now
    put_balances(state, outbox, index, row, found)


@internal
def warn(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """After money came or went: warn or calm the wallet, and set its bands anew."""
    found = measure(state, row)
    update_at_risk(state, event, outbox, row, found)
    arm_measured(state, row, found)


@internal
def judge_and_arm(state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int) -> None:
    """After a position changed: judge the wallet, and set its bands anew."""
    arm_measured(state, row, judge(state, event, outbox, row, measure(state, row)))


@internal
def judge(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int, found: Measure
) -> Measure:
    """Warn one wallet, which measures ``found``, and, if it must be, take the next step of its
    liquidation; what it measures afterwards."""
    update_at_risk(state, event, outbox, row, found)
    account = state.accounts[row]
    if found.equity >= found.maintenance or account["orders_in_flight"] > 0:
        return found
    slot = _heaviest_position(state, row)
    if slot == NONE:
        return found
    if account["is_liquidated"] == 0:
        account["is_liquidated"] = 1
        _cancel_open_orders(state, event, outbox, row)
    if _is_guarded(state, row):
        return found
    return _liquidate(state, event, outbox, slot, found)


@internal
def _is_guarded(state: SentinelState, row: int) -> bool:
    """Whether one of the wallet's marks is suspect, so that nothing may be closed on it yet."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        position = state.positions[slot]
        if position["qty"] != 0 and state.symbols[wide(position["symbol"])]["is_suspect"] != 0:
            return True
        slot = wide(position["next_position"])
    return False


@internal
def _heaviest_position(state: SentinelState, row: int) -> int:
    """The slot with the most maintenance margin that has a mark, the lower symbol first; or
    NONE."""
    heaviest = NONE
    most = -1
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        position = state.positions[slot]
        has_mark = state.symbols[wide(position["symbol"])]["mark"] > 0
        maintenance = maintenance_of(state, slot)
        if position["qty"] != 0 and has_mark and maintenance > most:
            heaviest = slot
            most = maintenance
        slot = wide(position["next_position"])
    return heaviest


@internal
def _cancel_open_orders(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, row: int
) -> None:
    order = outbox.orders[add_order(outbox, event, OP_CANCEL_ALL, state.accounts[row]["account"])]
    scope = wide(state.accounts[row]["scope"])
    order["symbol"] = ALL_SYMBOLS if scope == OWN else scope - 1
    order["side"] = SIDES_BOTH


@internal
def _liquidate(
    state: SentinelState, event: np.void, outbox: SentinelOutbox, slot: int, found: Measure
) -> Measure:
    """Steps B to E for one position of a wallet that measures ``found``; what the fund leaves it."""
    position = state.positions[slot]
    row = wide(position["row"])
    account = state.accounts[row]
    side = SELL if position["qty"] > 0 else BUY
    deficit = -found.equity
    if deficit > 0:
        paid = pay_from_fund(state, event, outbox, row, deficit)
        found = Measure(found.equity + paid, found.maintenance, found.notional)
    limit = 0
    lots = abs(position["qty"])
    counterparty = NONE
    if deficit <= 0:
        limit = _limit_of(state, slot, found)
        lots = curing_qty(state, slot, found)
    elif found.equity < 0:
        limit = _limit_of(state, slot, found)
        counterparty = find_counterparty(state, slot)
    is_limited = 1 <= limit <= PRICE_TICKS_MAX
    is_taken_over = counterparty != NONE and is_limited
    if is_taken_over:
        lots = min(lots, abs(state.positions[counterparty]["qty"]))
    index = add_risk(outbox, event, RISK_LIQUIDATION, account["account"])
    record = outbox.risks[index]
    record["symbol"] = position["symbol"]
    record["side"] = side
    record["qty"] = lots
    record["price"] = state.symbols[wide(position["symbol"])]["mark"]
    record["amount"] = _loss_of(state, slot, lots)
    record["bankruptcy_price"] = limit
    put_balances(state, outbox, index, row, found)
    if state.summary[0]["rule_version"] >= RULES_TOLD:
        record["flags"] = tier_of(state, slot)
        record["entry_value"] = state.summary[0]["rule_version"]
    if is_taken_over:
        send_deleverage(state, event, outbox, slot, counterparty, lots, limit)
    elif deficit <= 0 and is_limited:
        _send_order(state, event, outbox, slot, side, lots, limit)
    else:
        _send_order(state, event, outbox, slot, side, lots, 0)
    position["order_id"] = state.summary[0]["next_order_id"] - 1
    position["order_open"] = lots
    account["orders_in_flight"] += 1
    state.summary[0]["orders_in_flight"] += 1
    return found


@inlined
def _loss_of(state: SentinelState, slot: int, lots: int) -> int:
    """What these lots of the position have lost at the mark, rounded up; >= 0."""
    position = state.positions[slot]
    loss, rest = proportion(max(-unrealised_of(state, slot), 0), lots, abs(position["qty"]))
    return loss + (1 if rest > 0 else 0)


@internal
def _limit_of(state: SentinelState, slot: int, found: Measure) -> int:
    """The bankruptcy price of the position, in ticks; what is out of bounds is no limit."""
    position = state.positions[slot]
    symbol = state.symbols[wide(position["symbol"])]
    return bankruptcy_price(
        position["qty"],
        symbol["mark"],
        symbol["money_unit"],
        found.equity,
        maintenance_of(state, slot),
        max(found.maintenance, 1),
    )


@internal
def curing_qty(state: SentinelState, slot: int, found: Measure) -> int:
    """The least lots to close at the mark, so that the account leaves its warning; all if none do.

    Closing lots leaves equity less the fee and lowers maintenance.  As a function of the lots
    that stay, the margin left over is concave, since tiers make maintenance convex: it is enough
    at 0 lots, if at all, and short at all lots, so bisection finds where it changes.
    """
    held = abs(state.positions[slot]["qty"])
    if not _cures(state, slot, found, 0):
        return held
    enough = 0
    short = held
    while short - enough > 1:
        middle = enough + (short - enough) // 2
        if _cures(state, slot, found, middle):
            enough = middle
        else:
            short = middle
    return held - enough


@internal
def _cures(state: SentinelState, slot: int, found: Measure, staying: int) -> bool:
    """Whether the margin ratio would be at most where warnings end, with ``staying`` lots left."""
    position = state.positions[slot]
    symbol = wide(position["symbol"])
    lot_value = state.symbols[symbol]["mark"] * state.symbols[symbol]["money_unit"]
    tier_count = wide(state.symbols[symbol]["tier_count"])
    maintenance = found.maintenance - maintenance_of(state, slot)
    if staying > 0:
        maintenance += maintenance_margin(state.tiers, symbol, tier_count, staying * lot_value)
    closed = (abs(position["qty"]) - staying) * lot_value
    fee = -of_ppm(-closed, state.summary[0]["liquidation_fee_ppm"])
    calm_ppm = leaving_ppm(wide(state.summary[0]["at_risk_ppm"][0]))
    return not exceeds(maintenance, found.equity - fee, calm_ppm)


@internal
def _send_order(
    state: SentinelState,
    event: np.void,
    outbox: SentinelOutbox,
    slot: int,
    side: int,
    lots: int,
    limit: int,
) -> None:
    """Append the closing order, at market if ``limit`` is 0."""
    position = state.positions[slot]
    account = state.accounts[wide(position["row"])]["account"]
    order = outbox.orders[add_order(outbox, event, OP_PLACE, account)]
    order["order_id"] = state.summary[0]["next_order_id"]
    order["price"] = limit
    order["qty"] = lots
    order["symbol"] = position["symbol"]
    order["side"] = side
    order["order_type"] = TYPE_LIMIT if limit > 0 else TYPE_MARKET
    order["tif"] = TIF_IOC
    order["flags"] = FLAG_REDUCE_ONLY | FLAG_LIQUIDATION
    state.summary[0]["next_order_id"] += 1


@inlined
def find_order(state: SentinelState, row: int, order_id: int) -> int:
    """The slot for which this order of ours is in flight, or NONE."""
    slot = wide(state.accounts[row]["first_position"])
    while slot != NONE:
        if state.positions[slot]["order_id"] == order_id:
            return slot
        slot = wide(state.positions[slot]["next_position"])
    return NONE


@internal
def end_order(state: SentinelState, slot: int) -> None:
    """The order in flight for this slot is over; the slot goes if its position is flat."""
    position = state.positions[slot]
    position["order_id"] = 0
    position["order_open"] = 0
    state.accounts[wide(position["row"])]["orders_in_flight"] -= 1
    state.summary[0]["orders_in_flight"] -= 1
    release_if_done(state, slot)
