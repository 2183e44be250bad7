// Answers on their way: on this device until they are acknowledged, then nowhere but there.
import { passing } from "./server.js";

const FIRST = 500;
const LONGEST = 30_000;
const SMALL = { note: "jsPsych's record was refused" };

export class Outbox {
  /**
   * @param keep where answers wait.
   * @param send gives an answer away; its promise tells that it arrived.
   * @param changed called with {waiting, error, next}: how many wait, what went wrong last, and the
   *   seconds until the next try, null where there is none.
   */
  constructor(keep, send, changed) {
    this.keep = keep;
    this.send = send;
    this.changed = changed;
    this.pause = FIRST;
    this.running = null;
    this.wake = () => {};
    addEventListener("online", () => this.wake());
  }

  get waiting() {
    return this.keep.all("waiting");
  }

  put(answer) {
    this.keep.put("waiting", answer);
    this.flush();
  }

  /** Send what waits, one at a time; settles when nothing does, or when trying again is no use. */
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
        this.keep.drop("waiting", first.trial);
      } else if (!passing(error)) {
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

  /** null once the answer is there. */
  async tried(answer) {
    try {
      await this.send(answer);
      return null;
    } catch (error) {
      // Another answer to this question is stored (another tab): that one counts.
      if (error.status === 409) return null;
      if ([400, 413, 422].includes(error.status) && answer.body.raw !== SMALL) {
        // Rather the choice alone than nothing.
        return this.tried({ ...answer, body: { ...answer.body, raw: SMALL } });
      }
      return error;
    }
  }

  /** Until then, or until the network is back. */
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
