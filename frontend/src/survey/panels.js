// A group of panels side by side, with one clock, one camera and one set of controls.
import { Clock } from "../clock.js";
import { Motion } from "../motion.js";
import { Camera } from "../camera.js";
import { able, Renderer } from "../renderer.js";
import { button, element } from "./dom.js";
import { Canvas2dRenderer } from "./canvas2d-renderer.js";

const COLOURS = { actor: "actor", reactor: "reactor" };
const VIEWS = { angle: "Angle", camera: "Front", side: "Side", above: "Above" };
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The motions of a stimulus, by role. */
export function people(stimulus, skeleton) {
  const shown = Object.entries(stimulus.people).filter(([who]) => who in COLOURS);
  return Object.fromEntries(
    shown.map(([who, base64]) => [who, new Motion(base64, stimulus.frames, skeleton, stimulus.step)]),
  );
}

export class PanelGroup {
  constructor(skeleton) {
    this.skeleton = skeleton;
    this.clock = new Clock(() => this.render());
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.stage = element("div", {
      class: "stage", role: "group", tabindex: "0",
      "aria-label":
        "Moving figures. Drag to turn. Space plays and pauses, left and right arrow step, " +
        "plus and minus zoom, shift with left or right arrow turns.",
    });
    this.orbit = new Camera(this.stage, (view) => this.turned(view));
    this.bar();
    this.drawing = this.started();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.cast());
    new ResizeObserver(() => this.render()).observe(this.stage);
  }

  /** The WebGL renderer, or the 2-D one if WebGL does not work. */
  started() {
    if (able()) {
      try {
        const drawing = new Renderer(this.canvas, {}, this.skeleton, this.orbit);
        this.way = "webgl";
        this.canvas.addEventListener("webglcontextlost", () => this.flatten());
        return drawing;
      } catch {
        // Use the 2-D canvas.
      }
    }
    this.way = "2d";
    this.canvas = element("canvas", { "aria-hidden": "true" });
    return new Canvas2dRenderer(this.canvas, {}, this.skeleton, this.orbit);
  }

  /** Continue on a 2-D canvas after the browser has taken the WebGL context away. */
  flatten() {
    const before = this.canvas;
    this.way = "2d";
    this.canvas = element("canvas", { "aria-hidden": "true" });
    before.replaceWith(this.canvas);
    this.drawing = new Canvas2dRenderer(this.canvas, this.drawing.panes, this.skeleton, this.orbit);
    this.cast();
  }

  bar() {
    const { clock } = this;
    this.play = button("Play", () => this.toggle(), { class: "play" });
    this.scrub = element("input", { type: "range", min: "0", step: "1", "aria-label": "Moment" });
    this.scrub.addEventListener("input", () => {
      clock.pause();
      clock.seek(Number(this.scrub.value));
    });
    this.speed = element("select", { "aria-label": "Speed" });
    this.speed.append(...[0.25, 0.5, 1, 2].map((n) => new Option(`${n}×`, n, n === 1, n === 1)));
    this.speed.addEventListener("change", () => (clock.speed = Number(this.speed.value)));
    this.loop = element("input", { type: "checkbox" });
    this.loop.addEventListener("change", () => (clock.loop = this.loop.checked));
    this.views = Object.entries(VIEWS)
      .filter(([view]) => this.skeleton.axes === 3 || view === "camera")
      .map(([view, label]) => button(label, () => this.orbit.reset(view), { "data-view": view }));
    this.transport = element(
      "div", { class: "transport" }, this.play, this.scrub, this.speed,
      element("label", {}, this.loop, "Loop"),
    );
    this.looks = element("div", { class: "looks", role: "group", "aria-label": "Look from" }, ...this.views);
  }

  /**
   * Show stimuli, from left to right.
   * @param holes for each stimulus, the element to draw in.
   */
  show(stimuli, holes) {
    const stood = stimuli.map((one) => people(one, this.skeleton));
    this.motions = {};
    this.casts = {};
    this.drawing.panes = {};
    stood.forEach((one, i) => {
      this.drawing.panes[i] = holes[i];
      this.casts[i] = Object.keys(one).map((who) => [`${i} ${who}`, "solid", COLOURS[who]]);
      for (const [who, motion] of Object.entries(one)) this.motions[`${i} ${who}`] = motion;
    });
    this.stage.append(this.canvas);
    this.plays = 0;
    this.clock.pause();
    this.clock.speed = 1;
    this.clock.loop = this.loop.checked = true;
    this.speed.value = "1";
    const frames = Math.max(...stimuli.map((one) => one.frames));
    this.scrub.max = frames - 1;
    this.shown = true;
    this.cast();
    this.orbit.reset(this.skeleton.axes < 3 ? "camera" : "angle");
    this.clock.start(frames, stimuli[0].fps);
    if (!still.matches) this.toggle();
  }

  cast() {
    if (!this.shown) return;
    this.drawing.show(this.motions, this.casts);
    this.render();
  }

  /** Remove the figures. */
  close() {
    this.shown = false;
    this.clock.pause();
    this.drawing.clear();
    this.stage.replaceChildren();
  }

  toggle() {
    this.clock.toggle();
    if (this.clock.playing) this.plays += 1;
  }

  step(by) {
    this.clock.pause();
    this.clock.seek(this.clock.frame + by);
  }

  turned(view) {
    for (const one of this.views) one.setAttribute("aria-pressed", String(one.dataset.view === view));
    this.render();
  }

  /** Draw, at most once a frame of the screen. */
  render() {
    if (this.asked || !this.shown) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      if (!this.shown) return;
      const { frame, fps, playing } = this.clock;
      this.drawing.draw(frame);
      this.scrub.value = frame;
      this.scrub.setAttribute("aria-valuetext", `${(frame / fps).toFixed(1)} seconds`);
      this.play.textContent = playing ? "Pause" : "Play";
    });
  }
}
