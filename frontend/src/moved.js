// How far joints are moved by the attack, beside how far they move by themselves: shares at or below so many cm.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { percent, scaled, short } from "./told.js";

const LOOKS = {
  attack: { name: "moved by the attack", colour: "--attacked", width: 2.4 },
  noise: { name: "moved by random noise", colour: "--noise", dash: [3, 3] },
  between: { name: "by itself, from frame to frame", colour: "--actor" },
  over: { name: "by itself, over the sequence", colour: "--reactor" },
};

export class Moved {
  constructor(root, data) {
    this.data = data;
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("model", "Model attacked", data.models);
    this.controls.slider("eps", "Change of at most", data.told);
    this.chart = new Chart(root);
    this.draw();
  }

  draw() {
    const { moved, told, models, distances } = this.data;
    const [model, eps] = [this.controls.get("model"), this.controls.get("eps")];
    const lines = Object.keys(LOOKS).flatMap((kind) =>
      moved.lines
        .filter((one) => one.model === model && one.kind === kind && (one.eps === null || one.eps === eps))
        .map((one) => ({ ...LOOKS[kind], values: scaled(one.shares, 1e4), median: one.median / 100 })),
    );
    const [drawn, total] = distances.cases[model];
    const medians = lines.map((one) => `${one.name} ${short(one.median)} cm`).join("; ");
    this.chart.draw({
      told: `${models[model]}, at most ${told[eps]}; medians of a joint: ${medians}. ${drawn < total ? `Of ${drawn} of ${total} cases, drawn at random.` : `Of all ${total} cases.`}`,
      x: { values: moved.cm, label: "cm (logarithmic)", log: true, told: (one) => String(one), title: (one) => `at most ${short(one)} cm` },
      y: { label: "of joints", told: percent, range: () => [0, 1.02] },
      lines,
      heads: ["at most, cm", ...lines.map((one) => one.name)],
      rows: moved.cm.flatMap((cm, i) => (i % 8 ? [] : [[short(cm), ...lines.map((one) => percent(one.values[i]))]])),
    });
  }
}
