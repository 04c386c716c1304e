// <penalties-figure>: a quadratic loss in two weights, and the minimum that L1, L2 or both together leave of it.
// Loss: 1/2 (w - target)' A (w - target). Penalty: strength * (l1 * sum|w| + (1 - l1) / 2 * sum w^2), as in
// Zou and Hastie (2005); l1 = 1 is the lasso, l1 = 0 is ridge regression.
import { Figure, define, fixed, html, svg } from "./base.js";

const SHARE = { L1: 1, L2: 0, both: 0.5 };
const NAMES = { L1: "L1", L2: "L2", both: "L1 and L2 in equal parts" };
const PATTERNS = [0, 1, -1].flatMap((s) => [0, 1, -1].map((t) => [s, t])); // zeros first: the sparsest answer wins

/** The Hessian with curvature 1 across the valley and 1 / condition along it; the valley rises by `degrees`. */
export function hessian(condition, degrees) {
  const [c, s] = direction(degrees);
  const flat = 1 / condition;
  return [[s * s + flat * c * c, (flat - 1) * s * c], [(flat - 1) * s * c, c * c + flat * s * s]];
}

/** The exact minimum: for each pattern of signs a linear system, and the one that meets the optimality conditions. */
export function penalizedMinimum(A, target, strength, l1) {
  const pull = times(A, target);
  const ridge = [[A[0][0] + strength * (1 - l1), A[0][1]], [A[1][0], A[1][1] + strength * (1 - l1)]];
  const step = strength * l1;
  for (const signs of PATTERNS) {
    const w = solve(ridge, pull.map((p, i) => p - step * signs[i]), signs);
    const slope = times(ridge, w).map((g, i) => g - pull[i]);
    if (signs.every((s, i) => s ? w[i] * s > 0 : Math.abs(slope[i]) <= step + 1e-12)) return w;
  }
  return [0, 0];
}

/** The minimum for each strength: the regularization path. */
export function path(A, target, strengths, l1) {
  return strengths.map((strength) => penalizedMinimum(A, target, strength, l1));
}

/** The strength from which on every weight is zero: infinite for L2. */
export function allZeroFrom(A, target, l1) {
  return Math.max(...times(A, target).map(Math.abs)) / l1;
}

/** Points of the curve on which the penalty is as large as at w: a diamond, a circle, or a shape between them. */
export function samePenalty(w, l1, count = 120) {
  const level = l1 * (Math.abs(w[0]) + Math.abs(w[1])) + (1 - l1) / 2 * (w[0] ** 2 + w[1] ** 2);
  return Array.from({ length: count }, (_, k) => {
    const [c, s] = direction(360 * k / count);
    const linear = l1 * (Math.abs(c) + Math.abs(s));
    const r = 2 * level / (linear + Math.sqrt(linear ** 2 + 2 * (1 - l1) * level)) || 0;
    return [r * c, r * s];
  });
}

/** The loss at w, without the penalty. */
export function loss(A, target, w) {
  const d = w.map((v, i) => v - target[i]);
  const [g, h] = times(A, d);
  return (d[0] * g + d[1] * h) / 2;
}

const direction = (degrees) => [Math.cos(degrees * Math.PI / 180), Math.sin(degrees * Math.PI / 180)];
const times = (A, v) => A.map(([a, b]) => a * v[0] + b * v[1]);

function solve([[a, b], [, d]], [p, q], [s, t]) {
  if (s && t) return [(d * p - b * q) / (a * d - b * b), (a * q - b * p) / (a * d - b * b)];
  return [s ? p / a : 0, t ? q / d : 0];
}

const STRENGTHS = Array.from({ length: 151 }, (_, k) => k / 50); // as far as the slider goes
const RINGS = Array.from({ length: 8 }, (_, k) => 0.5 * (k + 1)); // of these radii across the valley

class Penalties extends Figure {
  static parameters = {
    penalty: { label: "penalty", options: NAMES, value: "L1" },
    strength: { label: "λ", min: 0, max: 3, step: 0.05, value: 0.4, play: 0.4, show: (v) => fixed(v) },
    first: { label: "minimum of the loss, w₁", min: -3, max: 3, step: 0.1, value: 1, show: (v) => fixed(v, 1) },
    second: { label: "minimum of the loss, w₂", min: -3, max: 3, step: 0.1, value: 2, show: (v) => fixed(v, 1) },
    condition: { label: "condition number", min: 1, max: 20, step: 1, value: 4 },
    degrees: { label: "direction of the valley", min: -90, max: 90, step: 5, value: 30, show: (v) => `${fixed(v, 0)}°` },
  };

