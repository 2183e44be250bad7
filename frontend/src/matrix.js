// The success matrix: success rates by true class and target, at the eps of a slider.
import { element } from "./dom.js";
import { fill, MISSING, percent } from "./format.js";

const STRONG = 0.66;

export class SuccessMatrix {
  /** @param look called with {surrogate, victim, true_class, target, eps} of a cell, as text, and its counts in words. */
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
    this.part("eps-text").textContent = eps[at];
    this.part("eps").setAttribute("aria-valuetext", eps[at]);
    const top = element("tr");
    top.append(element("td"), ...targets.map((one) => element("th", { scope: "col" }, one)));
    const head = element("thead");
    head.append(top);
    const body = element("tbody");
    labels.forEach((label, i) => {
      const line = element("tr");
      line.append(element("th", { scope: "row" }, label));
      targets.forEach((target, j) => {
        const place = { ...this.data.pairs[pair], true_class: label, target, eps: this.data.eps_words[at] };
        line.append(this.cell(here.get(`${i} ${j}`), place, at));
      });
      body.append(line);
    });
    const table = element("table");
    table.append(head, body);
    this.part("matrix").replaceChildren(table);
  }

  cell(counts, place, at) {
    if (!counts) return element("td", { class: "none" });
    const { texts } = this.data;
    const [n, failures, successes, noise] = counts;
    const words = { ...place, n, failures, successes, noise };
    const cell = element("td");
    const button = element("button", { type: "button" });
    let text = fill(texts.open, words);
    if (failures) {
      const share = successes / failures;
      cell.style.setProperty("--share", share.toFixed(3));
      cell.classList.toggle("strong", share > STRONG);
      text = fill(noise === null ? texts.cell : texts.cell_noise, words);
      button.append(element("b", {}, percent(share)), element("small", {}, fill(texts.small, words)));
    } else {
      cell.className = "open";
      button.append(element("b", {}, MISSING), element("small", {}, fill(texts.small_open, words)));
    }
    cell.title = text;
    button.setAttribute("aria-label", text);
    button.addEventListener("click", () => this.look(place, `At most ${this.data.eps[at]}: ${text}.`));
    cell.append(button);
    return cell;
  }
}
