// <ladder-order>: four tricks of unit 12 in any order, the gain of each, and its Shapley value. All from the accuracies of
// the 16 sets of tricks, as measured by lab.experiments.capstone: book/results/12-capstone/ablation.json.
import { Figure, define, fixed, html, svg } from "./base.js";

export const TRICKS = ["batch norm", "flip", "crop", "instance norm"];
const SHORT = ["+ batch", "+ flip", "+ crop", "+ inst."];
// Test accuracies in percent, one per seed. The place is the set: 1 for the first trick, 2 for the second, 4, 8.
export const MEASURED = [
  [73.5, 73.6, 74.9], [83.9, 82.1, 84.9], [70.2, 77.2, 75.3], [84.7, 84, 84.9],
  [67.8, 70.6, 73.6], [86.2, 82.3, 75.1], [73.9, 73.7, 70.5], [85.5, 80.1, 80.2],
  [49.7, 50.5, 52.4], [65.5, 66.5, 65.2], [52.8, 51.1, 57.3], [70.1, 71, 66],
  [50.7, 50.4, 51.2], [66.4, 66.6, 61.4], [49.4, 50.8, 52.8], [66.4, 67.9, 63.2],
];
const SEEDS = MEASURED[0].map((_, seed) => seed);

/** All orders of some things, in the order of the alphabet if these are. */
export function orders(things) {
  if (things.length < 2) return [things];
  return things.flatMap((first) => orders(things.filter((other) => other !== first)).map((rest) => [first, ...rest]));
}
export const ORDERS = orders([0, 1, 2, 3]);

/** The accuracy of each set, of one seed or, for "mean", of all. */
export const accuracies = (seed, measured = MEASURED) => measured.map((values) => (
  seed === "mean" ? values.reduce((a, b) => a + b) / values.length : values[Number(seed)]));

/** The accuracies on the way up, from no trick to all of this order. */
export function climb(v, order) {
  let set = 0;
  return [v[0], ...order.map((trick) => v[set |= 1 << trick])];
}

/** Gain of each trick, by its number, when they come in this order: equation cp-ladder. */
export function gains(v, order) {
  const rungs = climb(v, order);
  const found = Array(order.length);
  order.forEach((trick, i) => { found[trick] = rungs[i + 1] - rungs[i]; });
  return found;
}

/** Of each trick: the mean, the least and the greatest gain over all orders; the mean is Shapley's value. */
export function over(v, all = ORDERS) {
  const found = all.map((order) => gains(v, order));
  return all[0].map((_, trick) => {
    const of = found.map((row) => row[trick]);
    return { mean: of.reduce((a, b) => a + b) / of.length, least: Math.min(...of), greatest: Math.max(...of) };
  });
}

const name = (order) => order.map((trick) => TRICKS[trick]).join(", ");
const signed = (value) => (value < 0 ? "" : "+") + fixed(value, 1);
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);
const line = (className, x1, y1, x2, y2) => svg("line", { class: className, x1, y1, x2, y2 });
const [LEFT, RIGHT, TOP, BOTTOM] = [16, 344, 50, 300];

class LadderOrder extends Figure {
  static parameters = {
    order: { label: "order", options: Object.fromEntries(ORDERS.map((order) => [order.join(""), name(order)])), value: "0123" },
    seed: { label: "seeds", options: { mean: "mean of all", ...Object.fromEntries(SEEDS.map((s) => [s, `seed ${s} alone`])) }, value: "mean" },
  };

  setup() {
    this.ladder = svg("g");
    this.bars = svg("g");
    const panel = (className, aria, title, part) => svg("svg", { class: className, viewBox: "0 0 360 340", role: "img", "aria-label": aria },
      label(10, 22, title), part);
    return html("div", { className: "two-panels" },
      panel("main-panel", "The gain of each trick in this order, its range over all orders and its Shapley value", "gain, points", this.bars),
      panel("", "Test accuracy from no trick to all, in this order", "accuracy, percent", this.ladder));
  }

  draw({ order, seed }) {
    const chosen = [...order].map(Number);
    const v = accuracies(seed);
    const [rungs, found, all] = [climb(v, chosen), gains(v, chosen), over(v)];
    this.#drawBars(chosen, found, all);
    this.#drawLadder(chosen, rungs);
    const steps = chosen.map((trick) => `${TRICKS[trick]} ${signed(found[trick])}`).join(", ");
    const values = TRICKS.map((trick, i) => `${trick} ${signed(all[i].mean)} (in some order ${signed(all[i].least)}, in another ${signed(all[i].greatest)})`);
    return `From ${fixed(rungs[0], 1)} percent to ${fixed(rungs.at(-1), 1)}: ${steps}. Shapley values: ${values.join("; ")}. `
      + `Both add up to ${signed(rungs.at(-1) - rungs[0])}.`;
  }

  #drawBars(order, found, all) {
    const low = Math.min(0, ...all.map(({ least }) => least));
    const high = Math.max(0, ...all.map(({ greatest }) => greatest));
    const across = (value) => LEFT + (RIGHT - LEFT) * (value - low) / (high - low || 1);
    this.bars.replaceChildren(line("zero", across(0), TOP - 14, across(0), BOTTOM), ...order.flatMap((trick, row) => {
      const y = TOP + 28 + 66 * row;
      const { mean, least, greatest } = all[trick];
      const [from, to] = [across(0), across(found[trick])];
      return [label(LEFT, y - 14, TRICKS[trick]), label(RIGHT, y - 14, signed(found[trick]), "end"),
        svg("rect", { class: "gain", x: Math.min(from, to), y: y - 8, width: Math.abs(to - from), height: 16 }),
        line("range", across(least), y + 14, across(greatest), y + 14),
        line("value", across(mean), y - 10, across(mean), y + 20)];
    }));
  }

  #drawLadder(order, rungs) {
    const every = accuracies(this.values.seed);
    const [low, high] = [Math.min(...every), Math.max(...every)];
    const up = (value) => BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low || 1);
    const across = (i) => LEFT + 40 + 62 * i;
    this.ladder.replaceChildren(
      svg("polyline", { class: "climb", points: rungs.map((value, i) => `${across(i)},${up(value).toFixed(1)}`).join(" ") }),
      ...rungs.flatMap((value, i) => [svg("circle", { class: "rung", cx: across(i), cy: up(value), r: 6 }),
        label(across(i), up(value) - 12, fixed(value, 1), "middle"),
        label(across(i), 332, i ? SHORT[order[i - 1]] : "none", "middle")]));
  }
}

define("ladder-order", LadderOrder);
