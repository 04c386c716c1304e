// <bn-drift>: one channel, one batch. Train mode follows the batch; eval mode keeps running_mean = 0, running_var = 1.
import { Figure, define, fixed, normals, svg, uniforms } from "./base.js";

const EPS = 1e-5;
const ONE = 1.5; // the example that we follow

/** Mean, biased variance, and the normalization of x with them and with the running statistics 0 and 1. */
export function normalize(x, eps = EPS) {
  const mu = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((a, b) => a + (b - mu) ** 2, 0) / x.length;
  return {
    mu,
    variance,
    train: x.map((v) => (v - mu) / Math.sqrt(variance + eps)),
    eval: x.map((v) => v / Math.sqrt(1 + eps)),
  };
}

class BnDrift extends Figure {
  static parameters = {
    mean: { label: "mean of the others", min: -3, max: 3, step: 0.1, value: 0, show: (v) => fixed(v, 1) },
    scale: { label: "scale of the others", min: 0.2, max: 2, step: 0.1, value: 1, show: (v) => fixed(v, 1) },
    N: { label: "batch size N", min: 2, max: 64, step: 1, value: 8 },
  };
  static buttons = { "Other examples": "sample" };
  seed = 0;

  sample() {
    const normal = normals(uniforms(++this.seed));
    this.z = Array.from({ length: 63 }, normal);
  }

  setup() {
    this.sample();
    const picture = svg("svg", { viewBox: "0 0 740 215", role: "img", "aria-label": "A batch, and its normalization in train mode and in eval mode" });
    this.rows = ["input x", "train-mode output", "eval-mode output"].map((name, i) => {
      const y = 40 + 62 * i;
      const others = svg("g", { class: "muted" });
      const one = svg("circle", { class: "first", r: 7, cy: y });
      picture.append(svg("text", { x: 8, y: y - 16 }, name), svg("line", { class: "axis", x1: 8, x2: 732, y1: y, y2: y }), others, one);
      return { y, others, one };
    });
    for (let v = -8; v <= 8; v += 2) picture.append(svg("text", { class: "tick", x: place(v), y: 208, "text-anchor": "middle" }, fixed(v, 0)));
    return picture;
  }

  draw({ mean, scale, N }) {
    const x = [ONE, ...this.z.slice(0, N - 1).map((z) => mean + scale * z)];
    const { mu, variance, ...outputs } = normalize(x);
    [x, outputs.train, outputs.eval].forEach((values, i) => {
      const { y, others, one } = this.rows[i];
      others.replaceChildren(...values.slice(1).map((v) => svg("circle", { cx: place(v), cy: y, r: 5 })));
      one.setAttribute("cx", place(values[0]));
    });
    return `mu = ${fixed(mu)}, var = ${fixed(variance)}. The coloured example x = ${ONE} becomes ${fixed(outputs.train[0])} in train mode and ${fixed(outputs.eval[0])} in eval mode.`;
  }
}

/** Wide enough for the one example: in a batch of N no output is beyond sqrt(N - 1), 7.94 for 64. */
export const place = (value) => Math.max(5, Math.min(735, 370 + 41 * value));

define("bn-drift", BnDrift);
