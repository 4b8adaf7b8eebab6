"""The terminal view: one ``LiveState`` drawn with rich, at 80×24 and at any size above.

trading   orders/s 120k · trades/s 40k · prices/s 200 · liquidations 3           header
┌ processes ──────────────┐ ┌ rings ───────────────────┐   as many rows as there are
┌ market ─────────────────┐ ┌ latency and journal ─────┐   six lines
┌ nearest to liquidation ─┐ ┌ last liquidations ───────┐   the rest; the book between them, if wide
"""

from __future__ import annotations

import itertools
from typing import Final

from rich.console import RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from components.monitor.controls import KEYS
from components.monitor.live_state import ConsumerState, LiveState, RingState

WIDE_COLUMNS: Final = 120
_MIDDLE_LINES: Final = 6
_PANEL_LINES: Final = 3  # two borders and the head of the table
_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_MAGNITUDES: Final = ((1e4, ""), (1e6, "k"), (1e9, "M"), (1e12, "G"))
_STATE_COLOURS: Final = {"running": "green", "starting": "yellow", "backoff": "yellow"}


def screen(state: LiveState, columns: int, lines: int, hint: str = "") -> Layout:
    """The whole view; what does not fit is left out from the bottom of each table."""
    wide = columns >= WIDE_COLUMNS
    ring_rows = sum(max(1, len(ring.consumers)) for ring in state.rings)
    upper = max(len(state.processes), ring_rows, 1) + _PANEL_LINES
    upper = min(upper, max(_PANEL_LINES + 1, lines - 2 - _MIDDLE_LINES - 6))
    lower = max(0, lines - 2 - upper - _MIDDLE_LINES - _PANEL_LINES)
    layout = Layout()
    layout.split_column(
        Layout(_header(state), size=1),
        _pair(_processes(state, wide), _rings(state, wide), upper),
        _pair(_market(state, wide), _latency(state, wide), _MIDDLE_LINES),
        _row(*_lower(state, wide, lower)),
        Layout(Text(hint or " ", style="dim"), size=1),  # an empty text would be a placeholder
    )
    return layout


def help_screen(hint: str) -> Layout:
    """What each key does."""
    table = Table.grid(padding=(0, 3))
    for key, meaning in KEYS:
        table.add_row(Text(key, "bold"), meaning)
    layout = Layout()
    layout.split_column(Layout(_panel("keys", table)), Layout(Text(hint, style="dim"), size=1))
    return layout


def _lower(state: LiveState, wide: bool, rows: int) -> tuple[Panel, ...]:
    accounts, liquidations = _accounts(state, wide, rows), _liquidations(state, wide, rows)
    return (accounts, _book(state, rows), liquidations) if wide else (accounts, liquidations)


def _row(*panels: Panel) -> Layout:
    row = Layout()
    row.split_row(*(Layout(panel) for panel in panels))
    return row


def _pair(left: Panel, right: Panel, size: int | None) -> Layout:
    row = Layout(size=size)
    row.split_row(Layout(left), Layout(right))
    return row


def _header(state: LiveState) -> Text:
    rates, totals = state.per_second, state.totals
    text = Text.assemble((f" {state.platform} ", "bold reverse"), no_wrap=True, overflow="ellipsis")
    figures = (
        ("orders/s", short(rates.get("titan_orders_processed"))),
        ("trades/s", short(rates.get("titan_executions"))),
        ("prices/s", short(rates.get("price_feed_updates"))),
        ("liquidations", short(totals.get("sentinel_liquidations"))),
        ("at risk", short(totals.get("sentinel_accounts_at_risk"))),
    )
    for name, figure in figures:
        text.append(f"  {name} ", "dim")
        text.append(figure, "bold")
    return text


def _processes(state: LiveState, wide: bool) -> Panel:
    table = _table("process", "state", ">cpu", ">memory", ">restarts" if wide else ">↻")
    for each in state.processes:
        colour = _STATE_COLOURS.get(each.state, "red")
        table.add_row(
            each.name,
            Text(f"● {each.state}", colour),
            "–" if each.cpu is None else f"{each.cpu:.0%}",
            short(each.resident_bytes, "B"),
            str(each.restarts),
        )
    return _panel("processes", table)


def _rings(state: LiveState, wide: bool) -> Panel:
    width = 24 if wide else 6
    table = _table("ring→reader", "lag", ">behind", ">rate/s" if wide else ">/s")
    for ring in state.rings:
        rate = short(ring.per_second)
        for number, each in enumerate(ring.consumers or (None,)):
            first = rate if number == 0 else ""
            table.add_row(*_place(ring, each, width), first)
    return _panel("rings", table)


def _place(ring: RingState, consumer: ConsumerState | None, width: int) -> tuple[Text, Text, str]:
    if consumer is None:
        return Text(ring.name), Text(), "–"
    name = Text.assemble((ring.name, "dim"), "→", consumer.name)
    share = min(1.0, consumer.lag / ring.capacity)
    colour = "green" if share < 0.5 else "yellow" if share < 0.8 else "red"
    return name, Text(bar(share, width), f"{colour} on grey19"), short(consumer.lag)


