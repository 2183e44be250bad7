// Success against eps, in every reading, beside no attack and random noise.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { percent, short } from "./told.js";

/** Rates of a reading, pair and target by eps: shares and their bounds. */
export function rates(data, reading, pair, target) {
  return data.readings[reading].rates
    .filter(([p, t]) => p === pair && t === target)
    .map(([, , eps, asked, hits, clean, noise, ...bounds]) => {
      const [attack, without, tried] = [0, 2, 4].map((i) => [bounds[i] / 1e4, bounds[i + 1] / 1e4]);
      const part = (count, [low, high]) => ({ count, share: asked ? count / asked : NaN, low, high });
      return {
        eps,
        asked,
        attack: part(hits, attack),
        clean: part(clean, without),
        noise: noise === null || !asked ? null : part(noise, tried),
      };
    });
}

const told = (one, asked) => `${percent(one.share)} (${percent(one.low)}-${percent(one.high)}), ${one.count} of ${asked}`;
const NONE = "0%: these failed without";

export class Success {
  constructor(root, data) {
    this.data = data;
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("reading", "Counted", data.readings.map((one) => one.name));
    this.controls.list("pair", "Model that answers", data.pairs.map((one) => one.name));
    this.controls.list("target", "Reaction wanted", data.targets);
    this.chart = new Chart(root);
    this.draw();
  }

  draw() {
    const { data } = this;
    const [reading, pair, target] = ["reading", "pair", "target"].map((name) => this.controls.get(name));
    const way = data.readings[reading];
    const here = rates(data, reading, pair, target);
    const some = here.filter((one) => one.asked);
    const where = `${data.pairs[pair].name}, ${data.targets[target]}`;
    // At eps 0 all are the rate without an attack.
    const start = some.length ? some[0].clean : null;
    const known = some.map((one) => one.noise);
    const line = (name, kind, look) => {
      const parts = kind === "clean" ? some.map((one) => one.clean) : some.map((one) => one[kind]);
      const every = [start, ...parts];
      const bound = (end) => every.map((one) => one?.[end] ?? null);
      return {
        name, ...look,
        values: every.map((one) => one?.share ?? null),
        low: bound("low"),
        high: bound("high"),
        told: (i) => (!every[i] ? "–" : way.failed && (kind === "clean" || !i) ? NONE : told(every[i], some[Math.max(i - 1, 0)].asked)),
      };
    };
    const lines = some.length
      ? [
          line("attack", "attack", { colour: "--attacked", width: 2.4, dots: true }),
          ...(known.some(Boolean) ? [line("random noise", "noise", { colour: "--noise", dots: true, size: 6 })] : []),
          line("no attack", "clean", { colour: "--clean", dash: [7, 4], width: 1.6, fill: 0.09 }),
        ]
      : [];
    const asked = here.length ? here[here.length - 1].asked : 0;
    this.chart.draw({
      told: some.length ? this.sentence(where, way, reading, pair, target, some[some.length - 1]) : "",
      empty: here.length
        ? `${where}: every answer counts as the target without an attack, so nothing is left to count here. Choose “of all asked”.`
        : `${where}: not asked.`,
      x: {
        values: [0, ...some.map((one) => data.eps[one.eps])],
        label: `eps (${data.unit})`,
        told: short,
        title: (_, i) => (i ? `at most ${data.told[some[i - 1].eps]}` : "eps 0"),
        range: (_, low, high) => [0, (high || 1) * 1.02],
        above: data.depth && { label: `cm along ${data.depth[0]}`, factor: data.depth[1] },
      },
      y: { label: way.failed ? `of ${asked} that failed without` : `of ${asked} asked`, told: percent, range: () => [0, 1.02] },
      lines,
      heads: [`eps (${data.unit})`, "asked", "attack", "95 %", "random noise", "95 %", "no attack", "95 %"],
      rows: some.map((one) => [
        short(data.eps[one.eps]),
        String(one.asked),
        ...["attack", "noise", "clean"].flatMap((kind) => (one[kind] ? [percent(one[kind].share), `${percent(one[kind].low)}-${percent(one[kind].high)}`] : ["–", "–"])),
      ]),
    });
  }

  sentence(where, way, reading, pair, target, last) {
    const { data } = this;
    const all = rates(data, way.all, pair, target).find((one) => one.eps === last.eps);
    const noise = last.noise ? `random noise of that size ${percent(last.noise.share)}` : "random noise was not tried";
    const out = way.failed ? `the ${last.asked} that failed without an attack` : `all ${last.asked} asked`;
    const open = rates(data, data.readings.findIndex((one) => one.failed && one.all === way.all), pair, target).find((one) => one.eps === last.eps);
    const moved = open?.asked ? ` Of the ${open.asked} that failed without: ${percent(open.attack.share)}.` : " None failed without.";
    const failed = way.failed ? "" : moved;
    return (
      `${where}, at most ${data.told[last.eps]}: of ${out} the attack makes ${percent(last.attack.share)} count as the target ` +
      `(95 % interval ${percent(last.attack.low)}-${percent(last.attack.high)}), ${noise}. ` +
      `Without an attack ${percent(all.clean.share)} of all ${all.asked} count.${failed} ${way.told}`
    );
  }
}
