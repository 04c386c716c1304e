// <norm-axes>: which entries of a layer's input share one mean and one variance, and what that does to a picture whose
// light changes. The table has N images of 6 channels and 6 places; the pictures have 3 channels and 256 places.
import { Figure, define, fixed, html, svg } from "./base.js";
import { PICTURES, SIZE } from "./small-pictures.js";

export const CHANNELS = 6;
export const PLACES = 6;
export const GROUPS = [1, 2, 3, 6];
const EPS = 1e-5;
const NAMES = { batch: "Batch norm", layer: "Layer norm", instance: "Instance norm", group: "Group norm" };

/** The number of the set that entry (image n, channel c) of C channels belongs to; places never matter. */
export function setOf(kind, n, c, C, groups = 1) {
  const G = { layer: 1, instance: C, group: groups }[kind];
  return kind === "batch" ? c : n * G + Math.floor(c * G / C);
}

/** How many sets there are among N images of C channels with P places, and how many entries each has. */
export function counted(kind, N, C, P, groups = 1) {
  const sets = kind === "batch" ? C : N * { layer: 1, instance: C, group: groups }[kind];
  return { sets, entries: N * C * P / sets };
}

/** The pictures, (N, 256 * 3), each entry less the mean of its set and divided by its deviation. */
export function normalized(pictures, kind, groups = 1) {
  const sums = new Map();
  const set = (n, k) => setOf(kind, n, k % 3, 3, groups);
  const add = (n, k, values) => {
    const at = set(n, k);
    if (!sums.has(at)) sums.set(at, values.map(() => 0));
    values.forEach((v, i) => { sums.get(at)[i] += v; });
  };
  pictures.forEach((x, n) => x.forEach((v, k) => add(n, k, [1, v, 0])));
  pictures.forEach((x, n) => x.forEach((v, k) => {
    const of = sums.get(set(n, k));
    of[2] += (v - of[1] / of[0]) ** 2;
  }));
  return pictures.map((x, n) => x.map((v, k) => {
    const [count, sum, squares] = sums.get(set(n, k));
    return (v - sum / count) / Math.sqrt(squares / count + EPS);
  }));
}

/** A picture in another light: a x + b, with b such that its mean moves by `brightness` alone. */
export function relit(x, contrast, brightness) {
  const mean = x.reduce((sum, v) => sum + v, 0) / x.length;
  return x.map((v) => mean + contrast * (v - mean) + brightness);
}

/** With three channels group norm is one of its two limits: the number of groups that is left. */
export const groupsOfThree = (groups) => (groups % 3 ? 1 : 3);

/** What is to be seen, in words. */
export function describe(kind, N, groups, [own, others]) {
  const { sets, entries } = counted(kind, N, CHANNELS, PLACES, groups);
  const per = { batch: "one for each channel", layer: "one for each image", instance: "one for each channel of each image", group: `${groups} for each image` }[kind];
  const moved = (value) => (value < 5e-3 ? "does not change" : `changes by ${fixed(value)} on average`);
  const rest = N > 1 ? `, that of the others ${moved(others)}` : "";
  return `${NAMES[kind]}: ${sets} ${sets === 1 ? "mean" : "means"}, ${per}, each over ${entries} entries. `
    + `In the new light the output of picture 1 ${moved(own)}${rest}.`;
}

class NormAxes extends Figure {
  static parameters = {
    kind: { label: "normalization", options: { batch: "batch norm", layer: "layer norm", instance: "instance norm", group: "group norm" }, value: "batch" },
    groups: { label: "groups G", min: 0, max: 3, step: 1, value: 1, show: (v) => String(GROUPS[v]), when: ({ kind }) => kind === "group" },
    N: { label: "images N", min: 1, max: 4, step: 1, value: 3 },
    image: { label: "marked entry: its image", min: 1, max: 4, step: 1, value: 2 },
    channel: { label: "its channel", min: 1, max: CHANNELS, step: 1, value: 3 },
    place: { label: "its place", min: 1, max: PLACES, step: 1, value: 2 },
    contrast: { label: "contrast of picture 1", min: 0.2, max: 2, step: 0.1, value: 0.4, show: (v) => fixed(v, 1) },
    brightness: { label: "brightness of picture 1", min: -0.3, max: 0.3, step: 0.05, value: -0.2, show: (v) => fixed(v) },
  };

