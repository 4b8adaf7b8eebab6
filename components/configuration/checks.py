"""What must fit between the settings of a platform: grids, names, limits, files.

Each check gives mistakes at the key that has to change; none raises.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from components.configuration import instruments as instrument_checks
from components.configuration import sharding
from components.configuration.accounts import AccountSettings, PositionSettings
from components.configuration.model import (
    COMMANDS,
    GATEWAY,
    JOURNAL,
    STREAMS,
    PlatformConfiguration,
)
from components.feed.raw_recording import raw_journal_in
from components.feed.scripted_flow import read_script
from components.instruments import InstrumentTable
from components.sentinel.engine.state import NOTIONAL_MAX
from components.units import MONEY_MAX, MONEY_SCALE, PPM, UnitError, plain
from disruptor.errors import ConfigurationError
from disruptor.topology.document import KeyPath, Mistake
from disruptor.topology.mistakes import did_you_mean


def mistakes(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """All that is wrong between settings that are each right by themselves."""
    first = [
        *instrument_checks.mistakes(
            configuration.instruments, configuration.risk.maintenance_margin
        ),
        *_streams(configuration),
        *_durability(configuration),
        *_gateway(configuration),
        *_warnings(configuration),
        *sharding.mistakes(configuration),
    ]
    if first:
        yield from first
        return
    table = configuration.instrument_table()
    yield from _accounts(configuration, table)
    yield from list(_feed(configuration, table)) or _feed_settings(configuration)
    yield from _capacities(configuration)


def _streams(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    for ring in STREAMS:
        if ring not in configuration.rings:
            near = did_you_mean(ring, configuration.rings)
            yield Mistake(("rings", ring), f"missing; write the ring of {ring}{near}")
    commands = configuration.rings.get(COMMANDS)
    if commands is not None and commands.producers != "multi":
        text = "found single; write multi, because set-up commands are published to it too"
        yield Mistake(("rings", COMMANDS, "producers"), text)


def _durability(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    asked = configuration.durability
    if asked.gate == "input" and asked.sync != "commit":
        text = f"found input with sync: {asked.sync}; write output, or sync: commit, because input"
        yield Mistake(
            ("durability", "gate"), f"{text} promises that titan sees only what is on disk"
        )


def _gateway(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """Its answers come from the journal."""
    if GATEWAY in configuration.processes and configuration.gateway is None:
        yield Mistake((GATEWAY,), "missing; write {host: 127.0.0.1, port: 9100}")
    if configuration.gateway is not None and JOURNAL not in configuration.processes:
        text = f"found a gateway without the process {JOURNAL}; write one, or null here"
        yield Mistake((GATEWAY,), text)


def _warnings(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """The levels of warning rise towards liquidation."""
    before = configuration.risk.at_risk_margin_ratio
    for number, ratio in enumerate(configuration.risk.warning_margin_ratios):
        if ratio <= before:
            text = f"found {plain(Decimal(ratio) / PPM)}; write more than {plain(Decimal(before) / PPM)}"
            yield Mistake(("risk", "warning_margin_ratios", number), text)
        before = max(before, ratio)


def _accounts(configuration: PlatformConfiguration, table: InstrumentTable) -> Iterator[Mistake]:
    lines: dict[int, int] = {}
    flow = configuration.feed.order_flow_accounts()
    for number, account in enumerate(configuration.accounts):
        key = ("accounts", number)
        if account.user in lines:
            text = (
                f"found {account.user} again, after accounts.{lines[account.user]}; merge the two"
            )
            yield Mistake((*key, "user"), text)
        elif account.user in flow:
            text = f"found {account.user}, with which the order flow trades; write another number"
            yield Mistake((*key, "user"), text)
        lines.setdefault(account.user, number)
        yield from _positions(key, account, table)


def _positions(key: KeyPath, account: AccountSettings, table: InstrumentTable) -> Iterator[Mistake]:
    seen: set[str] = set()
    for number, position in enumerate(account.positions):
        at = (*key, "positions", number)
        if position.symbol not in table:
            yield Mistake((*at, "symbol"), _unknown(position.symbol, table))
            continue
        if position.symbol in seen:
            text = f'found "{position.symbol}" again; write one position for each symbol'
            yield Mistake((*at, "symbol"), text)
        seen.add(position.symbol)
        yield from _position(at, position, table)


def _position(at: KeyPath, position: PositionSettings, table: InstrumentTable) -> Iterator[Mistake]:
    instrument = table[position.symbol]
    off = [
        *_off_grid((*at, "qty"), position.qty, instrument.lot_size, "lot_size"),
        *_off_grid((*at, "entry"), position.entry, instrument.tick_size, "tick_size"),
    ]
    yield from off
    if position.leverage > instrument.max_leverage:
        text = f"found {position.leverage}; write at most {instrument.max_leverage}"
        yield Mistake((*at, "leverage"), f"{text}, the most that {position.symbol} allows")
    if off:
        return
    try:
        ticks = instrument.price_to_ticks(plain(position.entry), "entry")
        lots = instrument.qty_to_lots(plain(position.qty))
    except UnitError as error:
        yield Mistake(at, f"found that {error}")
        return
    if ticks * lots * instrument.money_unit > NOTIONAL_MAX:
        most = plain(Decimal(NOTIONAL_MAX // MONEY_SCALE))
        text = (
            f"found a position worth {plain(position.entry * position.qty)}; write at most {most}"
        )
        yield Mistake((*at, "qty"), text)


def _off_grid(key: KeyPath, value: Decimal, step: Decimal, name: str) -> Iterator[Mistake]:
    rest = value % step
    if rest:
        low = value - rest
        near = f"{plain(low)} or {plain(low + step)}" if low else plain(low + step)
        yield Mistake(
            key, f"found {plain(value)}, off the {name} of {plain(step)}; write e.g. {near}"
        )


def _feed(configuration: PlatformConfiguration, table: InstrumentTable) -> Iterator[Mistake]:
    feed = configuration.feed
    for number, symbol in enumerate(feed.symbols):
        if symbol not in table:
            yield Mistake(("feed", "symbols", number), _unknown(symbol, table))
        elif symbol in feed.symbols[:number]:
            yield Mistake(("feed", "symbols", number), f'found "{symbol}" again; name it once')
    for symbol in feed.venue_symbols:
        if symbol not in table:
            yield Mistake(("feed", "venue_symbols", symbol), _unknown(symbol, table))
    for name in ("start_prices", "levels"):
        for symbol, price in getattr(feed.simulation, name).items():
            key = ("feed", "simulation", name, symbol)
            if symbol not in table:
                yield Mistake(key, _unknown(symbol, table))
            else:
                yield from _off_grid(key, price, table[symbol].tick_size, "tick_size")
    if feed.mode == "recorded":
        yield from _recording(feed.recorded.path)
    if feed.order_flow.kind == "scripted" and feed.order_flow.path:
        try:
            read_script(Path(feed.order_flow.path), table)
        except ConfigurationError as error:
            yield Mistake(("feed", "order_flow", "path"), str(error).partition(": ")[2])


def _feed_settings(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """What the feed itself objects to."""
    try:
        configuration.feed.settings()
    except ConfigurationError as error:
        key_text, _, text = str(error).partition(": ")
        yield Mistake(tuple(key_text.split(".")), text)


def _recording(path: str) -> Iterator[Mistake]:
    if not path:
        yield Mistake(("feed", "recorded", "path"), "missing; write the path of a recording")
    elif Path(path).is_dir():
        try:
            raw_journal_in(Path(path))
        except ConfigurationError as error:
            yield Mistake(("feed", "recorded", "path"), str(error).partition(": ")[2])
    elif not Path(path).is_file():
        yield Mistake(
            ("feed", "recorded", "path"), f"there is no file {path}; write the path of a recording"
        )


def _capacities(configuration: PlatformConfiguration) -> Iterator[Mistake]:
    """What is set up must fit Sentinel."""
    limits = configuration.sentinel.capacity
    made = len(configuration.feed.order_flow_accounts())
    positions = sum(len(each.positions) for each in configuration.accounts)
    for key, what, needed, most in (
        ("instruments", "instruments", len(configuration.instruments), limits.symbols),
        ("accounts", "accounts", len(configuration.accounts) + made, limits.accounts),
        ("accounts", "positions", positions, limits.positions),
    ):
        if needed > most:
            text = f"found {needed} {what}; write at most {most}, or a larger sentinel.capacity"
            yield Mistake((key,), text)
    symbols = len(configuration.instruments)
    if symbols > configuration.capacity.symbols:
        text = f"found {configuration.capacity.symbols}, but there are {symbols} instruments"
        yield Mistake(("capacity", "symbols"), f"{text}; write at least {symbols}")
    total = sum(each.collateral for each in configuration.accounts)
    if total > MONEY_MAX:
        text = f"found collateral of {plain(Decimal(total) / MONEY_SCALE)} in all"
        yield Mistake(("accounts",), f"{text}; write at most {MONEY_MAX // MONEY_SCALE}")


def _unknown(symbol: str, table: InstrumentTable) -> str:
    near = did_you_mean(symbol, table) or f"; instruments are {', '.join(table)}"
    return f'found "{symbol}", which is no instrument{near}'
