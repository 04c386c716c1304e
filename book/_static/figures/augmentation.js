// <augmentation-figure>: a picture, one augmentation of it, and six that a network would see in six epochs.
import { Figure, define, fixed, html, uniforms } from "./base.js";
import { augment, six } from "./picture.js";

const SIZE = 160;
const LARGEST = 30e6; // bytes of a file
const PHOTO = new URL("augmentation-cat.jpg", import.meta.url); // of scikit-image's chelsea.png, CC0, Stéfan van der Walt

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

/** Which transformations are on, in words. */
export function describe(values) {
  const on = Object.keys(NEUTRAL).filter((name) => values[name] !== NEUTRAL[name] && !["flip", "left", "top"].includes(name));
  const said = on.map((name) => `${Augmentation.parameters[name].label} ${Augmentation.parameters[name].show(values[name])}`);
  return [...(values.flip ? ["mirrored"] : []), ...said].join(", ") || "nothing";
}

/** What became of the label of the 6, as far as a rule can say it. */
export function labelOfSix({ flip, rotation, side, brightness, contrast }) {
  if (brightness < 0.1 || contrast < 0.1) return "There is nothing left to see, and no label is right.";
  if (flip) return "A mirrored 6 is no digit: the label does not survive.";
  if (Math.abs(rotation) > 120) return "Turned this far, the 6 reads as a 9: the label does not survive.";
  if (Math.abs(rotation) > 60) return "Lying on its side, it could be a 6 or a 9.";
  return side < 0.5 ? "Is the part that is left still a 6?" : "It is still a 6.";
}

const amount = (label, min, max, step, show = (v) => fixed(v)) => ({ label, min, max, step, show });
const degrees = (v) => `${fixed(v, 0)}°`;

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
    return html("div", { className: "pictures" },
      html("div", { className: "pair main-panel" }, framed(this.before, "original"), framed(this.after, "augmented")),
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
    const label = source === "six" ? labelOfSix(values) : on === "nothing" ? "" : "Would you still give it the same label?";
    return `On: ${on}. ${label}`;
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

define("augmentation", Augmentation);
