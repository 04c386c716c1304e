// One step of each optimizer, (w, dw, state, settings) -> {w, state}, with the definitions and defaults of torch.optim.
// w and dw are arrays of numbers; state is {} before the first step; nothing is changed in place.

/** f of the first entries, of the second entries, and so on. */
export const each = (f, ...arrays) => arrays[0].map((_, i) => f(...arrays.map((a) => a[i])));
const zeros = (w) => w.map(() => 0);

export function sgd(w, dw, state, { lr = 1e-3 } = {}) {
  return { w: each((w, g) => w - lr * g, w, dw), state };
}

/** Heavy ball (Polyak 1964). */
export function momentum(w, dw, { v = zeros(w) }, { lr = 1e-3, mu = 0 } = {}) {
  v = each((v, g) => mu * v + g, v, dw);
  return { w: each((w, v) => w - lr * v, w, v), state: { v } };
}

/** Nesterov's momentum as Sutskever et al. (2013) write it: a step along dw + mu v. */
export function nesterov(w, dw, { v = zeros(w) }, { lr = 1e-3, mu = 0 } = {}) {
  v = each((v, g) => mu * v + g, v, dw);
  return { w: each((w, g, v) => w - lr * (g + mu * v), w, dw, v), state: { v } };
}

/** Duchi et al. (2011): the sum of squares never shrinks, so the steps do. */
export function adagrad(w, dw, { s = zeros(w) }, { lr = 1e-2, eps = 1e-10 } = {}) {
  s = each((s, g) => s + g ** 2, s, dw);
  return { w: each((w, g, s) => w - (lr * g) / (Math.sqrt(s) + eps), w, dw, s), state: { s } };
}

/** Tieleman and Hinton (2012): a running mean of squares. It starts at zero, so the first steps are long. */
export function rmsprop(w, dw, { s = zeros(w) }, { lr = 1e-2, alpha = 0.99, eps = 1e-8 } = {}) {
  s = each((s, g) => alpha * s + (1 - alpha) * g ** 2, s, dw);
  return { w: each((w, g, s) => w - (lr * g) / (Math.sqrt(s) + eps), w, dw, s), state: { s } };
}

/** Kingma and Ba (2015): running means of dw and of its square, each corrected for its start at zero. */
export function adam(w, dw, { m = zeros(w), s = zeros(w), t = 0 }, settings = {}) {
  const { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8 } = settings;
  t += 1;
  m = each((m, g) => beta1 * m + (1 - beta1) * g, m, dw);
  s = each((s, g) => beta2 * s + (1 - beta2) * g ** 2, s, dw);
  const step = (m, s) => (lr * m) / (1 - beta1 ** t) / (Math.sqrt(s / (1 - beta2 ** t)) + eps);
  return { w: each((w, m, s) => w - step(m, s), w, m, s), state: { m, s, t } };
}
