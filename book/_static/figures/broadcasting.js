// <broadcasting-figure>: two shapes, aligned on the right, and what NumPy makes of them: which axes are repeated, the
// sum, and where the gradient of a repeated array has to be added up. Or the axis on which the two do not fit.
import { Figure, define, svg } from "./base.js";

export const SHAPES = ["()", "(4,)", "(3,)", "(1, 4)", "(3, 1)", "(3, 4)", "(2, 1, 1)", "(2, 1, 4)", "(2, 3, 1)", "(2, 3, 4)"];

/** The sizes of a shape as Python writes it. */
export const sizes = (shape) => (shape.match(/\d+/g) ?? []).map(Number);
/** A list of sizes as Python writes it. */
export const shape = (list) => `(${list.join(", ")}${list.length === 1 ? "," : ""})`;

/** The axes of the result, from the first: the size of a and of b there (null if missing), and of the result (null if they do not fit). */
export function aligned(a, b) {
  const axes = Math.max(a.length, b.length);
  const at = (list, axis) => list[axis - axes + list.length] ?? null;
  return Array.from({ length: axes }, (_, axis) => {
    const [one, two] = [at(a, axis), at(b, axis)];
    const size = (one ?? 1) === 1 ? two ?? 1 : (two ?? 1) === 1 || one === two ? one : null;
    return { a: one, b: two, size };
  });
}

/** The shape of a + b; null if the two do not fit. */
export function result(a, b) {
  const found = aligned(a, b).map(({ size }) => size);
  return found.includes(null) ? null : found;
}

/** The axes of the result along which an array of these sizes is repeated: its gradient is summed over them. */
export function repeated(own, whole) {
  const missing = whole.length - own.length;
  return whole.map((size, axis) => axis).filter((axis) => axis < missing || (own[axis - missing] === 1 && whole[axis] > 1));
}

/** All places of an array of these sizes, in order. */
export const places = (list) => list.reduce((found, size) => found.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])), [[]]);

/** The number in an array of these sizes, counted from 0 in order, that a place of the whole reads. */
export function reads(own, place) {
  const at = place.slice(place.length - own.length);
  return own.reduce((number, size, axis) => number * size + (size === 1 ? 0 : at[axis]), 0);
}

/** The gradient of an array of these sizes, in order: each place of the whole adds to the number that it reads. */
export function gradient(own, whole, dout) {
  const sum = Array(own.reduce((product, size) => product * size, 1)).fill(0);
  places(whole).forEach((place, i) => { sum[reads(own, place)] += dout[i]; });
  return sum;
}

const listed = (axes) => (axes.length > 1 ? `axes ${axes.slice(0, -1).join(", ")} and ${axes.at(-1)}` : `axis ${axes[0]}`);

/** What is to be seen, in words. */
export function describe(a, b, summed) {
  const whole = result(a, b);
  const head = `a has the shape ${shape(a)}, b has ${shape(b)}`;
  if (!whole) {
    const axes = aligned(a, b);
    const last = axes.findLastIndex(({ size }) => size === null);
    return `${head}. They do not fit: ${axes[last].a} meets ${axes[last].b}, and neither is 1. NumPy raises a ValueError.`;
  }
  const told = (name, own) => {
    const axes = repeated(own, whole);
    return axes.length ? `${name} is repeated along ${listed(axes)}.` : `${name} is used as it is.`;
  };
  const over = repeated(b, whole);
  const sum = over.length ? `db is the sum of dout over ${listed(over)}.` : "db is dout.";
  return `${head}, a + b has ${shape(whole)}. ${told("a", a)} ${told("b", b)}${summed ? ` ${sum}` : ""}`;
}

const [CELL, ROW, GAP, TOP] = [52, 36, 14, 140];
const options = Object.fromEntries(SHAPES.map((text) => [text, text]));

class Broadcasting extends Figure {
  static parameters = {
    a: { label: "shape of a", options, value: "(3, 1)" },
    b: { label: "shape of b", options, value: "(4,)" },
    summed: { label: "gradient of b", value: false, when: ({ a, b }) => result(sizes(a), sizes(b)) !== null },
  };

  setup() {
    this.picture = svg("g");
    return svg("svg", { viewBox: "0 0 740 400", role: "img", "aria-label": "The two shapes aligned on the right, and below them the arrays as cells; dashed cells are repeated" }, this.picture);
  }

  draw({ a: first, b: second, summed }) {
    const [a, b] = [sizes(first), sizes(second)];
    const whole = result(a, b);
    const numbers = (own, unit) => places(own).map((_, i) => unit * (i + 1));
    const [as, bs, dout] = [numbers(a, 10), numbers(b, 1), whole && places(whole).map((_, i) => i + 1)];
    const rows = table(a, b);
    if (!whole) this.picture.replaceChildren(...rows, ...array(a, a, as, 0, "a"), ...array(b, b, bs, 1, "b"));
    else if (summed) this.picture.replaceChildren(...rows, ...array(whole, whole, dout, 0, "dout"), ...array(b, whole, gradient(b, whole, dout), 1, "db", false));
    else {
      const sum = places(whole).map((place) => as[reads(a, place)] + bs[reads(b, place)]);
      this.picture.replaceChildren(...rows, ...array(a, whole, as, 0, "a"), ...array(b, whole, bs, 1, "b"), ...array(whole, whole, sum, 2, "a + b"));
    }
    return describe(a, b, summed && whole);
  }
}

/** The sizes of a, of b and of the result, the last axes below one another. */
function table(a, b) {
  const axes = aligned(a, b);
  const x = (axis) => 400 - 70 * (axes.length - 1 - axis);
  const write = (y, name, key) => [
    svg("text", { x: 150, y, class: "tick" }, name),
    ...axes.map((axis, i) => svg("text", { x: x(i), y, "text-anchor": "middle", class: axis.size === null ? "unfit" : "" }, axis[key] === null ? (key === "size" ? "✗" : "·") : String(axis[key]))),
  ];
  const line = svg("line", { class: "axis", x1: 150, x2: 430, y1: 72, y2: 72 });
  return [...write(30, "a", "a"), ...write(60, "b", "b"), line, ...write(98, "a + b", "size")];
}

/** An array as cells, repeated to the sizes of the whole: a sheet for each place of the first of three axes. */
function array(own, whole, values, column, name, copies = true) {
  const [sheets, height, width] = [1, 1, 1, ...whole].slice(-3);
  const left = 26 + 240 * column;
  return [
    svg("text", { x: left + width * CELL / 2, y: TOP, "text-anchor": "middle" }, name),
    ...places([sheets, height, width]).flatMap((place) => {
      const [sheet, row, col] = place;
      const inside = place.slice(3 - whole.length);
      const number = reads(own, inside);
      const first = repeated(own, whole).every((axis) => inside[axis] === 0);
      if (!first && !copies) return [];
      const [x, y] = [left + col * CELL, TOP + 12 + sheet * (height * ROW + GAP) + row * ROW];
      const text = svg("text", { x: x + CELL / 2, y: y + ROW / 2 + 7, "text-anchor": "middle", class: first ? "" : "tick" }, String(values[number]));
      return [svg("rect", { x, y, width: CELL, height: ROW, class: first ? `cell own-${column}` : "cell copy" }), text];
    }),
  ];
}

define("broadcasting", Broadcasting);
