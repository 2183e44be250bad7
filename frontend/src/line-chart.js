// A section of charts as feint/report/charts/chart.py describes it: controls, and the chart that is shown.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { FORMATS } from "./format.js";
import { OutcomeBars } from "./outcome-bars.js";

/** How a line of a description is drawn by Chart. */
export function look({ name, colour, width, dashed, marker, fill }) {
  return {
    name,
    colour: `--${colour}`,
    width,
    fill,
    dash: dashed ? [7, 4] : undefined,
    dots: Boolean(marker),
    only: width === 0,
    hollow: marker === "ring",
  };
}

/** How an axis of a description is drawn by Chart. */
export function axis({ label, format, tip, low, high, log, above }) {
  const text = FORMATS[format];
  return {
    label,
    log,
    text,
    title: (value) => tip.replace("{}", text(value)),
    range: low === null && high === null ? undefined : (_, first, last) => [low ?? first, high ?? (last || 1) * 1.02],
    above: above && { label: above[0], factor: above[1] },
  };
}

export class LineChart {
  constructor(root, { controls, charts }) {
    this.charts = charts;
    this.options = controls;
    this.controls = new Controls(root, () => this.draw());
    if (charts.length > 1) this.controls.list("view", "Shown", charts.map((one) => one.view));
    for (const { name, label, options, slider } of controls) this.controls[slider ? "slider" : "list"](name, label, options);
    this.bars = charts.some((one) => one.bars.length) ? new OutcomeBars(root) : null;
    this.chart = new Chart(root);
    this.draw();
  }

  /** Whether something is shown under the options that are chosen. */
  shown(at) {
    return Object.entries(at).every(([name, option]) => this.controls.get(name) === option);
  }

  draw() {
    const chart = this.charts[this.charts.length > 1 ? this.controls.get("view") : 0];
    for (const { name, options, slider } of this.options) {
      this.controls.show(name, chart.controls.includes(name) && (slider || options.length > 1));
    }
    const curves = chart.curves.filter(({ at }) => this.shown(at));
    const { x, lines } = chart.lines.some((one) => one.width) ? strokes(chart, curves) : points(chart, curves);
    this.bars?.draw(chart.bars.filter(({ at }) => this.shown(at)));
    const y = axis(chart.y);
    const table = chart.tables.find(({ at }) => this.shown(at)) ?? numbers(chart, x, lines, y);
    this.chart.draw({
      text: chart.texts.find(({ at }) => this.shown(at))?.text ?? "",
      empty: chart.empty,
      x: { ...axis(chart.x), values: x },
      y,
      lines,
      heads: table.heads,
      rows: table.rows,
    });
  }
}

/** Lines over all places where any of them has a value; a step holds until the next one. */
function strokes(chart, curves) {
  const x = [...new Set(curves.flatMap((one) => one.x))].sort((a, b) => a - b);
  const text = FORMATS[chart.y.format];
  const lines = curves
    .slice()
    .sort((a, b) => a.line - b.line)
    .map((curve) => {
      const place = new Map(curve.x.map((value, i) => [value, i]));
      const spread = (values) => {
        let last = null;
        return x.map((at) => {
          const value = place.has(at) ? values[place.get(at)] ?? null : chart.steps ? last : null;
          last = value;
          return value;
        });
      };
      const [values, low, high] = [curve.y, curve.low, curve.high].map(spread);
      const band = curve.low.length > 0;
      return {
        ...look(chart.lines[curve.line]),
        stepped: chart.steps,
        values,
        low: band ? low : undefined,
        high: band ? high : undefined,
        text: (i) => text(values[i]) + (band ? ` (${text(low[i])}-${text(high[i])})` : ""),
      };
    });
  return { x, lines };
}

/** Points, each at a place of its own: two lines may have a point above the same x. */
function points(chart, curves) {
  const all = curves.flatMap((curve) => curve.x.map((x, i) => ({ x, y: curve.y[i], line: curve.line })));
  all.sort((a, b) => a.x - b.x);
  const lines = chart.lines.map((line, k) => ({ ...look(line), values: all.map((one) => (one.line === k ? one.y : null)) }));
  return { x: all.map((one) => one.x), lines: lines.filter((one) => one.values.some((value) => value !== null)) };
}

function numbers(chart, x, lines, y) {
  const band = lines.some((one) => one.low);
  const { text } = axis(chart.x);
  return {
    heads: [chart.x.label, ...lines.flatMap((one) => (band ? [one.name, "quartiles"] : [one.name]))],
    rows: x.map((value, i) => [
      text(value),
      ...lines.flatMap((one) => {
        const middle = y.text(one.values[i] ?? NaN);
        return band ? [middle, one.low ? `${y.text(one.low[i] ?? NaN)}-${y.text(one.high[i] ?? NaN)}` : ""] : [middle];
      }),
    ]),
  };
}
