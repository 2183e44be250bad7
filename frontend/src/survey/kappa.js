// Kappa as it is now: what the estimators tell, with the psychometric one's interval.
import { made } from "./dom.js";
import { drawn, number } from "./votes.js";

const WIDTH = 220;
const HEIGHT = 26;

/** @param told `Estimate.told()`. */
export function kappa(told) {
  const { judges, answers, objectives, pooled, agreement, which, warnings } = told;
  const out = judges.excluded ? `, ${judges.excluded} left out` : "";
  const rows = objectives.map((one) => ({
    name: `${one.action} → ${one.reaction}`, more: one.model, judges: one.judges,
    paper: one.kappa.paper, minimum: one.kappa.minimum, fit: one.kappa.psychometric.sum,
    distances: one.distances,
  }));
  const every = { name: "All together", more: "", judges: judges.counted, fit: pooled.sum };
  const top = Math.max(1, ...objectives.flatMap((one) => one.distances));
  const lines = rows.length > 1 && every.fit ? [...rows, every] : rows;
  return [
    made(
      "p", { class: "soft" },
      `${judges.counted} judges counted${out}; ${answers.given} answers, ${answers.missing} missing. ${judges.rule}`,
    ),
    made("div", { class: "wide" }, table(
      ["Objective", "Half recognise it", "95 % interval", "", "Most voted", "Minimum", "Judges"],
      lines.map((one) => [
        made("span", {}, one.name, ...(one.more ? [made("span", { class: "soft" }, ` ${one.more}`)] : [])),
        number(one.fit?.kappa, 4), interval(one.fit), picture(one, top),
        number(one.paper, 4), number(one.minimum, 4), one.judges,
      ]),
    )),
    made("p", { class: "soft" }, "Distances are equation 7, summed over a sequence. Most voted and minimum: the paper's two readings."),
    agreed(agreement),
    ...(which.length ? [natural(which)] : []),
    ...warnings.map((one) => made("p", { class: "warning" }, one)),
  ];
}

function table(names, rows) {
  const cell = (tag, content, i, more = {}) => {
    const inside = content instanceof Node ? content : String(content);
    return made(tag, { class: i ? "n" : "", ...more }, inside);
  };
  const head = made("tr", {}, ...names.map((name, i) => cell("th", name, i, { scope: "col" })));
  const body = rows.map((row) => made("tr", {}, ...row.map((one, i) => cell("td", one, i))));
  return made("table", {}, made("thead", {}, head), made("tbody", {}, ...body));
}

/** An end that is not known is no end. */
function interval(fit) {
  if (!fit || (fit.low === null && fit.high === null)) return "–";
  if (fit.low === null) return `up to ${number(fit.high, 3)}`;
  if (fit.high === null) return `${number(fit.low, 3)} and more`;
  return `${number(fit.low, 3)} to ${number(fit.high, 3)}`;
}

/** The distances that were shown, and kappa with its interval among them. */
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
  if (fit && fit.kappa !== null) drawn(svg, "circle", { cx: x(fit.kappa), cy: middle, r: 4.5, class: "vote" });
  return svg;
}

function agreed({ leftmost, naming }) {
  const told = [["the leftmost clip", leftmost], ["naming", naming]]
    .filter(([, one]) => one)
    .map(([name, one]) => `${number(one.alpha, 2)} for ${name}${one.low === null ? "" : ` (${number(one.low, 2)} to ${number(one.high, 2)})`}`);
  return made("p", {}, `Agreement, Krippendorff's alpha: ${told.join(", ")}.`);
}

function natural(which) {
  const rows = which.map((one) => [
    number(one.eps, 3), `${one.right} of ${one.answers}`, percent(one.share),
    `${percent(one.low)} to ${percent(one.high)}`,
  ]);
  return made(
    "div", { class: "wide" },
    made("p", {}, "Which actor was tampered with (half are right by chance):"),
    table(["eps", "Right", "Share", "95 % interval"], rows),
  );
}

const percent = (share) => (share === null ? "–" : `${Math.round(100 * share)} %`);
