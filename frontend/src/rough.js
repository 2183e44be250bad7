// What an attack closes of the distance, against how much rougher it makes the motion: a point a row.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { percent, short } from "./told.js";

/** What a row's kind is called, and how its dots look: the attack's full where they count. */
function looks(kinds) {
  return kinds.flatMap((name, kind) =>
    name === "attack"
      ? [
          { name: "attack, counts as the target", kind, reached: "1", colour: "--attacked", size: 7 },
          { name: "attack, does not count", kind, reached: "0", colour: "--attacked", size: 7, hollow: true },
        ]
      : [{ name: name.replace("-", " "), kind, colour: "--noise", size: 5, hollow: kind > 1 }],
  );
}

export class Rough {
  constructor(root, data) {
    this.data = data;
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("model", "Model attacked", data.models);
    this.controls.slider("eps", "Change of at most", data.told);
    this.chart = new Chart(root);
    this.draw();
  }

  draw() {
    const { rough, told, models, unit, eps: grid } = this.data;
    const [model, eps] = [this.controls.get("model"), this.controls.get("eps")];
    const here = rough.model.flatMap((one, i) => (one === model && rough.eps[i] === eps ? [i] : [])).sort((a, b) => rough.added[a] - rough.added[b]);
    const lines = looks(rough.kinds).map(({ kind, reached, ...look }) => ({
      ...look,
      only: true,
      values: here.map((i) => (rough.kind[i] === kind && (reached === undefined || rough.reached[i] === reached) ? rough.closed[i] / 1000 : null)),
      told: (at) => `${percent(rough.closed[here[at]] / 1000)} closed`,
    })).filter((one) => one.values.some((value) => value !== null));
    const sums = rough.sums.filter(([m]) => m === model);
    const now = sums.filter(([, , e]) => e === eps).map(([, kind, , n, reached, closed, added]) =>
      `${rough.kinds[kind].replace("-", " ")} adds ${short(added / 1e4)} m/s² and closes ${percent(closed / 1e4)} (medians of ${n}), ${percent(reached / 1e4)} count`);
    const shown = rough.model.length < rough.total ? ` ${rough.model.length} of ${rough.total} rows of the run are in this page, drawn at random.` : "";
    this.chart.draw({
      told: `${models[model]}, at most ${told[eps]}, of those that failed without an attack: ${now.join("; ")}.${shown}`,
      empty: `${models[model]}, at most ${told[eps]}: no sequence failed without an attack.`,
      x: { values: here.map((i) => rough.added[i] / 100), label: "m/s² added, mean of joints", told: short, title: (one) => `${short(one)} m/s² added` },
      y: { label: "of the distance closed", told: percent, range: (_, low, high) => [Math.min(low ?? 0, 0) - 0.03, Math.max(high ?? 1, 0.5) + 0.03] },
      lines: here.length ? lines : [],
      heads: [`eps (${unit})`, "by", "n", "count", "closed (median)", "added, m/s² (median)"],
      rows: sums.map(([, kind, e, n, reached, closed, added]) => [short(grid[e]), rough.kinds[kind].replace("-", " "), String(n), percent(reached / 1e4), percent(closed / 1e4), short(added / 1e4)]),
    });
  }
}
