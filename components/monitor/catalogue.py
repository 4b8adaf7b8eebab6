"""Every metric of the platform, once: its name, its writer, its unit, its labels.

Processes lay out their counters from this list, the exporter and the README's table are made from
it, and no other place spells a metric's name for the first time.  What a counter's word holds:

    counts, bytes        as they are                prices          ticks of the symbol
    every time           nanoseconds                quantities      lots of the symbol
    ratios               parts per million          money           1e-8 of the quote currency

The metrics of the process ``monitor`` have no counters: it derives them when it is scraped, from
rings, control blocks and the account view.
"""

from __future__ import annotations

from typing import Final

from components.instruments import InstrumentTable
from components.messages.code import OP_NAMES, REASON_NAMES
from components.monitor.metric import (
    BYTES,
    COUNT,
    COUNTER,
    GAUGE,
    HISTOGRAM,
    MICROSECONDS,
    MILLISECONDS,
    MONEY,
    PRICE,
    QUANTITY,
    RATIO,
    SECONDS,
    SPREAD,
    STEPS,
    SYMBOL,
    SYMBOL_OR_UNKNOWN,
    UNKNOWN,
    Label,
    Metric,
    doubling,
    log_linear,
    one_two_five,
)
from disruptor.memory.counters import ABSENT, CounterSpec

FEED: Final = "feed"
TITAN: Final = "titan"
SENTINEL: Final = "sentinel"
ORACLE: Final = "oracle"
GATEWAY: Final = "gateway"
SNAPSHOTS: Final = "snapshots"
LAUNCHER: Final = "launcher"
MONITOR: Final = "monitor"
WRITERS: Final = (FEED, TITAN, SENTINEL, ORACLE, GATEWAY, SNAPSHOTS, LAUNCHER)
"""The processes that own a counter block."""

ORDER_RESULTS: Final = ("accepted", "rejected", "cancelled", "amended")
STREAMS: Final = ("commands", "events", "risk")
OTHER: Final = "other"
FRAME_KINDS: Final = (
    "trade",
    "agg_trade",
    "book_ticker",
    "mark_price",
    "depth",
    "snapshot",
    "control",
    "server_shutdown",
    "unknown_kind",
    "unknown_symbol",
    OTHER,
)
MALFORMED_REASONS: Final = (
    # of a frame
    "oversized",
    "not_json",
    "not_an_object",
    "missing_field",
    "wrong_type",
    "bad_time",
    "bad_id",
    "crossed_book",
    "not_a_decimal",
    "off_grid",
    "out_of_bounds",
    "not_positive",
    # of a price
    "out_of_band",
    # of a recording
    "broken_line",
    "broken_file",
    "no_session",
    # of a command at ingress
    "unknown_symbol",
    "unknown_operation",
    "bad_type",
    "out_of_bounds_time",
    "out_of_bounds_price",
    "out_of_bounds_qty",
    "out_of_bounds_id",
    OTHER,
)

SUSPECT_REASONS: Final = ("gap", "jump")
FEED_STREAMS: Final = ("trade", "agg_trade", "mark_price", "book_ticker", "depth", "partial_depth")

_LATENCY = log_linear("0.000001", 24)
_PROCESS_TIME = log_linear("0.0625", 22)
_BATCH_SIZE = doubling("1", 17)

