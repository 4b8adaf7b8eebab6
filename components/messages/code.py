"""Every small number that the messages carry: operations, kinds, sides, reasons and flags.

Codes are stable: a journal written today is read by them for ever, so a code is never reused or
renumbered.  They are plain ``int`` constants, because compiled kernels freeze module constants
and cannot use enums as array values; the ``*_NAMES`` tables are their text form in JSON lines,
metrics and logs.
"""

from __future__ import annotations

from typing import Final

# Operations of the commands stream.
OP_VOID: Final = 0  # a claim whose producer died; consumers skip it
OP_PLACE: Final = 1
OP_CANCEL: Final = 2
OP_AMEND: Final = 3
OP_CANCEL_ALL: Final = 4
OP_PRICE: Final = 5
OP_ACCOUNT: Final = 6
OP_DEPOSIT: Final = 7
OP_WITHDRAW: Final = 8
OP_POSITION: Final = 9
OP_INSTRUMENT: Final = 10
OP_MARGIN_TIER: Final = 11
OP_RISK_RULE: Final = 12
OP_SNAPSHOT: Final = 13
OP_TIMER: Final = 14
OP_LIMITS: Final = 15
OP_PHASE: Final = 16
OP_SESSION_END: Final = 17
OP_REPLACE: Final = 18
OP_BRACKET: Final = 19
OP_BOOK: Final = 20
OP_CAPACITY: Final = 21
OP_DELEVERAGE: Final = 22
OP_FUNDING: Final = 23
OP_RESUME: Final = 24
OP_LEVERAGE: Final = 25
OP_MARGIN: Final = 26
OP_SHARDS: Final = 27
OP_RISK_GATE: Final = 28
OP_RISK_CAPACITY: Final = 29
OP_COUNT: Final = 30

OP_NAMES: Final = {
    OP_VOID: "void",
    OP_PLACE: "place",
    OP_CANCEL: "cancel",
    OP_AMEND: "amend",
    OP_CANCEL_ALL: "cancel_all",
    OP_PRICE: "price",
    OP_ACCOUNT: "account",
    OP_DEPOSIT: "deposit",
    OP_WITHDRAW: "withdraw",
    OP_POSITION: "position",
    OP_INSTRUMENT: "instrument",
    OP_MARGIN_TIER: "margin_tier",
    OP_RISK_RULE: "risk_rule",
    OP_SNAPSHOT: "snapshot",
    OP_TIMER: "timer",
    OP_LIMITS: "limits",
    OP_PHASE: "phase",
    OP_SESSION_END: "session_end",
    OP_REPLACE: "replace",
    OP_BRACKET: "bracket",
    OP_BOOK: "book",
    OP_CAPACITY: "capacity",
    OP_DELEVERAGE: "deleverage",
    OP_FUNDING: "funding",
    OP_RESUME: "resume",
    OP_LEVERAGE: "leverage",
    OP_MARGIN: "margin",
    OP_SHARDS: "shards",
    OP_RISK_GATE: "risk_gate",
    OP_RISK_CAPACITY: "risk_capacity",
}

# Kinds of the events stream: first what Titan decides, then what it passes through in order.
EVENT_VOID: Final = 0
EVENT_ACCEPTED: Final = 1
EVENT_TRADE: Final = 2
EVENT_CANCELLED: Final = 3
EVENT_AMENDED: Final = 4
EVENT_TRIGGERED: Final = 5
EVENT_REJECTED: Final = 6
EVENT_TOUCH: Final = 7  # best bid and ask after the command, when they changed
EVENT_PRICE: Final = 8
EVENT_ACCOUNT: Final = 9
EVENT_DEPOSIT: Final = 10
EVENT_WITHDRAW: Final = 11
EVENT_POSITION: Final = 12
EVENT_INSTRUMENT: Final = 13
EVENT_MARGIN_TIER: Final = 14
EVENT_RISK_RULE: Final = 15
EVENT_SNAPSHOT: Final = 16
EVENT_TIMER: Final = 17
EVENT_LIMITS: Final = 18
EVENT_PHASE: Final = 19
EVENT_SESSION_END: Final = 20
EVENT_ARMED: Final = 21  # a bracket's exit, once its entry is done
EVENT_MASS_CANCELLED: Final = 22  # after the orders that a mass cancel ended
EVENT_DEPTH: Final = 23  # what is shown at a price now, where the instrument publishes depth
EVENT_BOOK_ROW: Final = 24  # one level or order of a book that was asked for
EVENT_BOOK: Final = 25  # after its rows
EVENT_CAPACITY: Final = 26
EVENT_DELEVERAGE: Final = 27
EVENT_FUNDING: Final = 28
EVENT_RESUME: Final = 29
EVENT_LEVERAGE: Final = 30
EVENT_MARGIN: Final = 31
EVENT_SHARDS: Final = 32
EVENT_RISK_GATE: Final = 33
EVENT_RISK_CAPACITY: Final = 34
EVENT_COUNT: Final = 35

