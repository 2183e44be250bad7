// A bar chart of one objective's votes: a bar for each panel, with its eps and distance below.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 372;
const HEIGHT = 182;
const LEFT = 54;
const TOP = 18;
const FLOOR = 140;

/** An SVG element. */
export function drawn(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/** A number with so many digits; a dash for null. */
export const number = (value, digits) =>
  value === null || value === undefined ? "–" : String(Number(value.toPrecision(digits)));

/** @param objective an objective, as /api/admin/progress sends it. */
export function chart(objective) {
  const { votes, eps, distances, none, missing } = objective;
  const bars = [
    ...votes.map((count, i) => ({ count, under: [number(eps[i], 3), number(distances[i], 3)], kind: "vote" })),
    { count: none, under: ["none"], kind: "none" },
    { count: missing, under: ["missing"], kind: "missing" },
  ];
  const most = Math.max(1, ...bars.map((one) => one.count));
  const pitch = (WIDTH - LEFT - 14) / (bars.length + 0.5);
  const svg = drawn(null, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": description(objective) });
  drawn(svg, "line", { x1: LEFT - 4, x2: WIDTH, y1: FLOOR, y2: FLOOR, class: "floor" });
  drawn(svg, "text", { x: 0, y: FLOOR + 18, class: "soft" }, "eps");
  drawn(svg, "text", { x: 0, y: FLOOR + 36, class: "soft" }, "distance");
  bars.forEach(({ count, under, kind }, i) => {
    const middle = LEFT + pitch * (i + 0.5 + (kind === "vote" ? 0 : 0.5));
    const tall = ((FLOOR - TOP) * count) / most;
    const wide = Math.min(0.72 * pitch, 34);
    drawn(svg, "rect", { x: middle - wide / 2, y: FLOOR - tall, width: wide, height: tall, class: kind });
    drawn(svg, "text", { x: middle, y: FLOOR - tall - 5, class: "count" }, String(count));
    under.forEach((text, line) => {
      const at = kind === "missing" ? FLOOR + 36 : FLOOR + 18 + 18 * line;
      drawn(svg, "text", { x: middle, y: at, class: line ? "soft under" : "under" }, text);
    });
  });
  return svg;
}

function description({ votes, eps, distances, none, missing }) {
  const counts = votes.map((count, i) => `${count} at eps ${number(eps[i], 3)} (distance ${number(distances[i], 4)})`);
  return `Votes: ${counts.join(", ")}; ${none} none of them, ${missing} missing.`;
}