_FEED_METRICS = (
    Metric("price_feed_updates", COUNTER, FEED, COUNT,
           "Price updates published, by symbol.", (SYMBOL,)),
    Metric("price_feed_latency_ms", HISTOGRAM, FEED, MILLISECONDS,
           "From the venue's clock to ingress.", (), one_two_five("0.01", "60000")),
    Metric("price_feed_simulated_price", GAUGE, FEED, PRICE,
           "The simulation's price now.", (SYMBOL,), initially=ABSENT),
    Metric("price_feed_last_update_timestamp_seconds", GAUGE, FEED, SECONDS,
           "When the newest price was stamped, since the epoch.", (SYMBOL,), initially=ABSENT),
    Metric("price_feed_frames", COUNTER, FEED, COUNT,
           "Exchange messages received, by kind.", (Label("kind", FRAME_KINDS),)),
    Metric("price_feed_malformed", COUNTER, FEED, COUNT,
           "Messages, lines and commands dropped, by reason.",
           (Label("reason", MALFORMED_REASONS),)),
    Metric("price_feed_gaps", COUNTER, FEED, COUNT,
           "Breaks in the exchange's own numbering.", (SYMBOL,)),
    Metric("price_feed_duplicates", COUNTER, FEED, COUNT,
           "Messages that had been seen before, dropped.", (SYMBOL,)),
    Metric("price_feed_suspect", COUNTER, FEED, COUNT,
           "Prices flagged suspect: after a gap, or a jump.",
           (SYMBOL, Label("reason", SUSPECT_REASONS))),
    Metric("price_feed_stale", COUNTER, FEED, COUNT,
           "Times a price was flagged stale: its stream silent or lost.", (SYMBOL,)),
    Metric("price_feed_conflated", COUNTER, FEED, COUNT,
           "Mark prices passed over for newer ones in a flood.", (SYMBOL,)),
    Metric("price_feed_book_resyncs", COUNTER, FEED, COUNT,
           "Times the exchange's book broke and was built anew.", (SYMBOL,)),
    Metric("price_feed_stream_state", GAUGE, FEED, COUNT,
           "0 connecting, 1 subscribed, 2 live, 3 stale, 4 down.",
           (Label("stream", FEED_STREAMS), SYMBOL), initially=ABSENT),
    Metric("price_feed_clock_offset_seconds", GAUGE, FEED, SECONDS,
           "Our clock less the exchange's, by the fastest message of the last minutes.",
           initially=ABSENT),
    Metric("price_feed_recorded_bytes", COUNTER, FEED, BYTES,
           "Frames journaled before they were parsed, uncompressed."),
    Metric("price_feed_reconnects", COUNTER, FEED, COUNT,
           "Connections to the exchange made again after a loss."),
    Metric("price_feed_replacements", COUNTER, FEED, COUNT,
           "Connections replaced, with an overlap, before the exchange would cut them."),
    Metric("order_flow_commands", COUNTER, FEED, COUNT,
           "Commands published by the simulated order flow."),
)  # fmt: skip

_TITAN_METRICS = (
    Metric("titan_commands_processed", COUNTER, TITAN, COUNT,
           "Commands taken from the ring, by operation.", (Label("op", tuple(OP_NAMES.values())),)),
    Metric("titan_orders_processed", COUNTER, TITAN, COUNT,
           f'Answers to orders, by symbol and result; symbol "{UNKNOWN}": no such instrument.',
           (SYMBOL_OR_UNKNOWN, Label("result", ORDER_RESULTS))),
    Metric("titan_rejections", COUNTER, TITAN, COUNT,
           "Commands rejected, by reason.", (Label("reason", tuple(REASON_NAMES.values())),)),
    Metric("titan_executions", COUNTER, TITAN, COUNT, "Trades.", (SYMBOL,)),
    Metric("titan_execution_price", HISTOGRAM, TITAN, PRICE,
           "Prices at which trades executed.", (SYMBOL,), one_two_five("0.01", "1000000")),
    Metric("titan_execution_quantity", HISTOGRAM, TITAN, QUANTITY,
           "Quantities of trades.", (SYMBOL,), one_two_five("0.0001", "10000")),
    Metric("titan_last_price", GAUGE, TITAN, PRICE,
           "Price of the last trade.", (SYMBOL,), initially=ABSENT),
    Metric("titan_best_bid", GAUGE, TITAN, PRICE,
           "Best bid; absent when there is none.", (SYMBOL,), initially=ABSENT),
    Metric("titan_best_ask", GAUGE, TITAN, PRICE,
           "Best ask; absent when there is none.", (SYMBOL,), initially=ABSENT),
    Metric("titan_spread", GAUGE, TITAN, SPREAD,
           "Best ask less best bid; absent when a side is empty.", (SYMBOL,), initially=ABSENT),
    Metric("titan_open_orders", GAUGE, TITAN, COUNT, "Orders that rest in books."),
    Metric("titan_process_time_micros", HISTOGRAM, TITAN, MICROSECONDS,
           "Time to apply one command, its batch's mean.", (), _PROCESS_TIME, exposed_every=STEPS),
    Metric("titan_latency_seconds", HISTOGRAM, TITAN, SECONDS,
           "From ingress until Titan has applied the command.", (), _LATENCY, exposed_every=STEPS),
)  # fmt: skip

