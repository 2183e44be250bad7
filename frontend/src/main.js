// The page's player: what is in the page's JSON, played.
import { Clock } from "./clock.js";
import { decoded, distances, furthest } from "./motion.js";
import { Orbit } from "./orbit.js";
import { ramp, rounded, told } from "./scale.js";
import { able, Stage } from "./stage.js";
import { Strip } from "./strip.js";

/** Who stands in a pane; see Stage.show. */
const CASTS = {
  clean: [["actor", "solid", "actor"], ["answer", "solid", "reactor"]],
  adversarial: [
    ["actor", "ghost", "actor-pale"], ["actor_adv", "solid", "actor", "actor"],
    ["answer_adv", "solid", "reactor"],
  ],
  target: [["actor", "ghost", "actor-pale"], ["wanted", "solid", "wanted"]],
  overlay: [
    ["actor", "ghost", "actor-pale"], ["answer", "ghost", "reactor-pale"],
    ["actor_adv", "solid", "actor", "actor"], ["answer_adv", "solid", "reactor"],
    ["wanted", "wire", "wanted"],
  ],
};

const root = document.getElementById("player");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const all = (name) => [...root.querySelectorAll(`[data-${name}]`)];
const { skeleton, cases } = JSON.parse(document.getElementById("player-data").textContent);

let now;
let asked = false;
const clock = new Clock(render);
const strip = new Strip(part("strip"), (frame) => clock.seek(frame));
const orbit = new Orbit(part("stage"), (view) => {
  for (const button of all("view")) button.setAttribute("aria-pressed", button.dataset.view === view);
  render();
});
const stage = started();

function started() {
  if (!able()) {
    blank("This browser shows no WebGL, which the skeletons in 3-D need. The distances below, and the animation further down, are there all the same.");
    return null;
  }
  const panes = Object.fromEntries(all("pane").map((one) => [one.dataset.pane, one]));
  part("canvas").addEventListener("webglcontextlost", () => {
    blank("The graphics were lost (the browser took them back). Load the page again to see the skeletons.");
  });
  try {
    return new Stage(part("canvas"), panes, skeleton, orbit);
  } catch {
    blank("WebGL did not start, so the skeletons in 3-D are not shown. The distances below, and the animation further down, are there all the same.");
    return null;
  }
}

/** Say why there is nothing to see, instead of an empty box. */
function blank(sentence) {
  part("nothing").textContent = sentence;
  root.classList.add("blank");
}

/** At most once a frame of the screen. */
function render() {
  if (asked || !now) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const { frame, frames, fps, playing } = clock;
    if (stage && !root.classList.contains("blank")) stage.draw(frame);
    strip.at(frame);
    const words = `frame ${frame + 1} of ${frames}, ${(frame / fps).toFixed(2)} s`;
    part("clock").textContent = words;
    part("scrub").value = frame;
    part("scrub").setAttribute("aria-valuetext", words);
    part("play").textContent = playing ? "Pause" : "Play";
    for (const [i, one] of now.lines.entries()) {
      part(`now-${one.name}`).textContent = told(now.lines[i].values[frame]);
    }
  });
}

/** Put a case on; its names and numbers are text, whatever they hold. */
function show(id) {
  const case_ = cases.find((one) => one.id === id) ?? cases[0];
  now = decoded(case_, skeleton);
  const { motions } = now;
  part("case").value = now.id;
  part("told").textContent = now.told;
  part("facts").replaceChildren(
    ...now.facts.map(([name, value, more]) => {
      const fact = document.createElement("div");
      for (const [tag, text] of [["dt", name], ["dd", value], ["dd", more]]) {
        fact.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
      return fact;
    }),
  );
  now.top = rounded(furthest(motions.actor, motions.actor_adv));
  part("top").textContent = `${told(now.top)} cm`;
  now.lines = [
    { name: "before", values: distances(motions.answer, motions.wanted) },
    { name: "after", values: distances(motions.answer_adv, motions.wanted) },
  ];
  const [before, after] = now.lines.map((one) => mean(one.values));
  part("strip").setAttribute(
    "aria-label",
    `Distance to the target over time, in cm a joint: ${before} on average without an attack, ${after} with it.`,
  );
  for (const pane of all("pane")) pane.setAttribute("aria-label", described(pane.dataset.pane));
  part("scrub").max = now.frames - 1;
  stage?.show(motions, CASTS, now.top);
  strip.show(now.lines, now.fps);
  clock.pause();
  clock.start(now.frames, now.fps);
}

function mean(values) {
  return told(values.reduce((sum, one) => sum + one, 0) / values.length);
}

function described(pane) {
  return {
    clean: `${now.victim} without an attack: the actor as recorded and the answer.`,
    adversarial: `${now.victim} attacked: the changed actor, the recorded one pale behind, and the answer.`,
    target: `The reaction the attacker wants: ${now.target}.`,
    overlay: "All in one: recorded and changed actor, answers without and with the attack, the reaction wanted.",
  }[pane];
}

function linked() {
  return /^#case=([\w-]+)$/.exec(location.hash)?.[1] ?? null;
}

/** What the page was opened for; a case that is not here is said to be missing. */
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
    "+": () => orbit.closer(1.15),
    "-": () => orbit.closer(1 / 1.15),
  }[event.key];
  if (!done) return;
  event.preventDefault();
  if (event.shiftKey && event.key.startsWith("Arrow")) {
    orbit.turn(event.key === "ArrowLeft" ? 20 : -20, 0);
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
  button.addEventListener("click", () => orbit.reset(button.dataset.view));
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
  stage?.show(now.motions, CASTS, now.top);
  render();
});
new ResizeObserver(() => {
  strip.resize();
  render();
}).observe(root);
part("ramp").style.backgroundImage = ramp;
part("body").hidden = false;
follow();
orbit.reset(skeleton.axes < 3 ? "camera" : "angle");
