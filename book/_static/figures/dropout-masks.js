// <dropout-masks>: four units before one output. Every mask is a network of its own; dropout averages all 16 of them.
import { Figure, define, fixed, svg, uniforms } from "./base.js";
import { ensemble, factors, histogram, kept, maskOf, ticks } from "./mask-ensemble.js";

const H = [1, 1.5, 0.5, 2]; // the activations of the four units
const W = [2, -1, 2, -0.5]; // their weights to the output

class DropoutMasks extends Figure {
  static parameters = {
    p: { label: "drop probability p", min: 0, max: 0.9, step: 0.05, value: 0.5, show: (v) => fixed(v) },
    scaling: {
      label: "scaling",
      options: { none: "none", inverted: "in training (inverted)", test: "in prediction" },
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
    const picture = svg("svg", { viewBox: "0 0 740 438", role: "img", "aria-label": "A network with dropped units, and the outputs of its 16 masks" });
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
    return `This mask drops ${dropped.length ? `unit${dropped.length > 1 ? "s" : ""} ${dropped.join(", ")}` : "no unit"}: output ${fixed(values[mask])}. ` +
      `Mean over ${masks.length} drawn ${masks.length > 1 ? "masks" : "mask"}: ${fixed(mean)}. Exact average of all 16 networks: ${fixed(average, 3)}. ` +
      `The full network predicts ${fixed(prediction, 3)}, ${Math.abs(miss) < 1e-9 ? "the same" : `${fixed(Math.abs(miss), 3)} too ${miss > 0 ? "high" : "low"}`}.`;
  }
}

const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);

/** Units, weights and output. A dropped unit is dashed and crossed out, and sends nothing. */
function net(units, factor, value) {
  const scale = factor === 1 ? "" : `× ${fixed(factor)} `;
  const rows = units.flatMap((unit, i) => {
    const y = 30 + 48 * i;
    const ring = svg("circle", { class: unit ? "unit" : "unit dropped", cx: 130, cy: y, r: 21 });
    const parts = [label(8, y + 5, `unit ${i + 1}`), ring, label(130, y + 6, fixed(H[i], 1), "middle")];
    if (!unit) return [...parts, svg("path", { class: "cross", d: `M112 ${y - 18}l36 36m0 -36l-36 36` }), label(166, y + 6, "dropped")];
    return [...parts, svg("path", { class: "wire", d: `M151 ${y}H350L520 102` }), label(166, y + 6, `${scale}× ${fixed(W[i], 1)}`)];
  });
  return [...rows, svg("circle", { class: "unit", cx: 556, cy: 102, r: 36 }), label(556, 108, fixed(value), "middle"), label(604, 108, "output")];
}

/** The 16 outputs: exact probabilities as outlines, drawn shares filled, and the three averages. */
function distribution(values, probability, drawn, { average, prediction, mean }) {
  const low = Math.min(0, ...values, prediction);
  const high = Math.max(1, ...values, prediction);
  const place = (v) => 30 + (680 * (v - low)) / (high - low);
  const [exact, seen] = [probability, drawn].map((weights) => histogram(values, weights, low, high, 40));
  const unit = 110 / Math.max(...exact, ...seen);
  const bars = (bins) => bins.map((share, k) => (share ? `M${31 + 17 * k} 402v${-unit * share}h15v${unit * share}z` : "")).join("");
  return [
    label(8, 232, "outlines: all 16 networks; filled: drawn masks, ▲ their mean"),
    svg("path", { class: "muted", d: bars(seen) }),
    svg("path", { class: "exact", d: bars(exact) }),
    svg("line", { class: "axis", x1: 30, x2: 710, y1: 402, y2: 402 }),
    ...marks(place(average), place(prediction)),
    svg("path", { d: `M${place(mean)} 403l9 14h-18z`, style: "fill: var(--pst-color-text-base)" }),
    ...ticks(low, high).map((t) => svg("text", { class: "tick", x: place(t), y: 432, "text-anchor": "middle" }, fixed(t, high > 1 ? 0 : 1))),
  ];
}

/** Lines at both averages. The one that stands before the other has the upper label, so that no line crosses a label. */
function marks(average, prediction) {
  const [side, anchor] = average + prediction > 960 ? [-1, "end"] : [1, "start"];
  const first = side * (average - prediction) <= 0;
  return [["average", average, "exact average", first], ["prediction", prediction, "full network", !first]].flatMap(([name, x, text, upper]) => {
    const y = upper ? 260 : 286;
    return [svg("line", { class: name, x1: x, x2: x, y1: y - 14, y2: 402 }), label(x + 8 * side, y, text, anchor)];
  });
}

define("dropout-masks", DropoutMasks);