  setup() {
    this.cells = [];
    this.sheets = [0, 1, 2, 3].map((n) => this.sheet(n));
    this.limits = GROUPS.flatMap((_, n) => [1, 2, 3, 4, 5].map((c) => svg("line", { class: "limit", ...limit(n, c) })));
    const table = svg("svg", { class: "main-panel", viewBox: "0 0 360 226", role: "img", "aria-label": "The entries of a layer's input: a sheet for each image, a row for each channel, a column for each place" },
      ...this.sheets, ...this.limits, label(180, 214, "rows: channels, columns: places", "middle"));
    const strip = (name) => {
      const canvases = PICTURES.map((_, n) => {
        const canvas = html("canvas", { width: SIZE, height: SIZE });
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `picture ${n + 1}, ${name}`);
        return canvas;
      });
      return [canvases, html("div", {}, html("span", {}, name), html("div", { className: "strip" }, ...canvases))];
    };
    const rows = ["as they come", "picture 1 in another light", "normalized"].map(strip);
    this.strips = rows.map(([canvases]) => canvases);
    return html("div", { className: "two-panels" }, table, html("div", { className: "pictures" }, ...rows.map(([, row]) => row)));
  }

  sheet(n) {
    const cells = [];
    for (let c = 0; c < CHANNELS; c++) {
      for (let p = 0; p < PLACES; p++) {
        const cell = svg("rect", { ...corner(n, c, p), width: 12, height: 24 });
        cell.addEventListener("click", () => this.mark({ image: n + 1, channel: c + 1, place: p + 1 }));
        cells.push({ cell, n, c, p });
      }
    }
    this.cells.push(...cells);
    return svg("g", {}, label(corner(n, 0, 3).x, 34, `image ${n + 1}`, "middle"), ...cells.map(({ cell }) => cell));
  }

  /** The reader has clicked on an entry: its sliders follow. */
  mark(place) {
    const sliders = [...this.querySelectorAll("input[type=range]")];
    const named = Object.keys(this.constructor.parameters).filter((name) => name !== "kind");
    for (const [name, value] of Object.entries(place)) {
      const slider = sliders[named.indexOf(name)];
      slider.value = value;
      slider.oninput();
    }
  }

  draw({ kind, groups: step, N, image, channel, place, contrast, brightness }) {
    const groups = GROUPS[step];
    const marked = { n: Math.min(image, N) - 1, c: channel - 1, p: place - 1 };
    const number = (n, c) => setOf(kind, n, c, CHANNELS, groups);
    for (const { cell, n, c, p } of this.cells) {
      const own = number(n, c) === number(marked.n, marked.c);
      const odd = kind === "batch" ? c % 2 : (n + Math.floor(number(n, c) % (counted(kind, N, CHANNELS, PLACES, groups).sets / N))) % 2;
      const here = n === marked.n && c === marked.c && p === marked.p;
      cell.setAttribute("class", here ? "cell here" : own ? "cell own" : odd ? "cell odd" : "cell");
    }
    this.sheets.forEach((sheet, n) => { sheet.style.display = n < N ? "" : "none"; });
    const parts = kind === "batch" || kind === "instance" ? CHANNELS : kind === "group" ? groups : 1;
    this.limits.forEach((line, i) => {
      const [n, c] = [Math.floor(i / 5), i % 5 + 1];
      line.style.display = n < N && c * parts % CHANNELS === 0 ? "" : "none";
    });
    return describe(kind, N, groups, this.paint(kind, groups, N, contrast, brightness));
  }

  /** The three strips; how far the outputs of picture 1 and of the others are from those in the old light. */
  paint(kind, groups, N, contrast, brightness) {
    const before = PICTURES.slice(0, N);
    const after = before.map((x, n) => (n ? x : relit(x, contrast, brightness)));
    const [old, now] = [before, after].map((pictures) => normalized(pictures, kind, groupsOfThree(groups)));
    const shown = [before, after, now.map((x) => x.map((v) => 0.5 + v / 5))];
    this.strips.forEach((canvases, row) => canvases.forEach((canvas, n) => {
      canvas.style.display = n < N ? "" : "none";
      if (n < N) pixels(canvas, shown[row][n]);
    }));
    const away = now.map((x, n) => x.reduce((sum, v, k) => sum + Math.abs(v - old[n][k]), 0) / x.length);
    return [away[0], away.slice(1).reduce((sum, v) => sum + v, 0) / Math.max(1, N - 1)];
  }
}

function pixels(canvas, x) {
  const image = new ImageData(SIZE, SIZE);
  for (let k = 0; k < SIZE * SIZE; k++) {
    for (let c = 0; c < 3; c++) image.data[4 * k + c] = 255 * Math.min(1, Math.max(0, x[3 * k + c]));
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const corner = (n, c, p) => ({ x: 15 + 86 * n + 12 * p, y: 44 + 25 * c });
const limit = (n, c) => ({ x1: 15 + 86 * n, x2: 15 + 86 * n + 72, y1: 43.5 + 25 * c, y2: 43.5 + 25 * c });
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);

define("norm-axes", NormAxes);
