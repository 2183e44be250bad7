// Sends answers to the server, and keeps each on this device until the server has stored it.
import { isTemporary } from "./server.js";

const FIRST = 500;
const LONGEST = 30_000;
const SMALL = { note: "jsPsych's record was refused" };

export class Outbox {
  /**
   * @param store the LocalStore in which answers wait.
   * @param send sends an answer; its promise resolves when the answer is stored.
   * @param changed called with {waiting, error, next}: the number of answers that wait, the last
   *   error, and the seconds until the next try (null: no further try).
   */
  constructor(store, send, changed) {
    this.store = store;
    this.send = send;
    this.changed = changed;
    this.pause = FIRST;
    this.running = null;
    this.wake = () => {};
    addEventListener("online", () => this.wake());
  }

  get waiting() {
    return this.store.all("waiting");
  }

  put(answer) {
    this.store.put("waiting", answer);
    this.flush();
  }

  /** Send the waiting answers, one at a time; resolves when none waits or a retry is useless. */
  flush() {
    this.running ??= this.run().finally(() => (this.running = null));
    return this.running;
  }

  async run() {
    for (;;) {
      const [first] = this.waiting;
      if (!first) {
        this.changed({ waiting: 0, error: null, next: null });
        return true;
      }
      const error = await this.tried(first);
      if (error === null) {
        this.pause = FIRST;
        this.store.drop("waiting", first.trial);
      } else if (!isTemporary(error)) {
        this.changed({ waiting: this.waiting.length, error, next: null });
        return false;
      } else {
        const wait = error.seconds ? 1000 * error.seconds : this.pause * (0.75 + Math.random() / 2);
        this.pause = Math.min(2 * this.pause, LONGEST);
        this.changed({ waiting: this.waiting.length, error, next: wait / 1000 });
        await this.rest(wait);
      }
    }
  }

  /** Send one answer; resolves to null if it is stored, else to the error. */
  async tried(answer) {
    try {
      await this.send(answer);
      return null;
    } catch (error) {
      // Another tab has stored an answer to this question; the server keeps that one.
      if (error.status === 409) return null;
      if ([400, 413, 422].includes(error.status) && answer.body.raw !== SMALL) {
        // Send the choice without jsPsych's record.
        return this.tried({ ...answer, body: { ...answer.body, raw: SMALL } });
      }
      return error;
    }
  }

  /** Wait for so many ms, or until the network is back. */
  rest(wait) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