EVENT_NAMES: Final = {
    EVENT_VOID: "void",
    EVENT_ACCEPTED: "accepted",
    EVENT_TRADE: "trade",
    EVENT_CANCELLED: "cancelled",
    EVENT_AMENDED: "amended",
    EVENT_TRIGGERED: "triggered",
    EVENT_REJECTED: "rejected",
    EVENT_TOUCH: "touch",
    EVENT_PRICE: "price",
    EVENT_ACCOUNT: "account",
    EVENT_DEPOSIT: "deposit",
    EVENT_WITHDRAW: "withdraw",
    EVENT_POSITION: "position",
    EVENT_INSTRUMENT: "instrument",
    EVENT_MARGIN_TIER: "margin_tier",
    EVENT_RISK_RULE: "risk_rule",
    EVENT_SNAPSHOT: "snapshot",
    EVENT_TIMER: "timer",
    EVENT_LIMITS: "limits",
    EVENT_PHASE: "phase",
    EVENT_SESSION_END: "session_end",
    EVENT_ARMED: "armed",
    EVENT_MASS_CANCELLED: "mass_cancelled",
    EVENT_DEPTH: "depth",
    EVENT_BOOK_ROW: "book_row",
    EVENT_BOOK: "book",
    EVENT_CAPACITY: "capacity",
    EVENT_DELEVERAGE: "deleverage",
    EVENT_FUNDING: "funding",
    EVENT_RESUME: "resume",
    EVENT_LEVERAGE: "leverage",
    EVENT_MARGIN: "margin",
    EVENT_SHARDS: "shards",
    EVENT_RISK_GATE: "risk_gate",
    EVENT_RISK_CAPACITY: "risk_capacity",
}

EVENT_OF_OP: Final = EVENT_PRICE - OP_PRICE
"""What is passed through stands in the order of its operations, from ``price`` to ``session_end`` …"""

EVENT_OF_RISK_OP: Final = EVENT_DELEVERAGE - OP_DELEVERAGE
"""… and from ``deleverage`` on, which are Sentinel's business, or the risk gate's."""

# Kinds of the risk stream.
RISK_VOID: Final = 0
RISK_ACCOUNT: Final = 1
RISK_POSITION: Final = 2
RISK_AT_RISK: Final = 3
RISK_LIQUIDATION: Final = 4
RISK_INSURANCE_FUND: Final = 5
RISK_DELEVERAGE: Final = 6
RISK_REJECTED: Final = 7
RISK_LEVERAGE: Final = 8
RISK_FUNDING: Final = 9
RISK_COUNT: Final = 10

RISK_NAMES: Final = {
    RISK_VOID: "void",
    RISK_ACCOUNT: "account",
    RISK_POSITION: "position",
    RISK_AT_RISK: "at_risk",
    RISK_LIQUIDATION: "liquidation",
    RISK_INSURANCE_FUND: "insurance_fund",
    RISK_DELEVERAGE: "deleverage",
    RISK_REJECTED: "rejected",
    RISK_LEVERAGE: "leverage",
    RISK_FUNDING: "funding",
}

BUY: Final = 0
SELL: Final = 1
SIDE_NAMES: Final = {BUY: "buy", SELL: "sell"}
POSITION_SIDE_NAMES: Final = {BUY: "long", SELL: "short"}

TYPE_LIMIT: Final = 0
TYPE_MARKET: Final = 1
TYPE_STOP: Final = 2
TYPE_STOP_LIMIT: Final = 3
TYPE_TRAILING_STOP: Final = 4
TYPE_TRAILING_STOP_LIMIT: Final = 5
TYPE_NAMES: Final = {
    TYPE_LIMIT: "limit",
    TYPE_MARKET: "market",
    TYPE_STOP: "stop",
    TYPE_STOP_LIMIT: "stop_limit",
    TYPE_TRAILING_STOP: "trailing_stop",
    TYPE_TRAILING_STOP_LIMIT: "trailing_stop_limit",
}

