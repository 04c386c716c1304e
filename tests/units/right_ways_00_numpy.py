"""Right answers to the NumPy exercises of 00-numpy, each written in another way.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_00_numpy_gradients import WAYS as GRADIENTS

WAYS = Ways(GRADIENTS)
way = WAYS.add

way(
    "brighten",
    "int16, minimum and maximum",
    """
    def brighten(images, amount):
        wide = images.astype("int16")
        wide += amount
        return np.minimum(np.maximum(wide, 0), 255).astype(np.uint8)
    """,
)
way(
    "brighten",
    "floats, and masks",
    """
    def brighten(images, amount):
        sums = images + float(amount)
        sums[sums > 255] = 255
        sums[sums < 0] = 0
        return sums.astype(np.uint8)
    """,
)
way(
    "brighten",
    "pixel by pixel",
    """
    def brighten(images, amount):
        found = np.empty_like(images)
        for place in np.ndindex(images.shape):
            found[place] = max(0, min(255, int(images[place]) + amount))
        return found
    """,
)
way(
    "brighten",
    "a table of all bytes",
    """
    def brighten(images, amount):
        table = np.array([sorted((0, byte + amount, 255))[1] for byte in range(256)], dtype=np.uint8)
        return table[images]
    """,
)
way(
    "brighten",
    "in bytes, with what is left above and below",
    """
    def brighten(images, amount):
        if amount >= 0:
            return images + np.minimum(255 - images, np.uint8(amount))
        return images - np.minimum(images, np.uint8(-amount))
    """,
)

way(
    "crop",
    "two steps and np.array",
    """
    def crop(images, top, left, height, width):
        rows = images[:, top:][:, :height]
        return np.array(rows[:, :, left:][:, :, :width])
    """,
)
way(
    "crop",
    "arrays of integers, which copy",
    """
    def crop(images, top, left, height, width):
        return images[:, np.arange(top, top + height)][:, :, np.arange(left, left + width)]
    """,
)
way(
    "crop",
    "image by image",
    """
    def crop(images, top, left, height, width):
        return np.stack([image[top : top + height, left : left + width] for image in images])
    """,
)
way(
    "crop",
    "an empty array filled",
    """
    def crop(images, top, left, height, width):
        out = np.zeros((len(images), height, width) + images.shape[3:], dtype=images.dtype)
        out[:] = images[:, top : top + height, left : left + width]
        return out
    """,
)
way(
    "crop",
    "a view of a copy of everything",
    """
    def crop(images, top, left, height, width):
        return images.copy()[:, top : top + height, left : left + width]
    """,
)
way(
    "crop",
    "np.take along both axes",
    """
    def crop(images, top, left, height, width):
        rows = np.take(images, range(top, top + height), axis=1)
        return rows.take(range(left, left + width), axis=2)
    """,
)

way(
    "confusion",
    "bincount of one number for each pair",
    """
    def confusion(labels, predicted, K):
        pairs = labels.astype(np.int64) * K + predicted
        return np.bincount(pairs, minlength=K * K).reshape(K, K)
    """,
)
way(
    "confusion",
    "one pair after another",
    """
    def confusion(labels, predicted, K):
        counts = np.zeros((K, K), dtype=np.int32)
        for label, answer in zip(labels, predicted):
            counts[label, answer] += 1
        return counts
    """,
)
way(
    "confusion",
    "for each pair of classes",
    """
    def confusion(labels, predicted, K):
        return np.array([[((labels == i) & (predicted == j)).sum() for j in range(K)] for i in range(K)])
    """,
)
way(
    "confusion",
    "a product of one-hot matrices",
    """
    def confusion(labels, predicted, K):
        eye = np.eye(K, dtype=int)
        return eye[labels].T @ eye[predicted]
    """,
)
way(
    "confusion",
    "a histogram in two dimensions",
    """
    def confusion(labels, predicted, K):
        edges = np.arange(K + 1) - 0.5
        return np.histogram2d(labels, predicted, bins=(edges, edges))[0].astype(int)
    """,
)

way(
    "softmax",
    "sums without keepdims, a new axis in their place",
    """
    def softmax(z):
        e = np.exp(z - z.max(-1)[..., np.newaxis])
        return e / e.sum(-1)[..., None]
    """,
)
way(
    "softmax",
    "by logarithms, in place of a copy",
    """
    def softmax(z):
        logs = z.astype(float)
        logs -= logs.max(axis=-1, keepdims=True)
        logs -= np.log(np.exp(logs).sum(axis=-1, keepdims=True))
        return np.exp(logs)
    """,
)
way(
    "softmax",
    "row by row",
    """
    def softmax(z):
        rows = z.reshape(-1, z.shape[-1])
        found = []
        for row in rows:
            e = [np.exp(score - max(row)) for score in row]
            found.append([value / sum(e) for value in e])
        return np.array(found).reshape(z.shape)
    """,
)
way(
    "softmax",
    "apply_along_axis, in single precision",
    """
    def softmax(z):
        def one(row):
            e = np.exp((row - row.max()).astype(np.float32))
            return e / e.sum()

        return np.apply_along_axis(one, -1, z)
    """,
)
way(
    "softmax",
    "every score against every other",
    """
    def softmax(z):
        with np.errstate(over="ignore"):
            return 1 / np.exp(z[..., None, :] - z[..., :, None]).sum(axis=-1)
    """,
)

way(
    "broadcast_shape",
    "from the right to the left",
    """
    def broadcast_shape(a, b):
        found = []
        for k in range(1, max(len(a), len(b)) + 1):
            i = a[-k] if k <= len(a) else 1
            j = b[-k] if k <= len(b) else 1
            if i == 1:
                found.append(j)
            elif j == 1 or i == j:
                found.append(i)
            else:
                raise ValueError("sizes differ")
        return tuple(reversed(found))
    """,
)
way(
    "broadcast_shape",
    "zip_longest of the reversed shapes",
    """
    from itertools import zip_longest

    def broadcast_shape(a, b):
        pairs = list(zip_longest(a[::-1], b[::-1], fillvalue=1))
        if not all(len({i, j} - {1}) < 2 for i, j in pairs):
            raise ValueError
        return tuple(i if j == 1 else j for i, j in pairs)[::-1]
    """,
)
way(
    "broadcast_shape",
    "recursion over the last axis",
    """
    def broadcast_shape(a, b):
        if not a or not b:
            return a or b
        *first_a, i = a
        *first_b, j = b
        if i != j and i != 1 and j != 1:
            raise ValueError(f"{i} and {j}")
        return (*broadcast_shape(tuple(first_a), tuple(first_b)), j if i == 1 else i)
    """,
)
way(
    "broadcast_shape",
    "arrays of sizes, and a list",
    """
    def broadcast_shape(a, b):
        sizes = np.ones((2, max(len(a), len(b))), dtype=int)
        sizes[0, sizes.shape[1] - len(a) :] = a
        sizes[1, sizes.shape[1] - len(b) :] = b
        if ((sizes[0] != sizes[1]) & (sizes != 1).all(axis=0)).any():
            raise ValueError("these shapes do not go together")
        return list(np.where(sizes[0] == 1, sizes[1], sizes[0]))
    """,
)

way(
    "squared_distances",
    "the large array",
    """
    def squared_distances(a, b):
        return ((a[:, np.newaxis] - b[np.newaxis]) ** 2).sum(axis=-1)
    """,
)
way(
    "squared_distances",
    "pair by pair",
    """
    def squared_distances(a, b):
        return np.array([[np.dot(p - q, p - q) for q in b] for p in a])
    """,
)
way(
    "squared_distances",
    "einsum, and a clip",
    """
    def squared_distances(a, b):
        squares = np.einsum("nd,nd->n", a, a).reshape(-1, 1) + np.einsum("md,md->m", b, b)
        return np.clip(squares - 2 * np.einsum("nd,md->nm", a, b), 0, None)
    """,
)
way(
    "squared_distances",
    "around a common centre, keepdims, in place",
    """
    def squared_distances(a, b):
        centre = b.mean(axis=0)
        a, b = a - centre, b - centre
        squares = -2 * np.dot(a, b.T)
        squares += (a * a).sum(axis=1, keepdims=True)
        squares += (b * b).sum(axis=1, keepdims=True).T
        squares[squares < 0] = 0
        return squares
    """,
)
way(
    "squared_distances",
    "feature by feature",
    """
    def squared_distances(a, b):
        return sum(np.subtract.outer(a[:, d], b[:, d]) ** 2 for d in range(a.shape[1]))
    """,
)
way(
    "squared_distances",
    "norms of the differences",
    """
    def squared_distances(a, b):
        return np.linalg.norm(a[:, None, :] - b, axis=2) ** 2
    """,
)