def _market(state: LiveState, wide: bool) -> Panel:
    heads = ("symbol", ">last", ">bid", ">ask", ">spread", ">trades/s")
    table = _table(*(heads if wide else heads[:4]))
    for each in state.symbols[: _MIDDLE_LINES - _PANEL_LINES]:
        cells = [each.symbol, *(price(p) for p in (each.last, each.bid, each.ask, each.spread))]
        cells.append(short(each.trades_per_second))
        table.add_row(*(cells if wide else cells[:4]))
    return _panel("market", table)


def _book(state: LiveState, rows: int) -> Panel:
    """The first symbol's best levels, as many as there is room for on each side."""
    levels = max(1, (rows - 1) // 2)
    table = _table(">bid qty", ">bid", "ask", "ask qty")
    book = state.books[0] if state.books else None
    bids, asks = (book.bids[:levels], book.asks[:levels]) if book else ((), ())
    for bid, ask in itertools.zip_longest(bids, asks, fillvalue=(None, None)):
        table.add_row(
            _qty(bid[1]), Text(price(bid[0]), "green"), Text(price(ask[0]), "red"), _qty(ask[1])
        )
    return _panel(f"book {book.symbol}" if book else "book", table)


def _qty(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _latency(state: LiveState, wide: bool) -> Panel:
    """Two columns of hops, and the journal's place below."""
    shown = [each for each in state.latencies if each.count]
    grid = Table.grid(padding=(0, 1), expand=True)
    for _ in range(2):
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
    median = {each.name: f"{duration(each.p50)} / " if wide else "" for each in shown}
    cells = [(each.name, median[each.name] + duration(each.p99)) for each in shown]
    for number in range(0, len(cells), 2):
        grid.add_row(*(cell for pair in cells[number : number + 2] for cell in pair))
    journal = Text(no_wrap=True, overflow="ellipsis")
    journal.append("durable ", "dim")
    told = state.durable if wide else dict(itertools.islice(state.durable.items(), 1))
    journal.append("  ".join(f"{kind} {short(at)}" for kind, at in told.items()))
    journal.append(f"  {short(state.per_second.get('oracle_bytes_written'), 'B')}/s", "dim")
    outer = Table.grid(expand=True)
    outer.add_row(grid)
    outer.add_row(journal)
    return _panel("latency p50 / p99, journal" if wide else "latency p99, journal", outer)


def _accounts(state: LiveState, wide: bool, rows: int) -> Panel:
    nearest: dict[int, float] = {}
    for position in state.positions:
        if position.distance is not None:
            known = nearest.get(position.account, position.distance)
            nearest[position.account] = min(known, position.distance)
    table = _table("account", "margin", ">ratio", ">away", *([">equity"] if wide else []))
    for each in state.accounts[:rows]:
        share = min(1.0, each.margin_ratio)
        colour = "red" if each.in_liquidation else "yellow" if each.at_risk else "green"
        ratio = f"{each.margin_ratio:.1%}" if each.margin_ratio < 100 else "no equity"
        table.add_row(
            str(each.account),
            Text(bar(share, 12 if wide else 8), f"{colour} on grey19"),
            ratio,
            away(nearest.get(each.account)),
            *([short(each.equity)] if wide else []),
        )
    return _panel("nearest to liquidation", table)


def _liquidations(state: LiveState, wide: bool, rows: int) -> Panel:
    heads = ("account", "symbol", "side", ">qty", ">price", ">loss")
    table = _table(*(heads if wide else (*heads[:2], *heads[3:])))
    for each in state.liquidations[:rows]:
        cells = [str(each.account), each.symbol, each.side, f"{each.qty:g}", price(each.price)]
        cells.append(short(each.loss))
        table.add_row(*(cells if wide else (*cells[:2], *cells[3:])))
    return _panel("last liquidations", table)


def _table(*heads: str) -> Table:
    """Columns by their heads; one that starts with ``>`` is aligned right."""
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    for head in heads:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left", no_wrap=True)
    return table


def _panel(title: str, content: RenderableType) -> Panel:
    return Panel(content, title=title, title_align="left", border_style="grey42", padding=(0, 1))


def bar(share: float, width: int) -> str:
    """``share`` of ``width`` cells filled, in eighths; anything above 0 shows at least one."""
    eighths = round(share * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BLOCKS[rest] if rest else "")).ljust(width)


def short(value: float | None, unit: str = "") -> str:
    """Three or four digits and a magnitude: 12, 1.5k, 340M."""
    if value is None:
        return "–"
    fitting = (each for each in _MAGNITUDES if abs(value) < each[0])
    limit, suffix = next(fitting, _MAGNITUDES[-1])
    scaled = value / (limit / 1e3 if suffix else 1)
    digits = 0 if abs(scaled) >= 100 or scaled == int(scaled) else 1
    return f"{scaled:.{digits}f}{suffix}{unit}"


def away(distance: float | None) -> str:
    """How far the price may still move until a liquidation."""
    if distance is None:
        return "–"
    return f"{distance:.1%}" if distance < 10 else "far"


def price(value: float | None) -> str:
    """A price with the digits that it has."""
    return "–" if value is None else f"{value:.10g}"


def duration(seconds: float | None) -> str:
    """A duration in its natural unit: 250ns, 4µs, 2.5ms, 1s."""
    if seconds is None:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g}{unit}"
    return f"{seconds / 1e-9:.3g}ns"
