// Accounts, liquidations, journal and processes.

import { byId, colourOf, element, list, put } from "/web/dom.js";
import { clock, duration, fixed, money, percent, short, whole } from "/web/format.js";

const cells = (kind, count) => element("div", { class: kind }, ...Array.from({ length: count }, () => element("span")));

function gauge() {
  return element("div", { class: "gauge" }, element("div", { class: "bar" }, element("i"), element("s")), element("b"));
}

function setGauge(node, share, colour, text, mark) {
  const [bar, figure] = node.children;
  bar.firstChild.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  bar.firstChild.style.setProperty("--colour", `var(--${colour})`);
  bar.lastChild.style.left = mark ? `${100 * mark}%` : "-2px";
  put(figure, text);
}

const marginColour = (ratio) => (ratio >= 0.9 ? "sell" : ratio >= 0.6 ? "warn" : "buy");
const distanceColour = (distance) => (distance < 0.02 ? "sell" : distance < 0.06 ? "warn" : "buy");
const DISTANCE_SHOWN = 0.3;

function makePosition() {
  return element("div", { class: "position" }, element("b"), element("span"), gauge(), gauge(), element("span", { class: "num" }));
}

const HEAD = ["account", "position", "margin used", "distance to liquidation", "unrealised"];

export function showPositions(state, symbols) {
  const node = byId("positions");
  if (!node.parts) {
    const head = element("div", { class: "position head dim" }, ...HEAD.map((text) => element("span", {}, text)));
    head.lastChild.className = "num";
    node.parts = [head, element("div")];
    node.append(...node.parts);
  }
  list(node.parts[1], state.positions.slice(0, 12), (each) => `${each.account} ${each.symbol} ${each.isolated}`, makePosition, (row, each) => {
    const symbol = symbols.get(each.symbol);
    const [account, position, margin, distance, profit] = row.children;
    put(account, String(each.account));
    position.title = `entry ${fixed(each.entry, symbol.price)}`;
    put(position, `${each.side} ${fixed(each.qty, symbol.qty)} ${each.symbol} @ ${fixed(each.entry, symbol.price)}${each.isolated ? " isolated" : ""}`);
    const used = each.margin_ratio < 100 ? percent(each.margin_ratio) : "no equity";
    setGauge(margin, each.margin_ratio, marginColour(each.margin_ratio), used, 0.8);
    const away = each.distance === null ? "–" : each.distance > 9.99 ? "> 999 %" : percent(each.distance);
    setGauge(distance, (each.distance ?? DISTANCE_SHOWN) / DISTANCE_SHOWN, each.distance === null ? "faint" : distanceColour(each.distance), away);
    distance.title = each.liquidation_price === null ? "no price of this symbol alone" : `falls at ${fixed(each.liquidation_price, symbol.price)}`;
    profit.className = `num ${each.unrealised < 0 ? "sell" : "buy"}`;
    put(profit, (each.unrealised >= 0 ? "+" : "") + money(each.unrealised));
  }, "no open position");
  const totals = state.totals;
  put(byId("accounts"), `${whole(totals.sentinel_accounts_total ?? 0)} accounts · ${whole(totals.sentinel_accounts_at_risk ?? 0)} at risk · collateral ${short(totals.sentinel_collateral_usd)}`);
}

const seen = new Set();

export function showLiquidations(state, symbols) {
  const first = !seen.size;
  const key = (each) => `${each.sequence} ${each.account} ${each.symbol}`;
  list(byId("liquidations"), state.liquidations.slice(0, 10), key, (each) => {
    const row = cells("liquidation", 6);
    if (!first && !seen.has(key(each))) row.classList.add("new");
    seen.add(key(each));
    return row;
  }, (row, each) => {
    const symbol = symbols.get(each.symbol);
    const [at, what, loss, account, price, label] = row.children;
    put(at, clock(each.ts / 1e9));
    put(what, `${each.side === "buy" ? "short" : "long"} ${fixed(each.qty, symbol.qty)} ${each.symbol}`);
    loss.className = "num sell";
    put(loss, `−${money(each.loss)}`);
    [account, price, label].forEach((cell) => cell.classList.add("dim"));
    put(account, String(each.account));
    put(price, `at ${fixed(each.price, symbol.price)}`);
    put(label, `#${whole(each.sequence)}`);
  }, "none in this run");
  const fund = state.totals.sentinel_insurance_fund_usd;
  put(byId("fund"), fund === undefined ? "" : `insurance fund ${short(fund)}`);
}

export function showJournal(state) {
  const streams = Object.entries(state.journal?.streams ?? {}).map(([name, each]) => ({ name, ...each }));
  list(byId("journal"), streams, (each) => each.name, () => element("div", { class: "stream" }, element("b"), element("span"), element("code"), element("span", { class: "dim" })), (row, each) => {
    const [name, at, digest, late] = row.children;
    put(name, each.name);
    put(at, `#${whole(each.durable)}`);
    digest.title = `SHA-256 ${each.digest}`;
    put(digest, each.digest);
    put(late, each.sequence > each.durable ? `${whole(each.sequence - each.durable)} not yet on disk` : "on disk");
  }, "no journal");
  const commit = state.latencies.find((each) => each.name === "commit");
  const bytes = state.per_second.oracle_bytes_written;
  put(byId("commit"), `${short(bytes, "B")}/s · commit p99 ${duration(commit?.p99)}`);
}

const GOOD = ["running", "draining", "stopped"];

export function showProcesses(state) {
  list(byId("processes"), state.processes, (each) => each.name, () => element("div", { class: "process" }, element("b"), element("span"), gauge(), element("span", { class: "num" }), element("span", { class: "num dim" })), (row, each) => {
    const [name, pill, cpu, memory, restarts] = row.children;
    put(name, each.name);
    pill.className = GOOD.includes(each.state) ? "pill" : "pill bad";
    put(pill, each.state);
    setGauge(cpu, each.cpu ?? 0, "accent", each.cpu === null ? "–" : percent(each.cpu, 0));
    put(memory, short(each.resident_bytes, "B"));
    put(restarts, each.restarts ? `↻ ${each.restarts}` : "");
  }, "no process");
  const total = state.processes.reduce((sum, each) => sum + (each.cpu ?? 0), 0);
  put(byId("memory"), `${percent(total, 0)} of one CPU`);
}

const FIGURES = [
  ["orders/s", (s) => short(s.per_second.titan_orders_processed)],
  ["trades/s", (s) => short(s.per_second.titan_executions)],
  ["prices/s", (s) => short(s.per_second.price_feed_updates)],
  ["until titan, p99", (s) => duration(s.latencies.find((each) => each.name === "→titan")?.p99)],
  ["until durable, p99", (s) => duration(s.latencies.find((each) => each.name === "→durable")?.p99)],
  ["open orders", (s) => short(s.totals.titan_open_orders)],
  ["at risk", (s) => short(s.totals.sentinel_accounts_at_risk), (s) => (s.totals.sentinel_accounts_at_risk ? "warn" : "")],
  ["liquidations", (s) => short(s.totals.sentinel_liquidations), (s) => (s.totals.sentinel_liquidations ? "bad" : "")],
  ["insurance fund", (s) => short(s.totals.sentinel_insurance_fund_usd)],
];

export function showFigures(state) {
  list(byId("figures"), FIGURES, ([name]) => name, ([name]) => element("div", { class: "figure" }, element("b"), element("span", {}, name)), (row, [, value, mood]) => {
    put(row.firstChild, value(state));
    row.className = `figure ${mood?.(state) ?? ""}`;
  }, "");
}
