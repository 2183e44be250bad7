// A study without a server of ours: its files beside the page; answers are kept on this device and
// handed over at the end, to JATOS, to an address, or to the judge as a file.
import { made } from "./dom.js";
import { asked, passing, Silent } from "./server.js";

/** As Server, for a folder of files. */
export class Alone {
  /** study.json: Server's study, with `trials` by name, `orders` of names, and `send`. */
  async study() {
    this.jatos = await jatos();
    this.told = await asked("study.json");
    return { ...this.told, trials: this.told.orders[0].length };
  }

  /** Where answers are kept. */
  use(keep) {
    this.keep = keep;
  }

  async begin() {
    const bytes = crypto.getRandomValues(new Uint8Array(18));
    const judge = [...bytes.slice(0, 16)].map((one) => one.toString(16).padStart(2, "0")).join("");
    const order = (256 * bytes[16] + bytes[17]) % this.told.orders.length;
    return { judge, token: String(order), trials: this.ordered(order), answered: [] };
  }

  async again({ judge, token }) {
    const answered = this.keep.all("kept").map((one) => one.trial);
    return { judge, token, trials: this.ordered(Number(token)), answered };
  }

  ordered(order) {
    return this.told.orders[order].map((name) => this.told.trials[name]);
  }

  stimulus(name) {
    return asked(`stimuli/${encodeURIComponent(name)}.json`);
  }

  /** It is kept here; JATOS gets everything so far each time. */
  async answer({ judge }, answer) {
    this.keep.put("kept", answer);
    if (!this.jatos) return;
    try {
      await this.jatos.submitResultData(this.all(judge));
    } catch {
      throw new Silent("JATOS does not answer.");
    }
  }

  /** Every answer, as `feint survey collect` reads it. */
  all(judge) {
    const answers = this.keep.all("kept").map(({ trial, body }) => ({ trial, ...body }));
    return JSON.stringify({ schema: 1, study: this.told.id, judge, answers });
  }

  /**
   * Hand everything over.
   * @returns elements to show beside the thanks, or null.
   */
  async end({ judge }, waiting) {
    const data = this.all(judge);
    const { url = null, experiment = null } = this.told.send ?? {};
    const name = `${judge}.json`;
    if (this.keep.session.sent) return null;
    if (this.jatos) {
      await this.jatos.endStudyWithoutRedirect(data);
    } else if (url !== null) {
      const body = experiment === null ? JSON.parse(data) : { experimentID: experiment, filename: name, data };
      await this.posted(url, body, waiting);
    } else {
      const href = URL.createObjectURL(new Blob([data], { type: "application/json" }));
      return [
        made("p", {}, "Your answers are on this device only. Save the file and give it to the researcher."),
        made("p", {}, made("a", { class: "button", href, download: name }, "Save my answers")),
      ];
    }
    this.keep.session = { ...this.keep.session, sent: true };
    return null;
  }

  async posted(url, body, waiting) {
    for (let pause = 1000; ; pause = Math.min(2 * pause, 30_000)) {
      try {
        return await asked(url, { method: "POST", body, raw: true });
      } catch (error) {
        if (!passing(error)) throw error;
        waiting(error, pause / 1000);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

/** JATOS's own script, where the page's address is one of JATOS; else null. */
async function jatos() {
  if (!location.pathname.includes("/publix/")) return null;
  if (!globalThis.jatos) {
    const script = made("script", { src: "jatos.js" });
    const there = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => reject(new Silent("JATOS's script is not there."));
    });
    document.head.append(script);
    await there;
  }
  await new Promise((resolve) => globalThis.jatos.onLoad(resolve));
  return globalThis.jatos;
}
