// A study without feint's server: the page reads static files, keeps the answers in the browser and
// hands them over at the end: to JATOS, to an address, or to the judge as a file.
import { element } from "./dom.js";
import { request, isTemporary, NoAnswerError } from "./server.js";

/** The interface of Server, for a folder of files. */
export class OfflineStudy {
  /** study.json: Server's study, with `trials` by name, `orders` of names, and `submit`. */
  async study() {
    this.jatos = await jatos();
    this.plan = await request("study.json");
    return { ...this.plan, trials: this.plan.orders[0].length };
  }

  /** Set the LocalStore in which answers are kept. */
  use(store) {
    this.store = store;
  }

  async begin() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    const judge = [...bytes.slice(0, 16)].map((one) => one.toString(16).padStart(2, "0")).join("");
    const order = (256 * bytes[16] + bytes[17]) % this.plan.orders.length;
    return { judge, token: String(order), trials: this.ordered(order), answered: [] };
  }

  async again({ judge, token }) {
    const answered = this.store.all("kept").map((one) => one.trial);
    return { judge, token, trials: this.ordered(Number(token)), answered };
  }

  ordered(order) {
    return this.plan.orders[order].map((name) => this.plan.trials[name]);
  }

  stimulus(name) {
    return request(`stimuli/${encodeURIComponent(name)}.json`);
  }

  /** Keep an answer in the browser; JATOS gets all answers so far each time. */
  async answer({ judge }, answer) {
    this.store.put("kept", answer);
    if (!this.jatos) return;
    try {
      await this.jatos.submitResultData(this.all(judge));
    } catch {
      throw new NoAnswerError("JATOS does not respond.");
    }
  }

  /** Every answer, as `feint survey import-answers` reads it. */
  all(judge) {
    const answers = this.store.all("kept").map(({ trial, body }) => ({ trial, ...body }));
    return JSON.stringify({ schema: 1, study: this.plan.id, judge, answers });
  }

  /**
   * Hand all answers over.
   * @returns elements to show on the last page, or null.
   */
  async end({ judge }, waiting) {
    const data = this.all(judge);
    const { url = null, experiment = null } = this.plan.submit ?? {};
    const name = `${judge}.json`;
    if (this.store.session.sent) return null;
    if (this.jatos) {
      await this.jatos.endStudyWithoutRedirect(data);
    } else if (url !== null) {
      const body = experiment === null ? JSON.parse(data) : { experimentID: experiment, filename: name, data };
      await this.posted(url, body, waiting);
    } else {
      const href = URL.createObjectURL(new Blob([data], { type: "application/json" }));
      return [
        element("p", {}, "Your answers are on this device only. Save the file and give it to the researcher."),
        element("p", {}, element("a", { class: "button", href, download: name }, "Save my answers")),
      ];
    }
    this.store.session = { ...this.store.session, sent: true };
    return null;
  }

  async posted(url, body, waiting) {
    for (let pause = 1000; ; pause = Math.min(2 * pause, 30_000)) {
      try {
        return await request(url, { method: "POST", body, raw: true });
      } catch (error) {
        if (!isTemporary(error)) throw error;
        waiting(error, pause / 1000);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

/** JATOS's script if the page runs in JATOS; else null. */
async function jatos() {
  if (!location.pathname.includes("/publix/")) return null;
  if (!globalThis.jatos) {
    const script = element("script", { src: "jatos.js" });
    const there = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => reject(new NoAnswerError("JATOS's script could not be loaded."));
    });
    document.head.append(script);
    await there;
  }
  await new Promise((resolve) => globalThis.jatos.onLoad(resolve));
  return globalThis.jatos;
}
