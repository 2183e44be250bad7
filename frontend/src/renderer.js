// Draws the people of all panes in 3-D (WebGL), on one canvas behind the panes.
import {
  AmbientLight, BufferAttribute, BufferGeometry, DirectionalLight, LineBasicMaterial, LineSegments,
  PerspectiveCamera, Scene, Vector3, WebGLRenderer,
} from "three";
import { StickFigure } from "./stick-figure.js";

const MARGIN = 1.08;
const HEAD = 0.1;
const TILE = 0.5;
const POINTS = 6000;

/** Whether there is WebGL; three.js would complain on the console. */
export function able() {
  try {
    const context = document.createElement("canvas").getContext("webgl2");
    context?.getExtension("WEBGL_lose_context")?.loseContext();
    return context !== null;
  } catch {
    return false;
  }
}

export class Renderer {
  /**
   * @param panes elements to draw behind, by name.
   * @param view the Camera that the reader turns.
   */
  constructor(canvas, panes, skeleton, view) {
    this.canvas = canvas;
    this.panes = panes;
    this.skeleton = skeleton;
    this.view = view;
    this.webgl = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.webgl.setScissorTest(true);
    this.camera = new PerspectiveCamera(26, 1, 0.05, 500);
    this.scenes = {};
    this.people = [];
  }

  /**
   * Show motions.
   * @param casts the people of each pane by the pane's name: motion, look, colour and, where its
   *   displacement is marked, the motion that it is displaced from.
   * @param top the end of the displacements' scale, in cm.
   */
  show(motions, casts, top = 1) {
    this.clear();
    const tint = (name) => getComputedStyle(this.canvas).getPropertyValue(`--${name}`).trim();
    this.points = everywhere(motions);
    this.box = around(this.points);
    const [[[first]]] = Object.values(casts);
    const unit = stature(motions[first], this.skeleton);
    this.pad = HEAD * unit;
    this.aimed = null;
    for (const [pane, cast] of Object.entries(casts)) {
      const scene = new Scene();
      const lamp = new DirectionalLight(0xffffff, 1.7);
      lamp.name = "lamp";
      scene.add(new AmbientLight(0xffffff, 2.0), lamp, this.floor(tint("grid")));
      for (const [name, look, colour, from] of cast) {
        const clean = from ? motions[from] : null;
        const one = new StickFigure(this.skeleton, motions[name], look, tint(colour), unit, clean, top);
        this.people.push({ pane, one });
        scene.add(one.group);
      }
      this.scenes[pane] = scene;
    }
  }

  clear() {
    for (const { one } of this.people) one.dispose();
    for (const scene of Object.values(this.scenes)) {
      const floor = scene.getObjectByName("floor");
      floor.geometry.dispose();
      floor.material.dispose();
    }
    this.people = [];
    this.scenes = {};
  }

  floor(tint) {
    const { low, high } = this.box;
    const [left, right, near, far] = [low[0], high[0], low[2], high[2]].map((edge, i) =>
      TILE * (i % 2 ? Math.ceil(edge / TILE + 0.4) : Math.floor(edge / TILE - 0.4)),
    );
    const lines = [];
    if (this.skeleton.axes < 3) {
      lines.push(left, low[1], 0, right, low[1], 0);
    } else if ((right - left) * (far - near) < 2500 * TILE * TILE) {
      for (let x = left; x <= right + 1e-6; x += TILE) lines.push(x, low[1], near, x, low[1], far);
      for (let z = near; z <= far + 1e-6; z += TILE) lines.push(left, low[1], z, right, low[1], z);
    }
    const shape = new BufferGeometry();
    shape.setAttribute("position", new BufferAttribute(new Float32Array(lines), 3));
    const floor = new LineSegments(shape, new LineBasicMaterial({ color: tint }));
    floor.name = "floor";
    floor.frustumCulled = false;
    return floor;
  }

