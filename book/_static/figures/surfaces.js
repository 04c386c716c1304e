// Losses of two weights, f = h(u) + kappa/2 (v - ridge(u))^2, where (u, v) is w turned by an angle.
// f is quadratic in v, so every contour has a formula.
import { each } from "./update-rules.js";

const bowl = {
  h: (u) => u ** 2 / 2, dh: (u) => u, ridge: () => 0, dridge: () => 0, angle: 0, start: [-2.2, 1], minima: [[0, 0]],
};
const SURFACES = {
  bowl,
  tilted: { ...bowl, angle: Math.PI / 6 },
  saddle: {
    ...bowl, h: (u) => u ** 4 / 9 - u ** 2 / 2, dh: (u) => (4 * u ** 3) / 9 - u, start: [0.02, 1.2], minima: [[-1.5, 0], [1.5, 0]],
  },
  valley: { // after Rosenbrock (1960)
    ...bowl, h: (u) => (u - 1.5) ** 2 / 2, dh: (u) => u - 1.5, ridge: (u) => u ** 2 / 2 - 1, dridge: (u) => u, start: [-2, 0.8], minima: [[1.5, 0.125]],
  },
};

const turn = ([x, y], angle) => {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c * x - s * y, s * x + c * y];
};

export function start(surface) {
  return turn(SURFACES[surface].start, SURFACES[surface].angle);
}

export function loss(surface, kappa, w) {
  const { h, ridge, angle } = SURFACES[surface];
  const [u, v] = turn(w, -angle);
  return h(u) + (kappa / 2) * (v - ridge(u)) ** 2;
}

export function gradient(surface, kappa, w) {
  const { dh, ridge, dridge, angle } = SURFACES[surface];
  const [u, v] = turn(w, -angle);
  const gv = kappa * (v - ridge(u));
  return turn([dh(u) - gv * dridge(u), gv], angle);
}

/** From w to the nearest minimum. */
export function distance(surface, w) {
  const { minima, angle } = SURFACES[surface];
  return Math.min(...minima.map((minimum) => Math.hypot(...each((a, b) => a - b, w, turn(minimum, angle)))));
}

/** The closed curves on which the loss is `above` its least value, each a list of points, within |u| <= 3.5. */
export function contour(surface, kappa, above) {
  const { h, ridge, angle, minima } = SURFACES[surface];
  const inside = (u) => h(minima[0][0]) + above - h(u); // kappa/2 (v - ridge)^2 on the curve
  const ends = [];
  for (let i = -70; i < 70; i++) {
    if (inside(i / 20) > 0 !== inside((i + 1) / 20) > 0) ends.push(root(inside, i / 20, (i + 1) / 20));
  }
  if (inside(-3.5) > 0) ends.unshift(-3.5);
  if (inside(3.5) > 0) ends.push(3.5);
  const curves = [];
  for (let i = 0; i < ends.length; i += 2) {
    const [left, right] = ends.slice(i, i + 2);
    curves.push(Array.from({ length: 121 }, (_, j) => {
      const phi = (Math.PI * j) / 60;
      const u = (left + right) / 2 - ((right - left) / 2) * Math.cos(phi);
      const v = ridge(u) + Math.sign(Math.sin(phi)) * Math.sqrt((2 * Math.max(0, inside(u))) / kappa);
      return turn([u, v], angle);
    }));
  }
  return curves;
}

/** Where f changes its sign between a and b, by bisection. */
function root(f, a, b) {
  for (let i = 0; i < 40; i++) {
    const middle = (a + b) / 2;
    if (f(middle) > 0 === f(a) > 0) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}
