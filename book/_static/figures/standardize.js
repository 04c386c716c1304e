// <standardize-figure>: two features, the loss of a linear model on them, and gradient descent from zero weights.
// Loss: 1/2 mean (x.w - t)^2 with t = x.TARGET, so that the minimum is at the same weights for every preparation.
import { Figure, define, fixed, html, normals, svg, uniforms } from "./base.js";
import { each, sgd } from "./update-rules.js";

const TARGET = [1.6, -0.6];
const CLOSE = 0.01; // "arrived": this share of the way is left
const PATIENCE = 2 ** 30; // steps
const SHOWN = 60; // data points

/** Standard normal pairs, one for each example. */
export function pairs(seed) {
  const normal = normals(uniforms(seed));
  return Array.from({ length: SHOWN }, () => [normal(), normal()]);
}

/** Raw points from standard normal pairs: feature 1 has spread 1, and both features have the same mean. */
export function cloud(pairs, mean, spread, correlation) {
  const rest = Math.sqrt(1 - correlation ** 2);
  return pairs.map(([a, b]) => [mean + a, mean + spread * (correlation * a + rest * b)]);
}

/** The points after "raw", "centred", "standardized" or "whitened" (ZCA), with the statistics of these points. */
export function prepare(points, how) {
  if (how === "raw") return points;
  const mu = [0, 1].map((j) => points.reduce((sum, x) => sum + x[j], 0) / points.length);
  const centred = points.map((x) => each((a, m) => a - m, x, mu));
  const S = hessian(centred); // of centred data it is the covariance
  if (how === "standardized") return centred.map((x) => each((a, s) => a / Math.sqrt(s), x, [S[0][0], S[1][1]]));
  if (how === "whitened") {
    const { values, first: [c, s] } = eigen(S);
    const [p, q] = values.map((v) => 1 / Math.sqrt(v));
    return centred.map((x) => times([[p * c * c + q * s * s, (p - q) * c * s], [(p - q) * c * s, p * s * s + q * c * c]], x));
  }
  return centred;
}

/** X'X / N. */
export function hessian(points) {
  const mean = (i, j) => points.reduce((sum, x) => sum + x[i] * x[j], 0) / points.length;
  return [[mean(0, 0), mean(0, 1)], [mean(0, 1), mean(1, 1)]];
}

/** The eigenvalues of a symmetric 2 x 2 matrix, the larger first, and the unit vector of the larger. */
export function eigen([[a, b], [, d]]) {
  const middle = (a + d) / 2;
  const radius = Math.hypot((a - d) / 2, b);
  const angle = Math.atan2(2 * b, a - d) / 2;
  return { values: [middle + radius, (a * d - b * b) / (middle + radius)], first: [Math.cos(angle), Math.sin(angle)] };
}

/** The rate that shrinks the errors along both eigenvectors by the same factor per step: no fixed rate is better. */
export function bestRate(H) {
  const [large, small] = eigen(H).values;
  return 2 / (large + small);
}

/** The weights after 0, 1, ..., `steps` steps of gradient descent from zero. It ends early where it leaves for good. */
export function path(H, lr, steps) {
  const points = [[0, 0]];
  while (points.length <= steps && Math.hypot(...points.at(-1)) < 1e3) {
    const gradient = times(H, each((w, t) => w - t, points.at(-1), TARGET));
    points.push(sgd(points.at(-1), gradient, {}, { lr }).w);
  }
  return points;
}

/** Steps until 1 % of the way is left; infinite where the rate is not stable. By bisection, as the error only falls. */
export function stepsToArrive(H, lr) {
  const { values, first: [c, s] } = eigen(H);
  const parts = [c * TARGET[0] + s * TARGET[1], c * TARGET[1] - s * TARGET[0]];
  const left = (t) => Math.hypot(...each((part, value) => part * (1 - lr * value) ** t, parts, values));
  if (lr * values[0] >= 2 || left(PATIENCE) > CLOSE * left(0)) return Infinity;
  let [before, after] = [0, 1];
  while (left(after) > CLOSE * left(0)) [before, after] = [after, 2 * after];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (left(middle) > CLOSE * left(0)) before = middle;
    else after = middle;
  }
  return after;
}

const times = (A, v) => A.map(([a, b]) => a * v[0] + b * v[1]);

const NAMES = { raw: "raw", centred: "centred", standardized: "standardized", whitened: "whitened" };
const RINGS = Array.from({ length: 16 }, (_, k) => 0.15 * 1.5 ** k); // square roots of twice the loss
const short = (value) => (value >= 100 ? Math.round(value).toLocaleString("en").replaceAll(",", " ") : String(Number(value.toPrecision(2))));

