// <deep-signal>: what 20 random layers make of a batch on the way up, and of a random gradient on the way down.
import { Figure, define, fixed, svg } from "./base.js";
import { activations, backward, deviation, fate, flatShare, forward, histogram, sample, signalDeviation, weightStd } from "./random-network.js";

const [DEPTH, WIDTH, N] = [20, 50, 40]; // small enough for a phone to redraw at once
const SIZES = [[1e-6, "10⁻⁶"], [1e-3, "10⁻³"], [1, "1"], [1e3, "10³"], [1e6, "10⁶"]];

class DeepSignal extends Figure {
  static parameters = {
    activation: { label: "activation", options: { sigmoid: "sigmoid", tanh: "tanh", relu: "ReLU", leaky: "leaky ReLU, 0.1" }, value: "relu" },
    initializer: { label: "std of the weights", options: { fixed: "0.1 in every layer", glorot: "Glorot normal", he: "He normal" }, value: "fixed" },
    power: { label: "scaled by", min: -1, max: 1, step: 0.05, value: 0, show: (v) => fixed(10 ** v) },
    normalize: { label: "batch normalization before each activation", value: false },
  };
  static buttons = { "Other weights": "another" };
  seed = 0;

  another() {
    this.z = Array.from({ length: DEPTH }, (_, l) => sample(WIDTH * WIDTH, 100 * this.seed + l));
    [this.x, this.dout] = [50, 51].map((l) => sample(N * WIDTH, 100 * this.seed + l));
    this.seed++;
  }

  setup() {
    this.another();
    const picture = svg("svg", { viewBox: "0 0 740 450", role: "img", "aria-label": "Distribution of the activations in each of 20 layers, their standard deviation over the examples, and that of the gradient" });
    const tick = (x, y, name, anchor = "end") => svg("text", { class: "tick", x, y, "text-anchor": anchor }, name);
    picture.append(svg("text", { x: 8, y: 20 }, "distribution of the activations"));
    picture.append(svg("text", { x: 8, y: 232 }, "standard deviation: ● activations, over the examples; □ gradient"));
    for (const [size, name] of SIZES) {
      const y = height(size);
      picture.append(svg("line", { class: "axis", x1: 70, x2: 735, y1: y, y2: y }), tick(62, y + 5, name));
    }
    for (const l of [1, 5, 10, 15, 20]) picture.append(tick(column(l - 1), 442, l === 1 ? "layer 1" : l, "middle"));
    this.bounds = [tick(62, 53, ""), tick(62, 211, "")];
    this.shapes = svg("path", { style: "fill: var(--figure-1)" });
    this.gradient = svg("path", { style: "fill: none; stroke: var(--figure-2); stroke-width: 2" });
    this.signal = svg("path", { style: "fill: var(--figure-1)" });
    picture.append(...this.bounds, this.shapes, this.gradient, this.signal);
    return picture;
  }

  draw({ activation, initializer, power, normalize }) {
    const std = 10 ** power * weightStd(initializer, WIDTH, WIDTH);
    const layers = forward(this.x, this.z.map((z) => z.map((v) => std * v)), N, activation, normalize);
    const signal = layers.map(({ output }) => signalDeviation(output, N));
    const gradient = backward(layers, this.dout, N, activation).map(deviation);
    const { range, flat } = activations[activation];
    this.bounds.forEach((text, i) => { text.textContent = fixed(range[1 - i], 0); });
    this.shapes.setAttribute("d", layers.map(({ output }, l) => bars(histogram(output, range), column(l))).join(""));
    this.signal.setAttribute("d", signal.map((v, l) => `M${column(l) - 5} ${height(v)}a5 5 0 1 0 10 0a5 5 0 1 0 -10 0`).join(""));
    this.gradient.setAttribute("d", gradient.map((v, l) => `M${column(l) - 5} ${height(v) - 5}h10v10h-10z`).join(""));
    const share = flatShare(layers.at(-1).output, activation);
    const size = fate(signal.at(-1) / signal[0]);
    const words = flat === "saturated" && share > 0.5 && size === "holds" ? "saturates" : size;
    return `Weights of std ${short(std)}. Std of the activations over the examples in layers 1, 10, 20: ${[0, 9, 19].map((l) => short(signal[l])).join(", ")}. ` +
      `The signal ${words}; ${fixed(100 * share, 0)} % of the outputs of layer 20 are ${flat}. ` +
      `On its way down the gradient ${fate(gradient[0] / gradient.at(-1))}: std 1 in layer 20, ${short(gradient[0] / gradient.at(-1))} in layer 1.`;
  }
}

const column = (l) => 86 + 33.3 * l;
const height = (v) => 336 - 13 * Math.max(-6.5, Math.min(6.5, Math.log10(v)));
const short = (v) => (v >= 0.001 && v < 1000 ? String(Number(v.toPrecision(2))) : v.toExponential(0).replace("+", "").replace("-", "−"));

/** A histogram as bars around x; a bar of full width holds a tenth of the values or more. */
const bars = (shares, x) => Array.from(shares, (share, k) => {
  const half = 15 * Math.min(1, 10 * share);
  return `M${x - half} ${206 - (158 / shares.length) * (k + 1)}h${2 * half}v${158 / shares.length}h${-2 * half}z`;
}).join("");

define("deep-signal", DeepSignal);
