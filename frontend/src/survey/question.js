// One question on the page: its panels, its options, and answers by mouse, touch or key.
import { button, element } from "./dom.js";

const SKIP = null;
/** The panel of an option, by kind of trial; -1 for options below the panels. */
const SEATS = {
  leftmost: (value, count) => (/^\d+$/.test(value) && value <= count ? Number(value) - 1 : -1),
  which: (value) => ["left", "right"].indexOf(value),
  naming: () => -1,
};
const OUT = ["none", "cannot-tell"];
/** Shown on narrow screens, where the panels have two rows. */
const ROWS = "On this screen the clips continue in the next row.";

export class Question {
  /**
   * @param shown the trial, as the server sends it.
   * @param progress {label, done}: the judge's progress.
   * @param feedback null to ask; {choice} to show which answer is right.
   * @param done called with {choice, by, changes, rt}.
   */
  constructor(display, group, { shown, progress, feedback }, done) {
    Object.assign(this, { group, shown, feedback, done, changes: 0, by: "click" });
    this.choice = undefined;
    this.buttons = new Map();
    this.keys = new Map();
    this.pressed = this.pressed.bind(this);
    this.heading = element("h1", { tabindex: "-1" }, shown.prompt);
    this.news = element("p", { class: "news", role: "status" }, "Loading the figures…");
    this.confirm = button(feedback ? "Continue" : "Confirm", () => this.finish(), {
      class: "main confirm", disabled: true, "aria-keyshortcuts": "Enter",
    });
    display.replaceChildren(
      element(
        "article", { class: `question ${shown.kind}`, "data-trial": shown.name },
        way(progress), this.heading,
        ...(shown.kind === "leftmost" ? [element("p", { class: "rows" }, ROWS)] : []),
        element("div", { class: "scene" }, this.figures(), group.looks), this.others(),
        element(
          "div", { class: "dock" }, this.news, group.transport,
          element("div", { class: "go" }, this.confirm),
        ),
      ),
    );
    if (feedback) display.firstChild.classList.add("feedback");
    scrollTo(0, 0);
    this.heading.focus({ preventScroll: true });
    document.addEventListener("keydown", this.pressed);
  }

  /** The panels, each with its option. */
  figures() {
    const { kind, panels, options } = this.shown;
    const seats = options.map((one) => SEATS[kind](one.value, panels.length));
    this.holes = panels.map((_, i) => element("div", { class: "hole", role: "img", "aria-label": `Figure ${i + 1}` }));
    const figures = this.holes.map((hole, i) => {
      const own = options[seats.indexOf(i)];
      const figure = element("figure", {}, hole);
      if (own) figure.append(this.option(own.value, own.label, `${i + 1}`));
      return figure;
    });
    this.rest = options.filter((_, i) => seats[i] < 0);
    this.group.stage.replaceChildren(...figures);
    const { style } = this.group.stage;
    style.setProperty("--panels", panels.length);
    style.setProperty("--few", panels.length > 4 ? 3 : Math.min(panels.length, 2));
    return this.group.stage;
  }

  /** The options without a panel: names, "none of them", and no answer. */
  others() {
    let number = 0;
    const buttons = this.rest.map(({ value, label }) =>
      this.option(value, label, OUT.includes(value) ? "N" : `${(number += 1)}`),
    );
    const skip = this.option(SKIP, "Skip: no answer", "S");
    return element("div", { class: "others", role: "group", "aria-label": "Other answers" }, ...buttons, skip);
  }

  option(value, label, key) {
    const one = button("", () => this.choose(value, "click"), {
      class: value === SKIP ? "option skip" : "option",
      "aria-pressed": "false", disabled: true, "data-choice": value ?? "",
    });
    one.append(element("span", { class: "label" }, label));
    if (key.length === 1) {
      if (label !== key) one.append(element("kbd", { "aria-hidden": "true" }, key));
      one.setAttribute("aria-keyshortcuts", key);
      this.keys.set(key.toLowerCase(), value);
    }
    this.buttons.set(value, one);
    return one;
  }

  /** Show the figures and enable the options. */
  open(stimuli) {
    this.group.show(stimuli, this.holes);
    this.since = performance.now();
    this.ready = true;
    this.news.textContent = "";
    if (this.feedback) return this.showFeedback();
    for (const one of this.buttons.values()) one.disabled = false;
    return undefined;
  }

  /** Show why the figures are missing. */
  wait(sentence) {
    this.news.textContent = sentence;
  }

  showFeedback() {
    const { expected, options } = this.shown;
    const label = options.find((one) => one.value === expected)?.label ?? expected;
    const right = this.feedback.choice === expected;
    this.news.textContent = right
      ? "Right."
      : `The right answer is: ${label}.`;
    this.news.classList.add(right ? "right" : "wrong");
    this.buttons.get(this.feedback.choice)?.setAttribute("aria-pressed", "true");
    this.buttons.get(expected)?.classList.add("expected");
    this.confirm.disabled = false;
  }

  choose(value, by) {
    if (!this.ready || this.feedback) return;
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

  /** The action of a key; null if the focused element handles it. */
  meant(key, target, { shiftKey }) {
    const { group } = this;
    const on = target.matches("button, summary, a, input[type=checkbox]");
    if (key === "Enter") {
      const again = target.getAttribute("aria-pressed") === "true" && target.matches(".option");
      return on && !again ? null : () => this.finish();
    }
    if (key === " ") return on || !this.ready ? null : () => group.toggle();
    const small = key.toLowerCase();
    if (this.keys.has(small)) return () => this.choose(this.keys.get(small), "key");
    if (!this.ready) return null;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (way && shiftKey) return () => group.orbit.turn(-20 * way, 0);
    if (way) return () => group.step(way);
    return {
      Home: () => group.step(-Infinity),
      End: () => group.step(Infinity),
      "+": () => group.orbit.zoomBy(1.15),
      "-": () => group.orbit.zoomBy(1 / 1.15),
    }[key];
  }
}

function way({ label, done }) {
  const percent = Math.round(100 * done);
  const bar = element("div", {
    class: "bar", role: "progressbar", "aria-label": "Progress",
    "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": percent,
  });
  const full = element("div", {});
  full.style.width = `${percent}%`;
  bar.append(full);
  return element("header", { class: "way" }, element("span", {}, label), bar);
}
