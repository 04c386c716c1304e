// What the interactive figures share: elements, sliders, a canvas of SVG, and the summary that is read aloud.
// A figure is one module: its arithmetic as exported functions (tested in Node), and an element that draws it.

const NS = "http://www.w3.org/2000/svg";
const Element = globalThis.HTMLElement ?? class {}; // Node has no elements: the arithmetic is tested there

/** An SVG element with attributes, and children or text. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** An HTML element with properties, and children or text. */
export function html(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Register `<name>`, or `<name-figure>` for a name without a hyphen, which HTML wants; in Node do nothing. */
export function define(name, figure) {
  globalThis.customElements?.define(name.includes("-") ? name : `${name}-figure`, figure);
}

/** Numbers in (0, 1), the same for the same seed (mulberry32, T. Ettinger 2017). */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Standard normal numbers from uniform ones (Box and Muller 1958). */
export function normals(uniform) {
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** The standard normal density. */
export const density = (z) => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);

/** The standard normal distribution function, by its series (Marsaglia 2004). */
export function cdf(z) {
  if (Math.abs(z) > 8) return z > 0 ? 1 : 0;
  let [sum, term] = [z, z];
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) sum += (term *= z * z / i);
  return 0.5 + sum * density(z);
}

/** A number as text, with a true minus sign. */
export const fixed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

/**
 * A figure to play with. A subclass gives `static parameters`, {name: {label, min, max, step, value}} for a slider,
 * {name: {label, options: {value: text}, value}} for a choice or {name: {label, value: true}} for a switch;
 * `setup()`, which returns the picture; `draw(values)`, which redraws it and returns one or two sentences that say
 * what is to be seen; and, if it has any, `buttons`, {text: method}.
 *
 * A slider may also have `show`, (value) => text; `play`, how far a button moves it a second. A switch or
 * a choice may have `swatch`, () => SVG: then it stands in the legend, under the picture. Any of them may have
 * `when`, (values) => boolean: it is out of use while that is false.
 */
export class Figure extends Element {
  static parameters = {};
  static buttons = {};

  connectedCallback() {
    if (this.values) return;
    const { parameters, buttons } = this.constructor;
    this.values = Object.fromEntries(Object.entries(parameters).map(([name, p]) => [name, p.value]));
    this.summary = html("output", { className: "figure-summary" });
    this.summary.setAttribute("aria-live", "polite");
    const controls = html("form", { className: "figure-controls", onsubmit: (event) => event.preventDefault() });
    const legend = html("div", { className: "figure-legend" });
    for (const [name, parameter] of Object.entries(parameters)) {
      (parameter.swatch ? legend : controls).append(this.#control(name, parameter));
    }
    if (legend.hasChildNodes()) controls.prepend(legend);
    for (const [text, method] of Object.entries(buttons)) {
      const press = () => { this[method](); this.redraw(); };
      controls.append(html("button", { type: "button", className: "figure-button", onclick: press }, text));
    }
    this.replaceChildren(this.setup(), controls, this.summary);
    this.redraw();
    this.dataset.live = ""; // from now on the style sheet hides the static twin
  }

  redraw() {
    for (const { input, when } of this.#conditions) input.disabled = !when(this.values);
    this.summary.textContent = this.draw(this.values);
  }

  #conditions = [];

  #control(name, parameter) {
    const kind = parameter.options ? this.#choice : typeof parameter.value === "boolean" ? this.#switch : this.#slider;
    const control = kind.call(this, name, parameter);
    const input = control.querySelector("input, select");
    if (parameter.when) this.#conditions.push({ input, when: parameter.when });
    return control;
  }

  #slider(name, { label, min, max, step, value, play, show = String }) {
    const shown = html("b", {}, show(value));
    const input = html("input", { type: "range", min, max, step, value });
    input.setAttribute("aria-valuetext", show(value));
    input.oninput = () => {
      this.values[name] = input.valueAsNumber;
      shown.textContent = show(input.valueAsNumber);
      input.setAttribute("aria-valuetext", shown.textContent);
      this.redraw();
    };
    const control = html("label", {}, label, input, shown);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return play && !still ? html("span", { className: "figure-player" }, control, this.#player(input, play)) : control;
  }

  /** A button that moves the slider, and from its end back to its start. Nothing moves before it is pressed. */
  #player(input, rate) {
    const button = html("button", { type: "button", className: "figure-button" }, "Play");
    let frame = 0;
    const pause = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      button.textContent = "Play";
      this.summary.setAttribute("aria-live", "polite");
      input.oninput(); // say where it came to rest
    };
    input.addEventListener("input", () => { if (frame) pause(); }); // the reader's hand
    button.onclick = () => {
      if (frame) return pause();
      if (input.value === input.max) input.value = input.min;
      const [start, from] = [performance.now(), input.valueAsNumber];
      const move = (now) => {
        input.value = from + Math.max(0, now - start) / 1000 * rate;
        if (input.value === input.max) return pause();
        input.oninput();
        frame = requestAnimationFrame(move);
      };
      button.textContent = "Pause";
      this.summary.setAttribute("aria-live", "off");
      frame = requestAnimationFrame(move);
    };
    return button;
  }

  #choice(name, { label, options, value, swatch }) {
    const select = html("select", {}, ...Object.entries(options).map(([v, text]) => html("option", { value: v }, text)));
    select.value = value;
    select.onchange = () => { this.values[name] = select.value; this.redraw(); };
    return html("label", {}, ...(swatch ? [swatch()] : []), label, select);
  }

  #switch(name, { label, value, swatch }) {
    const box = html("input", { type: "checkbox", checked: value });
    box.onchange = () => { this.values[name] = box.checked; this.redraw(); };
    return html("label", {}, box, ...(swatch ? [swatch()] : []), label);
  }
}
