// One person in 3-D: a stick for every bone, a ball for every joint.
import {
  Color, CylinderGeometry, Group, InstancedMesh, Matrix4, MeshBasicMaterial, MeshLambertMaterial,
  Quaternion, SphereGeometry, SRGBColorSpace, Vector3,
} from "three";
import { apart } from "./motion.js";
import { colour } from "./colour-scale.js";

const stick = new CylinderGeometry(1, 1, 1, 12, 1);
const ball = new SphereGeometry(1, 18, 12);
const UP = new Vector3(0, 1, 0);
const GONE = new Matrix4().makeScale(0, 0, 0);
const LOOKS = {
  solid: { bone: 0.018, joint: 0.027, head: 0.078 },
  ghost: { bone: 0.013, joint: 0.017, head: 0.066 },
  wire: { bone: 0.008, joint: 0.015, head: 0.05 },
};

const from = new Vector3();
const to = new Vector3();
const middle = new Vector3();
const size = new Vector3();
const turn = new Quaternion();
const matrix = new Matrix4();
const p = [0, 0, 0];

function place(motion, frame, joint, out) {
  return out.fromArray(motion.at(frame, joint, p));
}

/** Place one of `sticks` between `from` and `to`. */
function lay(sticks, i, radius) {
  middle.subVectors(to, from);
  const length = middle.length();
  if (!(length > 1e-6)) {
    sticks.setMatrixAt(i, GONE);
    return;
  }
  turn.setFromUnitVectors(UP, middle.divideScalar(length));
  middle.addVectors(from, to).multiplyScalar(0.5);
  sticks.setMatrixAt(i, matrix.compose(middle, turn, size.set(radius, length, radius)));
}

function drop(balls, i, at, radius) {
  const there = Number.isFinite(at.x + at.y + at.z);
  if (there) matrix.makeScale(radius, radius, radius).setPosition(at);
  balls.setMatrixAt(i, there ? matrix : GONE);
}

function many(shape, material, count) {
  const made = new InstancedMesh(shape, material, count);
  made.frustumCulled = false;
  return made;
}

export class StickFigure {
  /**
   * @param motion where the joints are.
   * @param look solid, ghost or wire.
   * @param unit metres for one unit of a ball: people differ in size.
   * @param clean where the joints are without the attack, or null. The joints are then coloured by
   *   their displacement, with a line from there; `top` is the end of the scale in cm.
   */
  constructor(skeleton, motion, look, tint, unit, clean = null, top = 1) {
    this.skeleton = skeleton;
    this.motion = motion;
    this.look = LOOKS[look];
    this.unit = unit;
    this.clean = clean;
    this.top = top;
    const material = new MeshLambertMaterial({ color: new Color(tint) });
    this.materials = [material];
    this.group = new Group();
    this.bones = many(stick, material, skeleton.bones.length);
    this.group.add(this.bones);
    let dotted = material;
    if (clean) {
      // Unlit, so that a colour is the legend's.
      dotted = new MeshBasicMaterial();
      this.materials.push(dotted);
      this.vectors = many(stick, dotted, skeleton.joints.length);
      this.group.add(this.vectors);
    }
    this.joints = many(ball, dotted, skeleton.joints.length);
    this.group.add(this.joints);
  }

  /** Show a frame; after its last frame a motion holds still. */
  show(now) {
    const { skeleton, motion, look, unit } = this;
    const frame = Math.min(now, motion.frames - 1);
    skeleton.bones.forEach(([a, b], i) => {
      place(motion, frame, a, from);
      place(motion, frame, b, to);
      lay(this.bones, i, look.bone * unit);
    });
    this.bones.instanceMatrix.needsUpdate = true;
    for (let joint = 0; joint < motion.joints; joint++) {
      const radius = (joint === skeleton.head ? look.head : look.joint) * unit;
      place(motion, frame, joint, to);
      drop(this.joints, joint, to, radius);
      if (this.clean) this.mark(frame, joint);
    }
    this.joints.instanceMatrix.needsUpdate = true;
  }

  /** Colour a joint by its displacement, and draw a line from where it was. */
  mark(frame, joint) {
    const cm = apart(this.clean, this.motion, frame, joint);
    const tint = new Color().setRGB(...colour(cm / this.top), SRGBColorSpace);
    place(this.clean, frame, joint, from);
    lay(this.vectors, joint, 0.012 * this.unit);
    for (const mesh of [this.vectors, this.joints]) {
      mesh.setColorAt(joint, tint);
      mesh.instanceColor.needsUpdate = true;
    }
    this.vectors.instanceMatrix.needsUpdate = true;
  }

  dispose() {
    for (const mesh of [this.bones, this.joints, this.vectors]) mesh?.dispose();
    for (const one of this.materials) one.dispose();
  }
}
