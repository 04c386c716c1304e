// The arithmetic of <deep-signal>: a batch up through random layers, a gradient down. Matrices lie in flat arrays, by rows.
import { normals, uniforms } from "./base.js";

const EPS = 1e-5;
const LEAK = 0.1;

/** f(z), its derivative written with the output a = f(z), the largest derivative, and the range that is drawn. */
export const activations = {
  sigmoid: { f: (z) => 1 / (1 + Math.exp(-z)), slope: (a) => a * (1 - a), steepest: 0.25, range: [0, 1], flat: "saturated" },
  tanh: { f: Math.tanh, slope: (a) => 1 - a * a, steepest: 1, range: [-1, 1], flat: "saturated" },
  relu: { f: (z) => Math.max(z, 0), slope: (a) => (a > 0 ? 1 : 0), steepest: 1, range: [0, 3], flat: "zero" },
  leaky: { f: (z) => (z > 0 ? z : LEAK * z), slope: (a) => (a > 0 ? 1 : LEAK), steepest: 1, range: [-1, 3], flat: "below zero" },
};

/** The standard deviation of the weights (Glorot and Bengio 2010; He et al. 2015). */
export function weightStd(initializer, fanIn, fanOut) {
  return { fixed: 0.1, glorot: Math.sqrt(2 / (fanIn + fanOut)), he: Math.sqrt(2 / fanIn) }[initializer];
}

/** Standard normal numbers for weights, inputs and the gradient that comes back. */
export function sample(count, seed) {
  return Float64Array.from({ length: count }, normals(uniforms(seed)));
}

/** h (n, D) @ W (D, M), both by rows. */
function product(h, W, n) {
  const D = h.length / n;
  const M = W.length / D;
  const out = new Float64Array(n * M);
  for (let r = 0; r < n; r++) {
    const row = out.subarray(r * M, (r + 1) * M);
    for (let i = 0; i < D; i++) {
      const value = h[r * D + i];
      for (let j = 0, k = i * M; j < M; j++, k++) row[j] += value * W[k];
    }
  }
  return out;
}

/** The transpose of W, which has M columns. */
function transpose(W, M) {
  const D = W.length / M;
  const out = new Float64Array(W.length);
  for (let i = 0, k = 0; i < D; i++) for (let j = 0; j < M; j++, k++) out[j * D + i] = W[k];
  return out;
}

/** Normalize the columns of z (n, M) in place; returns 1 / sqrt(var + eps) of each. */
function standardize(z, n) {
  const M = z.length / n;
  return Float64Array.from({ length: M }, (_, j) => {
    let [mean, variance] = [0, 0];
    for (let k = j; k < z.length; k += M) mean += z[k] / n;
    for (let k = j; k < z.length; k += M) variance += (z[k] - mean) ** 2 / n;
    const inverse = 1 / Math.sqrt(variance + EPS);
    for (let k = j; k < z.length; k += M) z[k] = (z[k] - mean) * inverse;
    return inverse;
  });
}

/** The way back through `standardize`, in place on dz (n, M). */
function unstandardize(dz, z, inverse, n) {
  const M = dz.length / n;
  for (let j = 0; j < M; j++) {
    let [mean, along] = [0, 0];
    for (let k = j; k < dz.length; k += M) { mean += dz[k] / n; along += (dz[k] * z[k]) / n; }
    for (let k = j; k < dz.length; k += M) dz[k] = inverse[j] * (dz[k] - mean - z[k] * along);
  }
}

/** A batch x of n rows through the layers: linear, batch normalization if asked for, activation. */
export function forward(x, weights, n, activation, normalize) {
  let output = x;
  return weights.map((W) => {
    const z = product(output, W, n);
    const inverse = normalize && standardize(z, n);
    output = z.map(activations[activation].f);
    return { W, z, inverse, output };
  });
}

/** The gradient with respect to the output of each layer, given that of the last. */
export function backward(layers, dout, n, activation) {
  const { slope } = activations[activation];
  const gradients = [dout];
  for (const { W, z, inverse, output } of layers.slice(1).reverse()) {
    const dz = Float64Array.from(gradients[0], (d, k) => d * slope(output[k]));
    if (inverse) unstandardize(dz, z, inverse, n);
    gradients.unshift(product(dz, transpose(W, dz.length / n), n));
  }
  return gradients;
}

/** Standard deviation of all the values of a layer. */
export function deviation(values) {
  const mean = values.reduce((a, b) => a + b) / values.length;
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
}

/** Standard deviation over the n examples of each unit, averaged over the units: what of the input arrives. */
export function signalDeviation(values, n) {
  const units = values.length / n;
  let sum = 0;
  for (let j = 0; j < units; j++) sum += deviation(Float64Array.from({ length: n }, (_, i) => values[i * units + j]));
  return sum / units;
}

/** Share of the values in each bin of [low, high]; what lies outside counts in the outermost bin. */
export function histogram(values, [low, high], bins = 24) {
  const shares = new Float64Array(bins);
  for (const v of values) shares[Math.max(0, Math.min(bins - 1, Math.floor(((v - low) / (high - low)) * bins)))] += 1 / values.length;
  return shares;
}

/** The share of outputs where the derivative is under a fifth of its largest value. */
export function flatShare(output, activation) {
  const { slope, steepest } = activations[activation];
  return output.filter((a) => slope(a) < steepest / 5).length / output.length;
}

/** In words, what becomes of a size that is multiplied by this ratio from one end of the network to the other. */
export function fate(ratio) {
  if (ratio < 1e-3) return "vanishes";
  if (ratio < 0.25) return "shrinks";
  if (ratio <= 4) return "holds";
  return ratio > 1e3 ? "explodes" : "grows";
}
