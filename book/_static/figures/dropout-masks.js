// <dropout-masks>: four units before one output. Every mask is a network of its own; dropout averages all 16 of them.
import { Figure, define, fixed, svg, uniforms } from "./base.js";

const H = [1, 1.5, 0.5, 2]; // the activations of the four units
const W = [2, -1, 2, -0.5]; // their weights to the output

const outputs = { linear: (z) => z, relu: (z) => Math.max(z, 0), sigmoid: (z) => 1 / (1 + Math.exp(-z)) };

/** The factors of the kept units in training, and of all units in prediction; p is the probability of dropping. */
export function factors(scaling, p) {
  return { none: [1, 1], inverted: [1 / (1 - p), 1], test: [1, 1 - p] }[scaling];
}

/** The mask with this number: unit i is kept where bit i is 1. */
export const kept = (mask, n) => Array.from({ length: n }, (_, i) => (mask >> i) & 1);

/** The number of the mask that numbers in (0, 1), one for each unit, draw: kept with probability 1 - p. */
export const maskOf = (u, p) => u.reduce((mask, value, i) => mask + (value < 1 - p ? 2 ** i : 0), 0);

/** One network: the output for the units that are kept, times a factor. */
export function network(h, w, units, factor, output) {
  return outputs[output](h.reduce((z, value, i) => z + units[i] * factor * value * w[i], 0));
}

/** All 2^n networks: output and probability of each, their exact average, and what the full network predicts. */
export function ensemble(h, w, p, scaling, output) {
  const [train, predict] = factors(scaling, p);
  const masks = Array.from({ length: 2 ** h.length }, (_, mask) => kept(mask, h.length));
  const probability = masks.map((units) => units.reduce((q, unit) => q * (unit ? 1 - p : p), 1));
  const values = masks.map((units) => network(h, w, units, train, output));
  const average = values.reduce((sum, value, mask) => sum + probability[mask] * value, 0);
  return { values, probability, average, prediction: network(h, w, h.map(() => 1), predict, output) };
}

class DropoutMasks extends Figure {
  static parameters = {
    p: { label: "p, the probability of dropping a unit", min: 0, max: 0.9, step: 0.05, value: 0.5, show: (v) => fixed(v) },
    scaling: {
      label: "scaling",
      options: { none: "none", inverted: "in training: kept units × 1/(1 − p)", test: "in prediction: all units × (1 − p)" },
      value: "inverted",
    },
    output: { label: "output unit", options: { linear: "linear", relu: "ReLU", sigmoid: "sigmoid" }, value: "linear" },
  };
  static buttons = { "Another mask": "one", "100 more masks": "hundred", "Start over": "restart" };

  one() { this.draws.push(H.map(this.uniform)); }

  hundred() { for (let i = 0; i < 100; i++) this.one(); }

  restart() {
    this.uniform = uniforms(3);
    this.draws = [];
    this.one();
  }

  setup() {
    this.restart();
    const picture = svg("svg", { viewBox: "0 0 740 430", role: "img", "aria-label": "A network with dropped units, and the outputs of its 16 masks" });
    this.parts = svg("g");
    picture.append(this.parts);
    return picture;
  }

  draw({ p, scaling, output }) {
    const { values, probability, average, prediction } = ensemble(H, W, p, scaling, output);
    const masks = this.draws.map((u) => maskOf(u, p)); // the same draws for every p: only p changes
    const mask = masks.at(-1);
    const mean = masks.reduce((sum, m) => sum + values[m], 0) / masks.length;
    const drawn = values.map((_, m) => masks.filter((other) => other === m).length / masks.length);
    this.parts.replaceChildren(
      ...net(kept(mask, H.length), factors(scaling, p)[0], values[mask]),
      ...distribution(values, probability, drawn, { average, prediction, mean }),
    );
    const dropped = kept(mask, H.length).flatMap((unit, i) => (unit ? [] : [i + 1]));
    const miss = prediction - average;
    return `This mask drops ${dropped.length ? `unit ${dropped.join(", ")}` : "no unit"}: output ${fixed(values[mask])}. ` +
      `Mean over ${masks.length} drawn: ${fixed(mean)}. Exact average of all 16 networks: ${fixed(average, 3)}. ` +
      `The full network predicts ${fixed(prediction, 3)}, ${Math.abs(miss) < 1e-9 ? "the same" : `${fixed(Math.abs(miss), 3)} too ${miss > 0 ? "high" : "low"}`}.`;
  }
}

