// <transfer-figure>: the smallest network that can be fine-tuned (Kumar et al. 2022), in a plane of two features.
// Training inputs are (a, 0) and inputs of another kind (0, a). The backbone [P, Q] begins as [I, I], so that both have
// the features a. Targets are BEST . a. Gradient descent on half the mean squared error; Q gets no gradient.
import { Figure, define, fixed, html, svg } from "./base.js";

export const INPUTS = [
  [1.6, 0.5], [1.2, -0.6], [0.7, 0.9], [0.8, -1.3], [0.4, 0.1],
  [-1.5, -0.65], [-1.1, 0.45], [-0.6, -1.05], [-0.7, 1.15], [-0.3, -0.25],
];
export const BEST = [1, 0.4];
export const STEPS = 200;
const IDENTITY = [[1, 0], [0, 1]];
const FAR = 1e3; // from here nothing comes back

/** The head of the same length as BEST times `length`, turned from it by `degrees`, counter-clockwise. */
export function firstHead(degrees, length = 1) {
  const [c, s] = [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
  return [length * (c * BEST[0] - s * BEST[1]), length * (s * BEST[0] + c * BEST[1])];
}

/** Head v and backbone P before each step and after the last: the head alone for `probe` steps, then both. */
export function train({ degrees, length = 1, rate, ratio, probe, steps = STEPS }) {
  let state = { v: firstHead(degrees, length), P: IDENTITY };
  const states = [state];
  for (let t = 0; t < steps && !lost(state); t++) {
    state = step(state, rate, t < probe ? 0 : ratio * rate);
    states.push(state);
  }
  return states;
}

function step({ v, P }, headRate, backboneRate) {
  const q = [0, 0]; // the mean of residuals times inputs
  for (const a of INPUTS) {
    const residual = dot(v, times(P, a)) - dot(BEST, a);
    q[0] += residual * a[0] / INPUTS.length;
    q[1] += residual * a[1] / INPUTS.length;
  }
  const slope = times(P, q);
  return {
    v: v.map((value, i) => value - headRate * slope[i]),
    P: P.map((row, i) => row.map((value, l) => value - backboneRate * v[i] * q[l])),
  };
}

/** Half the mean squared error on training inputs, whose features have moved, and on others, whose have not. */
export function errors({ v, P }) {
  const half = (features) => INPUTS.reduce((sum, a) => sum + (dot(v, features(a)) - dot(BEST, a)) ** 2, 0) / (2 * INPUTS.length);
  return { training: half((a) => times(P, a)), outside: half((a) => a) };
}

/** Whether each input of the other kind gets the wrong sign. */
export const wrong = ({ v }) => INPUTS.map((a) => Math.sign(dot(v, a)) !== Math.sign(dot(BEST, a)));

/** How far the features of the training inputs have moved, on average. */
export const moved = ({ P }) => INPUTS.reduce((sum, a) => sum + Math.hypot(...times(P, a).map((f, i) => f - a[i])), 0) / INPUTS.length;

const dot = (u, w) => u[0] * w[0] + u[1] * w[1];
const times = (M, u) => M.map((row) => dot(row, u));
const lost = ({ v, P }) => !(Math.hypot(...v, ...P.flat()) < FAR);

class Transfer extends Figure {
  static parameters = {
    steps: { label: "steps", min: 0, max: STEPS, step: 1, value: 60, play: 20 },
    probe: { label: "steps of the head alone", min: 0, max: 100, step: 5, value: 0 },
    ratio: { label: "rate of the backbone, as a share of the head's", min: 0, max: 2, step: 0.05, value: 1, show: (v) => fixed(v) },
    rate: { label: "rate of the head", min: 0.02, max: 0.6, step: 0.02, value: 0.1, show: (v) => fixed(v) },
    degrees: { label: "first head, turned from the right one", min: 0, max: 180, step: 5, value: 120, show: (v) => `${v}°` },
    length: { label: "length of the first head", min: 0, max: 2, step: 0.1, value: 1, show: (v) => fixed(v, 1) },
  };

  setup() {
    this.boundary = svg("line", { class: "boundary" });
    this.head = svg("path", { class: "head" });
    this.ways = INPUTS.map(() => svg("line", { class: "way" }));
    this.others = INPUTS.map((a) => svg("circle", { class: `other ${kind(a)}`, r: 6, ...at(a) }));
    this.crosses = INPUTS.map(([x, y]) => svg("path", { class: "cross", d: "M-9-9 9 9M-9 9 9-9", transform: `translate(${place([x, y])})` }));
    this.trained = INPUTS.map((a) => svg("circle", { class: `trained ${kind(a)}`, r: 6 }));
    const plane = svg("svg", { class: "main-panel", viewBox: "0 0 360 360", role: "img", "aria-label": "The plane of the features: training inputs, inputs of another kind, and the head" },
      line(0, 180, 360, 180), line(180, 0, 180, 360), svg("path", { class: "best", d: arrow(BEST) }), this.boundary, ...this.ways,
      ...this.others, ...this.crosses, ...this.trained, this.head, label(10, 20, "features"));

    this.curves = ["curve", "curve second"].map((name) => svg("polyline", { class: name }));
    this.names = ["training", "other inputs"].map((name) => label(0, 0, name, "end"));
    this.now = svg("line", { class: "now", y1: 30, y2: 330 });
    this.thaw = svg("line", { class: "thaw", y1: 30, y2: 330 });
    const ticks = [[1, "1"], [1e-2, "10⁻²"], [1e-4, "10⁻⁴"]].map(([v, text]) => label(44, height(v) + 5, text, "end"));
    const falling = svg("svg", { viewBox: "0 0 360 360", role: "img", "aria-label": "The error on training inputs and on inputs of another kind, over the steps" },
      line(50, 30, 50, 330), line(50, 330, 350, 330), ...ticks, this.thaw, this.now, ...this.curves, ...this.names,
      label(10, 20, "error"), label(350, 350, "steps", "end"));
    return html("div", { className: "two-panels" }, plane, falling);
  }

  draw({ steps, probe, ...settings }) {
    const states = train({ ...settings, probe });
    const t = Math.min(steps, states.length - 1);
    const state = states[t];
    const failed = wrong(state);
    INPUTS.forEach((a, n) => {
      const feature = times(state.P, a);
      set(this.trained[n], at(feature));
      const [[x1, y1], [x2, y2]] = [place(a), place(feature)];
      set(this.ways[n], { x1, y1, x2, y2 });
      this.crosses[n].style.display = failed[n] ? "" : "none";
    });
    this.head.setAttribute("d", arrow(state.v));
    const across = Math.hypot(...state.v) || 1;
    const [x1, y1] = place([-9 * state.v[1] / across, 9 * state.v[0] / across]);
    set(this.boundary, { x1, y1, x2: 360 - x1, y2: 360 - y1, visibility: Math.hypot(...state.v) > 1e-9 ? "visible" : "hidden" });

    const all = states.map(errors);
    ["training", "outside"].forEach((name, i) => {
      this.curves[i].setAttribute("points", all.map((e, k) => [along(k), height(e[name])].join(" ")).join(" "));
      set(this.names[i], { x: 345, y: Math.min(322, height(all.at(-1)[name]) + (i ? -9 : 20)) });
    });
    set(this.now, { x1: along(t), x2: along(t) });
    set(this.thaw, { x1: along(probe), x2: along(probe), visibility: probe && settings.ratio ? "visible" : "hidden" });
    return describe(t, all[t], failed.filter(Boolean).length, moved(state), lost(state));
  }
}

/** What is to be seen, in words. */
export function describe(t, { training, outside }, failed, distance, gone = false) {
  const at = `After ${t} ${t === 1 ? "step" : "steps"}`;
  if (gone) return `${at} it has diverged.`;
  const errorOf = (value) => value < 5e-4 ? "under 0.001" : fixed(value, 3);
  const far = distance < 5e-3 ? "have not moved" : `have moved by ${fixed(distance)} on average`;
  return `${at}: error ${errorOf(training)} on training inputs, ${errorOf(outside)} on inputs of another kind. `
    + `${failed} of those ${INPUTS.length} ${failed === 1 ? "gets" : "get"} the wrong sign. The features of the training inputs ${far}.`;
}

const kind = (a) => dot(BEST, a) > 0 ? "first-kind" : "second-kind";
const place = ([x, y]) => [180 + 62 * x, 180 - 62 * y];
const at = (point) => { const [cx, cy] = place(point); return { cx, cy }; };
const along = (k) => 50 + 300 * k / STEPS;
const height = (value) => Math.max(20, Math.min(330, 90 - 60 * Math.log10(Math.max(value, 1e-9))));
const line = (x1, y1, x2, y2) => svg("line", { class: "axis", x1, y1, x2, y2 });
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);
const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));

/** An arrow from 0 to a point of the plane of features. */
function arrow(point) {
  const [x, y] = place(point);
  const angle = Math.atan2(y - 180, x - 180);
  const barb = (turn) => `${(x - 11 * Math.cos(angle + turn)).toFixed(1)},${(y - 11 * Math.sin(angle + turn)).toFixed(1)}`;
  const shaft = `M180,180L${x.toFixed(1)},${y.toFixed(1)}`;
  return Math.hypot(x - 180, y - 180) < 12 ? shaft : `${shaft}M${barb(0.5)}L${x.toFixed(1)},${y.toFixed(1)}L${barb(-0.5)}`;
}

define("transfer", Transfer);
