// The votes of one objective: a bar for every panel, its eps and its distance under it.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 372;
const HEIGHT = 182;
const LEFT = 54;
const TOP = 18;
const FLOOR = 140;

/** An element of a drawing. */
export function drawn(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/** To so many digits; a dash for what is not known. */
export const number = (value, digits) =>
  value === null || value === undefined ? "–" : String(Number(value.toPrecision(digits)));

/** @param told an objective of the progress. */
export function chart(told) {
  const { votes, eps, distances, none, missing } = told;
  const bars = [
    ...votes.map((count, i) => ({ count, under: [number(eps[i], 3), number(distances[i], 3)], kind: "vote" })),
    { count: none, under: ["none"], kind: "none" },
    { count: missing, under: ["missing"], kind: "missing" },
  ];
  const most = Math.max(1, ...bars.map((one) => one.count));
  const pitch = (WIDTH - LEFT - 14) / (bars.length + 0.5);
  const svg = drawn(null, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": said(told) });
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

function said({ votes, eps, distances, none, missing }) {
  const told = votes.map((count, i) => `${count} at eps ${number(eps[i], 3)} (distance ${number(distances[i], 4)})`);
  return `Votes: ${told.join(", ")}; ${none} none of them, ${missing} missing.`;
}
