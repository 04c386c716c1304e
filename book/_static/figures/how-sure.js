// <how-sure>: how sure a gain of accuracy is, measured on other images for each network, on the same ones, with seeds.
// Gains and standard errors are in points here; in the functions they are shares. Errors are taken to be normal.
import { Figure, cdf, define, fixed, html, svg } from "./base.js";

export const WAYS = ["other images", "same images", "seeds", "same images and seeds"];

/** What can be disagreed on: at least the gain, at most what is wrong before or after, twice the smaller part. */
export function disagreement(wanted, { before, gain }) {
  const after = Math.min(1, before + gain);
  return Math.min(Math.max(wanted, after - before), after + before, 2 - before - after);
}

/** Standard errors of a gain, of `WAYS`: equations cp-binomial, cp-paired-error, cp-seeds and the last two together. */
export function errors({ before, gain, images, apart, seeds, spread }) {
  const after = Math.min(1, before + gain);
  const d = disagreement(apart, { before, gain });
  const other = Math.sqrt((before * (1 - before) + after * (1 - after)) / images);
  const same = Math.sqrt((d - (after - before) ** 2) / images);
  const over = spread / Math.sqrt(seeds);
  return [other, same, over, Math.hypot(same, over)];
}

/** How likely the better one is measured as the worse one. */
export const looksWorse = (gain, error) => (error > 0 ? cdf(-gain / error) : gain > 0 ? 0 : 0.5);

const [LEFT, RIGHT, TOP, BOTTOM] = [16, 344, 40, 320];
const [LOW, HIGH] = [-6, 10]; // points that are shown
const across = (points) => LEFT + (RIGHT - LEFT) * (Math.max(LOW, Math.min(HIGH, points)) - LOW) / (HIGH - LOW);
const upright = (x, name) => svg("line", { class: name, x1: across(x), x2: across(x), y1: TOP - 8, y2: BOTTOM });
const label = (x, y, text, anchor = "start") => svg("text", { x, y, "text-anchor": anchor }, text);
const percent = (share) => (share < 0.0005 ? "under 0.1 %" : share < 0.0995 ? `${fixed(100 * share, 1)} %` : `${fixed(100 * share, 0)} %`);

/** The curve of a normal gain and the part of it below zero, as two lists of points; `peak` is the highest curve's. */
export function bell(gain, error, peak, height = BOTTOM - TOP) {
  const at = (x) => `${across(x).toFixed(1)},${(BOTTOM - height * Math.exp(-(((x - gain) / error) ** 2) / 2) / error / peak).toFixed(1)}`;
  const places = (from, to) => Array.from({ length: 97 }, (_, i) => from + (to - from) * i / 96);
  return { whole: places(LOW, HIGH).map(at), below: [...places(LOW, 0).map(at), `${across(0)},${BOTTOM}`, `${across(LOW)},${BOTTOM}`] };
}

class HowSure extends Figure {
  static parameters = {
    gain: { label: "true gain, points", min: 0, max: 5, step: 0.1, value: 2, show: (v) => fixed(v, 1) },
    before: { label: "accuracy before, %", min: 45, max: 95, step: 1, value: 80 },
    images: { label: "test images", min: 2, max: 5, step: 0.25, value: 3, show: (v) => Math.round(10 ** v).toLocaleString("en") },
    apart: { label: "images they disagree on, %", min: 1, max: 40, step: 1, value: 10 },
    seeds: { label: "seeds", min: 1, max: 20, step: 1, value: 3 },
    spread: { label: "spread of the gain over seeds, points", min: 0, max: 3, step: 0.1, value: 1, show: (v) => fixed(v, 1) },
  };

  setup() {
    this.bars = svg("g", { class: "bars" });
    this.bells = svg("g", { class: "bells" });
    const ticks = () => [-5, 0, 5, 10].flatMap((v) => [label(across(v), 342, fixed(v, 0), "middle"), upright(v, v ? "axis" : "zero")]);
    const panel = (name, aria, title, ...parts) => svg("svg", { class: name, viewBox: "0 0 360 376", role: "img", "aria-label": aria },
      ...ticks(), ...parts, label(10, 20, title), label(180, 366, "measured gain, points", "middle"));
    return html("div", { className: "two-panels" },
      panel("main-panel", "The gain with 1.96 standard errors to either side, in four ways", "gain ± 1.96 standard errors", this.bars),
      panel("", "What would be measured, on other and on the same images", "what will be measured", this.bells));
  }

  draw({ gain, before, images, apart, seeds, spread }) {
    const shares = { before: before / 100, gain: gain / 100, images: Math.round(10 ** images), apart: apart / 100, seeds, spread: spread / 100 };
    const found = errors(shares).map((error) => 100 * error);
    const worse = found.map((error) => looksWorse(gain, error));
    this.bars.replaceChildren(...WAYS.flatMap((way, i) => {
      const y = TOP + 34 + 66 * i;
      const reach = 1.96 * found[i];
      return [label(RIGHT, y - 14, way, "end"), svg("line", { class: `reach way-${i}`, x1: across(gain - reach), x2: across(gain + reach), y1: y, y2: y }),
        svg("circle", { class: `way-${i}`, cx: across(gain), cy: y, r: 6 })];
    }));
    const peak = Math.max(...found.slice(0, 2).map((error) => 1 / Math.max(error, 0.05)));
    this.bells.replaceChildren(...[0, 1].flatMap((i) => {
      const { whole, below } = bell(gain, Math.max(found[i], 0.05), peak);
      return [svg("polygon", { class: `below way-${i}`, points: below.join(" ") }), svg("polyline", { class: `whole way-${i}`, points: whole.join(" ") })];
    }));
    return this.#said(shares, found, worse, apart);
  }

  #said(shares, found, worse, wanted) {
    const d = 100 * disagreement(shares.apart, shares);
    const bound = Math.abs(d - wanted) > 1e-9 ? ` (they can only disagree on ${fixed(d, 1)} %)` : "";
    const rows = WAYS.map((way, i) => `${way} ${fixed(found[i])}, looks worse in ${percent(worse[i])}`);
    return `Standard errors in points, and how often the better one looks worse${bound}: ${rows.join("; ")}.`;
  }
}

define("how-sure", HowSure);