_SENTINEL_METRICS = (
    Metric("sentinel_liquidations", COUNTER, SENTINEL, COUNT,
           "Positions liquidated.", (SYMBOL,)),
    Metric("sentinel_liquidation_loss_usd", HISTOGRAM, SENTINEL, MONEY,
           "Loss of each liquidated position.", (SYMBOL,), one_two_five("1", "1000000")),
    Metric("sentinel_process_time_micros", HISTOGRAM, SENTINEL, MICROSECONDS,
           "Time to apply one event, its batch's mean.", (), _PROCESS_TIME, exposed_every=STEPS),
    Metric("sentinel_latency_seconds", HISTOGRAM, SENTINEL, SECONDS,
           "From ingress until Sentinel has applied the event.", (), _LATENCY, exposed_every=STEPS),
    Metric("sentinel_accounts_total", GAUGE, SENTINEL, COUNT, "Accounts known."),
    Metric("sentinel_accounts_at_risk", GAUGE, SENTINEL, COUNT,
           "Accounts near their maintenance margin."),
    Metric("sentinel_open_positions", GAUGE, SENTINEL, COUNT, "Positions open."),
    Metric("sentinel_liquidation_orders_in_flight", GAUGE, SENTINEL, COUNT,
           "Liquidation orders sent and not yet finished."),
    Metric("sentinel_collateral_usd", GAUGE, SENTINEL, MONEY, "Collateral of all accounts."),
    Metric("sentinel_insurance_fund_usd", GAUGE, SENTINEL, MONEY, "The insurance fund."),
    Metric("sentinel_bad_debt_usd", GAUGE, SENTINEL, MONEY,
           "Losses that neither collateral nor the insurance fund could cover."),
    Metric("sentinel_deleveragings", COUNTER, SENTINEL, COUNT,
           "Positions reduced against a bankrupt one.", (SYMBOL,)),
    Metric("sentinel_mark_price", GAUGE, SENTINEL, PRICE,
           "Price that positions are valued at.", (SYMBOL,), initially=ABSENT),
)  # fmt: skip

_ORACLE_METRICS = (
    Metric("oracle_events_written", COUNTER, ORACLE, COUNT,
           "Records journaled, by stream.", (Label("kind", STREAMS),)),
    Metric("oracle_bytes_written", COUNTER, ORACLE, BYTES, "Bytes journaled, before the store's own."),
    Metric("oracle_durable_sequence", GAUGE, ORACLE, COUNT,
           "Newest sequence that survives a crash.", (Label("kind", STREAMS),)),
    Metric("oracle_commit_seconds", HISTOGRAM, ORACLE, SECONDS,
           "Duration of one commit, fsync included.", (), _LATENCY, exposed_every=STEPS),
    Metric("oracle_batch_size", HISTOGRAM, ORACLE, COUNT,
           "Records of one commit.", (), _BATCH_SIZE),
    Metric("oracle_latency_seconds", HISTOGRAM, ORACLE, SECONDS,
           "From ingress until the command is durable.", (), _LATENCY, exposed_every=STEPS),
    Metric("oracle_journal_bytes", GAUGE, ORACLE, BYTES, "Size of the journal's file in use."),
)  # fmt: skip

