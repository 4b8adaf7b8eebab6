// The price: last, bid and ask, mark, and each trade as a dot of its side.  Redrawn a few times a second.

const WINDOW_S = 300;
const TRADES_SHOWN = 2000;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axis(digits) {
  const grid = { stroke: () => colour("--line"), width: 1 };
  const common = { stroke: () => colour("--dim"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return [
    { ...common, size: 30, values: (u, seconds) => seconds.map((each) => new Date(each * 1000).toLocaleTimeString("en-GB")), space: 90 },
    { ...common, side: 1, size: 66, values: (u, prices) => prices.map((each) => each.toLocaleString("en-US", { maximumFractionDigits: digits })) },
  ];
}

export class Chart {
  constructor(node) {
    this.node = node;
    this.points = new Map();
    this.trades = new Map();
    this.symbol = null;
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(node);
  }

  size() {
    return { width: this.node.clientWidth, height: this.node.clientHeight };
  }

  add(points, trades) {
    for (const each of points) this.keep(this.points, each, WINDOW_S * 2);
    for (const each of trades) this.keep(this.trades, each, TRADES_SHOWN);
  }

  keep(kept, each, most) {
    if (!kept.has(each.symbol)) kept.set(each.symbol, []);
    const own = kept.get(each.symbol);
    own.push(each);
    if (own.length > most) own.splice(0, own.length - most);
  }

  show(symbol, digits) {
    this.symbol = symbol;
    this.plot?.destroy();
    const line = (name, width, dash) => ({ stroke: () => colour(name), width, dash, spanGaps: true, points: { show: false } });
    const dots = (name) => ({ stroke: () => colour(name), paths: () => null, points: { show: true, size: 4, width: 0, fill: () => colour(name) } });
    this.plot = new uPlot(
      {
        ...this.size(), padding: [8, 4, 0, 4], legend: { show: false },
        cursor: { points: { show: false }, drag: { x: false, y: false } },
        scales: { x: { time: false } }, axes: axis(digits),
        bands: [{ series: [3, 2], fill: () => colour("--accent-soft") }],
        series: [{}, line("--warn", 1, [4, 4]), line("--faint", 1), line("--faint", 1), line("--accent", 1.8), dots("--buy"), dots("--sell")],
      },
      [[], [], [], [], [], [], []],
      this.node,
    );
  }

  // The newest price makes a last point of its own, so that the line reaches until now.
  draw(at, price) {
    if (!this.plot) return;
    const points = (this.points.get(this.symbol) ?? []).filter((each) => each.at > at - WINDOW_S);
    if (price?.last != null) points.push({ at, ...price });
    const first = points.length ? points[0].at : at - 1;
    const trades = (this.trades.get(this.symbol) ?? []).filter((each) => each.at >= first && each.at <= at);
    const own = (side) => trades.filter((each) => each.side === side);
    const column = (name) => points.map((each) => each[name] ?? null);
    const [buys, sells] = [own("buy"), own("sell")];
    const times = (rows) => rows.map((each) => each.at);
    const prices = (rows) => rows.map((each) => each.price);
    const tables = [
      [times(points), column("mark"), column("bid"), column("ask"), column("last")],
      [times(buys), prices(buys)],
      [times(sells), prices(sells)],
    ];
    this.plot.setData(uPlot.join(tables.map(ordered)), true);
  }
}

// uPlot joins tables whose times ascend and differ.
function ordered([times, ...columns]) {
  let before = -Infinity;
  const moved = times.map((each) => (before = Math.max(each, before + 1e-6)));
  return [moved, ...columns];
}
