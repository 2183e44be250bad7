// The attack success rate over eps, by every criterion, beside no attack and random noise.
import { Chart } from "./chart.js";
import { Controls } from "./controls.js";
import { MISSING, percent, percentInterval, short } from "./format.js";
import { axis, look } from "./line-chart.js";

/** Rates by a criterion, of a pair and a target, over eps: shares and their bounds. */
export function ratesOf(data, criterion, pair, target) {
  return data.criteria[criterion].rates
    .filter(([p, t]) => p === pair && t === target)
    .map(([, , eps, n, attack, clean, noise, ...bounds]) => {
      const [ofAttack, ofClean, ofNoise] = [0, 2, 4].map((i) => [bounds[i] / 1e4, bounds[i + 1] / 1e4]);
      const part = (count, [low, high]) => ({ count, share: n ? count / n : NaN, low, high });
      return {
        eps,
        n,
        attack: part(attack, ofAttack),
        clean: part(clean, ofClean),
        noise: noise === null || !n ? null : part(noise, ofNoise),
      };
    });
}

const rateText = (one, n) => `${percent(one.share)} (${percentInterval(one.low, one.high)}), ${one.count} of ${n}`;
const BY_DEFINITION = "0%: only sequences that fail without an attack are counted";

export class Success {
  constructor(root, { controls, charts }, data) {
    this.data = data;
    this.description = charts[0];
    this.controls = new Controls(root, () => this.draw());
    for (const { name, label, options } of controls) this.controls.list(name, label, options);
    this.chart = new Chart(root);
    this.draw();
  }

  draw() {
    const { data, description } = this;
    const [criterion, pair, target] = ["criterion", "pair", "target"].map((name) => this.controls.get(name));
    const { only_clean_failures: onlyFailures } = data.criteria[criterion];
    const all = ratesOf(data, criterion, pair, target);
    const some = all.filter((one) => one.n);
    const where = `${data.pairs[pair].name}, ${data.targets[target]}`;
    const lines = some.length ? this.lines(some, onlyFailures) : [];
    const x = axis(description.x);
    this.chart.draw({
      text: some.length ? this.sentence(where, criterion, pair, target, some.at(-1)) : "",
      empty: all.length
        ? `${where}: every sequence succeeds without an attack. Choose “all sequences” above.`
        : `${where}: not attacked.`,
      x: {
        ...x,
        values: [0, ...some.map((one) => data.eps[one.eps])],
        title: (_, i) => (i ? `at most ${data.eps_labels[some[i - 1].eps]}` : "eps 0"),
      },
      y: axis(description.y),
      lines,
      heads: [description.x.label, "n", ...description.lines.flatMap(({ name }) => [name, "95 %"])],
      rows: some.map((one) => [
        short(data.eps[one.eps]),
        String(one.n),
        ...["attack", "noise", "clean"].flatMap((kind) =>
          one[kind] ? [percent(one[kind].share), percentInterval(one[kind].low, one[kind].high)] : [MISSING, MISSING],
        ),
      ]),
    });
  }

  /** Each line begins at eps 0 with the rate without an attack. */
  lines(some, onlyFailures) {
    return ["attack", "noise", "clean"].flatMap((kind, i) => {
      if (!some.some((one) => one[kind])) return [];
      const every = [some[0].clean, ...some.map((one) => one[kind])];
      const bound = (end) => every.map((one) => one?.[end] ?? null);
      const text = (at) => {
        if (!every[at]) return MISSING;
        return onlyFailures && (kind === "clean" || !at) ? BY_DEFINITION : rateText(every[at], some[Math.max(at - 1, 0)].n);
      };
      const values = every.map((one) => one?.share ?? null);
      return [{ ...look(this.description.lines[i]), values, low: bound("low"), high: bound("high"), text }];
    });
  }

  sentence(where, criterion, pair, target, last) {
    const { data } = this;
    const chosen = data.criteria[criterion];
    const at = (index) => ratesOf(data, index, pair, target).find((one) => one.eps === last.eps);
    const all = at(chosen.all);
    const noise = last.noise ? `under random noise of this size ${percent(last.noise.share)}` : "random noise was not tried";
    const among = chosen.only_clean_failures
      ? `among the ${last.n} sequences that fail without an attack`
      : `among all ${last.n} sequences`;
    let rest = "";
    if (!chosen.only_clean_failures) {
      const failures = at(data.criteria.findIndex((one) => one.only_clean_failures && one.all === chosen.all));
      rest = failures?.n
        ? ` Among the ${failures.n} that fail without an attack: ${percent(failures.attack.share)}.`
        : " None fails without an attack.";
    }
    return (
      `${where}, at most ${data.eps_labels[last.eps]}: the attack success rate ${among} is ${percent(last.attack.share)} ` +
      `(95 % interval ${percentInterval(last.attack.low, last.attack.high)}), ${noise}. ` +
      `Without an attack it is ${percent(all.clean.share)} among all ${all.n}.${rest} ${chosen.description}`
    );
  }
}
