// What augmentation does to a picture: size x size pixels of red, green and blue in [0, 1], row by row.
import { normals, uniforms } from "./base.js";

const GREY = [0.299, 0.587, 0.114]; // ITU-R BT.601
const RADIAN = Math.PI / 180;
const clip = (v) => Math.min(Math.max(v, 0), 1);

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
    return inside(Math.floor(pixel / size), row) && inside(pixel % size, column) ? 0.5 : v;
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
    const arc = y < 100 && 5 * (x - 124) < 2 * (y - 100) ? Math.abs(Math.hypot(x - 124, y - 100) - 70) : Infinity;
    const end = Math.hypot(x - 98, y - 35);
    return clip((8 - Math.min(ring, arc, end)) * unit + 0.5);
  });
}
