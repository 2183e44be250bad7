// Numbers as colours, and the ends and ticks of a scale.

// The middle of matplotlib's plasma: its lightness rises evenly, so colour-blind readers can use it.
const STOPS = [
  "#2a0593", "#5601a4", "#7e03a8", "#a11b9b", "#bf3984", "#d6556d", "#ea7457", "#f89540", "#feba2c",
];

export const ramp = `linear-gradient(to right, ${STOPS.join(", ")})`;

/** The colour of a share between 0 and 1, as [red, green, blue] between 0 and 1 (sRGB). */
export function colour(share) {
  const place = Math.min(Math.max(share || 0, 0), 1) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  const [from, to] = [channels(STOPS[low]), channels(STOPS[low + 1])];
  return from.map((value, i) => value + (place - low) * (to[i] - value));
}

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
}

/** The smallest of 1, 2, 3, 5 (times a power of ten) that `value` fits under. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * ten).find((n) => n >= value * 0.9999);
}

/** Steps from 0 to `top`, at most four of them. */
export function ticks(top) {
  const step = roundUp(top / 4);
  const count = Math.floor(top / step + 1e-6);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}
