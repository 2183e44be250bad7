// The smallest eps that each sequence needs: a bar of the outcomes, and a cumulative curve.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { made } from "./table.js";
import { percent, short } from "./told.js";

const OUTCOMES = [["none", "none needed"], ["change", "counts with a change"], ["never", "never counts"]];
const COLOURS = ["--first", "--second", "--third", "--fourth", "--fifth"];

export class Needed {
  constructor(root, data) {
    this.data = data;
    const { parts } = data.needed;
    this.models = [...new Set(parts.map((one) => one.model))];
    this.targets = [...new Set(parts.map((one) => one.target))];
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("target", "Reaction wanted", this.targets.length > 1 ? [data.targets[0], ...this.targets] : this.targets);
    this.bars = made("div", undefined, { class: "outcomes" });
    root.append(this.bars);
    this.chart = new Chart(root);
    this.draw();
  }

  /** Everything of a model for the target chosen, put together. */
  sum(model, target) {
    const some = this.data.needed.parts.filter((one) => one.model === model && (target === null || one.target === target));
    const joined = (name) => some.flatMap((one) => one[name]).sort((a, b) => a - b);
    const count = (name) => some.reduce((sum, one) => sum + one[name], 0);
    const noise = some.every((one) => one.noise) ? joined("noise") : null;
    return { model, asked: count("asked"), none: count("none"), eps: joined("eps"), noise };
  }

  draw() {
    const { needed, unit, depth } = this.data;
    const at = this.controls.get("target");
    const target = this.targets.length > 1 ? (at ? this.targets[at - 1] : null) : this.targets[0];
    const sums = this.models.map((model) => this.sum(model, target)).filter((one) => one.asked);
    const key = made("div");
    const words = made("p", undefined, { class: "bars" });
    words.append(...OUTCOMES.map(([kind, told]) => made("span", told, { class: kind })));
    key.append(made("span"), words);
    this.bars.replaceChildren(key, ...sums.map((one) => this.bar(one)));
    const grid = [...new Set([0, needed.largest, needed.largest * 1.05, ...sums.flatMap((one) => [...one.eps, ...(one.noise ?? [])])])].sort((a, b) => a - b);
    const below = ({ asked, none }, eps) => {
      let i = 0;
      return grid.map((one) => {
        while (i < eps.length && eps[i] <= one) i += 1;
        return (none + i) / asked;
      });
    };
    const lines = sums.flatMap((one, i) => {
      const colour = COLOURS[i % COLOURS.length];
      const attack = { name: one.model, colour, values: below(one, one.eps), stepped: true, width: 2.4, dash: i < COLOURS.length ? undefined : [12, 3] };
      if (!one.noise) return [attack];
      return [attack, { name: `${one.model}, random noise`, colour, values: below(one, one.noise), stepped: true, width: 1.4, dash: [3, 3] }];
    });
    this.chart.draw({
      told: sums.map((one) => this.sentence(one)).join(" "),
      x: { values: grid, label: `smallest eps (${unit})`, told: short, title: (eps) => (eps > needed.largest ? `more than ${short(needed.largest)} ${unit} was not tried` : `at most ${short(eps)} ${unit}`), range: () => [0, needed.largest * 1.05], above: depth && { label: `cm along ${depth[0]}`, factor: depth[1] } },
      y: { label: "count as the target", told: percent, range: () => [0, 1.02] },
      lines,
      heads: ["model", "asked", "none needed", "needed a change", "never", "a quarter", "half", "three quarters"],
      rows: sums.map((one) => {
        const never = one.asked - one.none - one.eps.length;
        return [one.model, String(one.asked), String(one.none), String(one.eps.length), String(never), ...[0.25, 0.5, 0.75].map((share) => this.enough(one, share))];
      }),
    });
  }

  /** Of those that needed a change the eps that is enough for a share. */
  enough({ asked, none, eps }, share) {
    const of = asked - none;
    const value = eps[Math.ceil(share * (of - 1))];
    return of && value !== undefined ? short(value) : "–";
  }

  sentence(one) {
    const half = this.enough(one, 0.5);
    const never = one.asked - one.none - one.eps.length;
    const told = half === "–" ? "not even half of those that need a change get there" : `half of those that need a change get there by ${half} ${this.data.unit}`;
    const without = one.asked === one.none ? "all need none" : told;
    return `${one.model}: of ${one.asked}, ${percent(one.none / one.asked)} need no change, ${percent(never / one.asked)} never count up to ${short(this.data.needed.largest)} ${this.data.unit}; ${without}.`;
  }

  bar(one) {
    const never = one.asked - one.none - one.eps.length;
    const row = made("div");
    row.append(made("span", one.model));
    const bar = made("div", undefined, { class: "bars" });
    OUTCOMES.forEach(([kind, told], i) => {
      const count = [one.none, one.eps.length, never][i];
      if (!count) return;
      const part = made("span", percent(count / one.asked), { class: kind, title: `${told}: ${count} of ${one.asked}` });
      part.style.flexGrow = count;
      bar.append(part);
    });
    row.append(bar);
    return row;
  }
}
