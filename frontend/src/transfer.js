// Crafted on one model, answered by another: the share moved, at the eps of a slider.
import { Controls } from "./controls.js";
import { rates } from "./success.js";
import { made } from "./table.js";
import { percent } from "./told.js";

const STRONG = 0.66;

export class Transfer {
  constructor(root, data) {
    this.data = data;
    this.reading = data.readings.findIndex((one) => one.failed);
    this.controls = new Controls(root, () => this.draw());
    this.controls.list("target", "Reaction wanted", data.targets);
    this.controls.slider("eps", "Change of at most", data.told);
    this.box = made("div", undefined, { class: "wide", role: "region", "aria-label": "Crafted on, by answered by", tabindex: "0" });
    root.append(this.box);
    this.draw();
  }

  draw() {
    const { pairs } = this.data;
    const [target, eps] = [this.controls.get("target"), this.controls.get("eps")];
    const [surrogates, victims] = ["surrogate", "victim"].map((name) => [...new Set(pairs.map((one) => one[name]))]);
    const table = made("table", undefined, { class: "cells" });
    const [head, body, top] = [made("thead"), made("tbody"), made("tr")];
    top.append(made("th", "crafted on ↓ answered by →", { scope: "col" }), ...victims.map((one) => made("th", one, { scope: "col" })));
    head.append(top);
    for (const surrogate of surrogates) {
      const row = made("tr");
      row.append(made("th", surrogate, { scope: "row" }));
      for (const victim of victims) row.append(this.cell(surrogate, victim, target, eps));
      body.append(row);
    }
    table.append(head, body);
    this.box.replaceChildren(table);
  }

  cell(surrogate, victim, target, eps) {
    const pair = this.data.pairs.findIndex((one) => one.surrogate === surrogate && one.victim === victim);
    const at = (reading) => rates(this.data, reading, pair, target).find((one) => one.eps === eps);
    const one = pair < 0 ? undefined : at(this.reading);
    if (!one) return made("td", undefined, { class: "none" });
    const all = at(this.data.readings[this.reading].all);
    const cell = made("td");
    const without = `no attack ${percent(all.clean.share)} of all ${all.asked}`;
    if (!one.asked) {
      cell.className = "open";
      cell.append(made("b", "–"), made("small", "none failed"), made("small", without));
      return cell;
    }
    cell.style.setProperty("--share", one.attack.share.toFixed(3));
    cell.classList.toggle("strong", one.attack.share > STRONG);
    const noise = one.noise ? `noise ${percent(one.noise.share)}` : "noise not tried";
    cell.append(made("b", percent(one.attack.share)), made("small", `${one.attack.count} of ${one.asked}, ${noise}`), made("small", without));
    return cell;
  }
}
