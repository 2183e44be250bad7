// The jsPsych plugin `feint-skeletons`: stick figures that move in sync, and a question about them.
import { ParameterType } from "jspsych";
import { Question } from "./question.js";
import { isTemporary } from "./server.js";

const info = {
  name: "feint-skeletons",
  version: "1.0.0",
  parameters: {
    /** The trial, as the server sends it. */
    shown: { type: ParameterType.OBJECT },
    /** {label, done}: the judge's progress. */
    progress: { type: ParameterType.OBJECT },
    /** null asks; {choice} shows which answer is right. */
    feedback: { type: ParameterType.OBJECT, default: null },
  },
  data: {
    /** The option's value; null where the judge gave no answer. */
    response: { type: ParameterType.STRING },
    /** Milliseconds since the figures were shown. */
    rt: { type: ParameterType.FLOAT },
    /** The stimuli, from left to right. */
    panels: { type: ParameterType.STRING, array: true },
    /** "click" (or a finger) or "key": how the choice was made. */
    by: { type: ParameterType.STRING },
    /** How often the choice was changed before it was confirmed. */
    changes: { type: ParameterType.INT },
    /** How often the motion was started. */
    plays: { type: ParameterType.INT },
    /** "webgl" or "2d"; and whether the screen is narrower than 46 rem. */
    drawn: { type: ParameterType.STRING },
    narrow: { type: ParameterType.BOOL },
  },
};

/** The plugin's class, with the panel group and the stimuli that all its trials share. */
export function skeletons(group, stimulus) {
  return class {
    static info = info;

    constructor(jsPsych) {
      this.jsPsych = jsPsych;
    }

    trial(display, { shown, progress, feedback }) {
      const question = new Question(display, group, { shown, progress, feedback }, (answer) => {
        const { choice: response = null, ...more } = answer;
        const { plays, way: drawn } = group;
        group.close();
        this.jsPsych.finishTrial({
          response, ...more, panels: shown.panels, plays, drawn,
          narrow: matchMedia("(max-width: 46rem)").matches,
        });
      });
      this.load(question, shown.panels);
    }

    /** Fetch the stimuli; repeat after temporary errors. */
    async load(question, panels) {
      for (let pause = 500; ; pause = Math.min(2 * pause, 15_000)) {
        try {
          question.open(await Promise.all(panels.map(stimulus)));
          return;
        } catch (error) {
          const sentence = `The figures could not be loaded: ${error.message}`;
          if (!isTemporary(error)) {
            question.wait(`${sentence} Load this page again; your answers are kept.`);
            return;
          }
          question.wait(`${sentence} Trying again…`);
          await new Promise((resolve) => setTimeout(resolve, error.seconds ? 1000 * error.seconds : pause));
        }
      }
    }
  };
}

/** A cache: each stimulus is fetched once; after an error it is fetched again. */
export function remembered(fetched) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) {
      const coming = fetched(name);
      coming.catch(() => known.delete(name));
      known.set(name, coming);
    }
    return known.get(name);
  };
}
