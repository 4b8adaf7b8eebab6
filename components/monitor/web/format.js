// Numbers as people read them; the same rules as the terminal view's.

const MAGNITUDES = [[1e4, 1, ""], [1e6, 1e3, "k"], [1e9, 1e6, "M"], [1e12, 1e9, "G"]];

export function short(value, unit = "") {
  if (value === null || value === undefined) return "–";
  const [, scale, suffix] = MAGNITUDES.find(([limit]) => Math.abs(value) < limit) ?? MAGNITUDES[3];
  const scaled = value / scale;
  const digits = Math.abs(scaled) >= 100 || Number.isInteger(scaled) ? 0 : 1;
  return scaled.toFixed(digits) + suffix + unit;
}

export function fixed(value, digits) {
  if (value === null || value === undefined) return "–";
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const whole = (value) => fixed(value, 0);
export const money = (value) => fixed(value, Math.abs(value) < 1e5 ? 2 : 0);

export function percent(fraction, digits = 1) {
  return fraction === null || fraction === undefined ? "–" : (100 * fraction).toFixed(digits) + " %";
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [size, unit] = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]].find(([s]) => seconds >= s) ?? [1e-9, "ns"];
  return `${Number((seconds / size).toPrecision(2))} ${unit}`;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");
