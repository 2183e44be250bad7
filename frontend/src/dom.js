// Elements, for every page. Text is always text, never markup.

/** An element. Attributes that are null or false are left out; children that are strings become text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A table of text; the first column is the rows' names. */
export function table(heads, rows) {
  const head = (cell, i) => element("th", { scope: "col", class: i ? "n" : "w" }, cell);
  const cell = (text, i) => (i ? element("td", { class: "n" }, text) : element("th", { scope: "row", class: "w" }, text));
  const top = element("thead", {}, element("tr", {}, ...heads.map(head)));
  const body = element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map(cell))));
  return element("table", {}, top, body);
}