_SNAPSHOT_METRICS = (
    Metric("oracle_snapshots", COUNTER, SNAPSHOTS, COUNT, "Snapshots saved in this run."),
    Metric("oracle_snapshot_timestamp_seconds", GAUGE, SNAPSHOTS, SECONDS,
           "When the newest snapshot of this run was saved, since the epoch.", initially=ABSENT),
    Metric("oracle_snapshot_command", GAUGE, SNAPSHOTS, COUNT,
           "The command after which the newest snapshot of this run was taken.", initially=ABSENT),
    Metric("oracle_snapshot_bytes", GAUGE, SNAPSHOTS, BYTES,
           "Size of the newest snapshot of this run.", initially=ABSENT),
    Metric("oracle_snapshot_duration_seconds", HISTOGRAM, SNAPSHOTS, SECONDS,
           "How long a snapshot took to save.", (), _LATENCY, exposed_every=STEPS),
    Metric("oracle_shadow_command", GAUGE, SNAPSHOTS, COUNT,
           "The command that the shadow, which snapshots are taken from, has come to."),
)  # fmt: skip

_GATEWAY_METRICS = (
    Metric("gateway_clients", GAUGE, GATEWAY, COUNT, "Clients connected now."),
    Metric("gateway_commands", COUNTER, GATEWAY, COUNT, "Commands of clients published."),
    Metric("gateway_refused", COUNTER, GATEWAY, COUNT,
           "Lines and commands answered with an error by the gateway itself."),
    Metric("gateway_answers", COUNTER, GATEWAY, COUNT,
           "Lines sent to clients, each of something durable."),
    Metric("gateway_dropped", COUNTER, GATEWAY, COUNT,
           "Clients dropped because they did not read."),
    Metric("gateway_latency_seconds", HISTOGRAM, GATEWAY, SECONDS,
           "From ingress until the durable answer left.", (), _LATENCY, exposed_every=STEPS),
)  # fmt: skip

_LAUNCHER_METRICS = (
    Metric("platform_start_timestamp_seconds", GAUGE, LAUNCHER, SECONDS,
           "When the platform became operational, since the epoch.", initially=ABSENT),
    Metric("platform_startup_seconds", GAUGE, LAUNCHER, SECONDS,
           "From the start command until operational, replay included.", initially=ABSENT),
    Metric("platform_replayed_commands", GAUGE, LAUNCHER, COUNT,
           "Commands replayed from the journal at this start."),
)  # fmt: skip

_USER = Label("user")
_RING = Label("ring")
_CONSUMER = Label("consumer")
_PROCESS = Label("process")

