// The judge's page: consent, instructions, practice, questions, thanks.
import { initJsPsych } from "jspsych";
import { Alone } from "./alone.js";
import { button, made, page, paragraphs } from "./dom.js";
import { Keep } from "./keep.js";
import { Outbox } from "./outbox.js";
import { Refused, Server, Silent } from "./server.js";
import { remembered, skeletons } from "./skeletons.js";
import { Theatre } from "./theatre.js";
import { Words } from "./words.js";

const root = document.getElementById("judge");
const status = document.getElementById("status");
const source = root.dataset.from === "files" ? new Alone() : new Server();

/** Ask until it is there or refused; a judge presses the button to ask again. */
async function insist(ask, title) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Refused && ![429, 500, 502, 503, 504].includes(error.status)) throw error;
      if (!(error instanceof Refused || error instanceof Silent)) throw error;
      const why =
        error instanceof Silent
          ? "The study's server does not answer. Check that this device is online; it may also be the server."
          : `${error.message}${error.seconds ? ` Try again in ${Math.ceil(error.seconds)} s.` : ""}`;
      const kept = "Answers that you gave already are kept.";
      await page(root, title, [made("p", {}, why), made("p", {}, kept)], [["Try again", null]]);
      root.replaceChildren(made("p", { class: "loading" }, "Loading…"));
    }
  }
}

/** Who judges: from before, or after their consent.  null if there is none. */
async function judge(study, keep) {
  const before = keep.session;
  if (before !== null) {
    try {
      return await insist(() => source.again(before), "Your answers so far could not be loaded");
    } catch (error) {
      if (![401, 403, 404].includes(error.status)) throw error;
      await page(
        root, "You are not known here any more",
        [made("p", {}, "The study's server does not know this device's judge, for instance because it was set up anew. You can take part from the start.")],
        [["Start anew", null]],
      );
      keep.forget();
    }
  }
  const agreed = await page(root, study.name, paragraphs(study.consent), [["I agree and take part", true]], [["I do not agree", false]]);
  if (!agreed) return null;
  const begun = await insist(() => source.begin(study.id), "The study could not be started");
  keep.session = { judge: begun.judge, token: begun.token, read: false };
  return begun;
}

function instructions(study, who) {
  const practice = who.trials.some((one) => one.practice);
  return {
    type: Words,
    title: "How it works",
    paragraphs: study.instructions,
    keys: true,
    go: practice ? "Start with practice" : "Start",
  };
}

/** What is still to be asked, as jsPsych's timeline. */
function timeline(plugin, who, open, answered) {
  const counted = who.trials.filter((one) => !one.practice);
  return open.flatMap((shown) => {
    const position = who.trials.indexOf(shown);
    const place = counted.indexOf(shown);
    const progress = {
      label: shown.practice ? "Practice" : `Question ${place + 1} of ${counted.length}`,
      done: shown.practice ? 0 : place / counted.length,
    };
    let choice = null;
    const asked = {
      type: plugin, shown, progress,
      on_finish: (raw) => {
        choice = raw.response;
        answered({ trial: shown.name, body: { choice, rt_ms: raw.rt, position, raw } });
      },
    };
    const told = { type: plugin, shown, progress, told: () => ({ choice }) };
    return shown.practice ? [asked, told] : [asked];
  });
}

/** How the sending goes, in words that ask for no more attention than needed. */
function reported({ waiting, error, next }) {
  const many = waiting === 1 ? "1 answer waits" : `${waiting} answers wait`;
  if (error === null) status.replaceChildren();
  else if (next !== null) {
    status.replaceChildren(
      `No connection to the study's server: ${many} on this device. You can go on; it is tried again in ${Math.ceil(next)} s.`,
    );
  } else {
    const why =
      error.status === 404 || error.status === 401
        ? "The study was changed or set up anew on the server"
        : "The server does not take this answer";
    status.replaceChildren(
      `${why} (“${error.message}”): ${many} on this device. Please tell the researcher.`,
    );
  }
}

