// <bayes-opt>: which learning rate to try next. A Gaussian process through the losses that are known (Rasmussen and
// Williams 2006, Algorithm 2.1), and the expected improvement of every other rate (Jones et al. 1998, eq. 15).
import { Figure, cdf, define, density, fixed, normals, svg, uniforms } from "./base.js";

export const FIRST = [-3.4, -2, -0.2]; // the trials that are there at the start: exponents of 10
export const PLACES = Array.from({ length: 81 }, (_, i) => -4 + i / 20);

const sigmoid = (t) => 1 / (1 + Math.exp(-t));

/** The loss that the figure hides: too slow on the left, diverging on the right. */
export const trueLoss = (e) => 0.3 + 2 * sigmoid(-2 * (e + 2.6)) + 2.2 * sigmoid(8 * (e + 0.6));

const normal = normals(uniforms(2));
const LUCK = Array.from({ length: 200 }, normal);

/** What trials at these exponents tell: the true loss and their own luck, of standard deviation `noise`. */
export const measured = (tried, noise) => tried.map((e, i) => trueLoss(e) + noise * LUCK[i % LUCK.length]);

export const kernel = (a, b, length) => Math.exp(-((a - b) ** 2) / (2 * length ** 2));

/** The lower triangle L with L L' = A, for a positive definite A. */
export function cholesky(A) {
  const L = A.map((row) => row.map(() => 0));
  for (let i = 0; i < A.length; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = A[i][j];
      for (let k = 0; k < j; k++) rest -= L[i][k] * L[j][k];
      L[i][j] = i === j ? Math.sqrt(rest) : rest / L[j][j];
    }
  }
  return L;
}

/** The z with L z = b. */
function forward(L, b) {
  const z = [];
  L.forEach((row, i) => z.push((b[i] - z.reduce((sum, v, k) => sum + row[k] * v, 0)) / row[i]));
  return z;
}

/** Mean and standard deviation of the process at `places`, when it had the values y at x, with noise of this size. */
export function posterior(x, y, places, { length, noise }) {
  const L = cholesky(x.map((a, i) => x.map((b, j) => kernel(a, b, length) + (i === j) * noise ** 2)));
  const half = forward(L, y);
  const found = places.map((place) => {
    const v = forward(L, x.map((a) => kernel(a, place, length)));
    return [v.reduce((sum, value, i) => sum + value * half[i], 0), Math.sqrt(Math.max(0, 1 - v.reduce((sum, value) => sum + value ** 2, 0)))];
  });
  return { mean: found.map(([mu]) => mu), sd: found.map(([, sd]) => sd) };
}

/** How far below `best` a normal variable falls, on average, where it does not count if it is above. */
export function expectedImprovement(mu, sd, best) {
  const gain = best - mu;
  return sd > 0 ? Math.max(0, gain * cdf(gain / sd) + sd * density(gain / sd)) : Math.max(0, gain);
}

/** The posterior of losses that are standardized before and scaled back after, and the expected improvement. */
export function predict(x, losses, places, { length, noise }) {
  const middle = losses.reduce((a, b) => a + b) / losses.length;
  const size = Math.sqrt(losses.reduce((sum, v) => sum + (v - middle) ** 2, 0) / losses.length) || 1;
  const { mean, sd } = posterior(x, losses.map((v) => (v - middle) / size), places, { length, noise: noise / size });
  const [mu, s] = [mean.map((m) => middle + size * m), sd.map((v) => size * v)];
  return { mean: mu, sd: s, ei: mu.map((m, i) => expectedImprovement(m, s[i], Math.min(...losses))) };
}

const [LEFT, RIGHT, TOP, MIDDLE, LOW, BOTTOM] = [54, 726, 14, 262, 296, 376];
const across = (e) => LEFT + (RIGHT - LEFT) * (e + 4) / 4;
const up = (value) => MIDDLE - (MIDDLE - TOP) * (Math.max(-0.5, Math.min(3.5, value)) + 0.5) / 4;
const path = (values, height) => values.map((v, i) => `${across(PLACES[i]).toFixed(1)},${height(v).toFixed(1)}`);
const named = (e) => String(Number((10 ** e).toPrecision(2)));
const nearest = (e) => PLACES[Math.max(0, Math.min(80, Math.round((e + 4) * 20)))];

