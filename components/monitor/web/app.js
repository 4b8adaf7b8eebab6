// One WebSocket brings a greeting, then moments; this file holds the newest state and shows it.

import { Chart } from "/web/chart.js";
import { byId, element, list, put } from "/web/dom.js";
import { fixed, short } from "/web/format.js";
import { showBook, showTape } from "/web/book.js";
import { animate, showHops, showRings } from "/web/pipeline.js";
import { showFigures, showJournal, showLiquidations, showPositions, showProcesses } from "/web/tables.js";

const RETRY_MS = 1000;
const TRADES_KEPT = 60;

const chart = new Chart(byId("chart"));
const state = { symbols: new Map(), symbol: null, trades: new Map() };
let numbered = 0;

function greet(greeting) {
  state.symbols = new Map(greeting.symbols.map((each) => [each.name, each]));
  put(byId("platform"), greeting.platform);
  put(byId("version"), `version ${greeting.version}`);
  document.title = `${greeting.platform} · live`;
  list(byId("symbols"), greeting.symbols, (each) => each.name, (each) => {
    const button = element("button", { type: "button" }, each.name);
    button.addEventListener("click", () => choose(each.name));
    return button;
  }, () => {}, "no symbol yet");
  if (!state.symbols.has(state.symbol)) choose(greeting.symbols[0]?.name ?? null);
}

function choose(name) {
  state.symbol = name;
  for (const button of byId("symbols").querySelectorAll("button")) button.setAttribute("aria-pressed", button.textContent === name);
  if (!name) return;
  chart.show(name, state.symbols.get(name).price);
  if (state.moment) show();
}

function take(moment) {
  for (const each of moment.trades) {
    each.key = ++numbered;
    if (!state.trades.has(each.symbol)) state.trades.set(each.symbol, []);
    const own = state.trades.get(each.symbol);
    own.push(each);
    if (own.length > TRADES_KEPT) own.shift();
  }
  chart.add(moment.points, moment.trades);
  state.moment = moment;
  const slow = moment.every_ms > 250;
  const link = byId("link");
  link.className = `link ${moment.up ? (slow ? "slow" : "") : "down"}`;
  put(link, moment.up ? (slow ? `every ${(moment.every_ms / 1000).toFixed(1)} s` : "live") : "the platform is down");
  if (!document.hidden) show();
}

function show() {
  const { moment, symbols } = state;
  const symbol = symbols.get(state.symbol);
  if (symbol) {
    const price = moment.prices[symbol.name];
    chart.draw(moment.at, price);
    showBook(moment.books[symbol.name], symbol, price);
    showTape(state.trades.get(symbol.name) ?? [], symbol);
    put(byId("price-now"), price?.last == null ? "" : fixed(price.last, symbol.price));
    put(byId("trade-rate"), `${short(moment.rates[symbol.name])}/s`);
  }
  showRings(moment.rings, moment.ring_rates);
  showHops(moment.latencies);
  showFigures(moment);
  showPositions(moment, symbols);
  showLiquidations(moment, symbols);
  showJournal(moment);
  showProcesses(moment);
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  socket.addEventListener("message", (message) => {
    const told = JSON.parse(message.data);
    if (told.kind === "greeting") greet(told);
    else take(told);
  });
  socket.addEventListener("close", () => {
    const link = byId("link");
    link.className = "link down";
    put(link, "the monitor does not answer; trying again");
    setTimeout(connect, RETRY_MS);
  });
}

byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const isDark = getComputedStyle(root).colorScheme === "dark";
  root.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  if (state.symbol) choose(state.symbol);
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && state.moment) show(); });
requestAnimationFrame(animate);
connect();
