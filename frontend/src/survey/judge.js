// The judge's page: consent, instructions, practice, questions, thanks.
import { initJsPsych } from "jspsych";
import { OfflineStudy } from "./offline-study.js";
import { button, element, page, paragraphs } from "./dom.js";
import { LocalStore } from "./local-storage.js";
import { Outbox } from "./outbox.js";
import { ServerError, Server, NoAnswerError } from "./server.js";
import { remembered, skeletons } from "./skeletons.js";
import { PanelGroup } from "./panels.js";
import { TextTrial } from "./text-trial.js";

const root = document.getElementById("judge");
const status = document.getElementById("status");
const source = root.dataset.from === "files" ? new OfflineStudy() : new Server();

/** Repeat a request until it succeeds or the server rejects it; the judge presses "Try again". */
async function insist(ask, title) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ServerError && ![429, 500, 502, 503, 504].includes(error.status)) throw error;
      if (!(error instanceof ServerError || error instanceof NoAnswerError)) throw error;
      const why =
        error instanceof NoAnswerError
          ? "The study's server does not answer. Check that this device is online; the server may also be down."
          : `${error.message}${error.seconds ? ` Try again in ${Math.ceil(error.seconds)} s.` : ""}`;
      const kept = "Answers that you gave already are kept.";
      await page(root, title, [element("p", {}, why), element("p", {}, kept)], [["Try again", null]]);
      root.replaceChildren(element("p", { class: "loading" }, "Loading…"));
    }
  }
}

/** The judge of a former visit, or a new one after consent; null without consent. */
async function judge(study, store) {
  const before = store.session;
  if (before !== null) {
    try {
      return await insist(() => source.again(before), "Your answers so far could not be loaded");
    } catch (error) {
      if (![401, 403, 404].includes(error.status)) throw error;
      await page(
        root, "The server does not know you any more",
        [element("p", {}, "Your earlier answers on this device are not on the study's server, for example because it was set up again. You can take part from the start.")],
        [["Start anew", null]],
      );
      store.forget();
    }
  }
  const agreed = await page(root, study.name, paragraphs(study.consent), [["I agree and take part", true]], [["I do not agree", false]]);
  if (!agreed) return null;
  const begun = await insist(() => source.begin(study.id), "The study could not be started");
  store.session = { judge: begun.judge, token: begun.token, read: false };
  return begun;
}

function instructions(study, who) {
  const practice = who.trials.some((one) => one.practice);
  return {
    type: TextTrial,
    title: "How it works",
    paragraphs: study.instructions,
    keys: true,
    go: practice ? "Start with practice" : "Start",
  };
}

/** The trials without an answer, as jsPsych's timeline. */
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
    const feedback = { type: plugin, shown, progress, feedback: () => ({ choice }) };
    return shown.practice ? [asked, feedback] : [asked];
  });
}

/** Show how sending the answers goes, in the status line. */
function reported({ waiting, error, next }) {
  const many = waiting === 1 ? "1 answer waits" : `${waiting} answers wait`;
  if (error === null) status.replaceChildren();
  else if (next !== null) {
    status.replaceChildren(
      `No connection to the study's server: ${many} on this device. You can go on; the page tries again in ${Math.ceil(next)} s.`,
    );
  } else {
    const why =
      error.status === 404 || error.status === 401
        ? "The study was changed or set up again on the server"
        : "The server does not accept this answer";
    status.replaceChildren(
      `${why} (“${error.message}”): ${many} on this device. Please tell the researcher.`,
    );
  }
}

/** The last page: thanks, or which answers are not stored. */
async function thanks(study, store, outbox, who) {
  root.replaceChildren(element("p", { class: "loading", role: "status" }, "Saving your last answers…"));
  const [notes, more] = [[], paragraphs(study.thanks)];
  if (!(await outbox.flush())) {
    more.length = 0;
    const href = URL.createObjectURL(new Blob([JSON.stringify({ study: study.id, judge: who.judge, answers: outbox.waiting })]));
    notes.push(
      element("p", { class: "news wrong" }, "Some answers could not be stored. Please save them as a file and give it to the researcher."),
      element("p", {}, element("a", { class: "button", href, download: `${who.judge}.json` }, "Save these answers")),
    );
  }
  try {
    const files = await source.end(who, (error, next) => reported({ waiting: 1, error, next }));
    if (files) notes.push(...files);
    if (!outbox.waiting.length) status.replaceChildren();
  } catch (error) {
    more.length = 0;
    notes.push(element("p", { class: "news wrong" }, `Your answers could not be handed over: ${error.message} They are kept on this device.`));
  }
  const number = element("code", { class: "judge" }, who.judge);
  await page(
    root, "You are done", [
      ...notes, ...more,
      element("h2", {}, "If you want your answers deleted"),
      element("p", {}, "The study does not store who you are, so only this number identifies your answers. Write it down, and give it to the researcher if you want your answers deleted:"),
      element("p", {}, number),
    ],
    [], [["Let somebody else take part on this device", null]],
  );
  store.forget();
  location.reload();
}

async function main() {
  const study = await insist(() => source.study(), "The study could not be loaded");
  document.title = study.name;
  const store = new LocalStore(study.id);
  source.use?.(store);
  const who = await judge(study, store);
  if (who === null) {
    root.replaceChildren(element("article", { class: "text-page" }, element("h1", {}, "Nothing was stored"), element("p", {}, "You did not agree, so the study ends here. You can close this page.")));
    return;
  }
  const outbox = new Outbox(store, (answer) => source.answer(who, answer), reported);
  const given = new Set([...who.answered, ...outbox.waiting.map((one) => one.trial)]);
  const open = who.trials.filter((one) => !given.has(one.name));
  outbox.flush();
  addEventListener("beforeunload", (event) => {
    if (!store.lasting && outbox.waiting.length) event.preventDefault();
  });
  if (open.length) await run(study, store, outbox, who, open);
  await thanks(study, store, outbox, who);
}

async function run(study, store, outbox, who, open) {
  const stimulus = remembered((name) => source.stimulus(name));
  const group = new PanelGroup(study.skeleton);
  const ahead = (shown) => shown?.panels.forEach((name) => stimulus(name).catch(() => {}));
  ahead(open[0]);
  const asked = timeline(skeletons(group, stimulus), who, open, (answer) => {
    outbox.put(answer);
    ahead(open[open.findIndex((one) => one.name === answer.trial) + 2]);
  });
  ahead(open[1]);
  const first = [];
  if (!store.session.read) {
    const read = () => (store.session = { ...store.session, read: true });
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
  root.replaceChildren(element("article", { class: "text-page" }, element("h1", {}, "This did not work"), element("p", { role: "alert" }, body), again));
});
