// The rows of the page's JSON: read, sorted and filtered. table.js draws them.

/** One column: numbers to sort by, words to show. */
class Column {
  constructor({ name, head, words, codes, values, places, flags }) {
    this.name = name;
    this.head = head;
    this.numeric = Boolean(values) || name === "eps";
    if (flags !== undefined) {
      this.words = ["no", "yes"];
      this.values = Uint8Array.from(flags, Number);
    } else if (words) {
      this.words = words;
      this.values = Int32Array.from(codes);
    } else {
      this.values = Float64Array.from(values, (one) => one ?? NaN);
      this.places = places;
      this.unit = 10 ** places;
    }
    this.searched = Boolean(words) && name !== "eps";
  }

  text(row) {
    const value = this.values[row];
    if (this.words) return this.words[value];
    return Number.isNaN(value) ? "–" : (value / this.unit).toFixed(this.places);
  }
}

/** A word quoted for a shell. */
export function quoted(word) {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export class TableData {
  constructor({ columns, cases, folder }) {
    this.folder = folder;
    this.columns = columns.map((one) => new Column(one));
    this.count = this.columns[0].values.length;
    this.cases = new Map(cases);
    const played = new Uint8Array(this.count).fill(1);
    for (const row of this.cases.keys()) played[row] = 0;
    this.played = { name: "player", head: "player", values: played };
    this.sort("player", false);
  }

  column(name) {
    return name === "player" ? this.played : this.columns.find((one) => one.name === name);
  }

  /** Rows without a number come last, in both directions; ties stay in the order of the data. */
  sort(name, descending) {
    const { values } = this.column(name);
    const sign = descending ? -1 : 1;
    this.order = Uint32Array.from({ length: this.count }, (_, i) => i).sort((a, b) => {
      const [x, y] = [values[a], values[b]];
      if (x === y) return a - b;
      if (Number.isNaN(x)) return Number.isNaN(y) ? a - b : 1;
      if (Number.isNaN(y)) return -1;
      return sign * (x - y);
    });
  }

  /**
   * @param text words that must all be somewhere in a row's names.
   * @param exact [column's name, position of its word] pairs that must all hold.
   */
  filtered(text, exact) {
    const names = this.columns.filter((one) => one.searched);
    const tests = text.toLowerCase().split(/\s+/).filter(Boolean).map((part) =>
      names.map(({ values, words }) => ({
        values,
        hits: Uint8Array.from(words, (word) => Number(word.toLowerCase().includes(part))),
      })),
    );
    const codes = exact.map(([name, code]) => ({ values: this.column(name)?.values, code }));
    return this.order.filter(
      (row) =>
        codes.every(({ values, code }) => values[row] === code) &&
        tests.every((any) => any.some(({ values, hits }) => hits[values[row]])),
    );
  }

  /** The command that plays a row whose motion is not in the page; null for a transfer attack. */
  command(row) {
    const [surrogate, victim, target, eps, sequence] = ["surrogate", "victim", "target", "eps", "sequence"]
      .map((name) => this.column(name).text(row));
    if (surrogate !== victim) return null;
    const selection = Object.entries({ victim, target, sequence, eps });
    const options = selection.map(([name, value]) => `--${name}=${quoted(value)}`).join(" ");
    return `feint animate ${quoted(this.folder)} --format html ${options}`;
  }

  /** The position of a word in a column; -1 if no row has it. */
  code(name, word) {
    return this.column(name).words.indexOf(word);
  }
}