class Standardize extends Figure {
  static parameters = {
    how: { label: "the data are", options: NAMES, value: "raw" },
    best: { label: "the best learning rate", value: true },
    mean: { label: "mean of both", min: 0, max: 4, step: 0.1, value: 2, show: (v) => fixed(v, 1) },
    spread: { label: "spread of feature 2", min: 0.1, max: 3, step: 0.1, value: 0.5, show: (v) => fixed(v, 1) },
    correlation: { label: "correlation", min: -0.95, max: 0.95, step: 0.05, value: 0.6, show: (v) => fixed(v) },
    lr: { label: "learning rate", min: -2.5, max: 0.5, step: 0.05, value: -0.75, show: (v) => short(10 ** v), when: ({ best }) => !best },
    steps: { label: "steps", min: 0, max: 60, step: 1, value: 20, play: 10 },
  };
  static buttons = { "Other data": "sample" };
  seed = 6689; // the first data are those of the static twin: chapters quote their numbers

  sample() {
    this.pairs = pairs(++this.seed);
  }

  setup() {
    this.sample();
    this.dots = svg("g", { class: "muted" });
    this.rings = RINGS.map(() => svg("ellipse", { class: "ring" }));
    this.trail = svg("polyline", { class: "trail" });
    this.steps = svg("g", { class: "steps" });
    this.end = svg("circle", { class: "first", r: 7 });
    const data = svg("svg", { viewBox: "0 0 360 360", role: "img", "aria-label": "The data, one dot for each example" },
      line(0, 180, 360, 180), line(180, 0, 180, 360), this.dots, label(352, 172, "feature 1", "end"), label(188, 18, "feature 2"));
    const target = svg("path", { class: "target", d: "M-6-6 6 6M-6 6 6-6", transform: `translate(${plane(TARGET)})` });
    const loss = svg("svg", { class: "main-panel", viewBox: "0 0 360 360", role: "img", "aria-label": "Contours of the loss over the two weights, and the path of gradient descent" },
      ...this.rings, this.trail, this.steps, target, this.end, label(352, 350, "weight 1", "end"), label(8, 18, "weight 2"));
    return html("div", { className: "two-panels" }, data, loss);
  }

  draw({ how, best, mean, spread, correlation, lr, steps }) {
    const points = prepare(cloud(this.pairs, mean, spread, correlation), how);
    const H = hessian(points);
    const { values, first } = eigen(H);
    const rate = best ? bestRate(H) : 10 ** lr;
    const walk = path(H, rate, steps).map(plane);
    this.dots.replaceChildren(...points.map(([x, y]) => svg("circle", { cx: 180 + 26 * x, cy: 180 - 26 * y, r: 4 })));
    const turn = `translate(${plane(TARGET)}) rotate(${(-180 / Math.PI) * Math.atan2(first[1], first[0])})`;
    this.rings.forEach((ring, k) => {
      const [rx, ry] = values.map((value) => (SCALE * RINGS[k]) / Math.sqrt(value));
      for (const [name, value] of Object.entries({ rx, ry, transform: turn })) ring.setAttribute(name, value);
    });
    this.trail.setAttribute("points", walk.join(" "));
    this.steps.replaceChildren(...walk.slice(0, -1).map(([cx, cy]) => svg("circle", { cx, cy, r: 2.5 })));
    this.end.setAttribute("cx", walk.at(-1)[0]);
    this.end.setAttribute("cy", walk.at(-1)[1]);
    return describe(how, H, rate);
  }
}

/** What is to be seen, in words. */
export function describe(how, H, rate) {
  const [large, small] = eigen(H).values;
  const needed = stepsToArrive(H, rate);
  const arrives = needed === Infinity ? "it does not arrive" : needed === 1 ? "it is there in 1 step"
    : `it needs ${short(needed)} steps until 1 % of the way is left`;
  return `The data are ${NAMES[how]}: condition number ${short(large / small)}. Gradient descent is stable below the learning rate ${short(2 / large)}. At ${short(rate)} ${arrives}.`;
}

const SCALE = 80; // pixels for one unit of weight
const plane = ([u, v]) => [180 + SCALE * (u - TARGET[0]), 180 - SCALE * (v - TARGET[1])];
const line = (x1, y1, x2, y2) => svg("line", { class: "axis", x1, y1, x2, y2 });
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);

define("standardize", Standardize);