_MONITOR_METRICS = (
    Metric("sentinel_margin_ratio", GAUGE, MONITOR, RATIO,
           "Maintenance margin over equity, above 1 liquidates; of many accounts a fixed sample.",
           (_USER,)),
    Metric("sentinel_deleveraging_light", GAUGE, MONITOR, COUNT,
           "How early the account would be deleveraged: 5 first, 1 last, 0 never; the same sample.",
           (_USER,)),
    Metric("sentinel_margin_ratio_mean", GAUGE, MONITOR, RATIO,
           "Mean margin ratio of all accounts."),
    Metric("sentinel_margin_ratio_worst", GAUGE, MONITOR, RATIO,
           "Margin ratio of the accounts nearest to liquidation, by rank from 1.",
           (Label("rank"),)),
    Metric("sentinel_accounts_by_margin_ratio", GAUGE, MONITOR, COUNT,
           "Accounts with positions whose margin ratio is from this bound up to the next.",
           (Label("from"),)),
    Metric("ring_capacity", GAUGE, MONITOR, COUNT, "Slots of a ring.", (_RING,)),
    Metric("ring_cursor", GAUGE, MONITOR, COUNT, "Newest sequence published.", (_RING,)),
    Metric("ring_consumer_sequence", GAUGE, MONITOR, COUNT,
           "Newest sequence that a consumer is done with.", (_RING, _CONSUMER)),
    Metric("ring_consumer_lag", GAUGE, MONITOR, COUNT,
           "Sequences that a consumer is behind the cursor.", (_RING, _CONSUMER)),
    Metric("ring_published", COUNTER, MONITOR, COUNT,
           "Sequences published since the journal's first.", (_RING,)),
    Metric("ring_consumed", COUNTER, MONITOR, COUNT,
           "Sequences that a consumer is done with since the journal's first.",
           (_RING, _CONSUMER)),
    Metric("ring_in_flight", GAUGE, MONITOR, COUNT,
           "Sequences claimed and not yet published.", (_RING,)),
    Metric("ring_remaining_capacity", GAUGE, MONITOR, COUNT,
           "Slots free before producers wait for the slowest consumer.", (_RING,)),
    Metric("ring_producer_stalls", COUNTER, MONITOR, COUNT,
           "Times a producer waited for room.", (_RING,)),
    Metric("ring_voided", COUNTER, MONITOR, COUNT,
           "Sequences voided because their producer died.", (_RING,)),
    Metric("process_up", GAUGE, MONITOR, COUNT, "1 while the process runs.", (_PROCESS,)),
    Metric("process_state", GAUGE, MONITOR, COUNT,
           "1 for the state that the process is in, 0 for the others.", (_PROCESS, Label("state"))),
    Metric("process_heartbeat_age_seconds", GAUGE, MONITOR, SECONDS,
           "Since the process last showed that its loop turns.", (_PROCESS,)),
    Metric("process_restarts", COUNTER, MONITOR, COUNT,
           "Times the supervisor started the process again.", (_PROCESS,)),
    Metric("process_cpu_seconds", COUNTER, MONITOR, SECONDS,
           "CPU time of the process, user and system.", (_PROCESS,)),
    Metric("process_resident_memory_bytes", GAUGE, MONITOR, BYTES,
           "Resident memory of the process.", (_PROCESS,)),
    Metric("process_proportional_memory_bytes", GAUGE, MONITOR, BYTES,
           "Memory of the process, its share of what it shares; some seconds old.", (_PROCESS,)),
    Metric("process_context_switches", COUNTER, MONITOR, COUNT,
           "Times that the process left its CPU: voluntary, to wait; involuntary, for another.",
           (_PROCESS, Label("kind"))),
    Metric("monitor_scrape_seconds", GAUGE, MONITOR, SECONDS,
           "Time that gathering this very scrape took."),
    Metric("build_info", GAUGE, MONITOR, COUNT, "1, with the version as label.",
           (Label("version"),)),
)  # fmt: skip

CATALOGUE: Final = (
    *_FEED_METRICS,
    *_TITAN_METRICS,
    *_SENTINEL_METRICS,
    *_ORACLE_METRICS,
    *_SNAPSHOT_METRICS,
    *_GATEWAY_METRICS,
    *_LAUNCHER_METRICS,
    *_MONITOR_METRICS,
)
BY_NAME: Final = {metric.name: metric for metric in CATALOGUE}
assert len(BY_NAME) == len(CATALOGUE), "two metrics have one name"


def specs_for(process: str, instruments: InstrumentTable) -> list[CounterSpec]:
    """The counters that ``process`` (one of WRITERS) keeps, every label combination from the start.

    Series begin at 0 rather than with their first event, which a rate would not see.
    """
    if process not in WRITERS:
        raise ValueError(f"process={process!r} keeps no counters; those that do are {WRITERS}")
    mine = (metric for metric in CATALOGUE if metric.process == process)
    return [spec for metric in mine for spec in metric.specs(instruments)]


def metrics_table() -> str:
    """The README's table of metrics, as Markdown."""
    rows = ["| Metric | Type | Labels | Unit | Meaning |", "|---|---|---|---|---|"]
    rows += [
        f"| `{metric.exposed_name}` | {metric.kind} | {', '.join(metric.label_names) or '–'} "
        f"| {metric.unit} | {metric.help} |"
        for metric in CATALOGUE
    ]
    return "\n".join(rows) + "\n"
