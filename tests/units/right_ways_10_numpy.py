"""Right answers to the NumPy exercises of 10-augmentation, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways

WAYS = Ways()
way = WAYS.add

way(
    "flip",
    "where",
    """
    def flip(images, coin):
        return np.where(coin[:, None, None, None], images[:, :, ::-1], images)
    """,
)
way(
    "flip",
    "image by image",
    """
    def flip(images, coin):
        return np.stack([np.fliplr(image) if heads else image for image, heads in zip(images, coin)])
    """,
)
way(
    "flip",
    "index arrays",
    """
    def flip(images, coin):
        N, H, W, C = images.shape
        columns = np.arange(W)
        columns = np.where(coin[:, None], W - 1 - columns, columns)
        return np.take_along_axis(images, columns[:, None, :, None], axis=2)
    """,
)
way(
    "flip",
    "a blend with weights 0 and 1",
    """
    def flip(images, coin):
        w = coin.astype(float).reshape(-1, 1, 1, 1)
        return w * np.flip(images, axis=2) + (1 - w) * images
    """,
)

way(
    "pad_and_crop",
    "slices in a loop",
    """
    def pad_and_crop(images, pad, top, left):
        N, H, W, C = images.shape
        big = np.zeros((N, H + 2 * pad, W + 2 * pad, C))
        big[:, pad : pad + H, pad : pad + W] = images
        out = []
        for n in range(N):
            out.append(big[n, top[n] : top[n] + H, left[n] : left[n] + W])
        return np.array(out)
    """,
)
way(
    "pad_and_crop",
    "a view of all windows",
    """
    def pad_and_crop(images, pad, top, left):
        N, H, W, C = images.shape
        padded = np.pad(images, [(0, 0), (pad,) * 2, (pad,) * 2, (0, 0)], constant_values=0.0)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (H, W), axis=(1, 2))
        return np.moveaxis(windows[np.arange(N), top, left], 1, -1)
    """,
)
way(
    "pad_and_crop",
    "without a padded image",
    """
    def pad_and_crop(images, pad, top, left):
        N, H, W, C = images.shape
        r = np.arange(H)[None, :, None] + top[:, None, None] - pad
        c = np.arange(W)[None, None, :] + left[:, None, None] - pad
        inside = (r >= 0) & (r < H) & (c >= 0) & (c < W)
        return images[np.arange(N)[:, None, None], r % H, c % W] * inside[..., None]
    """,
)
way(
    "pad_and_crop",
    "rows first, then columns",
    """
    def pad_and_crop(images, pad, top, left):
        H, W = images.shape[1:3]
        padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
        tall = np.take_along_axis(padded, (top[:, None] + np.arange(H))[:, :, None, None], axis=1)
        return np.take_along_axis(tall, (left[:, None] + np.arange(W))[:, None, :, None], axis=2)
    """,
)
way(
    "pad_and_crop",
    "the part that stays, image by image",
    """
    def pad_and_crop(images, pad, top, left):
        N, H, W, C = images.shape
        out = np.zeros_like(images)
        for n in range(N):
            down, right = int(pad - top[n]), int(pad - left[n])
            r0, r1 = max(down, 0), min(H, H + down)
            c0, c1 = max(right, 0), min(W, W + right)
            if r0 < r1 and c0 < c1:
                out[n, r0:r1, c0:c1] = images[n, r0 - down : r1 - down, c0 - right : c1 - right]
        return out
    """,
)

way(
    "rotation_coordinates",
    "matrices",
    """
    def rotation_coordinates(angle, H, W):
        t = angle * np.pi / 180
        matrices = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])  # (2, 2, N)
        centre = np.array([H - 1, W - 1]).reshape(2, 1, 1) / 2
        places = np.indices((H, W)) - centre
        rows, cols = np.einsum("ijn,jhw->inhw", matrices, places)
        return rows + centre[0], cols + centre[1]
    """,
)
way(
    "rotation_coordinates",
    "complex numbers, an axis that points up",
    """
    def rotation_coordinates(angle, H, W):
        row, col = np.meshgrid(np.arange(H), np.arange(W), indexing="ij")
        z = (col - (W - 1) / 2) + 1j * ((H - 1) / 2 - row)
        source = z * np.exp(-1j * np.radians(angle)).reshape(-1, 1, 1)
        return (H - 1) / 2 - source.imag, source.real + (W - 1) / 2
    """,
)
way(
    "rotation_coordinates",
    "polar coordinates",
    """
    def rotation_coordinates(angle, H, W):
        y, x = np.mgrid[:H, :W]
        y, x = y - (H - 1) / 2, x - (W - 1) / 2
        distance, direction = np.hypot(x, y), np.arctan2(-y, x)
        back = direction - np.deg2rad(angle)[:, None, None]
        return (H - 1) / 2 - distance * np.sin(back), (W - 1) / 2 + distance * np.cos(back)
    """,
)
way(
    "rotation_coordinates",
    "image by image",
    """
    def rotation_coordinates(angle, H, W):
        rows, cols = np.zeros((len(angle), H, W)), np.zeros((len(angle), H, W))
        for n, degrees in enumerate(angle):
            c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
            for h in range(H):
                for w in range(W):
                    dh, dw = h - (H - 1) / 2, w - (W - 1) / 2
                    rows[n, h, w] = c * dh + s * dw + (H - 1) / 2
                    cols[n, h, w] = -s * dh + c * dw + (W - 1) / 2
        return rows, cols
    """,
)

way(
    "bilinear",
    "a border of zeros",
    """
    def bilinear(images, rows, cols):
        N, H, W, C = images.shape
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        r, c = np.clip(rows, -1, H) + 1, np.clip(cols, -1, W) + 1
        i = np.minimum(np.floor(r).astype(int), H)
        j = np.minimum(np.floor(c).astype(int), W)
        a, b = (r - i)[..., np.newaxis], (c - j)[..., np.newaxis]
        n = np.arange(N).reshape(-1, 1, 1)
        return (
            (1 - a) * (1 - b) * padded[n, i, j]
            + (1 - a) * b * padded[n, i, j + 1]
            + a * (1 - b) * padded[n, i + 1, j]
            + a * b * padded[n, i + 1, j + 1]
        )
    """,
)
way(
    "bilinear",
    "tents over all pixels",
    """
    def bilinear(images, rows, cols):
        _, H, W, _ = images.shape
        row_weights = np.maximum(0, 1 - abs(rows[..., None] - np.arange(H)))
        col_weights = np.maximum(0, 1 - abs(cols[..., None] - np.arange(W)))
        return np.einsum("npqh,npqw,nhwc->npqc", row_weights, col_weights, images)
    """,
)
way(
    "bilinear",
    "pixel by pixel",
    """
    def bilinear(images, rows, cols):
        N, H, W, C = images.shape
        out = np.zeros(rows.shape + (C,))
        for n, p, q in np.ndindex(rows.shape):
            r, c = rows[n, p, q], cols[n, p, q]
            for h in (int(np.floor(r)), int(np.floor(r)) + 1):
                for w in (int(np.floor(c)), int(np.floor(c)) + 1):
                    if 0 <= h < H and 0 <= w < W:
                        out[n, p, q] += (1 - abs(r - h)) * (1 - abs(c - w)) * images[n, h, w]
        return out
    """,
)
way(
    "bilinear",
    "floor and ceiling",
    """
    def bilinear(images, rows, cols):
        N, H, W, C = images.shape
        n = np.arange(N)[:, None, None]
        total = 0
        r0, c0 = np.floor(rows), np.floor(cols)
        for r, wr in ((r0, 1 - (rows - r0)), (np.ceil(rows), np.where(rows == r0, 0, rows - r0))):
            for c, wc in ((c0, 1 - (cols - c0)), (np.ceil(cols), np.where(cols == c0, 0, cols - c0))):
                inside = (0 <= r) & (r <= H - 1) & (0 <= c) & (c <= W - 1)
                h, w = np.where(inside, r, 0).astype(int), np.where(inside, c, 0).astype(int)
                total = total + (wr * wc * inside)[..., None] * images[n, h, w]
        return total
    """,
)
way(
    "bilinear",
    "flat indices, modf",
    """
    def bilinear(images, rows, cols):
        N, H, W, C = images.shape
        wide = np.zeros((N, H + 4, W + 4, C))
        wide[:, 2:-2, 2:-2] = images
        flat = wide.reshape(-1, C)
        a, i = np.modf(rows.clip(-2, H) + 2)
        b, j = np.modf(cols.clip(-2, W) + 2)
        start = np.arange(N)[:, None, None] * (H + 4) * (W + 4)
        at = (start + i * (W + 4) + j).astype(int)
        a, b = a[..., None], b[..., None]
        upper = flat[at] + b * (flat[at + 1] - flat[at])
        lower = flat[at + W + 4] + b * (flat[at + W + 5] - flat[at + W + 4])
        return upper + a * (lower - upper)
    """,
)

way(
    "brightness_contrast",
    "image by image",
    """
    def brightness_contrast(images, brightness, contrast):
        out = np.empty_like(images)
        for n in range(len(images)):
            bright = images[n] * brightness[n]
            m = bright.mean()
            out[n] = np.minimum(np.maximum(m + contrast[n] * (bright - m), 0), 1)
        return out
    """,
)
way(
    "brightness_contrast",
    "one straight line",
    """
    def brightness_contrast(images, brightness, contrast):
        slope = brightness * contrast
        offset = (1 - contrast) * brightness * images.mean(axis=(1, 2, 3))
        return np.clip(slope.reshape(-1, 1, 1, 1) * images + offset.reshape(-1, 1, 1, 1), 0.0, 1.0)
    """,
)
way(
    "brightness_contrast",
    "rows of pixels",
    """
    def brightness_contrast(images, brightness, contrast):
        flat = images.reshape(len(images), -1) * brightness[:, None]
        mean = np.mean(flat, axis=1, keepdims=True)
        y = mean * (1 - contrast[:, None]) + flat * contrast[:, None]
        y[y < 0] = 0
        y[y > 1] = 1
        return y.reshape(images.shape)
    """,
)
way(
    "brightness_contrast",
    "contrast first, one clip: the two steps commute",
    """
    def brightness_contrast(images, brightness, contrast):
        m = images.mean(axis=(1, 2, 3), keepdims=True)
        stretched = m + contrast[:, None, None, None] * (images - m)
        return (stretched * brightness[:, None, None, None]).clip(0, 1)
    """,
)
way(
    "brightness_contrast",
    "the batch at the end",
    """
    def brightness_contrast(images, brightness, contrast):
        bright = images.T * brightness
        mean = bright.mean(axis=(0, 1, 2))
        return np.clip((bright - mean) * contrast + mean, 0, 1).T
    """,
)

way(
    "salt_and_pepper",
    "masks on a copy",
    """
    def salt_and_pepper(images, u, p):
        y = images.copy()
        y[u < p / 2] = 0
        y[u >= 1 - p / 2] = 1
        return y
    """,
)
way(
    "salt_and_pepper",
    "select",
    """
    def salt_and_pepper(images, u, p):
        each = np.repeat(u[..., np.newaxis], images.shape[-1], axis=-1)
        return np.select([each < 0.5 * p, each >= 1 - 0.5 * p], [0.0, 1.0], default=images)
    """,
)
way(
    "salt_and_pepper",
    "multiplied and added",
    """
    def salt_and_pepper(images, u, p):
        salt = np.expand_dims(u >= 1 - p / 2, -1)
        pepper = np.expand_dims(u < p / 2, -1)
        return images * ~(salt | pepper) + salt
    """,
)
way(
    "salt_and_pepper",
    "channel by channel",
    """
    def salt_and_pepper(images, u, p):
        out = []
        for c in range(images.shape[3]):
            channel = images[:, :, :, c]
            out.append(np.where(u < p / 2, 0, np.where(u < 1 - p / 2, channel, 1)))
        return np.stack(out, axis=3)
    """,
)

way(
    "cutout",
    "slices in a loop",
    """
    def cutout(images, row, column, size):
        y = images.copy()
        for n in range(len(y)):
            r, c = row[n] - size // 2, column[n] - size // 2
            y[n, max(r, 0) : max(r + size, 0), max(c, 0) : max(c + size, 0)] = 0
        return y
    """,
)
way(
    "cutout",
    "a mask of ones",
    """
    def cutout(images, row, column, size):
        N, H, W, C = images.shape
        h, w = np.meshgrid(np.arange(H), np.arange(W), indexing="ij")
        first_row, first_col = row - size // 2, column - size // 2
        keep = np.ones((N, H, W))
        for n in range(N):
            in_rows = (h >= first_row[n]) & (h <= first_row[n] + size - 1)
            in_cols = (w >= first_col[n]) & (w <= first_col[n] + size - 1)
            keep[n][in_rows & in_cols] = 0
        return images * keep[..., None]
    """,
)
way(
    "cutout",
    "limits that are clipped",
    """
    def cutout(images, row, column, size):
        H, W = images.shape[1:3]
        r0, c0 = (row - size // 2).reshape(-1, 1, 1), (column - size // 2).reshape(-1, 1, 1)
        r1, c1 = np.clip(r0 + size, 0, H), np.clip(c0 + size, 0, W)
        r0, c0 = np.clip(r0, 0, H), np.clip(c0, 0, W)
        h, w = np.arange(H).reshape(1, -1, 1), np.arange(W).reshape(1, 1, -1)
        outside = (h < r0) | (h >= r1) | (w < c0) | (w >= c1)
        return images * outside[:, :, :, np.newaxis]
    """,
)
way(
    "cutout",
    "distances from the middle",
    """
    def cutout(images, row, column, size):
        shift = 0.0 if size % 2 else 0.5
        h = np.arange(images.shape[1]) - (row - shift)[:, None]
        w = np.arange(images.shape[2]) - (column - shift)[:, None]
        y = np.array(images)
        y[(abs(h) < size / 2)[:, :, None] & (abs(w) < size / 2)[:, None, :]] = 0.0
        return y
    """,
)

way(
    "mixup",
    "image by image",
    """
    def mixup(images, y, partner, lam):
        mixed, labels = np.empty_like(images), np.empty(y.shape)
        for n, (j, l) in enumerate(zip(partner, lam)):
            mixed[n] = l * images[n] + (1 - l) * images[j]
            labels[n] = l * y[n] + (1 - l) * y[j]
        return mixed, labels
    """,
)
way(
    "mixup",
    "a step towards the partner",
    """
    def mixup(images, y, partner, lam):
        x = images[partner] + lam.reshape(-1, 1, 1, 1) * (images - images[partner])
        t = y[partner] + lam.reshape(-1, 1) * (y - y[partner])
        return x, t
    """,
)
way(
    "mixup",
    "a matrix of weights",
    """
    def mixup(images, y, partner, lam):
        N = len(images)
        weights = np.diag(lam)
        weights[np.arange(N), partner] += 1 - lam
        return np.tensordot(weights, images, axes=1), weights @ y
    """,
)
way(
    "mixup",
    "one function for both, a list",
    """
    def mixup(images, y, partner, lam):
        def blend(a):
            w = lam.reshape((-1,) + (1,) * (a.ndim - 1))
            return w * a + (1 - w) * np.take(a, partner, axis=0)

        return [blend(images), blend(y)]
    """,
)

way(
    "cutmix",
    "slices in a loop",
    """
    def cutmix(images, y, partner, top, left, height, width):
        N, H, W, C = images.shape
        out, labels = images.copy(), np.zeros(y.shape)
        for n in range(N):
            r0, r1 = np.clip([top[n], top[n] + height[n]], 0, H)
            c0, c1 = np.clip([left[n], left[n] + width[n]], 0, W)
            out[n, r0:r1, c0:c1] = images[partner[n], r0:r1, c0:c1]
            lam = 1 - (r1 - r0) * (c1 - c0) / (H * W)
            labels[n] = lam * y[n] + (1 - lam) * y[partner[n]]
        return out, labels
    """,
)
way(
    "cutmix",
    "an overlap that is cut off at 0",
    """
    def cutmix(images, y, partner, top, left, height, width):
        H, W = images.shape[1:3]
        out, share = images.copy(), np.zeros(len(y))
        for n, j in enumerate(partner):
            t, b = max(top[n], 0), min(top[n] + height[n], H)
            l, r = max(left[n], 0), min(left[n] + width[n], W)
            if b > t and r > l:
                out[n, t:b, l:r] = images[j, t:b, l:r]
            share[n] = max(b - t, 0) * max(r - l, 0) / (H * W)
        return out, np.stack([(1 - s) * y[n] + s * y[partner[n]] for n, s in enumerate(share)])
    """,
)
way(
    "cutmix",
    "a mask of numbers",
    """
    def cutmix(images, y, partner, top, left, height, width):
        N, H, W, C = images.shape
        h, w = np.indices((H, W))
        column = lambda v: v[:, None, None]
        mask = (h >= column(top)) & (h <= column(top + height - 1))
        mask &= (w >= column(left)) & (w <= column(left + width - 1))
        mask = mask.astype(float)
        lam = 1 - mask.sum(axis=(1, 2)) / (H * W)
        mixed = images * (1 - mask[..., None]) + images[partner] * mask[..., None]
        return mixed, lam[:, None] * y + (1 - lam[:, None]) * y[partner]
    """,
)
way(
    "cutmix",
    "areas from clipped limits",
    """
    def cutmix(images, y, partner, top, left, height, width):
        _, H, W, _ = images.shape
        r0, r1 = top.clip(0, H), (top + height).clip(0, H)
        c0, c1 = left.clip(0, W), (left + width).clip(0, W)
        area = (r1 - r0) * (c1 - c0) / H / W
        r, c = np.arange(H)[None, :, None], np.arange(W)[None, None, :]
        inside = (r0[:, None, None] <= r) & (r < r1[:, None, None])
        inside = inside & (c0[:, None, None] <= c) & (c < c1[:, None, None])
        mixed = np.where(np.expand_dims(inside, 3), images[partner], images)
        return mixed, y + area[:, None] * (y[partner] - y)
    """,
)
way(
    "cutmix",
    "pixels that are copied",
    """
    def cutmix(images, y, partner, top, left, height, width):
        N, H, W, C = images.shape
        out, count = images.copy(), np.zeros(N)
        for n, h, w in np.ndindex(N, H, W):
            if top[n] <= h < top[n] + height[n] and left[n] <= w < left[n] + width[n]:
                out[n, h, w] = images[partner[n], h, w]
                count[n] += 1
        share = (count / (H * W))[:, None]
        return out, y * (1 - share) + y[partner] * share
    """,
)

way(
    "test_pad_and_crop",
    "slices, many random offsets",
    """
    def test_pad_and_crop(implementation):
        rng = np.random.default_rng(0)
        for pad in (1, 2, 3):
            images = rng.random((4, 5, 6, 3)) + 1
            top, left = rng.integers(0, 2 * pad + 1, (2, 4))
            padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
            wanted = [padded[n, top[n] : top[n] + 5, left[n] : left[n] + 6] for n in range(4)]
            before = images.copy()
            np.testing.assert_allclose(implementation(images, pad, top, left), wanted)
            np.testing.assert_array_equal(images, before)
    """,
)
way(
    "test_pad_and_crop",
    "three single pixels",
    """
    def test_pad_and_crop(implementation):
        images = np.arange(1.0, 2 * 3 * 4 + 1).reshape(2, 3, 4, 1)
        kept = images.copy()
        y = implementation(images, 1, np.array([0, 1]), np.array([1, 2]))
        assert y.shape == (2, 3, 4, 1)
        assert not y[0, 0].any() and np.allclose(y[0, 1:], kept[0, :2])
        assert not y[1, :, 3].any() and np.allclose(y[1, :, :3], kept[1, :, 1:])
        assert np.array_equal(images, kept)
    """,
)
way(
    "test_pad_and_crop",
    "an error raised by hand",
    """
    def test_pad_and_crop(implementation):
        images = np.random.default_rng(1).uniform(1, 2, size=(3, 6, 5, 2))
        kept, pad = images.copy(), 2
        top, left = np.array([0, 4, 1]), np.array([3, 2, 4])
        y = implementation(images, pad, top, left)
        for n, h, w in np.ndindex(3, 6, 5):
            r, c = h + top[n] - pad, w + left[n] - pad
            expected = kept[n, r, c] if 0 <= r < 6 and 0 <= c < 5 else np.zeros(2)
            if abs(y[n, h, w] - expected).max() > 1e-9:
                raise ValueError("wrong pixel")
        if (images != kept).any():
            raise ValueError("the images were changed")
    """,
)
