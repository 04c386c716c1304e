// The arithmetic of <dropout-masks>: n units before one output, and the 2^n networks that masks make of them.

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

/** The weight that falls into each bin of [low, high]: weights[i] of values[i]. */
export function histogram(values, weights, low, high, bins) {
  const total = Array(bins).fill(0);
  values.forEach((v, i) => { total[Math.min(bins - 1, Math.floor((bins * (v - low)) / (high - low)))] += weights[i]; });
  return total;
}

/** At most eight round numbers from low to high. */
export function ticks(low, high) {
  const step = [0.2, 1, 2, 5, 10].find((s) => (high - low) / s <= 7);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}
