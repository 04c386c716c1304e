// <augmentation-figure>: a picture, one augmentation of it, and six that a network would see in six epochs.
// A picture is size x size pixels of red, green and blue in [0, 1], row by row. It never leaves the page.
import { Figure, define, fixed, html, normals, uniforms } from "./base.js";

const SIZE = 160;
const GREY = [0.299, 0.587, 0.114]; // ITU-R BT.601
const RADIAN = Math.PI / 180;
const HOLE = 0.5;
const LARGEST = 30e6; // bytes of a file

export const NEUTRAL = { flip: false, rotation: 0, scale: 1, shear: 0, side: 1, left: 0.5, top: 0.5, brightness: 1, contrast: 1, hue: 0, blur: 0, noise: 0, hole: 0 };

// What "Random" draws from, uniformly; the flip and the hole come every second time.
const RANGES = { rotation: [-15, 15], scale: [0.9, 1.1], shear: [-10, 10], side: [0.6, 1], left: [0, 1], top: [0, 1], brightness: [0.7, 1.3], contrast: [0.7, 1.3], hue: [-10, 10], blur: [0, 1], noise: [0, 0.06] };

/** The values that epoch `seed` draws, on the steps of the sliders. */
export function randomValues(seed) {
  const uniform = uniforms(1000 + seed);
  const drawn = Object.entries(RANGES).map(([name, [low, high]]) => {
    const { step } = Augmentation.parameters[name];
    return [name, Number((step * Math.round((low + (high - low) * uniform()) / step)).toFixed(2))];
  });
  return { ...Object.fromEntries(drawn), flip: uniform() < 0.5, hole: uniform() < 0.5 ? 0.25 : 0 };
}

/** Matrix and offset from a pixel (row, column) of the result to its place in the picture. */
export function inverseMap({ flip, rotation, scale, shear, side, left, top }, size) {
  const [c, s, t] = [Math.cos(rotation * RADIAN), Math.sin(rotation * RADIAN), Math.tan(shear * RADIAN)];
  const zoom = side / scale;
  const across = flip ? -zoom : zoom; // a result turned by R, sheared by H, scaled, flipped: undo R, then H, ...
  const M = [[c * zoom, s * zoom], [-(s + t * c) * across, (c - t * s) * across]];
  const middle = (size - 1) / 2;
  const corner = (place) => (size * side - 1) / 2 + place * (1 - side) * size;
  return { M, offset: [top, left].map((place, i) => corner(place) - (M[i][0] + M[i][1]) * middle) };
}

// Where a row or a column beyond the border is read: nowhere, at the border, or mirrored in it.
const BEYOND = {
  constant: (i, n) => (i < 0 || i >= n ? -1 : i),
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  reflect: (i, n) => { const j = ((i % (2 * n)) + 2 * n) % (2 * n); return j < n ? j : 2 * n - 1 - j; },
};

/** The picture read at M (row, column) + offset, between pixels bilinearly; black where there is nothing. */
export function resample(data, size, { M: [[a, b], [c, d]], offset: [e, f] }, fill) {
  const result = new Float64Array(data.length);
  const at = BEYOND[fill];
  const add = (k, i, j, share) => {
    const [row, column] = [at(i, size), at(j, size)];
    if (row < 0 || column < 0) return;
    for (let channel = 0; channel < 3; channel++) result[k + channel] += share * data[3 * (row * size + column) + channel];
  };
  for (let row = 0, k = 0; row < size; row++) {
    for (let column = 0; column < size; column++, k += 3) {
      const [y, x] = [a * row + b * column + e, c * row + d * column + f];
      const [i, j] = [Math.floor(y), Math.floor(x)];
      const [down, right] = [y - i, x - j];
      add(k, i, j, (1 - down) * (1 - right));
      add(k, i, j + 1, (1 - down) * right);
      add(k, i + 1, j, down * (1 - right));
      add(k, i + 1, j + 1, down * right);
    }
  }
  return result;
}

