// The researcher's page: progress, votes, thresholds so far, and the answers as files.
import { button, element } from "./dom.js";
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
  const field = element("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = element(
    "form", {},
    element("h1", {}, "Researcher"),
    element("label", { for: "token" }, "Admin token"), field,
    element("button", { type: "submit", class: "main" }, "Open"),
    element("p", { class: "news wrong", role: "alert" }, news),
    element("p", { class: "soft" }, "feint survey serve prints the token when it starts. This tab keeps it until you close the tab."),
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
    title: element("h1", {}, "Study"),
    news: element("p", { class: "news wrong", role: "status" }),
    when: element("p", { class: "soft" }),
    tiles: element("dl", { class: "tiles" }),
    thresholds: element("div", {}),
    charts: element("div", { class: "charts" }),
    trials: element("tbody", {}),
  });
  const head = element("tr", {}, ...["Trial", "Kind", "Objective", "Answered", "Missing"].map((name, i) => element("th", { scope: "col", class: i > 2 ? "n" : "" }, name)));
  root.replaceChildren(
    element(
      "header", {}, parts.title,
      element("div", { class: "files" }, file("answers.csv", "CSV"), file("answers.parquet", "Parquet"), button("Close", leave)),
    ),
    parts.news, parts.when, parts.tiles,
    element("h2", {}, "Thresholds"), parts.thresholds,
    element("h2", {}, "Votes: the leftmost clip that shows the reaction"), parts.charts,
    element("details", {}, element("summary", {}, "Every trial"), element("div", { class: "wide" }, element("table", {}, element("thead", {}, head), parts.trials))),
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
    parts.thresholds.replaceChildren(element("p", { class: "soft" }, error.message));
  }
}

function show({ judges, answers, trials, objectives }) {
  const missing = trials.reduce((sum, one) => sum + one.missing, 0);
  const tiles = [
    ["judges agreed", judges.consented], ["finished", judges.finished],
    ["answers stored", answers], ["answers without a choice", missing],
  ];
  parts.tiles.replaceChildren(
    ...tiles.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))),
  );
  parts.charts.replaceChildren(
    ...objectives.map((one) =>
      element("figure", { class: "card" }, element("figcaption", {}, `${one.action} → ${one.reaction} (${one.model})`), chart(one)),
    ),
  );
  const names = new Map(objectives.map((one) => [one.name, `${one.action} → ${one.reaction}`]));
  parts.trials.replaceChildren(
    ...trials.map((one) => {
      const cells = [one.name, one.kind, names.get(one.objective) ?? one.objective ?? "", one.answered, one.missing];
      return element("tr", {}, ...cells.map((cell, i) => element("td", { class: i > 2 ? "n" : "" }, String(cell))));
    }),
  );
}

/** A button that fetches a file with the token and saves it. */
function file(name, label) {
  const one = button(label, async () => {
    one.disabled = true;
    try {
      const href = URL.createObjectURL(await admin(name, { raw: true }));
      element("a", { href, download: name }).click();
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
