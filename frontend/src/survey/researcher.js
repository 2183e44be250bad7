// The researcher's page: progress, votes, thresholds so far, and the answers as files.
import { button, made } from "./dom.js";
import { thresholds } from "./thresholds.js";
import { request, ServerError } from "./server.js";
import { chart } from "./votes.js";

const TOKEN = "feint-survey-admin";
const EVERY = 10_000;
const root = document.getElementById("researcher");
const parts = {};
let timer = null;

const remembered = () => sessionStorage.getItem(TOKEN);
const admin = (path, more = {}) => request(`api/admin/${path}`, { token: remembered(), ...more });

/** Ask for the token. */
function door(news = "") {
  clearTimeout(timer);
  const field = made("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = made(
    "form", {},
    made("h1", {}, "Researcher"),
    made("label", { for: "token" }, "Admin token"), field,
    made("button", { type: "submit", class: "main" }, "Open"),
    made("p", { class: "news wrong", role: "alert" }, news),
    made("p", { class: "soft" }, "feint survey serve prints the token when it starts. This tab keeps it until you close the tab."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, field.value.trim());
    open();
  });
  root.replaceChildren(form);
  field.focus();
}

/** Lay out the page, and update it every ten seconds. */
async function open() {
  Object.assign(parts, {
    title: made("h1", {}, "Study"),
    news: made("p", { class: "news wrong", role: "status" }),
    when: made("p", { class: "soft" }),
    tiles: made("dl", { class: "tiles" }),
    thresholds: made("div", {}),
    charts: made("div", { class: "charts" }),
    trials: made("tbody", {}),
  });
  const head = made("tr", {}, ...["Trial", "Kind", "Objective", "Answered", "Missing"].map((name, i) => made("th", { scope: "col", class: i > 2 ? "n" : "" }, name)));
  root.replaceChildren(
    made(
      "header", {}, parts.title,
      made("div", { class: "files" }, file("answers.csv", "CSV"), file("answers.parquet", "Parquet"), button("Close", leave)),
    ),
    parts.news, parts.when, parts.tiles,
    made("h2", {}, "Thresholds"), parts.thresholds,
    made("h2", {}, "Votes: the leftmost clip that shows the reaction"), parts.charts,
    made("details", {}, made("summary", {}, "Every trial"), made("div", { class: "wide" }, made("table", {}, made("thead", {}, head), parts.trials))),
  );
  request("api/study").then(({ name }) => {
    parts.title.textContent = name;
    document.title = `${name}: researcher`;
  }, () => {});
  await refresh();
}

function leave() {
  sessionStorage.removeItem(TOKEN);
  door();
}

async function refresh() {
  clearTimeout(timer);
  try {
    const progress = await admin("progress");
    parts.news.textContent = "";
    parts.when.textContent = `As of ${new Date().toLocaleTimeString()}; updated every 10 s. The votes are without practice and catch trials.`;
    show(progress);
    await showThresholds();
  } catch (error) {
    if (error.status === 401) {
      sessionStorage.removeItem(TOKEN);
      return door("This is not the admin token.");
    }
    parts.news.textContent = `${error.message} The page shows older numbers and tries again in 10 s.`;
  }
  if (remembered()) timer = setTimeout(refresh, EVERY);
  return undefined;
}

async function showThresholds() {
  try {
    parts.thresholds.replaceChildren(...thresholds(await admin("thresholds")));
  } catch (error) {
    if (!(error instanceof ServerError) || error.status === 401) throw error;
    parts.thresholds.replaceChildren(made("p", { class: "soft" }, error.message));
  }
}

function show({ judges, answers, trials, objectives }) {
  const missing = trials.reduce((sum, one) => sum + one.missing, 0);
  const tiles = [
    ["judges agreed", judges.consented], ["finished", judges.finished],
    ["answers stored", answers], ["answers without a choice", missing],
  ];
  parts.tiles.replaceChildren(
    ...tiles.map(([name, value]) => made("div", {}, made("dt", {}, name), made("dd", {}, String(value)))),
  );
  parts.charts.replaceChildren(
    ...objectives.map((one) =>
      made("figure", { class: "card" }, made("figcaption", {}, `${one.action} → ${one.reaction} (${one.model})`), chart(one)),
    ),
  );
  const names = new Map(objectives.map((one) => [one.name, `${one.action} → ${one.reaction}`]));
  parts.trials.replaceChildren(
    ...trials.map((one) => {
      const cells = [one.name, one.kind, names.get(one.objective) ?? one.objective ?? "", one.answered, one.missing];
      return made("tr", {}, ...cells.map((cell, i) => made("td", { class: i > 2 ? "n" : "" }, String(cell))));
    }),
  );
}

/** A button that fetches a file with the token and saves it. */
function file(name, label) {
  const one = button(label, async () => {
    one.disabled = true;
    try {
      const href = URL.createObjectURL(await admin(name, { raw: true }));
      made("a", { href, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(href), 60_000);
    } catch (error) {
      parts.news.textContent = `${name} could not be fetched: ${error.message}`;
    } finally {
      one.disabled = false;
    }
  }, { title: `Save ${name}` });
  return one;
}

if (remembered()) open();
else door();