  /** Draw every visible pane. */
  draw(frame) {
    const { webgl, canvas } = this;
    const whole = canvas.getBoundingClientRect();
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    if (webgl.getPixelRatio() !== ratio) renderer.setPixelRatio(ratio);
    const fits = ["width", "height"].every((side) => canvas[side] === Math.floor(whole[side] * ratio));
    if (!fits) webgl.setSize(whole.width, whole.height, false);
    webgl.setScissor(0, 0, whole.width, whole.height);
    webgl.setClearColor(0x000000, 0);
    webgl.clear();
    for (const [name, pane] of Object.entries(this.panes)) {
      const rect = pane.getBoundingClientRect();
      if (!rect.width || !rect.height) continue;
      for (const { pane: where, one } of this.people) if (where === name) one.show(frame);
      const x = rect.left - whole.left;
      const y = whole.bottom - rect.bottom;
      webgl.setViewport(x, y, rect.width, rect.height);
      webgl.setScissor(x, y, rect.width, rect.height);
      this.aim(rect.width / rect.height);
      this.scenes[name].getObjectByName("lamp").position.copy(this.camera.position);
      webgl.render(this.scenes[name], this.camera);
    }
  }

  /** Place the camera so that every joint of every frame is in view. */
  aim(aspect) {
    const { camera, view, points } = this;
    const now = [aspect, view.azimuth, view.elevation, view.zoom].join();
    if (now === this.aimed) return;
    this.aimed = now;
    const [right, up, away] = view.axes().map((axis) => new Vector3(...axis));
    const seen = [right, up, away].map((axis) => extent(points, axis));
    const middle = seen.map(([low, high]) => (low + high) / 2);
    const tall = Math.tan((camera.fov * Math.PI) / 360);
    let far = 0.5;
    const stride = 3 * Math.ceil(points.length / 3 / POINTS);
    for (let i = 0; i < points.length; i += stride) {
      const at = [right, up, away].map((axis, k) => along(points, i, axis) - middle[k]);
      const wide = Math.max((Math.abs(at[0]) + this.pad) / aspect, Math.abs(at[1]) + this.pad) / tall;
      far = Math.max(far, at[2] + MARGIN * wide);
    }
    const centre = new Vector3();
    [right, up, away].forEach((axis, k) => centre.addScaledVector(axis, middle[k]));
    camera.aspect = aspect;
    camera.position.copy(centre).addScaledVector(away, far / view.zoom);
    camera.up.copy(up);
    camera.lookAt(centre);
    camera.updateProjectionMatrix();
  }
}

/** The size of people beside an adult, by their median bone. */
export function stature(motion, skeleton) {
  const place = (joint) => new Vector3().fromArray(motion.at(0, joint, [0, 0, 0]));
  const lengths = skeleton.bones.map(([a, b]) => place(a).distanceTo(place(b)));
  const known = lengths.filter((one) => one > 0).sort((a, b) => a - b);
  return known.length ? known[known.length >> 1] / 0.25 : 1;
}

function along(points, i, axis) {
  return points[i] * axis.x + points[i + 1] * axis.y + points[i + 2] * axis.z;
}

function extent(points, axis) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 3) {
    const value = along(points, i, axis);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** Every position of every joint. */
export function everywhere(motions) {
  const points = [];
  for (const { values } of Object.values(motions)) {
    for (let i = 0; i < values.length; i += 3) {
      if (Number.isFinite(values[i] + values[i + 1] + values[i + 2])) {
        points.push(values[i], values[i + 1], values[i + 2]);
      }
    }
  }
  return Float32Array.from(points.length ? points : [0, 0, 0]);
}

function around(points) {
  const axes = [new Vector3(1, 0, 0), new Vector3(0, 1, 0), new Vector3(0, 0, 1)];
  const seen = axes.map((axis) => extent(points, axis));
  return { low: seen.map(([low]) => low), high: seen.map(([, high]) => high) };
}
