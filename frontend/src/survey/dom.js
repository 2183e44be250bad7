// DOM elements, and pages of text with buttons.  A study's texts are always text, never markup.

/** An element; children that are strings become text. */
export function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export function button(label, clicked, attributes = {}) {
  const one = made("button", { type: "button", ...attributes }, label);
  one.addEventListener("click", clicked);
  return one;
}

/** Split a text into paragraphs at empty lines. */
export function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter((one) => one.trim())
    .map((one) => made("p", {}, one.trim()));
}

/**
 * Show a page of text in `root`; resolves to the value of the button that was pressed.
 * @param choices [[label, value]]: the main buttons.
 * @param others [[label, value]]: the secondary buttons.
 */
export function page(root, title, body, choices, others = []) {
  return new Promise((resolve) => {
    const buttons = [...choices, ...others].map(([label, value], i) =>
      button(label, () => resolve(value), { class: i < choices.length ? "main" : "" }),
    );
    const heading = made("h1", { tabindex: "-1" }, title);
    root.replaceChildren(
      made("article", { class: "text-page" }, heading, ...body, made("div", { class: "go" }, ...buttons)),
    );
    scrollTo(0, 0);
    heading.focus();
  });
}
