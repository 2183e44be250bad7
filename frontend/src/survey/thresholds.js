// The researcher's table of thresholds: all estimators, and the psychometric one's interval.
import { element } from "./dom.js";
import { drawn, number } from "./votes.js";

const WIDTH = 220;
const HEIGHT = 26;

/** @param results `Estimate.results()`. */
export function thresholds(results) {
  const { judges, answers, objectives, pooled, agreement, detection, warnings } = results;
  const out = judges.excluded ? `, ${judges.excluded} excluded` : "";
  const rows = objectives.map((one) => ({
    name: `${one.action} → ${one.reaction}`, more: one.model, judges: one.judges,
    paper: one.tolerance.paper, minimum: one.tolerance.minimum, fit: one.tolerance.psychometric.sum,
    distances: one.distances,
  }));
  const every = { name: "All together", more: "", judges: judges.counted, fit: pooled.sum };
  const top = Math.max(1, ...objectives.flatMap((one) => one.distances));
  const lines = rows.length > 1 && every.fit ? [...rows, every] : rows;
  return [
    element(
      "p", { class: "soft" },
      `${judges.counted} judges counted${out}; ${answers.given} answers, ${answers.missing} missing. ${judges.rule}`,
    ),
    element("div", { class: "wide" }, table(
      ["Objective", "Half recognise it", "95 % interval", "", "Most voted", "Minimum", "Judges"],
      lines.map((one) => [
        element("span", {}, one.name, ...(one.more ? [element("span", { class: "soft" }, ` ${one.more}`)] : [])),
        number(one.fit?.distance, 4), interval(one.fit), picture(one, top),
        number(one.paper, 4), number(one.minimum, 4), one.judges,
      ]),
    )),
    element("p", { class: "soft" }, "Distances are equation 7, summed over a sequence. Most voted and minimum: two interpretations of the paper."),
    agreed(agreement),
    ...(detection.length ? [naturalness(detection)] : []),
    ...warnings.map(({ message }) => element("p", { class: "warning" }, message)),
  ];
}

function table(names, rows) {
  const cell = (tag, content, i, more = {}) => {
    const inside = content instanceof Node ? content : String(content);
    return element(tag, { class: i ? "n" : "", ...more }, inside);
  };
  const head = element("tr", {}, ...names.map((name, i) => cell("th", name, i, { scope: "col" })));
  const body = rows.map((row) => element("tr", {}, ...row.map((one, i) => cell("td", one, i))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

/** An interval in words; an end that is null is open. */
function interval(fit) {
  if (!fit || (fit.low === null && fit.high === null)) return "–";
  if (fit.low === null) return `up to ${number(fit.high, 3)}`;
  if (fit.high === null) return `${number(fit.low, 3)} and more`;
  return `${number(fit.low, 3)} to ${number(fit.high, 3)}`;
}

/** A line with the distances that were shown, the threshold and its interval. */
function picture({ distances = [], fit, paper = null }, top) {
  const svg = drawn(null, "svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "line", "aria-hidden": "true" });
  const x = (value) => 6 + (WIDTH - 12) * Math.min(Math.max(value / top, 0), 1.02);
  const middle = HEIGHT / 2;
  drawn(svg, "line", { x1: 6, x2: WIDTH - 6, y1: middle, y2: middle, class: "floor" });
  for (const one of distances) drawn(svg, "line", { x1: x(one), x2: x(one), y1: middle - 4, y2: middle + 4, class: "floor" });
  if (paper !== null) drawn(svg, "circle", { cx: x(paper), cy: middle, r: 6, class: "ring" });
  if (fit && (fit.low !== null || fit.high !== null)) {
    drawn(svg, "line", { x1: x(fit.low ?? 0), x2: x(fit.high ?? top * 1.02), y1: middle, y2: middle, class: "spread" });
  }
  if (fit && fit.distance !== null) drawn(svg, "circle", { cx: x(fit.distance), cy: middle, r: 4.5, class: "vote" });
  return svg;
}

function agreed({ leftmost, naming }) {
  const texts = [["the leftmost clip", leftmost], ["naming", naming]]
    .filter(([, one]) => one)
    .map(([name, one]) => `${number(one.alpha, 2)} for ${name}${one.low === null ? "" : ` (${number(one.low, 2)} to ${number(one.high, 2)})`}`);
  return element("p", {}, `Agreement, Krippendorff's alpha: ${texts.join(", ")}.`);
}

function naturalness(detection) {
  const rows = detection.map((one) => [
    number(one.eps, 3), `${one.right} of ${one.answers}`, percent(one.share),
    `${percent(one.low)} to ${percent(one.high)}`,
  ]);
  return element(
    "div", { class: "wide" },
    element("p", {}, "Which actor was changed (chance: 50 %):"),
    table(["eps", "Right", "Share", "95 % interval"], rows),
  );
}

const percent = (share) => (share === null ? "–" : `${Math.round(100 * share)} %`);
