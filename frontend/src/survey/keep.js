// What this device keeps of a study until the server has it: localStorage, or the page's memory
// where a browser gives none.

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

/** The keys of one study. */
export class Keep {
  constructor(study) {
    this.prefix = `feint-survey:${study}`;
    this.lasting = usable();
  }

  get store() {
    return this.lasting ? localStorage : fallback;
  }

  /** Who the judge is, and how far: {judge, token, read}; null before consent. */
  get session() {
    return this.read(this.prefix);
  }

  set session(told) {
    this.write(this.prefix, told);
  }

  /** Answers in a drawer, in the order they were given. */
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

  /** Somebody else sits down here. */
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

  /** A full or forbidden store is the page's memory from then on. */
  write(key, told) {
    try {
      this.store.setItem(key, JSON.stringify(told));
    } catch {
      for (const [name, value] of Object.entries(localStorage)) {
        if (name.startsWith(this.prefix)) memory.set(name, value);
      }
      this.lasting = false;
      memory.set(key, JSON.stringify(told));
    }
  }
}
