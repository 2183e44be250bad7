// Bars of counts: for each model, how many sequences had which outcome.
import { element } from "./dom.js";
import { percent } from "./format.js";

export class OutcomeBars {
  constructor(root) {
    this.root = element("div", { class: "outcomes" });
    root.append(this.root);
  }

  /** @param bars [{name, parts: [[kind, label, count]]}]: `Bar` of feint/report/charts/chart.py. */
  draw(bars) {
    const legend = element("p", { class: "bars" });
    legend.append(...(bars[0]?.parts ?? []).map(([kind, label]) => element("span", { class: kind }, label)));
    this.root.replaceChildren(element("div", {}, element("span"), legend), ...bars.map(row));
  }
}

function row({ name, parts }) {
  const total = parts.reduce((sum, [, , count]) => sum + count, 0);
  const bar = element("div", { class: "bars" });
  for (const [kind, label, count] of parts) {
    if (!count) continue;
    const part = element("span", { class: kind, title: `${label}: ${count} of ${total}` }, percent(count / total));
    part.style.flexGrow = count;
    bar.append(part);
  }
  return element("div", {}, element("span", {}, name), bar);
}
