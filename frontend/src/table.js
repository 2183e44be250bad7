// The table of every case: sorted by its heads, filtered, a page at a time. The rows are in table-data.js.
import { element } from "./dom.js";

const PAGE = 50;
const CHOICES = ["victim", "surrogate", "true_class", "target", "eps", "success", "clean_success"];

export class CaseTable {
  constructor(root, rows) {
    this.root = root;
    this.rows = rows;
    this.first = 0;
    this.by = ["player", false];
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.heads = new Map([rows.played, ...rows.columns].map((one) => [one.name, this.head(one)]));
    this.part("heads").replaceChildren(...[...this.heads.values()].map(({ cell }) => cell));
    this.selects = new Map();
    for (const name of CHOICES) this.choice(rows.column(name));
    this.part("text").addEventListener("input", () => this.filter());
    this.part("reset").addEventListener("click", () => this.choose({}));
    this.part("back").addEventListener("click", () => this.turn(-PAGE));
    this.part("on").addEventListener("click", () => this.turn(PAGE));
    this.part("rows").addEventListener("click", (event) => this.clicked(event));
    window.addEventListener("hashchange", () => this.mark());
    this.part("works").hidden = false;
    this.filter();
  }

  head({ name, head, numeric }) {
    const cell = element("th", { scope: "col", "data-column": name });
    if (numeric) cell.className = "n";
    const button = element("button", { type: "button" }, head);
    const arrow = element("i", { "aria-hidden": "true" }, "");
    button.append(arrow);
    button.addEventListener("click", () => this.sort(name));
    cell.append(button);
    return { cell, arrow };
  }

  choice({ name, head, words, values }) {
    const used = new Set(values);
    if (used.size < 2) return;
    const label = element("label");
    const select = element("select", { "data-filter": name });
    select.append(new Option("all", ""));
    words.forEach((word, code) => used.has(code) && select.append(new Option(word, code)));
    select.addEventListener("change", () => this.filter());
    label.append(element("span", {}, head), select);
    this.part("filters").append(label);
    this.selects.set(name, select);
  }

  sort(name) {
    this.by = [name, this.by[0] === name && !this.by[1]];
    this.rows.sort(...this.by);
    this.filter();
  }

  /** Set every filter: {column's name: word}; the others are cleared.  `reason` is shown above. */
  choose(words, reason = "") {
    this.part("text").value = "";
    for (const [name, select] of this.selects) {
      select.value = name in words ? this.rows.code(name, words[name]) : "";
    }
    this.filter(reason);
  }

  filter(reason = "") {
    this.part("from").textContent = reason;
    const exact = [...this.selects]
      .filter(([, select]) => select.value !== "")
      .map(([name, select]) => [name, Number(select.value)]);
    const text = this.part("text").value;
    this.shown = this.rows.filtered(text, exact);
    this.part("reset").disabled = !text && !exact.length;
    this.first = 0;
    this.draw();
  }

  turn(by) {
    this.first = Math.max(0, this.first + by);
    this.draw();
  }

  draw() {
    const { shown, first, rows } = this;
    const page = shown.slice(first, first + PAGE);
    const count = (n) => n.toLocaleString("en");
    const span = page.length ? `${count(first + 1)}–${count(first + page.length)} of ` : "";
    const all = shown.length === rows.count ? "" : ` (of ${count(rows.count)})`;
    this.part("status").textContent = `${span}${count(shown.length)} rows${all}`;
    this.part("none").hidden = page.length > 0;
    this.part("back").disabled = first === 0;
    this.part("on").disabled = first + PAGE >= shown.length;
    for (const [name, { cell, arrow }] of this.heads) {
      const here = name === this.by[0];
      cell.setAttribute("aria-sort", here ? (this.by[1] ? "descending" : "ascending") : "none");
      arrow.textContent = here ? (this.by[1] ? "\u00a0↓" : "\u00a0↑") : "";
    }
    this.part("rows").replaceChildren(...Array.from(page, (row) => this.row(row)));
    this.part("box").scrollTop = 0;
    this.mark();
  }

  row(row) {
    const line = element("tr");
    const id = this.rows.cases.get(row);
    const door = element("td");
    if (id === undefined) {
      door.className = "soft";
      door.textContent = "not in this page";
      const command = this.rows.command(row);
      if (command) line.dataset.command = command;
    } else {
      line.dataset.case = id;
      door.append(element("a", { href: `#case=${id}` }, "▶ watch"));
    }
    line.append(door);
    for (const column of this.rows.columns) {
      line.append(element("td", column.numeric ? { class: "n" } : {}, column.text(row)));
    }
    return line;
  }

  clicked(event) {
    const line = event.target.closest("tr");
    const id = line?.dataset.case;
    this.part("elsewhere").hidden = !line?.dataset.command;
    this.part("command").textContent = line?.dataset.command ?? "";
    if (!id || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("a");
    if (!link && String(getSelection())) return;
    event.preventDefault();
    const player = document.getElementById("player");
    if (location.hash === `#case=${id}`) player.scrollIntoView();
    location.hash = `case=${id}`;
    player.querySelector('[data-part="viewport"]')?.focus({ preventScroll: true });
  }

  /** Which row the address names. */
  mark() {
    for (const line of this.part("rows").children) {
      if (line.dataset.case && location.hash === `#case=${line.dataset.case}`) {
        line.setAttribute("aria-current", "true");
      } else {
        line.removeAttribute("aria-current");
      }
    }
  }
}
