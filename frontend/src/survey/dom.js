// DOM elements, and pages of text with buttons.  A study's texts are always text, never markup.

import { element } from "../dom.js";

export { element };

export function button(label, clicked, attributes = {}) {
  const one = element("button", { type: "button", ...attributes }, label);
  one.addEventListener("click", clicked);
  return one;
}

/** Split a text into paragraphs at empty lines. */
export function paragraphs(text) {
  return text
    .split(/\n\s*\n/)
    .filter((one) => one.trim())
    .map((one) => element("p", {}, one.trim()));
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
    const heading = element("h1", { tabindex: "-1" }, title);
    root.replaceChildren(
      element("article", { class: "text-page" }, heading, ...body, element("div", { class: "go" }, ...buttons)),
    );
    scrollTo(0, 0);
    heading.focus();
  });
}