/** Brightness times the picture; contrast around its mean grey; colours turned about the grey axis by `hue` degrees. */
export function recolour(data, { brightness, contrast, hue }) {
  const lit = data.map((v) => clip(v * brightness));
  const grey = lit.reduce((sum, v, k) => sum + GREY[k % 3] * v, 0) / (lit.length / 3);
  const x = lit.map((v) => clip(grey + contrast * (v - grey)));
  const [c, s] = [Math.cos(hue * RADIAN), Math.sin(hue * RADIAN) / Math.sqrt(3)];
  return x.map((v, k) => {
    const red = k - k % 3;
    const [next, last] = [x[red + (k + 1) % 3], x[red + (k + 2) % 3]];
    return clip(c * v + (1 - c) * (v + next + last) / 3 + s * (last - next)); // Rodrigues
  });
}

/** Gaussian blur, along rows and then columns, out to four standard deviations; mirrored at the border. */
export function blur(data, size, sigma) {
  if (!sigma) return data;
  const radius = Math.floor(4 * sigma + 0.5);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((a, b) => a + b);
  const along = (from, step, across) => {
    const result = new Float64Array(from.length);
    weights.forEach((weight, t) => {
      for (let m = 0; m < size; m++) {
        const [to, source] = [m * step, BEYOND.reflect(m + t - radius, size) * step];
        for (let i = 0; i < size * across; i += across) {
          for (let channel = i; channel < i + 3; channel++) result[to + channel] += weight / sum * from[source + channel];
        }
      }
    });
    return result;
  };
  return along(along(data, 3, 3 * size), 3 * size, 3);
}

/** Independent normal noise on every value. */
export function addNoise(data, amount, seed) {
  const normal = normals(uniforms(seed));
  return amount ? data.map((v) => clip(v + amount * normal())) : data;
}

/** A grey square whose centre may lie anywhere, cut off at the border (DeVries and Taylor 2017). */
export function cutout(data, size, hole, seed) {
  const uniform = uniforms(seed);
  const [row, column] = [uniform() * size, uniform() * size];
  const inside = (i, centre) => Math.abs(i + 0.5 - centre) < hole * size / 2;
  return data.map((v, k) => {
    const pixel = Math.floor(k / 3);
    return inside(Math.floor(pixel / size), row) && inside(pixel % size, column) ? HOLE : v;
  });
}

/** All of it, in the order of the sliders. */
export function augment(data, size, values, fill, seed) {
  const moved = recolour(resample(data, size, inverseMap(values, size), fill), values);
  return cutout(addNoise(blur(moved, size, values.blur), values.noise, seed), size, values.hole, seed);
}

/** A handwritten 6: a ring and an arc, white on black. */
export function six(size) {
  const unit = size / 160;
  return Float64Array.from({ length: 3 * size * size }, (_, k) => {
    const pixel = Math.floor(k / 3);
    const [x, y] = [(pixel % size + 0.5) / unit, (Math.floor(pixel / size) + 0.5) / unit];
    const ring = Math.abs(Math.hypot(x - 82, y - 100) - 28);
    const arc = y < 100 && x < 98 ? Math.abs(Math.hypot(x - 124, y - 100) - 70) : Infinity;
    const end = Math.hypot(x - 98, y - 35);
    return clip((8 - Math.min(ring, arc, end)) * unit + 0.5);
  });
}
const clip = (v) => Math.min(Math.max(v, 0), 1);

/** Which transformations are on, in words. */
export function describe(values) {
  const on = Object.keys(NEUTRAL).filter((name) => values[name] !== NEUTRAL[name] && !["flip", "left", "top"].includes(name));
  const said = on.map((name) => `${Augmentation.parameters[name].label} ${Augmentation.parameters[name].show(values[name])}`);
  return [...(values.flip ? ["mirrored"] : []), ...said].join(", ") || "nothing";
}

/** What became of the label of the 6, as far as a rule can say it. */
export function labelOfSix({ flip, rotation, side }) {
  if (flip) return "A mirrored 6 is no digit: the label does not survive.";
  if (Math.abs(rotation) > 120) return "Turned this far, the 6 reads as a 9: the label does not survive.";
  if (Math.abs(rotation) > 60) return "Lying on its side, it could be a 6 or a 9.";
  return side < 0.5 ? "Is the part that is left still a 6?" : "It is still a 6.";
}

