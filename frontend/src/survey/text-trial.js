// The jsPsych plugin `feint-text`: a page of text.
import { ParameterType } from "jspsych";
import { element, page, paragraphs } from "./dom.js";

const KEYS = [
  ["1 2 3 …", "choose a figure, or a name"],
  ["N", "none of them, or can't tell"],
  ["S", "no answer"],
  ["Enter", "confirm"],
  ["Space", "play, pause"],
  ["← →", "one frame back, forward"],
  ["Shift ← →", "turn"],
  ["+ −", "closer, farther"],
];

export class TextTrial {
  static info = {
    name: "feint-text",
    version: "1.0.0",
    parameters: {
      title: { type: ParameterType.STRING },
      paragraphs: { type: ParameterType.STRING, array: true },
      /** Whether to list the keys. */
      keys: { type: ParameterType.BOOL, default: false },
      go: { type: ParameterType.STRING },
    },
    data: {},
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  trial(display, { title, paragraphs: texts, keys, go }) {
    const body = texts.flatMap(paragraphs);
    if (keys) body.push(shortcuts());
    page(display, title, body, [[go, null]]).then(() => this.jsPsych.finishTrial({}));
  }
}

function shortcuts() {
  const list = element("dl", {});
  for (const [key, does] of KEYS) list.append(element("dt", {}, element("kbd", {}, key)), element("dd", {}, does));
  const closed = element("details", {}, element("summary", {}, "With the keyboard"), list);
  return closed;
}
