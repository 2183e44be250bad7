// A jsPsych plugin: skeletons that move in sync, and a question about them.
import { ParameterType } from "jspsych";
import { Question } from "./question.js";
import { passing } from "./server.js";

const info = {
  name: "feint-skeletons",
  version: "1.0.0",
  parameters: {
    /** What the server shows of a trial. */
    shown: { type: ParameterType.OBJECT },
    /** {label, done}: how far the judge is. */
    progress: { type: ParameterType.OBJECT },
    /** null asks; {choice} says what would have been right. */
    told: { type: ParameterType.OBJECT, default: null },
  },
  data: {
    /** The option's value; null where the judge gave no answer. */
    response: { type: ParameterType.STRING },
    /** Milliseconds from when the figures were there. */
    rt: { type: ParameterType.FLOAT },
    /** The stimuli, from left to right. */
    panels: { type: ParameterType.STRING, array: true },
    /** "click" (or a finger) or "key": how the choice was made. */
    by: { type: ParameterType.STRING },
    /** How often the choice was changed before it was confirmed. */
    changes: { type: ParameterType.INT },
    /** How often the motion was started. */
    plays: { type: ParameterType.INT },
    /** Whether it was drawn by "webgl" or in "2d", and on a screen under 46 rem. */
    drawn: { type: ParameterType.STRING },
    narrow: { type: ParameterType.BOOL },
  },
};

/** The plugin, around what outlives a trial: the stage, and where stimuli come from. */
export function skeletons(theatre, stimulus) {
  return class {
    static info = info;

    constructor(jsPsych) {
      this.jsPsych = jsPsych;
    }

    trial(display, { shown, progress, told }) {
      const question = new Question(display, theatre, { shown, progress, told }, (answer) => {
        const { choice: response = null, ...more } = answer;
        const { plays, way: drawn } = theatre;
        theatre.close();
        this.jsPsych.finishTrial({
          response, ...more, panels: shown.panels, plays, drawn,
          narrow: matchMedia("(max-width: 46rem)").matches,
        });
      });
      this.load(question, shown.panels);
    }

    /** Fetch until it is there. */
    async load(question, panels) {
      for (let pause = 500; ; pause = Math.min(2 * pause, 15_000)) {
        try {
          question.open(await Promise.all(panels.map(stimulus)));
          return;
        } catch (error) {
          const sentence = `The figures could not be loaded: ${error.message}`;
          if (!passing(error)) {
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

/** Stimuli, each fetched once; one that failed is fetched again. */
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
