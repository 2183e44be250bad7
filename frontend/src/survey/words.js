// A jsPsych plugin: a page of words.
import { ParameterType } from "jspsych";
import { made, page, paragraphs } from "./dom.js";

const KEYS = [
  ["1 2 3 …", "choose a figure, or a name"],
  ["N", "none of them, or cannot tell"],
  ["S", "no answer"],
  ["Enter", "confirm"],
  ["Space", "play, pause"],
  ["← →", "one step back, on"],
  ["Shift ← →", "turn"],
  ["+ −", "closer, farther"],
];

export class Words {
  static info = {
    name: "feint-words",
    version: "1.0.0",
    parameters: {
      title: { type: ParameterType.STRING },
      paragraphs: { type: ParameterType.STRING, array: true },
      /** Whether the keys are told. */
      keys: { type: ParameterType.BOOL, default: false },
      go: { type: ParameterType.STRING },
    },
    data: {},
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  trial(display, { title, paragraphs: told, keys, go }) {
    const body = told.flatMap(paragraphs);
    if (keys) body.push(shortcuts());
    page(display, title, body, [[go, null]]).then(() => this.jsPsych.finishTrial({}));
  }
}

function shortcuts() {
  const list = made("dl", {});
  for (const [key, does] of KEYS) list.append(made("dt", {}, made("kbd", {}, key)), made("dd", {}, does));
  const closed = made("details", {}, made("summary", {}, "With the keyboard"), list);
  return closed;
}