TIF_GTC: Final = 0
TIF_IOC: Final = 1
TIF_FOK: Final = 2
TIF_GTD: Final = 3
TIF_DAY: Final = 4
TIF_NAMES: Final = {
    TIF_GTC: "gtc",
    TIF_IOC: "ioc",
    TIF_FOK: "fok",
    TIF_GTD: "gtd",
    TIF_DAY: "day",
}

STP_NONE: Final = 0
STP_CANCEL_NEWEST: Final = 1
STP_CANCEL_OLDEST: Final = 2
STP_CANCEL_BOTH: Final = 3
STP_DECREMENT: Final = 4
STP_NAMES: Final = {
    STP_NONE: "none",
    STP_CANCEL_NEWEST: "cancel_newest",
    STP_CANCEL_OLDEST: "cancel_oldest",
    STP_CANCEL_BOTH: "cancel_both",
    STP_DECREMENT: "decrement",
}

# Flags of a place command, and of the events that speak of that order.
FLAG_POST_ONLY: Final = 1
FLAG_REDUCE_ONLY: Final = 2
FLAG_LIQUIDATION: Final = 4
FLAG_SLIDE: Final = 8  # a post-only that would take rests one tick short of it instead
FLAG_HIDDEN: Final = 16
FLAG_TRAIL_PPM: Final = 32  # a trailing stop's distance is a ratio
FLAG_OCO: Final = 64  # one cancels the other: ``cause`` names the other
FLAG_BY_AMOUNT: Final = 128  # a market order's ``qty`` is money
# Flags of an instrument command.
FLAG_STOPS_ON_MARK: Final = 1
FLAG_DEPTH: Final = 2  # each change of a level is published
FLAG_MARK_MEDIAN: Final = 4  # the mark is the median of the sources' prices
FLAG_MARK_MID: Final = 8  # the mark is the middle of the book; neither: the last price

# What a book command asks for; its ``side``.
BOOK_LEVELS: Final = 0
BOOK_ORDERS: Final = 1
BOOK_NAMES: Final = {BOOK_LEVELS: "levels", BOOK_ORDERS: "orders"}

# What happens to orders in a symbol; ``side`` of a phase command.
PHASE_CONTINUOUS: Final = 0
PHASE_HALTED: Final = 1
PHASE_AUCTION: Final = 2
PHASE_REMOVED: Final = 3
PHASE_NAMES: Final = {
    PHASE_CONTINUOUS: "continuous",
    PHASE_HALTED: "halted",
    PHASE_AUCTION: "auction",
    PHASE_REMOVED: "removed",
}

# Which side a mass cancel ends; ``side`` of a cancel_all command.
SIDES_BOTH: Final = 0
SIDES_BUY: Final = 1
SIDES_SELL: Final = 2
SIDES_NAMES: Final = {SIDES_BOTH: "both", SIDES_BUY: "buy", SIDES_SELL: "sell"}

# Whose money a position is backed by; ``side`` of a leverage command.
MARGIN_CROSS: Final = 0
MARGIN_ISOLATED: Final = 1
MARGIN_NAMES: Final = {MARGIN_CROSS: "cross", MARGIN_ISOLATED: "isolated"}

# Flags of a price command: nobody may be liquidated on it.
FLAG_SUSPECT: Final = 1  # after a gap, or a jump
FLAG_STALE: Final = 2  # its source has been silent for too long

# Who published a command.
SOURCE_SETUP: Final = 0
SOURCE_FEED: Final = 1
SOURCE_ORDER_FLOW: Final = 2
SOURCE_GATEWAY: Final = 3
SOURCE_SENTINEL: Final = 4
SOURCE_NAMES: Final = {
    SOURCE_SETUP: "setup",
    SOURCE_FEED: "feed",
    SOURCE_ORDER_FLOW: "order_flow",
    SOURCE_GATEWAY: "gateway",
    SOURCE_SENTINEL: "sentinel",
}