class BayesOpt extends Figure {
  static parameters = {
    place: { label: "a learning rate", min: -4, max: 0, step: 0.05, value: -2, show: named },
    length: { label: "length scale l, in decades", min: 0.1, max: 2, step: 0.05, value: 0.6, show: (v) => fixed(v) },
    noise: { label: "noise of a trial, σ", min: 0.01, max: 0.5, step: 0.01, value: 0.03, show: (v) => fixed(v) },
    truth: { label: "show the true loss", value: false },
  };
  static buttons = { "Try this rate": "tryPlace", "Try the greatest EI": "tryBest", "Start again": "restart" };

  restart() { this.tried = [...FIRST]; }

  tryPlace() { this.tried.push(nearest(this.values.place)); }

  tryBest() { this.tried.push(this.next); }

  setup() {
    this.restart();
    this.moving = svg("g");
    const ticks = [-4, -3, -2, -1, 0].map((e) => svg("text", { class: "tick", x: across(e), y: BOTTOM + 22, "text-anchor": "middle" }, named(e)));
    const levels = [0, 1, 2, 3].flatMap((v) => [svg("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: up(v), y2: up(v) }),
      svg("text", { class: "tick", x: LEFT - 8, y: up(v) + 5, "text-anchor": "end" }, v)]);
    const picture = svg("svg", { viewBox: "0 0 740 430", role: "img", "aria-label": "Above, the losses that are known, the mean of the model and two standard deviations around it. Below, the expected improvement of each learning rate." },
      ...levels, svg("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }), ...ticks, this.moving,
      svg("text", { x: 4, y: TOP + 6 }, "loss"), svg("text", { x: 4, y: LOW + 4 }, "EI"),
      svg("text", { x: (LEFT + RIGHT) / 2, y: 424, "text-anchor": "middle" }, "learning rate"));
    picture.addEventListener("click", (event) => this.#click(picture, event));
    return picture;
  }

  #click(picture, event) {
    const box = picture.getBoundingClientRect();
    const e = 4 * ((event.clientX - box.left) / box.width * 740 - LEFT) / (RIGHT - LEFT) - 4;
    if (e < -4.1 || e > 0.1) return;
    this.tried.push(nearest(e));
    this.redraw();
  }

  draw({ place, length, noise, truth }) {
    const losses = measured(this.tried, noise);
    const { mean, sd, ei } = predict(this.tried, losses, PLACES, { length, noise });
    const greatest = Math.max(...ei);
    this.next = PLACES[ei.indexOf(greatest)];
    const band = [...path(mean.map((m, i) => m + 2 * sd[i]), up), ...path(mean.map((m, i) => m - 2 * sd[i]), up).reverse()];
    const height = (v) => BOTTOM - (BOTTOM - LOW) * (greatest > 0 ? v / greatest : 0);
    const upright = (e, name, from, to) => svg("line", { class: name, x1: across(e), x2: across(e), y1: from, y2: to });
    this.moving.replaceChildren(
      svg("polygon", { class: "band", points: band.join(" ") }),
      ...(truth ? [svg("polyline", { class: "truth", points: path(PLACES.map(trueLoss), up).join(" ") })] : []),
      svg("polyline", { class: "mean", points: path(mean, up).join(" ") }),
      upright(place, "place", TOP, BOTTOM), upright(this.next, "next", LOW, BOTTOM),
      svg("polyline", { class: "improvement", points: path(ei, height).join(" ") }),
      ...this.tried.map((e, i) => svg("circle", { class: "first", r: 7, cx: across(e), cy: up(losses[i]) })));
    return this.#said(losses, { mean, sd, ei, greatest }, PLACES.indexOf(nearest(place)));
  }

  #said(losses, { mean, sd, ei, greatest }, i) {
    const least = Math.min(...losses);
    return `${losses.length} trials, the best loss ${fixed(least)} at ${named(this.tried[losses.indexOf(least)])}. `
      + `Expected improvement is greatest at ${named(this.next)}: ${fixed(greatest, 3)}. `
      + `At ${named(PLACES[i])} the model expects ${fixed(mean[i])} ± ${fixed(sd[i])}, an improvement of ${fixed(ei[i], 3)}.`;
  }
}

define("bayes-opt", BayesOpt);
