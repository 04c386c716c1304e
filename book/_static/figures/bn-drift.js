// <bn-drift>: one channel, one batch. Train mode follows the batch; eval mode keeps running_mean = 0, running_var = 1.
customElements.define("bn-drift", class extends HTMLElement {
  connectedCallback() {
    const NS = "http://www.w3.org/2000/svg", EPS = 1e-5, X1 = 1.5, px = v => 370 + 50 * v;
    const el = (tag, attrs, parent, text = "") => {
      const e = document.createElementNS(NS, tag);
      for (const k in attrs) e.setAttribute(k, attrs[k]);
      e.textContent = text;
      parent?.append(e);
      return e;
    };
    const html = (tag, props) => Object.assign(document.createElement(tag), props);
    const p = { mean: 0, scale: 1, N: 8 };
    const sliders = [["mean", "mean of the others", -3, 3, 0.1], ["scale", "scale of the others", 0.2, 2, 0.1], ["N", "batch size N", 2, 64, 1]];
    const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    let z = [];
    const redraw = () => { z = Array.from({ length: 63 }, normal); draw(); };

    const svg = el("svg", { viewBox: "0 0 740 215", role: "img", "aria-label": "A batch, and its normalization in train mode and in eval mode" });
    const rows = ["input x", "train-mode output", "eval-mode output"].map((name, i) => {
      const y = 40 + 62 * i;
      el("text", { x: 8, y: y - 16 }, svg, name);
      el("line", { class: "axis", x1: 8, x2: 732, y1: y, y2: y }, svg);
      return { y, others: el("g", { class: "others" }, svg), one: el("circle", { class: "one", r: 7, cy: y }, svg) };
    });
    for (let v = -6; v <= 6; v += 2) el("text", { class: "tick", x: px(v), y: 208, "text-anchor": "middle" }, svg, String(v).replace("-", "−"));

    const form = html("form", { onsubmit: e => e.preventDefault() }), out = html("output", {});
    out.setAttribute("aria-live", "polite");
    for (const [key, name, min, max, step] of sliders) {
      const label = html("label", {}), value = html("b", { textContent: p[key] });
      const input = html("input", { type: "range", min, max, step, value: p[key] });
      input.oninput = () => { p[key] = +input.value; value.textContent = input.value; draw(); };
      label.append(name, input, value);
      form.append(label);
    }
    form.append(html("button", { type: "button", className: "btn btn-sm btn-outline-primary", textContent: "Other examples", onclick: redraw }));

    const draw = () => {
      const x = [X1, ...z.slice(0, p.N - 1).map(t => p.mean + p.scale * t)];
      const mu = x.reduce((a, b) => a + b) / p.N, v = x.reduce((a, b) => a + (b - mu) ** 2, 0) / p.N;
      const outputs = [x, x.map(t => (t - mu) / Math.sqrt(v + EPS)), x.map(t => t / Math.sqrt(1 + EPS))];
      rows.forEach(({ y, others, one }, i) => {
        others.replaceChildren(...outputs[i].slice(1).map(t => el("circle", { cx: px(t), cy: y, r: 5 })));
        one.setAttribute("cx", px(outputs[i][0]));
      });
      out.textContent = `mu = ${mu.toFixed(2)}, var = ${v.toFixed(2)}. The coloured example x = ${X1} becomes ${outputs[1][0].toFixed(2)} in train mode and ${outputs[2][0].toFixed(2)} in eval mode.`;
    };
    this.replaceChildren(svg, form, out);
    document.documentElement.classList.add("live-figures");
    redraw();
  }
});
