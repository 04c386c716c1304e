// <schedules-figure>: up to three learning-rate schedules. A schedule maps the step t = 0, …, T - 1 to the rate of
// that step. Definitions are those of torch.optim.lr_scheduler, where it has one.
import { Figure, define, svg } from "./base.js";

const mix = (low, high, share) => low + (high - low) * share;
const cosine = (from, to, share) => mix(to, from, (1 + Math.cos(Math.PI * share)) / 2);

// After the warm-up, of W steps: t and T count from its end.
const DECAYS = {
  constant: (t, { base }) => base,
  step: (t, { base, gamma, period }) => base * gamma ** Math.floor(t / period),
  exponential: (t, { base, gamma, period }) => base * gamma ** (t / period),
  inverse: (t, { base, period }) => base / (1 + t / period),
  cosine: (t, { base, least, T }) => cosine(base, least, t / T),
  restarts: (t, { base, least, period }) => cosine(base, least, (t % period) / period),
};

/** Smith (2017): up and down along straight lines, one cycle a period. */
function cyclic(t, { base, least, period }) {
  const position = (t % period) / period;
  return mix(least, base, 1 - Math.abs(2 * position - 1));
}

/** Smith and Topin (2018) as in torch's OneCycleLR: up from base / 25 for 30 % of the steps, down to base / 250 000. */
function onecycle(t, { base, T }) {
  const top = 0.3 * T - 1;
  return t <= top ? cosine(base / 25, base, t / top) : cosine(base, base / 25e4, (t - top) / (T - 1 - top));
}

/** The rate of step t, a schedule by its name. Settings: base, least, T, W, gamma, period. */
export function rate(name, t, settings) {
  if (name === "cyclic") return cyclic(t, settings);
  if (name === "onecycle") return onecycle(t, settings);
  const { base, T, W } = settings;
  return t < W ? (base * (t + 1)) / W : DECAYS[name](t - W, { ...settings, T: T - W });
}

/** The rates of all T steps. */
export function rates(name, settings) {
  return Array.from({ length: settings.T }, (_, t) => rate(name, t, settings));
}

const NAMES = {
  constant: "constant", step: "step decay", exponential: "exponential decay", inverse: "1/t decay", cosine: "cosine",
  restarts: "cosine with restarts", cyclic: "triangular cycles", onecycle: "one cycle",
};
const [LEFT, RIGHT, TOP, BOTTOM] = [92, 708, 16, 276];
const short = (value) => String(Number(value.toPrecision(2)));
const power = (v) => short(10 ** v);
const swatch = (line) => () => svg("svg", { class: `swatch run line-${line}`, viewBox: "-20 -10 40 20", "aria-hidden": true }, svg("path", { d: "M-20,0H20" }));
const chosen = (line, label, value) => [`line${line}`, { label, value, swatch: swatch(line), options: line === 1 ? NAMES : { none: "none", ...NAMES } }];

class Schedules extends Figure {
  static parameters = {
    ...Object.fromEntries([chosen(1, "first", "cosine"), chosen(2, "second", "step"), chosen(3, "third", "none")]),
    base: { label: "base rate η", min: -4, max: 0, step: 0.1, value: -1, show: power },
    T: { label: "steps in all, T", min: 10, max: 200, step: 5, value: 100 },
    W: { label: "warm-up steps, T₀", min: 0, max: 50, step: 1, value: 10 },
    period: { label: "period P, in steps", min: 2, max: 100, step: 1, value: 30 },
    gamma: { label: "factor γ per period", min: 0.05, max: 0.95, step: 0.05, value: 0.3 },
    least: { label: "lowest rate, of the base", min: 0, max: 0.5, step: 0.01, value: 0, show: (v) => `${Math.round(100 * v)} %` },
    log: { label: "logarithmic axis", value: false },
  };

  setup() {
    this.axes = svg("g");
    this.lines = svg("g");
    return svg("svg", { viewBox: "0 0 740 334", role: "img", "aria-label": "The learning rate of each step, one line for each schedule" }, this.axes, this.lines);
  }

  draw({ base: exponent, least, T, W, log, ...settings }) {
    const base = 10 ** exponent;
    const all = { ...settings, base, least: least * base, T, W: Math.min(W, T - 1) };
    const x = (t) => mix(LEFT, RIGHT, t / T);
    const height = log ? (v) => Math.max(0, 1 + Math.log10(v / base) / 3) : (v) => v / base;
    const y = (v) => mix(BOTTOM, TOP, height(v)).toFixed(1);
    const shown = [1, 2, 3].map((line) => ({ line, name: settings[`line${line}`] })).filter(({ name }) => name !== "none")
      .map((run) => ({ ...run, values: rates(run.name, all) }));
    this.axes.replaceChildren(...axes(x, y, T, (log ? [0.001, 0.01, 0.1, 1] : [0, 0.25, 0.5, 0.75, 1]).map((v) => v * base)));
    this.lines.replaceChildren(...shown.map(({ line, values }) => svg("g", { class: `run line-${line}` },
      svg("path", { d: `M${LEFT},${y(values[0])}${values.map((v, t) => `V${y(v)}H${x(t + 1).toFixed(1)}`).join("")}` }))));
    return shown.map(said).join("\n");
  }
}

function axes(x, y, T, levels) {
  return [
    ...levels.flatMap((v) => [
      svg("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: y(v), y2: y(v) }),
      svg("text", { class: "tick", x: LEFT - 6, y: Number(y(v)) + 6, "text-anchor": "end" }, short(v)),
    ]),
    ...[0, 0.25, 0.5, 0.75, 1].map((part) => svg("text", { class: "tick", x: x(part * T), y: BOTTOM + 23, "text-anchor": "middle" }, String(Math.round(part * T)))),
    svg("text", { x: (LEFT + RIGHT) / 2, y: BOTTOM + 48, "text-anchor": "middle" }, "step"),
  ];
}

function said({ name, values }) {
  const peak = Math.max(...values);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const at = values.indexOf(peak);
  const label = NAMES[name][0].toUpperCase() + NAMES[name].slice(1);
  return `${label}: start ${short(values[0])}, peak ${short(peak)} in step ${at}, end ${short(values.at(-1))}, mean ${short(mean)}.`;
}

define("schedules", Schedules);
