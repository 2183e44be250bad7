// The researcher's page: how far the study is, its votes, kappa as it is now, the answers as files.
import { button, made } from "./dom.js";
import { kappa } from "./kappa.js";
import { asked, Refused } from "./server.js";
import { chart } from "./votes.js";

const TOKEN = "feint-survey-admin";
const EVERY = 10_000;
const root = document.getElementById("researcher");
const parts = {};
let timer = null;

const remembered = () => sessionStorage.getItem(TOKEN);
const admin = (path, more = {}) => asked(`api/admin/${path}`, { token: remembered(), ...more });

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
    made("p", { class: "soft" }, "feint survey serve prints it when it starts. It is forgotten when this tab is closed."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, field.value.trim());
    open();
  });
  root.replaceChildren(form);
  field.focus();
}

/** Lay the page out, and fill it now and every ten seconds. */
async function open() {
  Object.assign(parts, {
    title: made("h1", {}, "Study"),
    news: made("p", { class: "news wrong", role: "status" }),
    when: made("p", { class: "soft" }),
    tiles: made("dl", { class: "tiles" }),
    kappa: made("div", {}),
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
    made("h2", {}, "Kappa"), parts.kappa,
    made("h2", {}, "Votes: the leftmost clip that shows the reaction"), parts.charts,
    made("details", {}, made("summary", {}, "Every trial"), made("div", { class: "wide" }, made("table", {}, made("thead", {}, head), parts.trials))),
  );
  asked("api/study").then(({ name }) => {
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
    parts.when.textContent = `As of ${new Date().toLocaleTimeString()}, read again every 10 s. Clips of practice and catch trials are not in the votes.`;
    show(progress);
    await estimated();
  } catch (error) {
    if (error.status === 401) {
      sessionStorage.removeItem(TOKEN);
      return door("This is not the admin token.");
    }
    parts.news.textContent = `${error.message} What you see is from before; it is tried again in 10 s.`;
  }
  if (remembered()) timer = setTimeout(refresh, EVERY);
  return undefined;
}

async function estimated() {
  try {
    parts.kappa.replaceChildren(...kappa(await admin("kappa")));
  } catch (error) {
    if (!(error instanceof Refused) || error.status === 401) throw error;
    parts.kappa.replaceChildren(made("p", { class: "soft" }, error.message));
  }
}

function show({ judges, answers, trials, objectives }) {
  const missing = trials.reduce((sum, one) => sum + one.missing, 0);
  const tiles = [
    ["judges agreed", judges.consented], ["finished", judges.finished],
    ["answers stored", answers], ["of them without a choice", missing],
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