  setup() {
    this.rings = RINGS.map(() => svg("ellipse", { class: "ring" }));
    this.touching = svg("ellipse", { class: "ring touching" });
    this.shape = svg("polygon", { class: "shape" });
    this.trail = svg("polyline", { class: "trail" });
    this.target = svg("path", { class: "target", d: "M-6-6 6 6M-6 6 6-6" });
    this.found = svg("circle", { class: "first", r: 7 });
    const plane = svg("svg", { class: "main-panel", viewBox: "0 0 360 360", role: "img", "aria-label": "Contours of the loss over two weights, and the shape of the penalty" },
      line(0, 180, 360, 180), line(180, 0, 180, 360), ...this.rings, this.shape, this.trail, this.touching, this.target, this.found,
      label(350, 172, "w₁", "end"), label(188, 16, "w₂"));

    this.curves = ["curve", "curve second"].map((name) => svg("polyline", { class: name }));
    this.names = ["w₁", "w₂"].map((name) => label(0, 0, name));
    this.now = svg("line", { class: "now", y1: 10, y2: 350 });
    this.dots = [0, 1].map(() => svg("circle", { class: "first", r: 5 }));
    const ticks = [-3, -2, -1, 1, 2, 3].map((v) => label(24, 184 - 50 * v, fixed(v, 0), "end"));
    const weights = svg("svg", { viewBox: "0 0 360 360", role: "img", "aria-label": "The two weights for each strength of the penalty" },
      line(30, 180, 345, 180), line(30, 10, 30, 350), ...ticks, this.now, ...this.curves, ...this.names, ...this.dots,
      label(345, 20, "the weights for each λ", "end"), label(345, 198, "λ = 3", "end"));
    return html("div", { className: "two-panels" }, plane, weights);
  }

  draw({ penalty, strength, first, second, condition, degrees }) {
    const l1 = SHARE[penalty];
    const target = [first, second];
    const A = hessian(condition, degrees);
    const w = penalizedMinimum(A, target, strength, l1);
    const walk = path(A, target, STRENGTHS, l1);
    const centre = place(target);
    const ellipse = (element, r) => set(element, { rx: 50 * r * Math.sqrt(condition), ry: 50 * r, transform: `translate(${centre}) rotate(${-degrees})` });
    this.rings.forEach((ring, k) => ellipse(ring, RINGS[k]));
    ellipse(this.touching, Math.sqrt(2 * loss(A, target, w)));
    this.shape.setAttribute("points", samePenalty(w, l1).map(place).join(" "));
    this.trail.setAttribute("points", walk.map(place).join(" "));
    this.target.setAttribute("transform", `translate(${centre})`);
    const [cx, cy] = place(w);
    set(this.found, { cx, cy });

    const across = (k) => 30 + 105 * STRENGTHS[k];
    set(this.now, { x1: 30 + 105 * strength, x2: 30 + 105 * strength });
    this.curves.forEach((curve, i) => {
      curve.setAttribute("points", walk.map((v, k) => [across(k), place([0, v[i]])[1]]).join(" "));
      set(this.names[i], { x: 36 + 18 * i, y: place([0, target[i]])[1] - 6 });
      set(this.dots[i], { cx: 30 + 105 * strength, cy: place([0, w[i]])[1] });
    });
    return describe(penalty, strength, w, allZeroFrom(A, target, l1));
  }
}

/** What is to be seen, in words. */
export function describe(penalty, strength, w, zeroFrom) {
  const zeros = ["w₁", "w₂"].filter((_, i) => w[i] === 0);
  const which = zeros.length === 2 ? "Both weights are exactly zero." : zeros.length ? `${zeros[0]} is exactly zero.` : "No weight is exactly zero.";
  const end = zeroFrom === Infinity ? "L2 makes the vector of the weights shorter, and no strength makes both zero." : `From λ = ${fixed(zeroFrom)} on both are zero.`;
  return `${NAMES[penalty]}, λ = ${fixed(strength)}: w = (${w.map((v) => v === 0 ? "0" : fixed(v)).join(", ")}). ${which} ${end}`;
}

const place = ([x, y]) => [180 + 50 * x, 180 - 50 * y];
const line = (x1, y1, x2, y2) => svg("line", { class: "axis", x1, y1, x2, y2 });
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);
const set = (element, attributes) => Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));

define("penalties", Penalties);
