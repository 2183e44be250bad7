// The camera of all panes: turned by dragging, zoomed by pinch or wheel. It draws nothing, so it also works without WebGL.

const STEEPEST = 1.5;
const RADIANS = 0.008;
const rad = (degrees) => (degrees * Math.PI) / 180;

export const VIEWS = {
  angle: [rad(-28), rad(14)],
  camera: [0, 0],
  side: [rad(-90), 0],
  above: [0, STEEPEST],
};

export class Camera {
  /** @param changed called with the name of the view, or null once it was turned by hand. */
  constructor(element, changed) {
    this.changed = changed;
    this.zoom = 1;
    [this.azimuth, this.elevation] = VIEWS.angle;
    this.fingers = new Map();
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target.closest("button")) return;
      this.fingers.set(event.pointerId, event);
      element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => this.drag(event));
    for (const over of ["pointerup", "pointercancel", "lostpointercapture"]) {
      element.addEventListener(over, (event) => this.fingers.delete(event.pointerId));
    }
    element.addEventListener(
      "wheel",
      (event) => {
        // A reader who only scrolls past keeps scrolling.
        if (!event.ctrlKey && element !== document.activeElement) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)));
      },
      { passive: false },
    );
  }

  /** Unit vectors to the right, up, and towards the viewer. */
  axes() {
    const [turn, flat, rise] = [this.azimuth, Math.cos(this.elevation), Math.sin(this.elevation)];
    return [
      [Math.cos(turn), 0, -Math.sin(turn)],
      [-rise * Math.sin(turn), flat, -rise * Math.cos(turn)],
      [flat * Math.sin(turn), rise, flat * Math.cos(turn)],
    ];
  }

  drag(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    if (this.fingers.size === 2) {
      const spread = this.spread();
      this.fingers.set(event.pointerId, event);
      if (spread > 0) this.zoomBy(this.spread() / spread);
      return;
    }
    this.fingers.set(event.pointerId, event);
    this.turn(event.clientX - before.clientX, event.clientY - before.clientY);
  }

  spread() {
    const [a, b] = [...this.fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  }

  /** Turn by so many pixels. */
  turn(across, down) {
    this.azimuth -= RADIANS * across;
    this.elevation = Math.min(Math.max(this.elevation + RADIANS * down, -0.2), STEEPEST);
    this.changed(null);
  }

  zoomBy(factor) {
    this.zoom = Math.min(Math.max(this.zoom * factor, 0.4), 8);
    this.changed(null);
  }

  /** Back to one of the views. */
  reset(name) {
    [this.azimuth, this.elevation] = VIEWS[name];
    this.zoom = 1;
    this.changed(name);
  }
}
