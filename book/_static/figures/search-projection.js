// <search-projection>: a grid and random trials on a square, and what each axis sees of them (Bergstra and Bengio
// 2012, Figure 1). The score of a place is the sum of two bumps, one for each hyperparameter. 1 is the best there is.
import { Figure, define, fixed, html, svg, uniforms } from "./base.js";

const DRAWS = 2000;

export const bump = (value, peak, width) => Math.exp(-((value - peak) ** 2) / (2 * width ** 2));

/** The score of a place; the second hyperparameter counts `ratio` times as much as the first. */
export function score([x, y], [px, py], { ratio, width }) {
  return (bump(x, px, width) + ratio * bump(y, py, width)) / (1 + ratio);
}

/** k * k places, each in the middle of its cell, the first axis slowest. */
export function grid(k) {
  const middles = Array.from({ length: k }, (_, i) => (i + 0.5) / k);
  return middles.flatMap((x) => middles.map((y) => [x, y]));
}

/** The number of the place with the greatest score, the first of equals. */
export function best(places, peak, settings) {
  const scores = places.map((place) => score(place, peak, settings));
  return scores.indexOf(Math.max(...scores));
}

/** Over many optima, each anywhere: the mean of the best score of both ways, and how often random finds the better one. */
export function odds({ k, ...settings }, draws = DRAWS, seed = 7) {
  const uniform = uniforms(seed);
  const place = () => [uniform(), uniform()];
  const found = (places, peak) => score(places[best(places, peak, settings)], peak, settings);
  const sum = { grid: 0, random: 0, wins: 0 };
  const ordered = grid(k);
  for (let i = 0; i < draws; i++) {
    const peak = place();
    const [a, b] = [found(ordered, peak), found(Array.from({ length: k * k }, place), peak)];
    sum.grid += a / draws;
    sum.random += b / draws;
    sum.wins += (b > a) / draws;
  }
  return sum;
}

const CELLS = 18;
const [LEFT, TOP, SIDE, HIGH] = [14, 84, 262, 58]; // the square, and the height of the curves beside it
const across = (x) => LEFT + SIDE * x;
const down = (y) => TOP + SIDE * (1 - y);
const range = Array.from({ length: CELLS }, (_, i) => (i + 0.5) / CELLS);
const fine = Array.from({ length: 81 }, (_, i) => i / 80);

class SearchProjection extends Figure {
  static parameters = {
    ratio: { label: "importance of the second, of the first's", min: 0, max: 1, step: 0.05, value: 0, show: (v) => fixed(v) },
    k: { label: "trials", min: 2, max: 6, step: 1, value: 3, show: (v) => `${v * v}` },
    width: { label: "width of the good region", min: 0.03, max: 0.3, step: 0.01, value: 0.1, show: (v) => fixed(v) },
  };
  static buttons = { "Other optimum": "move", "Other random trials": "sample" };
  uniform = uniforms(3);

  move() { this.peak = [0.1 + 0.8 * this.uniform(), 0.1 + 0.8 * this.uniform()]; }

  sample() { this.trials = Array.from({ length: 36 }, () => [this.uniform(), this.uniform()]); }

  setup() {
    this.sample();
    this.peak = [0.31, 0.62];
    this.panels = ["grid", "random"].map((name) => {
      const parts = { field: svg("g", { class: "field" }), curves: svg("g", { class: "curves" }), marks: svg("g", { class: "marks" }) };
      const picture = svg("svg", { class: name === "random" ? "main-panel" : "", viewBox: "0 0 360 376", role: "img", "aria-label": `${name}: places of the trials, and their values on each axis` },
        ...Object.values(parts), svg("text", { x: LEFT, y: 18 }, name), svg("text", { x: 352, y: TOP - 10, "text-anchor": "end" }, "second"),
        svg("text", { x: across(0.5), y: 370, "text-anchor": "middle" }, "first hyperparameter"));
      return { picture, ...parts };
    });
    return html("div", { className: "two-panels" }, ...this.panels.map(({ picture }) => picture));
  }

  draw(settings) {
    const { k, ratio } = settings;
    const both = [grid(k), this.trials.slice(0, k * k)];
    const found = both.map((places, i) => {
      const chosen = best(places, this.peak, settings);
      this.#panel(this.panels[i], places, chosen, settings);
      return fixed(score(places[chosen], this.peak, settings));
    });
    const often = odds(settings);
    return `Grid: ${k} values of each, best score ${found[0]}. Random: ${k * k} values of each, best score ${found[1]}. `
      + `Over ${DRAWS.toLocaleString("en")} optima, the second ${ratio ? `${fixed(ratio)} times as important` : "of no importance"}: best score `
      + `${fixed(often.grid)} on average with the grid, ${fixed(often.random)} at random; random finds the better one in ${Math.round(100 * often.wins)} %.`;
  }

  #panel({ field, curves, marks }, places, chosen, { ratio, width }) {
    const cell = SIDE / CELLS;
    field.replaceChildren(...range.flatMap((x) => range.map((y) => svg("rect", {
      x: across(x) - cell / 2, y: down(y) - cell / 2, width: cell, height: cell,
      "fill-opacity": (0.6 * score([x, y], this.peak, { ratio, width })).toFixed(3),
    }))), svg("rect", { class: "frame", x: LEFT, y: TOP, width: SIDE, height: SIDE }));
    const first = (x) => TOP - 6 - HIGH * bump(x, this.peak[0], width) / (1 + ratio);
    const second = (y) => LEFT + SIDE + 6 + HIGH * ratio * bump(y, this.peak[1], width) / (1 + ratio);
    curves.replaceChildren(
      svg("polyline", { points: fine.map((x) => `${across(x)},${first(x).toFixed(1)}`).join(" ") }),
      svg("polyline", { points: fine.map((y) => `${second(y).toFixed(1)},${down(y)}`).join(" ") }));
    marks.replaceChildren(...places.flatMap(([x, y]) => [
      svg("circle", { class: "seen", r: 4, cx: across(x), cy: first(x) }),
      svg("circle", { class: "seen", r: 4, cx: second(y), cy: down(y) }),
      svg("circle", { class: "trial", r: 5, cx: across(x), cy: down(y) }),
    ]), svg("circle", { class: "chosen", r: 10, cx: across(places[chosen][0]), cy: down(places[chosen][1]) }));
  }
}

define("search-projection", SearchProjection);
