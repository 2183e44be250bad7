// How far the answers are from the target: frame by frame, or against eps.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { scaled, short } from "./told.js";

const LOOKS = {
  attack: { name: "attack", colour: "--attacked", width: 2.4 },
  noise: { name: "random noise", colour: "--noise" },
  none: { name: "no attack", colour: "--clean", dash: [7, 4], width: 1.6, fill: 0.09 },
};
const KINDS = Object.keys(LOOKS);
const between = (low, middle, high) => `${short(middle)} (${short(low)}-${short(high)})`;

export class Distances {
  constructor(root, data) {
    this.data = data;
    const { spreads } = data.distances;
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("model", "Model that answers", data.models);
    this.controls.list("view", "Shown", ["frame by frame", ...spreads.map((one) => `against eps, ${one.unit === "of the tolerance" ? "in tolerances" : one.unit}`)]);
    this.controls.slider("eps", "Change of at most", data.told);
    this.chart = new Chart(root);
    this.draw();
  }

  draw() {
    const view = this.controls.get("view");
    this.controls.show("eps", !view);
    if (view) this.overEps(this.data.distances.spreads[view - 1]);
    else this.overTime();
  }

  overTime() {
    const [model, eps] = [this.controls.get("model"), this.controls.get("eps")];
    const { distances, told, models } = this.data;
    const here = KINDS.flatMap((kind) => distances.courses.filter((one) => one.model === model && one.kind === kind && (one.eps === null || one.eps === eps)));
    const frames = [...new Set(here.flatMap((one) => one.frames))].sort((a, b) => a - b);
    const lines = here.map((one) => {
      const place = new Map(one.frames.map((frame, i) => [frame, i]));
      const spread = (name) => {
        const values = scaled(one[name], one.steps);
        return frames.map((frame) => values[place.get(frame)] ?? null);
      };
      const [low, values, high] = ["low", "middle", "high"].map(spread);
      return { ...LOOKS[one.kind], values, low, high, told: (i) => between(low[i], values[i], high[i]) };
    });
    const clean = here.find((one) => one.kind === "none");
    const cases = new Map(clean?.frames.map((frame, i) => [frame, clean.cases[i]]));
    const [drawn, total] = distances.cases[model];
    const unit = distances.unit;
    const ends = lines.map((one) => `${one.name} ${short(one.values.filter((value) => value !== null).at(-1) ?? NaN)}`);
    this.chart.draw({
      told: `${models[model]}, at most ${told[eps]}: median distance to the target at the last frame shown, in ${unit}: ${ends.join(", ")}. ${drawn < total ? `Of ${drawn} of ${total} cases, drawn at random.` : `Of all ${total} cases.`}`,
      x: { values: frames, label: "frame", told: (one) => String(one + 1), title: (one) => `frame ${one + 1}, ${(one / distances.fps).toFixed(2)} s, ${cases.get(one) ?? "few"} cases` },
      y: { label: `to the target, ${unit}`, told: short },
      lines,
      heads: ["frame", ...lines.flatMap((one) => [one.name, "quartiles"])],
      rows: frames.map((frame, i) => [String(frame + 1), ...lines.flatMap((one) => (one.values[i] === null ? ["–", "–"] : [short(one.values[i]), `${short(one.low[i])}-${short(one.high[i])}`]))]),
    });
  }

  overEps({ unit, lines: every }) {
    const model = this.controls.get("model");
    const { eps, told, unit: epsUnit, depth, models } = this.data;
    const mine = every.filter((one) => one.model === model);
    const clean = mine.find((one) => one.kind === "none");
    const values = [0, ...eps];
    const lines = KINDS.flatMap((kind) => {
      const some = mine.filter((one) => one.kind === kind);
      if (!some.length) return [];
      const at = values.map((_, i) => {
        const one = kind === "none" || !i ? clean : some.find((other) => other.eps === i - 1);
        return one && scaled(one.quartiles, 1000);
      });
      const part = (i) => at.map((one) => one?.[i] ?? null);
      return [{ ...LOOKS[kind], dots: kind !== "none", values: part(1), low: part(0), high: part(2), told: (i) => (at[i] ? between(...at[i]) : "–") }];
    });
    const limit = unit === "of the tolerance" ? [{ name: "the tolerance", colour: "--reactor", width: 1.4, values: values.map(() => 1), told: () => "below 1 an answer counts" }] : [];
    const last = (line) => `${line.name} ${short(line.values.at(-1) ?? NaN)}`;
    this.chart.draw({
      told: lines.length ? `${models[model]}, at most ${told[told.length - 1]}: median distance to the target over all sequences and targets, ${unit === "of the tolerance" ? "in tolerances" : `in ${unit}`}: ${lines.map(last).join(", ")}.` : "",
      x: { values, label: `eps (${epsUnit})`, told: short, title: (_, i) => (i ? `at most ${told[i - 1]}` : "eps 0"), range: (_, low, high) => [0, (high || 1) * 1.02], above: depth && { label: `cm along ${depth[0]}`, factor: depth[1] } },
      y: { label: unit === "of the tolerance" ? "distance / tolerance" : `to the target, ${unit}`, told: short },
      lines: lines.length ? [...lines, ...limit] : [],
      heads: [`eps (${epsUnit})`, ...lines.flatMap((one) => [one.name, "quartiles"])],
      rows: values.map((value, i) => [short(value), ...lines.flatMap((one) => (one.values[i] === null ? ["–", "–"] : [short(one.values[i]), `${short(one.low[i])}-${short(one.high[i])}`]))]),
    });
  }
}