const label = (x, y, text, anchor = "middle") => svg("text", { x, y, "text-anchor": anchor }, text);

/** Units, weights and output. A dropped unit is dashed and crossed out, and sends nothing. */
function net(units, factor, value) {
  const each = units.flatMap((unit, i) => {
    const y = 26 + 48 * i;
    const circle = svg("circle", { cx: 130, cy: y, r: 21, style: `fill: none; stroke-width: 2; stroke: ${unit ? "var(--figure-1)" : "var(--pst-color-text-muted); stroke-dasharray: 4 4"}` });
    const parts = [label(8, y + 5, `unit ${i + 1}`, "start"), circle, label(130, y + 6, fixed(H[i], 1))];
    if (!unit) return [...parts, svg("path", { d: `M112 ${y - 18}l36 36m0 -36l-36 36`, style: "stroke: var(--figure-2); stroke-width: 3" }), label(162, y + 6, "dropped", "start")];
    const line = svg("line", { x1: 330, x2: 520, y1: y, y2: 98, style: "stroke: var(--pst-color-text-muted); stroke-width: 1.5" });
    return [...parts, line, label(162, y + 6, `× ${factor === 1 ? "" : `${fixed(factor)} × `}${fixed(W[i], 1)}`, "start")];
  });
  return [...each, svg("circle", { cx: 556, cy: 98, r: 36, style: "fill: none; stroke: var(--figure-1); stroke-width: 2" }), label(556, 104, fixed(value)), label(604, 104, "output", "start")];
}

/** The 16 outputs: exact probabilities as outlines, drawn shares filled, and the three averages. */
function distribution(values, probability, drawn, { average, prediction, mean }) {
  const low = Math.min(0, ...values, prediction);
  const high = Math.max(1, ...values, prediction);
  const place = (v) => 30 + (680 * (v - low)) / (high - low);
  const bin = (v) => Math.min(39, Math.floor((40 * (v - low)) / (high - low)));
  const shares = (weights) => values.reduce((bins, v, m) => { bins[bin(v)] += weights[m]; return bins; }, Array(40).fill(0));
  const [exact, seen] = [shares(probability), shares(drawn)];
  const unit = 110 / Math.max(...exact, ...seen);
  const bars = (bins) => bins.map((share, k) => (share ? `M${31 + 17 * k} 395v${-unit * share}h15v${unit * share}z` : "")).join("");
  const step = [0.2, 0.5, 1, 2, 5, 10].find((s) => (high - low) / s <= 7);
  const ticks = [];
  for (let t = Math.ceil(low / step); t * step <= high; t++) ticks.push(svg("text", { class: "tick", x: place(t * step), y: 424, "text-anchor": "middle" }, fixed(t * step, step < 1 ? 1 : 0)));
  const side = (v) => (place(v) > 480 ? [-8, "end"] : [8, "start"]);
  const mark = (v, y, text, style) => [
    svg("line", { x1: place(v), x2: place(v), y1: y - 14, y2: 395, style: `stroke-width: 3; ${style}` }),
    label(place(v) + side(v)[0], y, text, side(v)[1]),
  ];
  return [
    label(8, 224, "outlines: all 16 networks; filled: drawn masks, ▲ their mean", "start"),
    svg("path", { class: "muted", d: bars(seen) }),
    svg("path", { d: bars(exact), style: "fill: none; stroke: var(--pst-color-text-base)" }),
    svg("line", { class: "axis", x1: 30, x2: 710, y1: 395, y2: 395 }),
    ...mark(average, 252, "exact average", "stroke: var(--figure-1)"),
    ...mark(prediction, 278, "full network", "stroke: var(--figure-2); stroke-dasharray: 7 5"),
    svg("path", { d: `M${place(mean)} 396l9 14h-18z`, style: "fill: var(--pst-color-text-base)" }),
    ...ticks,
  ];
}

define("dropout-masks", DropoutMasks);