/** Everything is stored, or said what is not. */
async function thanks(study, keep, outbox, who) {
  root.replaceChildren(made("p", { class: "loading", role: "status" }, "Saving your last answers…"));
  const [told, more] = [[], paragraphs(study.thanks)];
  if (!(await outbox.flush())) {
    more.length = 0;
    const href = URL.createObjectURL(new Blob([JSON.stringify({ study: study.id, judge: who.judge, answers: outbox.waiting })]));
    told.push(
      made("p", { class: "news wrong" }, "Some answers could not be stored. Please save them as a file and give it to the researcher."),
      made("p", {}, made("a", { class: "button", href, download: `${who.judge}.json` }, "Save these answers")),
    );
  }
  try {
    const files = await source.end(who, (error, next) => reported({ waiting: 1, error, next }));
    if (files) told.push(...files);
    if (!outbox.waiting.length) status.replaceChildren();
  } catch (error) {
    more.length = 0;
    told.push(made("p", { class: "news wrong" }, `Your answers could not be handed over: ${error.message} They are kept on this device.`));
  }
  const number = made("code", { class: "judge" }, who.judge);
  await page(
    root, "You are done", [
      ...told, ...more,
      made("h2", {}, "If you want your answers deleted"),
      made("p", {}, "Nothing that is stored says who you are, so only this number finds your answers. Write it down, and give it to the researcher if you want them deleted:"),
      made("p", {}, number),
    ],
    [], [["Let somebody else take part on this device", null]],
  );
  keep.forget();
  location.reload();
}

async function main() {
  const study = await insist(() => source.study(), "The study could not be loaded");
  document.title = study.name;
  const keep = new Keep(study.id);
  source.use?.(keep);
  const who = await judge(study, keep);
  if (who === null) {
    root.replaceChildren(made("article", { class: "words" }, made("h1", {}, "Nothing was stored"), made("p", {}, "You did not agree, so the study ends here. You can close this page.")));
    return;
  }
  const outbox = new Outbox(keep, (answer) => source.answer(who, answer), reported);
  const given = new Set([...who.answered, ...outbox.waiting.map((one) => one.trial)]);
  const open = who.trials.filter((one) => !given.has(one.name));
  outbox.flush();
  addEventListener("beforeunload", (event) => {
    if (!keep.lasting && outbox.waiting.length) event.preventDefault();
  });
  if (open.length) await run(study, keep, outbox, who, open);
  await thanks(study, keep, outbox, who);
}

async function run(study, keep, outbox, who, open) {
  const stimulus = remembered((name) => source.stimulus(name));
  const theatre = new Theatre(study.skeleton);
  const ahead = (shown) => shown?.panels.forEach((name) => stimulus(name).catch(() => {}));
  ahead(open[0]);
  const asked = timeline(skeletons(theatre, stimulus), who, open, (answer) => {
    outbox.put(answer);
    ahead(open[open.findIndex((one) => one.name === answer.trial) + 2]);
  });
  ahead(open[1]);
  const first = [];
  if (!keep.session.read) {
    const read = () => (keep.session = { ...keep.session, read: true });
    first.push({ ...instructions(study, who), on_finish: read });
  }
  root.replaceChildren();
  const experiment = initJsPsych({ display_element: root, use_webaudio: false });
  await experiment.run([...first, ...asked]);
  root.replaceChildren();
}

main().catch((error) => {
  const body =
    {
      404: "This study was changed or ended since the page was opened. Load the page again.",
      409: error.message,
    }[error.status] ??
    `Something went wrong: ${error.message} Load the page again; if that does not help, tell the researcher.`;
  const again = button("Load the page again", () => location.reload(), { class: "main" });
  root.replaceChildren(made("article", { class: "words" }, made("h1", {}, "This did not work"), made("p", { role: "alert" }, body), again));
});
