// The controls of a chart: lists to choose from and sliders, each with its label.
import { element } from "./dom.js";

export class Controls {
  constructor(root, changed) {
    this.changed = changed;
    this.bar = element("div", { class: "bar" });
    this.parts = {};
    root.append(this.bar);
  }

  /** A list of words; one of a single word is not shown. */
  list(name, label, words, chosen = 0) {
    const select = element("select", { "data-part": name });
    select.replaceChildren(...words.map((word, i) => new Option(word, i)));
    select.value = chosen;
    this.put(name, label, select).hidden = words.length < 2;
  }

  /** A slider over `words`, the last one first. */
  slider(name, label, words) {
    const range = element("input", { type: "range", min: 0, max: words.length - 1, step: 1, "data-part": name });
    range.value = words.length - 1;
    range.disabled = words.length < 2;
    const output = element("output");
    const say = () => {
      output.textContent = words[range.value];
      range.setAttribute("aria-valuetext", words[range.value]);
    };
    range.addEventListener("input", say);
    const box = this.put(name, `${label} `, range);
    box.classList.add("eps");
    box.firstChild.append(output);
    say();
  }

  put(name, label, input) {
    const box = element("label");
    box.append(element("span", {}, label), input);
    input.addEventListener("input", this.changed);
    this.parts[name] = input;
    this.bar.append(box);
    return box;
  }

  show(name, shown) {
    this.parts[name].closest("label").hidden = !shown;
  }

  get(name) {
    return Number(this.parts[name].value);
  }
}
