// <optimizers-figure>: six optimizers, from one start, on one surface, in the same noise.
import { Figure, define, fixed, normals, svg, uniforms } from "./base.js";
import { contour, distance, gradient, loss, start } from "./surfaces.js";
import * as rules from "./update-rules.js";

const STEPS = 100;
const FAR = 1e3; // from here nothing comes back
const RATES = Array.from({ length: 33 }, (_, i) => 10 ** (i / 8 - 3)); // 0.001 to 10
const VIEWED = Array.from({ length: 14 }, (_, i) => 0.5 * (0.3 * 1.5 ** i) ** 2); // in a bowl: radii 0.3, 0.45, …

const near = (w) => Math.hypot(...w) <= 3; // a circle, so that a turned surface gets the same rates
const lost = (points) => !(Math.hypot(...points.at(-1)) < FAR);

/** Standard normal noise for each gradient. */
export function noises(seed) {
  const normal = normals(uniforms(seed));
  return Array.from({ length: STEPS }, () => [normal(), normal()]);
}

/** The points from the start on, with noise[t] added to gradient t. It ends early where it leaves for good. */
export function path(rule, surface, kappa, noise, settings) {
  let [w, state] = [start(surface), {}];
  const points = [w];
  for (const xi of noise) {
    const dw = rules.each((g, z) => g + z, gradient(surface, kappa, w), xi);
    ({ w, state } = rules[rule](w, dw, state, settings));
    points.push(w);
    if (lost(points)) break;
  }
  return points;
}

/** Of the rates whose path stays near the middle the one with the least loss on average over the path. */
export function bestRate(rule, surface, kappa, noise, settings) {
  const losses = RATES.map((lr) => {
    const points = path(rule, surface, kappa, noise, { ...settings, lr });
    return points.every(near) ? points.reduce((sum, w) => sum + loss(surface, kappa, w), 0) : Infinity;
  });
  return RATES[losses.indexOf(Math.min(...losses))];
}

const NAMES = { sgd: "SGD", momentum: "momentum", nesterov: "Nesterov", adagrad: "AdaGrad", rmsprop: "RMSProp", adam: "Adam" };
const MARKS = { // a shape for each, as colours do not tell all readers apart
  sgd: "M-6,0a6,6 0 1,0 12,0a6,6 0 1,0 -12,0z",
  momentum: "M-6,-6H6V6H-6z",
  nesterov: "M0,-8L8,6H-8z",
  adagrad: "M0,-9L9,0L0,9L-9,0z",
  rmsprop: "M-6,-6L6,6M6,-6L-6,6",
  adam: "M-8,0H8M0,-8V8",
};

const short = (value) => String(Number(value.toPrecision(2)));
const place = ([x, y]) => `${(370 + 142 * x).toFixed(1)},${(213 - 142 * y).toFixed(1)}`;
const line = (points) => `M${points.map(place).join("L")}`;
const tip = (rule, point) =>
  svg("g", { transform: `translate(${point})` }, svg("path", { class: "tip", d: MARKS[rule] }));
const swatch = (rule) =>
  svg("svg", { class: `swatch run ${rule}`, viewBox: "-20 -10 40 20", "aria-hidden": true }, svg("path", { d: "M-20,0H20" }), tip(rule, "0,0"));

class Optimizers extends Figure {
  static parameters = {
    ...Object.fromEntries(Object.entries(NAMES).map(([rule, label]) => [rule, { label, value: ["sgd", "momentum", "adam"].includes(rule), swatch: () => swatch(rule) }])),
    surface: { label: "surface", options: { bowl: "bowl", tilted: "tilted bowl", saddle: "saddle, two minima", valley: "curved valley" }, value: "bowl" },
    rates: { label: "learning rates", options: { same: "the same for all", best: "each its best" }, value: "same" },
    lr: { label: "rate of all", min: -3, max: 0.5, step: 0.05, value: -1.2, show: (v) => short(10 ** v), when: ({ rates }) => rates === "same" },
    mu: { label: "momentum (β₁ in Adam)", min: 0, max: 0.98, step: 0.02, value: 0.9, show: (v) => fixed(v) },
    kappa: { label: "condition number κ", min: 0, max: 2, step: 0.1, value: 1.3, show: (v) => short(10 ** v) },
    noise: { label: "noise in the gradient", min: 0, max: 2, step: 0.1, value: 0, show: (v) => fixed(v, 1) },
    steps: { label: "steps", min: 0, max: STEPS, step: 1, value: 40, play: 20 },
  };
  static buttons = { "Other noise": "sample" };
  seed = 0;

  sample() {
    this.z = noises(++this.seed);
  }

  setup() {
    this.sample();
    this.contours = svg("g", { class: "contours" });
    this.runs = svg("g");
    return svg("svg", { viewBox: "0 0 740 426", role: "img", "aria-label": "Contours of a loss, and the paths of the optimizers over them" }, this.contours, this.runs);
  }

  draw({ surface, rates, lr, mu, kappa, noise, steps, ...shown }) {
    const k = 10 ** kappa;
    const xi = this.z.map((pair) => pair.map((z) => noise * z));
    const runs = Object.keys(NAMES).filter((rule) => shown[rule]).map((rule) => {
      const settings = { mu, beta1: mu, lr: 10 ** lr };
      if (rates === "best") settings.lr = this.best(rule, surface, k, xi, settings);
      return { rule, lr: settings.lr, points: path(rule, surface, k, xi.slice(0, steps), settings) };
    });
    const curves = VIEWED.flatMap((above) => contour(surface, k, above));
    this.contours.replaceChildren(...curves.map((curve) => svg("path", { d: `${line(curve)}z` })));
    this.runs.replaceChildren(...runs.map(({ rule, points }) =>
      svg("g", { class: `run ${rule}` }, svg("path", { d: line(points) }), tip(rule, place(points.at(-1))))));
    return said(runs, surface, steps, rates === "best");
  }

  /** The best rate for all steps; found once, so that the steps slider does not change it. */
  best(...setting) {
    const key = JSON.stringify([this.seed, ...setting.with(3, setting[3][0])]);
    this.found ??= new Map();
    if (!this.found.has(key)) this.found.set(key, bestRate(...setting));
    return this.found.get(key);
  }
}

/** The optimizers from the nearest to the farthest, then those that are lost. */
function said(runs, surface, steps, tuned) {
  const rate = ({ lr }) => (tuned ? ` (rate ${short(lr)})` : "");
  const ends = runs.map((run) => ({ ...run, d: distance(surface, run.points.at(-1)) })).sort((a, b) => a.d - b.d);
  const left = ends.filter(({ points }) => !lost(points));
  const far = ends.filter(({ points }) => lost(points));
  const sentences = [
    [`Distance to the minimum after ${steps} steps`, left.map((run) => `${NAMES[run.rule]} ${run.d < 5e-4 ? "under 0.001" : short(run.d)}${rate(run)}`)],
    ["Diverged", far.map((run) => NAMES[run.rule] + rate(run))],
  ].filter(([, list]) => list.length).map(([what, list]) => `${what}: ${list.join(", ")}.`);
  return sentences.join(" ") || "No optimizer is chosen.";
}

define("optimizers", Optimizers);