# Why something was cancelled, rejected or liquidated.
REASON_NONE: Final = 0
REASON_USER: Final = 1
REASON_IOC: Final = 2
REASON_FOK: Final = 3
REASON_MARKET_UNFILLED: Final = 4
REASON_POST_ONLY: Final = 5
REASON_SELF_TRADE: Final = 6
REASON_EXPIRED: Final = 7
REASON_MASS: Final = 8
REASON_REDUCE_ONLY: Final = 9
REASON_UNKNOWN_SYMBOL: Final = 10
REASON_UNKNOWN_ORDER: Final = 11
REASON_DUPLICATE_ID: Final = 12
REASON_BAD_PRICE: Final = 13
REASON_BAD_QTY: Final = 14
REASON_BAD_NOTIONAL: Final = 15
REASON_BAD_TYPE: Final = 16
REASON_BAD_STOP_PRICE: Final = 17
REASON_BAD_DISPLAY_QTY: Final = 18
REASON_POOL_FULL: Final = 19
REASON_UNKNOWN_ACCOUNT: Final = 20
REASON_DUPLICATE_ACCOUNT: Final = 21
REASON_BAD_AMOUNT: Final = 22
REASON_INSUFFICIENT_MARGIN: Final = 23
REASON_POSITION_EXISTS: Final = 24
REASON_BAD_LEVERAGE: Final = 25
REASON_BAD_ID: Final = 26
REASON_BAD_EXPIRES: Final = 27
REASON_BAD_INSTRUMENT: Final = 28
REASON_LINKED: Final = 29
REASON_REPLACED: Final = 30
REASON_SESSION_END: Final = 31
REASON_DELISTED: Final = 32
REASON_MIN_QTY: Final = 33
REASON_MAX_QTY: Final = 34
REASON_MIN_NOTIONAL: Final = 35
REASON_MAX_NOTIONAL: Final = 36
REASON_COLLAR: Final = 37
REASON_HALTED: Final = 38
REASON_AUCTION: Final = 39
REASON_BAD_LINK: Final = 40
REASON_BAD_CAPACITY: Final = 41

REASON_NAMES: Final = {
    REASON_NONE: "none",
    REASON_USER: "user",
    REASON_IOC: "ioc",
    REASON_FOK: "fok",
    REASON_MARKET_UNFILLED: "market_unfilled",
    REASON_POST_ONLY: "post_only",
    REASON_SELF_TRADE: "self_trade",
    REASON_EXPIRED: "expired",
    REASON_MASS: "mass",
    REASON_REDUCE_ONLY: "reduce_only",
    REASON_UNKNOWN_SYMBOL: "unknown_symbol",
    REASON_UNKNOWN_ORDER: "unknown_order",
    REASON_DUPLICATE_ID: "duplicate_id",
    REASON_BAD_PRICE: "bad_price",
    REASON_BAD_QTY: "bad_qty",
    REASON_BAD_NOTIONAL: "bad_notional",
    REASON_BAD_TYPE: "bad_type",
    REASON_BAD_STOP_PRICE: "bad_stop_price",
    REASON_BAD_DISPLAY_QTY: "bad_display_qty",
    REASON_POOL_FULL: "pool_full",
    REASON_UNKNOWN_ACCOUNT: "unknown_account",
    REASON_DUPLICATE_ACCOUNT: "duplicate_account",
    REASON_BAD_AMOUNT: "bad_amount",
    REASON_INSUFFICIENT_MARGIN: "insufficient_margin",
    REASON_POSITION_EXISTS: "position_exists",
    REASON_BAD_LEVERAGE: "bad_leverage",
    REASON_BAD_ID: "bad_id",
    REASON_BAD_EXPIRES: "bad_expires",
    REASON_BAD_INSTRUMENT: "bad_instrument",
    REASON_LINKED: "linked",
    REASON_REPLACED: "replaced",
    REASON_SESSION_END: "session_end",
    REASON_DELISTED: "delisted",
    REASON_MIN_QTY: "min_qty",
    REASON_MAX_QTY: "max_qty",
    REASON_MIN_NOTIONAL: "min_notional",
    REASON_MAX_NOTIONAL: "max_notional",
    REASON_COLLAR: "collar",
    REASON_HALTED: "halted",
    REASON_AUCTION: "auction",
    REASON_BAD_LINK: "bad_link",
    REASON_BAD_CAPACITY: "bad_capacity",
}


def by_name(names: dict[int, str]) -> dict[str, int]:
    """The inverse of a ``*_NAMES`` table, for parsing."""
    return {name: code for code, name in names.items()}
