// True class by target: the share moved, at the eps of a slider.
import { made } from "./table.js";
import { percent } from "./told.js";

const STRONG = 0.66;

export class Matrix {
  /** @param look called with {surrogate, victim, true_class, target, eps} of a cell, all words, and its counts told. */
  constructor(root, data, look) {
    this.data = data;
    this.look = look;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.part("pair").replaceChildren(...data.pairs.map(({ name }, i) => new Option(name, i)));
    const eps = this.part("eps");
    eps.max = eps.value = data.eps.length - 1;
    eps.disabled = data.eps.length < 2;
    eps.addEventListener("input", () => this.draw());
    this.part("pair").addEventListener("change", () => this.draw());
    root.classList.add("works");
    this.draw();
  }

  draw() {
    const { labels, targets, counts, eps } = this.data;
    const [pair, at] = [Number(this.part("pair").value), Number(this.part("eps").value)];
    const here = new Map();
    for (const [p, e, label, target, ...rest] of counts) {
      if (p === pair && e === at) here.set(`${label} ${target}`, rest);
    }
    this.part("eps-told").textContent = eps[at];
    this.part("eps").setAttribute("aria-valuetext", eps[at]);
    const top = made("tr");
    top.append(made("td"), ...targets.map((one) => made("th", one, { scope: "col" })));
    const head = made("thead");
    head.append(top);
    const body = made("tbody");
    labels.forEach((label, i) => {
      const line = made("tr");
      line.append(made("th", label, { scope: "row" }));
      targets.forEach((target, j) => {
        const place = { ...this.data.pairs[pair], true_class: label, target, eps: this.data.words[at] };
        line.append(this.cell(here.get(`${i} ${j}`), place, at));
      });
      body.append(line);
    });
    const table = made("table");
    table.append(head, body);
    this.part("matrix").replaceChildren(table);
  }

  cell(counts, place, at) {
    if (!counts) return made("td", undefined, { class: "none" });
    const [asked, failed, moved, noise] = counts;
    const where = `${place.true_class}, ${place.target} wanted`;
    const cell = made("td");
    const button = made("button", undefined, { type: "button" });
    let told = `${where}: all ${asked} count as the target without an attack`;
    if (failed) {
      const share = moved / failed;
      cell.style.setProperty("--share", share.toFixed(3));
      cell.classList.toggle("strong", share > STRONG);
      told = `${where}: of the ${failed} that failed without an attack ${moved} moved`;
      if (noise !== null) told += `, under random noise ${noise}`;
      told += `; ${asked} asked`;
      button.append(made("b", percent(share)), made("small", `${moved} of ${failed}`));
    } else {
      cell.className = "open";
      button.append(made("b", "–"), made("small", `0 of ${asked} failed`));
    }
    cell.title = told;
    button.setAttribute("aria-label", told);
    button.addEventListener("click", () => this.look(place, `At most ${this.data.eps[at]}: ${told}.`));
    cell.append(button);
    return cell;
  }
}
