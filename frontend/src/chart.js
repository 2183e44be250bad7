// Draws one chart: uPlot, a legend that switches lines, a tooltip, arrow keys, and the numbers as a table.
// What is drawn comes from line-chart.js and success.js.
import uPlot from "uplot";
import style from "uplot/dist/uPlot.min.css";
import { element, table } from "./dom.js";

document.head.append(element("style", {}, style));

const redraws = [];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((one) => one()));

/** Whether anything can be drawn; without it the page keeps its pictures. */
export const able = () => Boolean(document.createElement("canvas").getContext("2d"));

export class Chart {
  /**
   * @param root where it is put: .plot, .legend and so on are made in it.
   * A description: {
   *   text: a sentence that says what is seen, empty: why there is nothing to see,
   *   x: {values, label, log, above: {label, factor}, range, text(value)},
   *   y: {label, text(value), range, above(value, index)},
   *   lines: [{name, values, low, high, colour, dash, width, dots, only (dots alone), size, hollow, stepped, fill (opacity of the band), text(i)}],
   *   heads, rows: the numbers as a table.
   * } colours are names of CSS variables.
   */
  constructor(root) {
    this.root = root;
    this.hidden = new Set();
    this.legend = element("p", { class: "legend", role: "group", "aria-label": "Lines, each can be switched off" });
    this.plot = element("div", { class: "plot", tabindex: "0", role: "img" });
    this.tip = element("div", { class: "tip", role: "status" });
    this.tip.hidden = true;
    this.empty = element("p", { class: "empty" });
    this.summary = element("p", { class: "summary", "aria-live": "polite" });
    this.details = element("details");
    this.table = element("div", { class: "wide", role: "region", "aria-label": "The numbers of this chart", tabindex: "0" });
    this.details.append(element("summary", {}, "The numbers"), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    root.append(this.legend, this.plot, this.empty, this.summary, this.details);
    this.plot.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("blur", () => this.leave());
    new ResizeObserver(() => this.resize()).observe(this.plot);
    redraws.push(() => this.description && this.draw(this.description));
  }

  draw(description) {
    this.description = description;
    this.uplot?.destroy();
    this.uplot = undefined;
    this.plot.replaceChildren();
    const empty = !description.lines.length || !description.x.values.length;
    for (const one of [this.legend, this.plot, this.details]) one.hidden = empty;
    this.empty.hidden = !empty;
    this.empty.textContent = description.empty ?? "There is nothing to draw.";
    this.summary.textContent = description.text ?? "";
    this.tabulate();
    if (empty) return;
    this.plot.setAttribute("aria-label", `Chart. ${description.text} Left and right read its values; they are in a table below, too.`);
    this.legend.replaceChildren(...description.lines.map((line) => this.switch(line)));
    this.uplot = new uPlot(this.options(), this.data(), this.plot);
    this.tip.hidden = true;
    this.uplot.over.append(this.tip);
  }

  colour(name, alpha = 1) {
    const colour = getComputedStyle(this.root).getPropertyValue(name).trim();
    return alpha === 1 ? colour : colour + Math.round(255 * alpha).toString(16).padStart(2, "0");
  }

  get size() {
    const width = Math.max(this.plot.clientWidth, 200);
    return { width, height: Math.round(Math.min(Math.max(width * 0.5, 260), 380)) };
  }

  resize() {
    const size = this.size;
    if (this.uplot && this.uplot.width !== size.width) this.uplot.setSize(size);
  }

  data() {
    const { x, lines } = this.description;
    const none = x.values.map(() => null);
    return [x.values, ...lines.flatMap(({ values, low, high }) => [low ?? none, high ?? none, values])];
  }

  options() {
    const { x, y, lines } = this.description;
    const [ink, line, grid] = ["--soft", "--line", "--grid"].map((name) => this.colour(name));
    const font = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
    const axis = { stroke: ink, font, labelFont: font, labelSize: 20, ticks: { stroke: line, size: 5 }, grid: { stroke: grid, width: 1 } };
    const text = x.text;
    const axes = [
      { ...axis, label: x.label, size: 30, space: 44, values: (_, at) => at.map((one) => (one === null ? "" : text(one))), grid: { show: false } },
      { ...axis, label: y.label, size: 52, values: (_, at) => at.map(y.text) },
    ];
    if (x.above) {
      const above = (one) => String(Number((one * x.above.factor).toPrecision(3)));
      axes.push({ ...axis, scale: "x", side: 0, label: x.above.label, size: 30, space: 44, values: (_, at) => at.map(above), grid: { show: false } });
    }
    const shown = (one) => !this.hidden.has(one.name);
    return {
      ...this.size,
      padding: [10, 14, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { show: lines.every((one) => !one.only) } },
      scales: {
        x: { time: false, distr: x.log ? 3 : 1, range: x.range ?? (() => this.span()) },
        y: { range: y.range ?? ((_, low, high) => [Math.min(low ?? 0, 0), (high || 1) * 1.05]) },
      },
      axes,
      bands: lines.flatMap((one, i) => (one.low ? [{ series: [3 * i + 2, 3 * i + 1], fill: this.colour(one.colour, one.fill ?? 0.18) }] : [])),
      series: [
        {},
        ...lines.flatMap((one) => {
          const colour = this.colour(one.colour);
          const edge = { show: shown(one), stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
          const size = one.size ?? 7;
          return [
            edge,
            { ...edge },
            {
              show: shown(one),
              stroke: colour,
              width: one.width ?? 2,
              dash: one.dash,
              spanGaps: true,
              paths: one.only ? () => null : one.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
              points: { show: Boolean(one.dots || one.only), size, width: one.hollow ? 1.2 : 0, stroke: colour, fill: one.hollow ? this.colour("--card") : colour },
            },
          ];
        }),
      ],
      hooks: { setCursor: [(u) => this.point(u)] },
    };
  }

  /** From the first to the last place where a line that is shown has a value. */
  span() {
    const { x, lines } = this.description;
    const shown = lines.filter((one) => !this.hidden.has(one.name));
    const there = x.values.filter((_, i) => shown.some(({ values }) => values[i] !== null));
    const [low, high] = there.length ? [there[0], there.at(-1)] : [x.values[0], x.values.at(-1)];
    const more = lines.some((one) => one.only) ? (high - low) * 0.02 : 0;
    return low === high ? [low - 0.5, high + 0.5] : [low - more, high + more];
  }

  switch(line) {
    const button = element("button", { type: "button", "aria-pressed": String(!this.hidden.has(line.name)) });
    const mark = element("i", { class: line.only ? (line.hollow ? "ring" : "dot") : line.dash ? "dashed" : "full" });
    mark.style.color = `var(${line.colour})`;
    button.append(mark, line.name);
    button.addEventListener("click", () => {
      this.hidden[this.hidden.has(line.name) ? "delete" : "add"](line.name);
      button.setAttribute("aria-pressed", String(!this.hidden.has(line.name)));
      const first = 3 * this.description.lines.indexOf(line) + 1;
      for (const i of [first, first + 1, first + 2]) this.uplot.setSeries(i, { show: !this.hidden.has(line.name) });
      if (line.only) this.uplot.setScale("x", Object.fromEntries(this.span().map((end, i) => [i ? "max" : "min", end])));
    });
    return button;
  }

  /** The tooltip where the cursor is: every line's value there. */
  point(u) {
    const { left } = u.cursor;
    const idx = this.nearest(u);
    if (idx === null || idx === undefined || left < 0) {
      this.tip.hidden = true;
      return;
    }
    this.at = idx;
    const { x, y, lines } = this.description;
    const title = element("b", {}, (x.title ?? x.text)(x.values[idx], idx));
    const values = lines.flatMap((line) => {
      if (this.hidden.has(line.name) || line.values[idx] === null || line.values[idx] === undefined) return [];
      const mark = element("i", { class: line.dash ? "dashed" : "full" });
      mark.style.color = `var(${line.colour})`;
      const one = element("span");
      one.append(mark, `${line.name}: ${line.text ? line.text(idx) : y.text(line.values[idx])}`);
      return [one];
    });
    this.tip.hidden = !values.length;
    this.tip.replaceChildren(title, ...values);
    const width = u.over.clientWidth;
    const at = u.valToPos(x.values[idx], "x");
    const beside = at > width / 2 ? at - this.tip.offsetWidth - 10 : at + 10;
    this.tip.style.left = `${Math.max(0, Math.min(beside, width - this.tip.offsetWidth))}px`;
    this.tip.style.top = "6px";
  }

  /** The place in the data under the cursor; of dots the one that is nearest to it. */
  nearest(u) {
    const { x, lines } = this.description;
    const { idx, left, top } = u.cursor;
    if (!lines.every((one) => one.only) || this.typing || left < 0) return idx;
    let [best, nearest] = [idx, Infinity];
    for (const line of lines.filter((one) => !this.hidden.has(one.name))) {
      line.values.forEach((value, i) => {
        if (value === null) return;
        const far = Math.hypot(u.valToPos(x.values[i], "x") - left, u.valToPos(value, "y") - top);
        if (far < nearest) [best, nearest] = [i, far];
      });
    }
    return nearest < 30 ? best : null;
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") this.leave();
    if (step === undefined || !this.uplot) return;
    event.preventDefault();
    const { values } = this.description.x;
    const now = this.tip.hidden ? (step > 0 ? -1 : values.length) : this.at;
    const at = Math.min(Math.max(now + step, 0), values.length - 1);
    this.typing = true;
    this.uplot.setCursor({ left: this.uplot.valToPos(values[at], "x"), top: 10 });
    this.typing = false;
  }

  leave() {
    this.uplot?.setCursor({ left: -10, top: -10 });
    this.tip.hidden = true;
  }

  tabulate() {
    if (!this.details.open || !this.description) return;
    const { heads, rows } = this.description;
    this.table.replaceChildren(table(heads, rows));
  }
}
