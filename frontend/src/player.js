// The report's 3-D player of the cases in the page's JSON.
import { Camera } from "./camera.js";
import { Clock } from "./clock.js";
import { ramp, roundUp } from "./colour-scale.js";
import { rounded } from "./format.js";
import { decode, distances, furthest } from "./motion.js";
import { able, Renderer } from "./renderer.js";
import { Timeline } from "./timeline.js";

/** The people of each pane; see Renderer.show. */
const CASTS = {
  clean: [["actor", "solid", "actor"], ["answer", "solid", "reactor"]],
  adversarial: [
    ["actor", "ghost", "actor-pale"], ["actor_adv", "solid", "actor", "actor"],
    ["answer_adv", "solid", "reactor"],
  ],
  target: [["actor", "ghost", "actor-pale"], ["target", "solid", "target"]],
  overlay: [
    ["actor", "ghost", "actor-pale"], ["answer", "ghost", "reactor-pale"],
    ["actor_adv", "solid", "actor", "actor"], ["answer_adv", "solid", "reactor"],
    ["target", "wire", "target"],
  ],
};

const root = document.getElementById("player");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const all = (name) => [...root.querySelectorAll(`[data-${name}]`)];
const { skeleton, cases } = JSON.parse(document.getElementById("player-data").textContent);

let now;
let asked = false;
const clock = new Clock(render);
const timeline = new Timeline(part("timeline"), (frame) => clock.seek(frame));
const camera = new Camera(part("viewport"), (view) => {
  for (const button of all("view")) button.setAttribute("aria-pressed", button.dataset.view === view);
  render();
});
const renderer = startRenderer();

function startRenderer() {
  if (!able()) {
    blank("This browser has no WebGL, which the 3-D skeletons need. The distances below and the animation further down still work.");
    return null;
  }
  const panes = Object.fromEntries(all("pane").map((one) => [one.dataset.pane, one]));
  part("canvas").addEventListener("webglcontextlost", () => {
    blank("The browser took the graphics away. Load the page again to see the skeletons.");
  });
  try {
    return new Renderer(part("canvas"), panes, skeleton, camera);
  } catch {
    blank("WebGL did not start, so the 3-D skeletons are not shown. The distances below and the animation further down still work.");
    return null;
  }
}

/** Say why nothing is drawn. */
function blank(sentence) {
  part("unavailable").textContent = sentence;
  root.classList.add("blank");
}

/** Draw, at most once for each frame of the screen. */
function render() {
  if (asked || !now) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const { frame, frames, fps, playing } = clock;
    if (renderer && !root.classList.contains("blank")) renderer.draw(frame);
    timeline.at(frame);
    const words = `frame ${frame + 1} of ${frames}, ${(frame / fps).toFixed(2)} s`;
    part("clock").textContent = words;
    part("scrub").value = frame;
    part("scrub").setAttribute("aria-valuetext", words);
    part("play").textContent = playing ? "Pause" : "Play";
    for (const [i, one] of now.lines.entries()) {
      part(`now-${one.name}`).textContent = rounded(now.lines[i].values[frame]);
    }
  });
}

/** Show a case. Its names and numbers are text, never markup. */
function show(id) {
  const case_ = cases.find((one) => one.id === id) ?? cases[0];
  now = decode(case_, skeleton);
  const { motions } = now;
  part("case").value = now.id;
  part("summary").textContent = now.summary;
  part("facts").replaceChildren(
    ...now.facts.map(([name, value, more]) => {
      const fact = document.createElement("div");
      for (const [tag, text] of [["dt", name], ["dd", value], ["dd", more]]) {
        fact.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
      return fact;
    }),
  );
  now.top = roundUp(furthest(motions.actor, motions.actor_adv));
  part("top").textContent = `${rounded(now.top)} cm`;
  now.lines = [
    { name: "before", values: distances(motions.answer, motions.target) },
    { name: "after", values: distances(motions.answer_adv, motions.target) },
  ];
  const [before, after] = now.lines.map((one) => mean(one.values));
  part("timeline").setAttribute(
    "aria-label",
    `Distance to the target over time, in cm a joint: ${before} on average without an attack, ${after} with it.`,
  );
  for (const pane of all("pane")) pane.setAttribute("aria-label", described(pane.dataset.pane));
  part("scrub").max = now.frames - 1;
  renderer?.show(motions, CASTS, now.top);
  timeline.show(now.lines, now.fps);
  clock.pause();
  clock.start(now.frames, now.fps);
}

function mean(values) {
  return rounded(values.reduce((sum, one) => sum + one, 0) / values.length);
}

function described(pane) {
  return {
    clean: `${now.victim} without an attack: the actor as recorded and the answer.`,
    adversarial: `${now.victim} attacked: the attacked actor, the recorded one pale behind it, and the answer.`,
    target: `The target: ${now.target}.`,
    overlay: "All in one: recorded and attacked actor, answers without and with the attack, the target.",
  }[pane];
}

function linked() {
  return /^#case=([\w-]+)$/.exec(location.hash)?.[1] ?? null;
}

/** Show the case that the address names, or say that it is missing. */
function follow() {
  const id = linked();
  const known = cases.some((one) => one.id === id);
  part("missing").hidden = id === null || known;
  if (id !== null) root.scrollIntoView();
  if (!now || (known && id !== now.id)) show(id);
}

function keys(event) {
  const { target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (target.matches("select, input:not([type=range])")) return;
  if (event.key === " " && target.matches("button")) return;
  const done = {
    " ": () => clock.toggle(),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => step(-Infinity),
    End: () => step(Infinity),
    "+": () => camera.zoomBy(1.15),
    "-": () => camera.zoomBy(1 / 1.15),
  }[event.key];
  if (!done) return;
  event.preventDefault();
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    camera.turn(event.key === "ArrowLeft" ? 20 : -20, 0);
  } else {
    done();
  }
}

function step(by) {
  clock.pause();
  clock.seek(clock.frame + by);
}

part("case").replaceChildren(...cases.map((one) => new Option(one.label, one.id)));
part("case").addEventListener("change", (event) => {
  show(event.target.value);
  part("missing").hidden = true;
  history.replaceState(null, "", `#case=${now.id}`);
});
part("play").addEventListener("click", () => clock.toggle());
part("scrub").addEventListener("input", (event) => {
  clock.pause();
  clock.seek(Number(event.target.value));
});
part("speed").addEventListener("change", (event) => (clock.speed = Number(event.target.value)));
part("loop").addEventListener("change", (event) => (clock.loop = event.target.checked));
for (const button of all("view")) {
  if (skeleton.axes < 3 && button.dataset.view !== "camera") button.remove();
  button.addEventListener("click", () => camera.reset(button.dataset.view));
}
for (const button of all("mode")) {
  button.addEventListener("click", () => {
    root.classList.toggle("overlaid", button.dataset.mode === "overlay");
    for (const one of all("mode")) one.setAttribute("aria-pressed", one === button);
    render();
  });
}
root.addEventListener("keydown", keys);
window.addEventListener("hashchange", follow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  renderer?.show(now.motions, CASTS, now.top);
  render();
});
new ResizeObserver(() => {
  timeline.resize();
  render();
}).observe(root);
part("ramp").style.backgroundImage = ramp;
part("body").hidden = false;
follow();
camera.reset(skeleton.axes < 3 ? "camera" : "angle");
