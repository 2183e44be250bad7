// Draws the panes without WebGL: stick figures on a 2-D canvas, in orthographic projection.
import { everywhere, stature } from "../renderer.js";

const MARGIN = 1.08;
const HEAD = 0.1;
const LOOK = { bone: 0.036, joint: 0.027, head: 0.078 };

const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** The interface of the WebGL renderer, for solid people only. */
export class Canvas2dRenderer {
  constructor(canvas, panes, skeleton, orbit) {
    this.canvas = canvas;
    this.panes = panes;
    this.skeleton = skeleton;
    this.orbit = orbit;
    this.brush = canvas.getContext("2d");
    this.people = [];
  }

  show(motions, casts) {
    const style = getComputedStyle(this.canvas);
    this.tint = (name) => style.getPropertyValue(`--${name}`).trim() || "#777";
    this.points = everywhere(motions);
    const [[[first]]] = Object.values(casts);
    this.unit = stature(motions[first], this.skeleton);
    this.people = Object.entries(casts).flatMap(([pane, cast]) =>
      cast.map(([name, , colour]) => ({ pane, motion: motions[name], colour: this.tint(colour) })),
    );
  }

  clear() {
    this.people = [];
  }

  draw(frame) {
    const { brush, canvas, orbit } = this;
    if (!this.people.length || brush === null) return;
    const whole = canvas.getBoundingClientRect();
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = Math.floor(whole.width * ratio);
    canvas.height = Math.floor(whole.height * ratio);
    brush.lineCap = "round";
    const axes = orbit.axes();
    const seen = axes.map((axis) => this.extent(axis));
    for (const [name, pane] of Object.entries(this.panes)) {
      const rect = pane.getBoundingClientRect();
      if (!rect.width || !rect.height) continue;
      const pad = 2 * HEAD * this.unit;
      const [wide, tall] = seen.map(([low, high]) => high - low + pad);
      const scale = (orbit.zoom / MARGIN) * Math.min(rect.width / wide, rect.height / tall);
      const middle = [rect.left - whole.left + rect.width / 2, rect.top - whole.top + rect.height / 2];
      const put = (at) => {
        const [x, y] = [0, 1].map((k) => dot(at, axes[k]) - (seen[k][0] + seen[k][1]) / 2);
        return [middle[0] + scale * x, middle[1] - scale * y, dot(at, axes[2])];
      };
      brush.save();
      brush.setTransform(ratio, 0, 0, ratio, 0, 0);
      brush.beginPath();
      brush.rect(rect.left - whole.left, rect.top - whole.top, rect.width, rect.height);
      brush.clip();
      this.floor(put);
      for (const one of this.people) if (one.pane === name) this.person(one, frame, put, scale);
      brush.restore();
    }
  }

  extent(axis) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < this.points.length; i += 3) {
      const value = dot(this.points.subarray(i, i + 3), axis);
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return [low, high];
  }

  floor(put) {
    const [[left, right], [low], [near, far]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((axis) =>
      this.extent(axis),
    );
    const corners = [[left, near], [right, near], [right, far], [left, far]];
    this.brush.strokeStyle = this.tint("grid");
    this.brush.lineWidth = 1;
    this.brush.beginPath();
    for (const [x, z] of corners) this.brush.lineTo(...put([x, low, z]).slice(0, 2));
    this.brush.closePath();
    this.brush.stroke();
  }

  /** Draws the far parts first. */
  person({ motion, colour }, now, put, scale) {
    const { brush, skeleton, unit } = this;
    const frame = Math.min(now, motion.frames - 1);
    const places = skeleton.joints.map((_, joint) => put(motion.at(frame, joint, [0, 0, 0])));
    const parts = skeleton.bones.map(([a, b]) => [places[a], places[b], LOOK.bone]);
    places.forEach((at, joint) => {
      parts.push([at, at, 2 * (joint === skeleton.head ? LOOK.head : LOOK.joint)]);
    });
    brush.strokeStyle = colour;
    for (const [from, to, width] of parts.sort((a, b) => a[0][2] + a[1][2] - b[0][2] - b[1][2])) {
      if (!Number.isFinite(from[0] + to[0])) continue;
      brush.lineWidth = Math.max(width * unit * scale, 1);
      brush.beginPath();
      brush.moveTo(from[0], from[1]);
      brush.lineTo(to[0], to[1] + (from === to ? 0.01 : 0));
      brush.stroke();
    }
  }
}
