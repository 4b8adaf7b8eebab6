// Rings as rings: the newest sequence runs around, each reader follows on a track of its own.

import { byId, colourOf, element, list, put, svg } from "/web/dom.js";
import { duration, short, whole } from "/web/format.js";

const TRACK = 60;
const INNER = 46;
const STEP = 7;
const still = matchMedia("(prefers-reduced-motion: reduce)");

const at = (turn, radius) => [Math.sin(turn * 2 * Math.PI) * radius, -Math.cos(turn * 2 * Math.PI) * radius];

function arc(from, to, radius) {
  const length = Math.min(Math.max(to - from, 0), 0.9999);
  const [x, y] = at(to - length, radius);
  const [u, v] = at(to, radius);
  return `M${x} ${y}A${radius} ${radius} 0 ${length > 0.5 ? 1 : 0} 1 ${u} ${v}`;
}

function makeRing(ring) {
  const marks = Array.from({ length: 32 }, (_, number) => {
    const [[x, y], [u, v]] = [at(number / 32, TRACK - 5), at(number / 32, TRACK + 5)];
    return svg("line", { class: "mark", x1: x, y1: y, x2: u, y2: v });
  });
  const picture = svg("svg", { viewBox: "-74 -74 148 148", role: "img", "aria-label": `ring ${ring.name}` },
    svg("circle", { class: "track", r: TRACK, "stroke-width": 11 }), ...marks,
    svg("path", { class: "trail", "stroke-width": 5, "stroke-opacity": 0.55 }),
    svg("path", { class: "filled", "stroke-width": 11 }), svg("circle", { class: "cursor", r: 6.5 }), svg("g", {}),
    svg("text", { y: 0 }), svg("text", { class: "small", y: 14 }));
  const row = element("div", { class: "ring" }, picture,
    element("div", { class: "readers" }, element("b"), element("div", { class: "dim" }), element("div")));
  row.shown = new Map();
  return row;
}

const makeReader = () => element("div", { class: "reader" }, element("span"), element("span"));

function updateRing(row, ring, rate) {
  row.ring = ring;
  const [picture, readers] = row.children;
  const [name, place, lines] = readers.children;
  put(name, ring.name);
  put(place, `#${whole(ring.cursor)}`);
  const [figure, unit] = picture.querySelectorAll("text");
  put(figure, short(rate));
  put(unit, "events/s");
  list(lines, ring.consumers, (each) => each.name, makeReader, (line, each) => {
    line.style.setProperty("--colour", colourOf(each.name));
    put(line.children[0], each.name);
    put(line.children[1], `${short(Math.max(0, ring.cursor - each.at))} behind`);
  }, "no reader");
}

export function showRings(rings, rates) {
  list(byId("rings"), rings, (each) => each.name, makeRing, (row, each) => updateRing(row, each, rates?.[each.name]), "no ring");
}

// Between two moments everything glides to where it is known to be.
function glide(row, name, target) {
  const before = row.shown.get(name) ?? target;
  const reached = still.matches ? target : before + (target - before) * 0.14;
  row.shown.set(name, Math.abs(target - reached) < 0.01 ? target : reached);
  return row.shown.get(name);
}

function drawRing(row) {
  const { ring } = row;
  const [picture] = row.children;
  const cursor = glide(row, "", ring.cursor) / ring.capacity;
  const [x, y] = at(cursor, TRACK);
  const [head, group] = [picture.querySelector(".cursor"), picture.querySelector("g")];
  head.setAttribute("cx", x);
  head.setAttribute("cy", y);
  picture.querySelector(".trail").setAttribute("d", arc(cursor - 0.09, cursor, TRACK));
  const slowest = Math.min(ring.cursor, ...ring.consumers.map((each) => each.at));
  const lag = (ring.cursor - slowest) / ring.capacity;
  const filled = picture.querySelector(".filled");
  filled.setAttribute("d", lag > 0.002 ? arc(cursor - lag, cursor, TRACK) : "");
  while (group.children.length > ring.consumers.length) group.lastChild.remove();
  ring.consumers.forEach((each, place) => {
    const dot = group.children[place] ?? group.appendChild(svg("circle", { r: 4.2 }));
    const [u, v] = at(glide(row, each.name, each.at) / ring.capacity, INNER - place * STEP);
    dot.setAttribute("cx", u);
    dot.setAttribute("cy", v);
    dot.style.fill = colourOf(each.name);
  });
}

export function animate() {
  for (const row of byId("rings").children) if (row.ring) drawRing(row);
  requestAnimationFrame(animate);
}

// Hops on one scale of ten to the power of -6 to 1 seconds.
const LOW = -6;
const HIGH = 1;
const place = (seconds) => Math.min(1, Math.max(0, (Math.log10(Math.max(seconds, 1e-9)) - LOW) / (HIGH - LOW)));
const NAMES = { "→titan": "titan", "→sentinel": "sentinel", "→durable": "durable", commit: "one commit" };

const makeHop = () => element("div", { class: "hop" }, element("span"), element("div", { class: "scale" }, element("i")), element("span", { class: "num" }));

export function showHops(latencies) {
  const node = byId("hops");
  if (!node.parts) {
    node.parts = [element("div"), element("div", { class: "hop axis" }, element("span"), element("div"), element("span"))];
    ["1 µs", "1 ms", "1 s"].forEach((text) => node.parts[1].children[1].append(element("span", {}, text)));
    node.append(...node.parts);
  }
  const shown = latencies.filter((each) => each.name in NAMES && each.count);
  list(node.parts[0], shown, (each) => each.name, makeHop, (row, each) => {
    const [name, scale, figures] = row.children;
    const bar = scale.firstChild;
    put(name, NAMES[each.name]);
    bar.style.left = `${100 * place(each.p50 ?? 1)}%`;
    bar.style.width = `${100 * Math.max(0, place(each.p99 ?? 10) - place(each.p50 ?? 1))}%`;
    bar.style.setProperty("--colour", colourOf(each.name.replace("→", "").replace(/durable|commit/, "oracle")));
    put(figures, `${duration(each.p50)} – ${duration(each.p99)}`);
  }, "nothing measured yet");
}
