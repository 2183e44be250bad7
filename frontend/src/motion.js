// Decodes a case's motion from the page's JSON: metres, in the axes of the scene.

const NOWHERE = -32768;

/** Positions of one person over time; `at(frame, joint, out)` fills [x, y, z], NaN where unknown. */
export class Motion {
  constructor(base64, frames, skeleton, step) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const { axes, turned } = skeleton;
    this.frames = frames;
    this.joints = skeleton.joints.length;
    this.values = new Float32Array(frames * this.joints * 3);
    // The camera sees the first axis to the right.  Where the first axis of the data points
    // left, everything is turned half around the vertical, which never mirrors.
    const sign = [turned ? -1 : 1, 1, turned ? -1 : 1];
    for (let i = 0; i < frames * this.joints; i++) {
      for (let axis = 0; axis < axes; axis++) {
        const counted = view.getInt16(2 * (i * axes + axis), true);
        this.values[3 * i + axis] = counted === NOWHERE ? NaN : sign[axis] * counted * step;
      }
    }
  }

  at(frame, joint, out) {
    const i = 3 * (frame * this.joints + joint);
    out[0] = this.values[i];
    out[1] = this.values[i + 1];
    out[2] = this.values[i + 2];
    return out;
  }
}

/** A case with its motions decoded. */
export function decode(encoded, skeleton) {
  const motions = {};
  for (const [name, base64] of Object.entries(encoded.motions)) {
    motions[name] = new Motion(base64, encoded.frames, skeleton, encoded.step);
  }
  return { ...encoded, motions };
}

const a = [0, 0, 0];
const b = [0, 0, 0];

/** Centimetres between two people's joint in a frame; NaN where it is unknown. */
export function apart(one, other, frame, joint) {
  one.at(frame, joint, a);
  other.at(frame, joint, b);
  return 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** Mean over the joints, frame by frame. */
export function distances(one, other) {
  return Array.from({ length: one.frames }, (_, frame) => {
    let sum = 0;
    for (let joint = 0; joint < one.joints; joint++) sum += apart(one, other, frame, joint);
    return sum / one.joints;
  });
}

/** The furthest any joint is ever moved. */
export function furthest(one, other) {
  let most = 0;
  for (let frame = 0; frame < one.frames; frame++) {
    for (let joint = 0; joint < one.joints; joint++) {
      const cm = apart(one, other, frame, joint);
      if (cm > most) most = cm;
    }
  }
  return most;
}