const amount = (label, min, max, step, show = (v) => fixed(v)) => ({ label, min, max, step, show });
const degrees = (v) => `${fixed(v, 0)}°`;
const PHOTO = new URL("augmentation-cat.jpg", import.meta.url); // from scikit-image's chelsea.png, CC0, Stéfan van der Walt

class Augmentation extends Figure {
  static parameters = Object.fromEntries(Object.entries({
    source: { label: "picture", options: { cat: "photo of a cat", six: "digit 6", own: "your own" }, value: "cat" },
    fill: { label: "beyond the border", options: { constant: "black", edge: "the border's colours", reflect: "mirrored" }, value: "constant" },
    flip: { label: "mirror left and right" },
    rotation: amount("rotation", -180, 180, 1, degrees),
    scale: amount("scale", 0.5, 2, 0.05),
    shear: amount("shear", -30, 30, 1, degrees),
    side: amount("side of the crop", 0.2, 1, 0.05),
    left: { ...amount("crop from the left", 0, 1, 0.05), when: ({ side }) => side < 1 },
    top: { ...amount("crop from the top", 0, 1, 0.05), when: ({ side }) => side < 1 },
    brightness: amount("brightness", 0, 2, 0.05),
    contrast: amount("contrast", 0, 2, 0.05),
    hue: amount("hue", -180, 180, 1, degrees),
    blur: amount("blur", 0, 4, 0.1, (v) => fixed(v, 1)),
    noise: amount("noise", 0, 0.3, 0.01),
    hole: amount("hole", 0, 0.6, 0.05),
  }).map(([name, p]) => [name, { value: NEUTRAL[name], ...p }]));
  static buttons = { Random: "random", "Six more epochs": "nextSix", "Back to the original": "reset" };
  epoch = 0;
  first = 1;
  pictures = { six: six(SIZE) };

  setup() {
    const canvas = (label) => {
      const element = html("canvas", { width: SIZE, height: SIZE });
      element.setAttribute("role", "img");
      element.setAttribute("aria-label", label);
      return element;
    };
    const framed = (element, text) => html("div", {}, element, html("span", {}, text));
    [this.before, this.after] = [canvas("the picture"), canvas("the picture, augmented")];
    this.strip = Array.from({ length: 6 }, () => canvas(""));
    this.captions = this.strip.map(() => html("span"));
    this.said = html("p", { className: "said" });
    this.said.setAttribute("role", "status");
    const file = html("input", { type: "file", accept: "image/*", onchange: () => this.open(file.files[0]) });
    this.ondragover = (event) => event.preventDefault();
    this.ondrop = (event) => { event.preventDefault(); this.open(event.dataTransfer.files[0]); };
    this.loadPhoto();
    return html("div", { className: "pictures" }, html("style", { textContent: STYLE }),
      html("div", { className: "pair" }, framed(this.before, "original"), framed(this.after, "augmented")),
      html("div", { className: "strip" }, ...this.strip.map((element, k) => html("div", {}, element, this.captions[k]))),
      html("p", {}, html("label", { className: "figure-button" }, "Open a picture of your own", file), "or drop it here. It stays on your machine: nothing is uploaded."),
      this.said);
  }

  async loadPhoto() {
    try {
      this.pictures.cat = pixels(await createImageBitmap(await (await fetch(PHOTO)).blob()));
    } catch {
      this.show({ source: "six" });
    }
    this.redraw();
  }

  /** Show a file of the reader's, or say what is wrong with it. */
  async open(file) {
    if (!file) return;
    const problem = complaint(file) ?? await createImageBitmap(file).then(
      (bitmap) => { this.pictures.own = pixels(bitmap); },
      () => `${file.name} could not be read as a picture. Try a PNG or a JPEG file.`);
    this.said.textContent = problem ?? `This is ${file.name}, its middle, in ${SIZE} x ${SIZE} pixels.`;
    if (!problem) { this.show({ source: "own" }); this.redraw(); }
  }

