// Transfer: the success rate of attacks crafted on a surrogate, for every victim, at the eps of a slider.
import { Controls } from "./controls.js";
import { element } from "./dom.js";
import { percent } from "./format.js";
import { ratesOf } from "./success.js";

const STRONG = 0.66;

export class Transfer {
  constructor(root, { controls }, data) {
    this.data = data;
    this.criterion = data.criteria.findIndex((one) => one.only_clean_failures);
    this.controls = new Controls(root, () => this.draw());
    for (const { name, label, options, slider } of controls) this.controls[slider ? "slider" : "list"](name, label, options);
    this.box = element("div", { class: "wide", role: "region", "aria-label": "Surrogate by victim", tabindex: "0" });
    root.append(this.box);
    this.draw();
  }

  draw() {
    const { pairs } = this.data;
    const [target, eps] = [this.controls.get("target"), this.controls.get("eps")];
    const [surrogates, victims] = ["surrogate", "victim"].map((name) => [...new Set(pairs.map((one) => one[name]))]);
    const head = element("tr", {}, element("th", { scope: "col" }, "surrogate ↓ victim →"));
    head.append(...victims.map((one) => element("th", { scope: "col" }, one)));
    const rows = surrogates.map((surrogate) =>
      element("tr", {}, element("th", { scope: "row" }, surrogate), ...victims.map((victim) => this.cell(surrogate, victim, target, eps))),
    );
    const table = element("table", { class: "cells" }, element("thead", {}, head), element("tbody", {}, ...rows));
    this.box.replaceChildren(table);
  }

  cell(surrogate, victim, target, eps) {
    const pair = this.data.pairs.findIndex((one) => one.surrogate === surrogate && one.victim === victim);
    const at = (criterion) => ratesOf(this.data, criterion, pair, target).find((one) => one.eps === eps);
    const one = pair < 0 ? undefined : at(this.criterion);
    if (!one) return element("td", { class: "none" });
    const all = at(this.data.criteria[this.criterion].all);
    const clean = element("small", {}, `no attack ${percent(all.clean.share)} of all ${all.n}`);
    if (!one.n) {
      return element("td", { class: "open" }, element("b", {}, "–"), element("small", {}, "none failed"), clean);
    }
    const noise = one.noise ? `noise ${percent(one.noise.share)}` : "noise not tried";
    const counts = element("small", {}, `${one.attack.count} of ${one.n}, ${noise}`);
    const cell = element("td", {}, element("b", {}, percent(one.attack.share)), counts, clean);
    cell.style.setProperty("--share", one.attack.share.toFixed(3));
    cell.classList.toggle("strong", one.attack.share > STRONG);
    return cell;
  }
}
