// The order-book ladder and the tape of trades.

import { byId, element, list, put } from "/web/dom.js";
import { clock, fixed } from "/web/format.js";

const LEVELS = 10;

function makeLevel(side) {
  return () => element("div", { class: `level ${side}` }, element("i"), element("span"), element("span"), element("span"));
}

function fill(row, level, symbol, most) {
  const [bar, price, qty, total] = row.children;
  bar.style.width = `${(100 * level.qty) / most}%`;
  price.className = level.side === "ask" ? "sell" : "buy";
  put(price, fixed(level.price, symbol.price));
  put(qty, fixed(level.qty, symbol.qty));
  put(total, fixed(level.total, symbol.qty));
}

function cumulated(levels, side) {
  let total = 0;
  return levels.slice(0, LEVELS).map(([price, qty], place) => ({ side, price, qty, place, total: (total += qty) }));
}

export function showBook(book, symbol, price) {
  const [asks, bids] = [cumulated(book?.asks ?? [], "ask"), cumulated(book?.bids ?? [], "bid")];
  const most = Math.max(1e-12, ...asks.map((each) => each.qty), ...bids.map((each) => each.qty));
  const node = byId("book");
  if (!node.parts) {
    node.parts = [element("div"), element("div", { class: "middle" }, element("span"), element("small")), element("div")];
    const head = element("div", { class: "level head" }, element("i"), element("span"), element("span"), element("span"));
    ["price", "quantity", "total"].forEach((name, at) => put(head.children[at + 1], name));
    node.append(head, ...node.parts);
  }
  const [above, middle, below] = node.parts;
  const key = (each) => each.place;
  list(above, asks.slice().reverse(), key, makeLevel("ask"), (row, each) => fill(row, each, symbol, most), "nobody sells");
  list(below, bids, key, makeLevel("bid"), (row, each) => fill(row, each, symbol, most), "nobody buys");
  put(middle.children[0], fixed(price?.last, symbol.price));
  put(middle.children[1], price?.mark == null ? "" : `mark ${fixed(price.mark, symbol.price)}`);
  const spread = price?.bid != null && price?.ask != null ? price.ask - price.bid : null;
  put(byId("spread"), spread === null ? "" : `spread ${fixed(spread, symbol.price)} · ${((1e4 * spread) / price.ask).toFixed(2)} bp`);
}

export function showTape(trades, symbol) {
  const newest = trades.slice(-26).reverse();
  list(
    byId("tape"), newest, (each) => each.key,
    () => element("div", { class: "trade" }, element("span"), element("span"), element("span")),
    (row, each) => {
      const [price, qty, at] = row.children;
      price.className = each.side;
      put(price, fixed(each.price, symbol.price));
      put(qty, fixed(each.qty, symbol.qty));
      put(at, clock(each.at));
    },
    "no trade yet",
  );
}
