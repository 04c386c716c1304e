// <strides-figure>: the memory of an array of shape (3, 4), and what indexing makes of it: a view, which is a start and a
// stride for each axis in the same memory, or a copy, which has memory of its own. Numbers are float64, eight bytes each.
import { Figure, define, svg } from "./base.js";

const BYTES = 8;
const view = (start, shape, strides) => ({ start, shape, strides, copy: null });
const copy = (shape, strides, numbers) => ({ start: 0, shape, strides, copy: numbers });

/** What each expression is, for x = np.arange(12.0).reshape(3, 4): start and strides are counted in numbers. */
export const VIEWS = {
  "x": view(0, [3, 4], [4, 1]),
  "x[1:]": view(4, [2, 4], [4, 1]),
  "x[:, 1:3]": view(1, [3, 2], [4, 1]),
  "x[::2]": view(0, [2, 4], [8, 1]),
  "x[:, ::-1]": view(3, [3, 4], [4, -1]),
  "x[:, 2]": view(2, [3], [4]),
  "x.T": view(0, [4, 3], [1, 4]),
  "x.reshape(2, 6)": view(0, [2, 6], [6, 1]),
  "x[[2, 0]]": copy([2, 4], [4, 1], [8, 9, 10, 11, 0, 1, 2, 3]),
  "x[x > 6]": copy([5], [1], [7, 8, 9, 10, 11]),
};

/** The place in memory of an entry, counted in numbers. */
export const address = ({ start, strides }, entry) => entry.reduce((sum, i, axis) => sum + i * strides[axis], start);

/** The memory of x and of the copy (null for a view), after 99 was written to an entry or not. */
export function memories(name, entry, written) {
  const array = VIEWS[name];
  const x = Array.from({ length: 12 }, (_, i) => i);
  const own = array.copy && [...array.copy];
  if (written) (own ?? x)[address(array, entry)] = 99;
  return { x, own };
}

/** The marked entry, brought into the array. */
export const marked = ({ shape }, i, j) => [i, j].slice(0, shape.length).map((at, axis) => Math.min(at, shape[axis] - 1));

const tuple = (list) => `(${list.join(", ")}${list.length === 1 ? "," : ""})`.replaceAll("-", "−");
const signed = (value) => String(value).replace("-", "−");

/** What is to be seen, in words. */
export function describe(name, entry, written) {
  const array = VIEWS[name];
  const [start, ...steps] = [array.start, ...array.strides].map((step) => step * BYTES);
  const terms = entry.map((i, axis) => ` + ${i} · ${steps[axis] < 0 ? `(${signed(steps[axis])})` : steps[axis]}`).join("");
  const kind = array.copy ? "is a copy, with memory of its own" : name === "x" ? "is the array itself" : "is a view of the memory of x";
  const ends = !written ? "" : array.copy ? " Written to the copy: x stays as it was." : " Written to: x has changed.";
  return `${name} ${kind}: shape ${tuple(array.shape)}, strides ${tuple(steps)} bytes. `
    + `Entry ${tuple(entry)} is at byte ${start}${terms} = ${address(array, entry) * BYTES}.${ends}`;
}

const [CELL, ROW, LEFT] = [56, 36, 34];

class Strides extends Figure {
  static parameters = {
    name: { label: "array", options: Object.fromEntries(Object.keys(VIEWS).map((name) => [name, name])), value: "x[:, 1:3]" },
    i: { label: "marked entry: i", min: 0, max: 4, step: 1, value: 1 },
    j: { label: "marked entry: j", min: 0, max: 5, step: 1, value: 0, when: ({ name }) => VIEWS[name].shape.length > 1 },
    written: { label: "write 99 to it", value: false },
  };

  setup() {
    this.picture = svg("g");
    return svg("svg", { viewBox: "0 0 740 372", role: "img", "aria-label": "The memory as a row of cells, and the arrays as tables; coloured cells belong to the array, the marked entry has a thick border" }, this.picture);
  }

  draw({ name, i, j, written }) {
    const array = VIEWS[name];
    const entry = marked(array, i, j);
    const { x, own } = memories(name, entry, written);
    const here = address(array, entry);
    const of = places(array);
    const strip = (numbers, y, mine) => numbers.flatMap((number, k) => cell(LEFT + k * CELL, y, number, mine && of.includes(k), mine && k === here));
    const table = (left, rows, number, state) => rows.flatMap((row, r) => row.flatMap((k, c) => cell(left + c * CELL, 196 + r * ROW, number(k), ...state(k, r, c))));
    const grid = (shape) => Array.from({ length: shape.length > 1 ? shape[0] : 1 }, (_, r) => Array.from({ length: shape.at(-1) }, (_, c) => address(array, shape.length > 1 ? [r, c] : [c])));
    const at = entry.length > 1 ? entry : [0, entry[0]];
    this.picture.replaceChildren(
      title(LEFT, "memory of x"), ...strip(x, 32, !own),
      ...(own ? [title(LEFT, "memory of the copy", 104), ...strip(own, 114, true)] : []),
      title(LEFT, "x", 186), ...table(LEFT, [0, 4, 8].map((k) => [k, k + 1, k + 2, k + 3]), (k) => x[k], (k) => [!own && of.includes(k), !own && k === here]),
      title(LEFT + 5.5 * CELL, name, 186), ...table(LEFT + 5.5 * CELL, grid(array.shape), (k) => (own ?? x)[k], (k, r, c) => [true, r === at[0] && c === at[1]]),
    );
    return describe(name, entry, written);
  }
}

/** The places in memory of all entries. */
export function places(array) {
  const [rows, cols] = array.shape.length > 1 ? array.shape : [array.shape[0], 1];
  return Array.from({ length: rows * cols }, (_, k) => address(array, [Math.floor(k / cols), k % cols].slice(0, array.shape.length)));
}

const title = (x, text, y = 22) => svg("text", { x, y }, text);

function cell(x, y, number, mine, here) {
  return [
    svg("rect", { x, y, width: CELL, height: ROW, class: `cell${mine ? " mine" : ""}${here ? " here" : ""}` }),
    svg("text", { x: x + CELL / 2, y: y + ROW / 2 + 7, "text-anchor": "middle", class: mine ? "" : "tick" }, String(number)),
  ];
}

define("strides", Strides);
