// One question on the page: its panels, its options, how it is answered by hand or by key.
import { button, made } from "./dom.js";

const SKIP = null;
/** Options that belong to the panels, by the kind of question; the others stand below. */
const SEATS = {
  leftmost: (value, count) => (/^\d+$/.test(value) && value <= count ? Number(value) - 1 : -1),
  which: (value) => ["left", "right"].indexOf(value),
  naming: () => -1,
};
const OUT = ["none", "cannot-tell"];
/** Seen where the panels do not fit beside one another. */
const ROWS = "On this screen the clips go on in the next line.";

export class Question {
  /**
   * @param shown what the server shows of a trial.
   * @param progress {label, done} of the way.
   * @param told null, or the choice that was made: then it only says what would have been right.
   * @param done called with {choice, by, changes}.
   */
  constructor(display, theatre, { shown, progress, told }, done) {
    Object.assign(this, { theatre, shown, told, done, changes: 0, by: "click" });
    this.choice = undefined;
    this.buttons = new Map();
    this.keys = new Map();
    this.pressed = this.pressed.bind(this);
    this.heading = made("h1", { tabindex: "-1" }, shown.prompt);
    this.news = made("p", { class: "news", role: "status" }, "Loading the figures…");
    this.confirm = button(told ? "Continue" : "Confirm", () => this.finish(), {
      class: "main confirm", disabled: true, "aria-keyshortcuts": "Enter",
    });
    display.replaceChildren(
      made(
        "article", { class: `question ${shown.kind}`, "data-trial": shown.name },
        way(progress), this.heading,
        ...(shown.kind === "leftmost" ? [made("p", { class: "rows" }, ROWS)] : []),
        made("div", { class: "scene" }, this.figures(), theatre.looks), this.others(),
        made(
          "div", { class: "dock" }, this.news, theatre.transport,
          made("div", { class: "go" }, this.confirm),
        ),
      ),
    );
    if (told) display.firstChild.classList.add("told");
    scrollTo(0, 0);
    this.heading.focus({ preventScroll: true });
    document.addEventListener("keydown", this.pressed);
  }

  /** The panels, each with the option that is its own. */
  figures() {
    const { kind, panels, options } = this.shown;
    const seats = options.map((one) => SEATS[kind](one.value, panels.length));
    this.holes = panels.map((_, i) => made("div", { class: "hole", role: "img", "aria-label": `Figure ${i + 1}` }));
    const figures = this.holes.map((hole, i) => {
      const own = options[seats.indexOf(i)];
      const figure = made("figure", {}, hole);
      if (own) figure.append(this.option(own.value, own.label, `${i + 1}`));
      return figure;
    });
    this.rest = options.filter((_, i) => seats[i] < 0);
    this.theatre.stage.replaceChildren(...figures);
    const { style } = this.theatre.stage;
    style.setProperty("--panels", panels.length);
    style.setProperty("--few", panels.length > 4 ? 3 : Math.min(panels.length, 2));
    return this.theatre.stage;
  }

  /** What is not a panel's: names, "none of them", and no answer at all. */
  others() {
    let number = 0;
    const made_ = this.rest.map(({ value, label }) =>
      this.option(value, label, OUT.includes(value) ? "N" : `${(number += 1)}`),
    );
    const skip = this.option(SKIP, "Skip: no answer", "S");
    return made("div", { class: "others", role: "group", "aria-label": "Other answers" }, ...made_, skip);
  }

  option(value, label, key) {
    const one = button("", () => this.choose(value, "click"), {
      class: value === SKIP ? "option skip" : "option",
      "aria-pressed": "false", disabled: true, "data-choice": value ?? "",
    });
    one.append(made("span", { class: "label" }, label));
    if (key.length === 1) {
      if (label !== key) one.append(made("kbd", { "aria-hidden": "true" }, key));
      one.setAttribute("aria-keyshortcuts", key);
      this.keys.set(key.toLowerCase(), value);
    }
    this.buttons.set(value, one);
    return one;
  }

  /** Let it be answered. */
  open(stimuli) {
    this.theatre.show(stimuli, this.holes);
    this.since = performance.now();
    this.ready = true;
    this.news.textContent = "";
    if (this.told) return this.tell();
    for (const one of this.buttons.values()) one.disabled = false;
    return undefined;
  }

  /** Why there is nothing to see, and whether it is tried again. */
  wait(sentence) {
    this.news.textContent = sentence;
  }

  tell() {
    const { expected, options } = this.shown;
    const label = options.find((one) => one.value === expected)?.label ?? expected;
    const right = this.told.choice === expected;
    this.news.textContent = right
      ? "Right."
      : `The answer would have been: ${label}.`;
    this.news.classList.add(right ? "right" : "wrong");
    this.buttons.get(this.told.choice)?.setAttribute("aria-pressed", "true");
    this.buttons.get(expected)?.classList.add("expected");
    this.confirm.disabled = false;
  }

  choose(value, by) {
    if (!this.ready || this.told) return;
    if (this.choice !== undefined && this.choice !== value) this.changes += 1;
    this.choice = value;
    this.by = by;
    for (const [one, element] of this.buttons) {
      element.setAttribute("aria-pressed", String(one === value));
    }
    this.confirm.disabled = false;
  }

  finish() {
    if (this.confirm.disabled) return;
    document.removeEventListener("keydown", this.pressed);
    this.confirm.disabled = true;
    const { choice, by, changes } = this;
    this.done({ choice, by, changes, rt: performance.now() - this.since });
  }

  pressed(event) {
    const { target, key } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || target.matches("select")) return;
    const act = this.meant(key, target, event);
    if (!act || (event.repeat && !key.startsWith("Arrow"))) return;
    event.preventDefault();
    act();
  }

  /** What a key does here; null where it is the element's own. */
  meant(key, target, { shiftKey }) {
    const { theatre } = this;
    const on = target.matches("button, summary, a, input[type=checkbox]");
    if (key === "Enter") {
      const again = target.getAttribute("aria-pressed") === "true" && target.matches(".option");
      return on && !again ? null : () => this.finish();
    }
    if (key === " ") return on || !this.ready ? null : () => theatre.toggle();
    const small = key.toLowerCase();
    if (this.keys.has(small)) return () => this.choose(this.keys.get(small), "key");
    if (!this.ready) return null;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (way && shiftKey) return () => theatre.orbit.turn(-20 * way, 0);
    if (way) return () => theatre.step(way);
    return {
      Home: () => theatre.step(-Infinity),
      End: () => theatre.step(Infinity),
      "+": () => theatre.orbit.closer(1.15),
      "-": () => theatre.orbit.closer(1 / 1.15),
    }[key];
  }
}

function way({ label, done }) {
  const percent = Math.round(100 * done);
  const bar = made("div", {
    class: "bar", role: "progressbar", "aria-label": "Progress",
    "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": percent,
  });
  const full = made("div", {});
  full.style.width = `${percent}%`;
  bar.append(full);
  return made("header", { class: "way" }, made("span", {}, label), bar);
}
