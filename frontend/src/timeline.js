// Distance to the target over time: two lines and a cursor.
import { roundUp, ticks } from "./colour-scale.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 132;
const EDGE = { left: 34, right: 10, top: 8, bottom: 22 };

function svgElement(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

export class Timeline {
  /** @param seek called with a frame. */
  constructor(svg, seek) {
    this.svg = svg;
    this.lines = [];
    const to = (event) => {
      const x = event.clientX - svg.getBoundingClientRect().left - EDGE.left;
      seek(Math.round((x / this.wide) * this.last));
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      svg.setPointerCapture(event.pointerId);
      to(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (svg.hasPointerCapture(event.pointerId)) to(event);
    });
  }

  /** @param lines [{name, values}], one value a frame. */
  show(lines, fps) {
    this.lines = lines;
    this.fps = fps;
    this.last = Math.max(lines[0].values.length - 1, 1);
    this.resize();
  }

  resize() {
    if (!this.lines.length) return;
    const { svg } = this;
    const width = svg.clientWidth || 600;
    this.wide = width - EDGE.left - EDGE.right;
    this.top = roundUp(Math.max(...this.lines.flatMap((one) => one.values.filter(Number.isFinite))));
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    for (const value of ticks(this.top)) {
      const y = this.y(value);
      svgElement(svg, "line", { x1: EDGE.left, x2: width - EDGE.right, y1: y, y2: y, class: "rule" });
      svgElement(svg, "text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, `${Number(value.toFixed(2))}`);
    }
    const seconds = this.last / this.fps;
    const step = roundUp(seconds / Math.max(2, Math.min(8, width / 110)));
    for (let at = 0; at <= seconds + 1e-6; at += step) {
      const near = this.x(at * this.fps) > width - EDGE.right - 12;
      svgElement(
        svg, "text",
        { x: this.x(at * this.fps), y: HEIGHT - 5, "text-anchor": near ? "end" : "middle" },
        `${Number(at.toFixed(2))} s`,
      );
    }
    for (const { name, values } of this.lines) {
      svgElement(svg, "path", { d: this.path(values), class: `line ${name}` });
    }
    this.cursor = svgElement(svg, "line", { y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "cursor" });
    this.dots = this.lines.map(({ name }) => svgElement(svg, "circle", { r: 4, class: `dot ${name}` }));
    this.at(this.frame || 0);
  }

  x(frame) {
    return EDGE.left + (frame / this.last) * this.wide;
  }

  y(value) {
    return HEIGHT - EDGE.bottom - (value / this.top) * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  path(values) {
    let open = false;
    return values
      .map((value, frame) => {
        const known = Number.isFinite(value);
        const word = known ? `${open ? "L" : "M"}${this.x(frame).toFixed(1)} ${this.y(value).toFixed(1)}` : "";
        open = known;
        return word;
      })
      .join("");
  }

  at(frame) {
    this.frame = frame;
    if (!this.cursor) return;
    const x = this.x(frame);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.lines.forEach(({ values }, i) => {
      const known = Number.isFinite(values[frame]);
      this.dots[i].setAttribute("visibility", known ? "visible" : "hidden");
      if (!known) return;
      this.dots[i].setAttribute("cx", x);
      this.dots[i].setAttribute("cy", this.y(values[frame]));
    });
  }
}
