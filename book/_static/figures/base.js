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

/** A number as text, with a true minus sign. */
export const fixed = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

/**
 * A figure to play with. A subclass gives `static parameters`, {name: {label, min, max, step, value}} for a slider,
 * {name: {label, options: {value: text}, value}} for a choice or {name: {label, value: true}} for a switch;
 * `setup()`, which returns the picture; `draw(values)`, which redraws it and returns one or two sentences that say
 * what is to be seen; and, if it has any, `buttons`, {text: method}.
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
    for (const [name, parameter] of Object.entries(parameters)) controls.append(this.#control(name, parameter));
    for (const [text, method] of Object.entries(buttons)) {
      const press = () => { this[method](); this.redraw(); };
      controls.append(html("button", { type: "button", className: "figure-button", onclick: press }, text));
    }
    this.replaceChildren(this.setup(), controls, this.summary);
    this.redraw();
    this.dataset.live = ""; // from now on the style sheet hides the static twin
  }

  redraw() {
    this.summary.textContent = this.draw(this.values);
  }

  #control(name, parameter) {
    if (parameter.options) return this.#choice(name, parameter);
    if (typeof parameter.value === "boolean") return this.#switch(name, parameter);
    const { label, min, max, step, value, show = String } = parameter;
    const shown = html("b", {}, show(value));
    const input = html("input", { type: "range", min, max, step, value });
    input.setAttribute("aria-valuetext", show(value));
    input.oninput = () => {
      this.values[name] = input.valueAsNumber;
      shown.textContent = show(input.valueAsNumber);
      input.setAttribute("aria-valuetext", shown.textContent);
      this.redraw();
    };
    return html("label", {}, label, input, shown);
  }

  #choice(name, { label, options, value }) {
    const select = html("select", {}, ...Object.entries(options).map(([v, text]) => html("option", { value: v }, text)));
    select.value = value;
    select.onchange = () => { this.values[name] = select.value; this.redraw(); };
    return html("label", {}, label, select);
  }

  #switch(name, { label, value }) {
    const box = html("input", { type: "checkbox", checked: value });
    box.onchange = () => { this.values[name] = box.checked; this.redraw(); };
    return html("label", {}, box, label);
  }
}
