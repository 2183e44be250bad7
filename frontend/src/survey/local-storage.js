// Answers and session of a judge in localStorage, or in the page's memory if the browser has none.

const memory = new Map();
const fallback = {
  getItem: (key) => memory.get(key) ?? null,
  setItem: (key, value) => memory.set(key, value),
  removeItem: (key) => memory.delete(key),
  keys: () => [...memory.keys()],
};

function usable() {
  try {
    localStorage.setItem("feint-survey", "");
    localStorage.removeItem("feint-survey");
    return true;
  } catch {
    return false;
  }
}

/** The entries of one study. */
export class LocalStore {
  constructor(study) {
    this.prefix = `feint-survey:${study}`;
    this.lasting = usable();
  }

  get store() {
    return this.lasting ? localStorage : fallback;
  }

  /** The judge's session, {judge, token, read}; null before consent. */
  get session() {
    return this.read(this.prefix);
  }

  set session(session) {
    this.write(this.prefix, session);
  }

  /** The answers in a drawer ("waiting" or "kept"), in the order they were given. */
  all(drawer) {
    const start = `${this.prefix}:${drawer}:`;
    const keys = this.lasting ? Object.keys(localStorage) : fallback.keys();
    return keys
      .filter((key) => key.startsWith(start))
      .map((key) => this.read(key))
      .filter((one) => one !== null)
      .sort((a, b) => a.body.position - b.body.position);
  }

  put(drawer, answer) {
    this.write(`${this.prefix}:${drawer}:${answer.trial}`, answer);
  }

  drop(drawer, trial) {
    this.store.removeItem(`${this.prefix}:${drawer}:${trial}`);
  }

  /** Remove everything, so that another judge can take part on this device. */
  forget() {
    this.store.removeItem(this.prefix);
    for (const drawer of ["waiting", "kept"]) {
      for (const { trial } of this.all(drawer)) this.drop(drawer, trial);
    }
  }

  read(key) {
    try {
      return JSON.parse(this.store.getItem(key));
    } catch {
      return null;
    }
  }

  /** Write an entry; if the browser's storage is full or forbidden, use the page's memory. */
  write(key, value) {
    try {
      this.store.setItem(key, JSON.stringify(value));
    } catch {
      for (const [name, value] of Object.entries(localStorage)) {
        if (name.startsWith(this.prefix)) memory.set(name, value);
      }
      this.lasting = false;
      memory.set(key, JSON.stringify(value));
    }
  }
}