  random() { this.show(randomValues(++this.epoch)); }
  nextSix() { this.first += 6; }
  reset() { this.show(NEUTRAL); }

  /** Put the controls to these values. */
  show(values) {
    const controls = this.querySelectorAll(".figure-controls :is(input, select)");
    this.still = true;
    Object.keys(Augmentation.parameters).forEach((name, k) => {
      if (!(name in values)) return;
      const control = controls[k];
      if (control.type === "checkbox") control.checked = values[name]; else control.value = values[name];
      control.dispatchEvent(new Event(control.type === "range" ? "input" : "change"));
    });
    this.still = false;
  }

  redraw() {
    if (!this.still) super.redraw();
  }

  draw({ source, fill, ...values }) {
    const data = this.pictures[source];
    if (!data) return source === "own" ? "Open or drop a picture of your own first." : "The photo is on its way.";
    const on = describe(values);
    paint(this.before, data);
    paint(this.after, augment(data, SIZE, values, fill, this.epoch));
    this.after.setAttribute("aria-label", `The picture, augmented. On: ${on}`);
    const strip = [data, fill, this.first];
    if (strip.some((part, k) => part !== this.drawn?.[k])) this.drawStrip(data, fill);
    this.drawn = strip;
    return `On: ${on}. ${source === "six" ? labelOfSix(values) : "Would you still give it the same label?"}`;
  }

  drawStrip(data, fill) {
    this.strip.forEach((canvas, k) => {
      const values = randomValues(this.first + k);
      paint(canvas, augment(data, SIZE, values, fill, this.first + k));
      canvas.setAttribute("aria-label", `Epoch ${this.first + k}: ${describe(values)}`);
      this.captions[k].textContent = `epoch ${this.first + k}`;
    });
  }
}

/** What is wrong with a file before it is read, if anything. */
export function complaint({ name, size, type }) {
  if (!type.startsWith("image/")) return `${name} is not a picture. Choose a PNG, JPEG or WebP file.`;
  if (size > LARGEST) return `${name} has ${Math.round(size / 1e6)} MB. Choose a picture of at most ${LARGEST / 1e6} MB.`;
}

/** The middle square of a bitmap as SIZE x SIZE numbers, on white. */
function pixels(bitmap) {
  const context = html("canvas", { width: SIZE, height: SIZE }).getContext("2d");
  const side = Math.min(bitmap.width, bitmap.height);
  context.fillStyle = "white";
  context.fillRect(0, 0, SIZE, SIZE);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (bitmap.width - side) / 2, (bitmap.height - side) / 2, side, side, 0, 0, SIZE, SIZE);
  bitmap.close();
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  return Float64Array.from({ length: 3 * SIZE * SIZE }, (_, k) => data[k + Math.floor(k / 3)] / 255);
}

function paint(canvas, data) {
  const image = new ImageData(SIZE, SIZE);
  image.data.fill(255);
  data.forEach((v, k) => { image.data[k + Math.floor(k / 3)] = 255 * v; });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const STYLE = `
augmentation-figure :is(.pair, .strip) { display: grid; grid-template-columns: 1fr 1fr; gap: 0.5rem; text-align: center; max-width: 36rem; margin: 0 auto 0.5rem; }
augmentation-figure .strip { grid-template-columns: repeat(6, 1fr); font-size: 0.8rem; }
augmentation-figure canvas { display: block; width: 100%; border: 1px solid var(--pst-color-border); }
augmentation-figure { display: block; }
augmentation-figure .pictures { display: contents; }
augmentation-figure p { display: flex; flex-wrap: wrap; gap: 0 0.7rem; align-items: center; margin: 0; text-align: start; }
augmentation-figure p label:focus-within { outline: 2px solid var(--pst-color-link); outline-offset: 2px; }
augmentation-figure input[type="file"] { position: absolute; opacity: 0; width: 1px; }
@media (max-width: 576px) { augmentation-figure .pair { position: sticky; top: var(--pst-header-height, 4rem); z-index: 1; background: var(--pst-color-background); } }`;

define("augmentation", Augmentation);
