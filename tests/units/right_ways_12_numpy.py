"""Right answers to the NumPy exercises of 12-capstone, each written in another way: costs and error bars.

WAYS[exercise][style] is the text of a cell. Every one must pass every probe: no false alarms.
"""

from __future__ import annotations

from tests.units.right_ways import Ways
from tests.units.right_ways_12_numpy_shares import add_shares

WAYS = Ways()
way = WAYS.add
add_shares(way)

way(
    "conv_cost",
    "by counting places one by one",
    """
    def conv_cost(c_in, c_out, k, height, width, stride=1, pad=0, bias=True):
        rows = len(range(0, height + 2 * pad - k + 1, stride))
        columns = len(range(0, width + 2 * pad - k + 1, stride))
        filters = [c_in * k * k + (1 if bias else 0) for _ in range(c_out)]
        per_place = c_out * c_in * k * k
        return sum(filters), rows * columns * per_place, rows, columns
    """,
)
way(
    "conv_cost",
    "a list of NumPy's integers, from the shapes of real arrays",
    """
    def conv_cost(c_in, c_out, k, height, width, stride=1, pad=0, bias=True):
        padded = np.pad(np.zeros((height, width)), pad)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (k, k))[::stride, ::stride]
        W, b = np.zeros((c_out, c_in, k, k)), np.zeros(c_out if bias else 0)
        rows, columns, *_ = windows.shape
        return list(np.array([W.size + b.size, W.size * rows * columns, rows, columns]))
    """,
)
way(
    "conv_cost",
    "with floors of floats, and whole floats",
    """
    def conv_cost(c_in, c_out, k, height, width, stride=1, pad=0, bias=True):
        out = np.floor((np.array([height, width]) + 2 * pad - k) / stride) + 1
        parameters = c_out * (c_in * k**2 + bias)
        return parameters, out.prod() * c_out * c_in * k**2, out[0], out[1]
    """,
)
way(
    "conv_cost",
    "one array of four",
    """
    def conv_cost(c_in, c_out, k, height, width, stride=1, pad=0, bias=True):
        H, W = (int((size - k + 2 * pad) / stride) + 1 for size in (height, width))
        n = c_in * c_out * k * k
        if bias:
            parameters = n + c_out
        else:
            parameters = n
        return np.array([parameters, n * H * W, H, W])
    """,
)

way(
    "network_cost",
    "no other function, with match",
    """
    def network_cost(layers, shape):
        c, h, w = shape
        total = np.zeros(2, dtype=int)
        for layer in layers:
            match layer:
                case ("conv", out, k, stride, pad, bias):
                    h, w = (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1
                    total += np.array([out * (c * k * k + bias), out * c * k * k * h * w])
                    c = out
                case ("batch norm",):
                    total[0] += c + c
                case ("pool", k):
                    h //= k
                    w //= k
                case ("linear", out):
                    total += np.array([(c * h * w + 1) * out, c * h * w * out])
                    c, h, w = out, 1, 1
        return total
    """,
)
way(
    "network_cost",
    "shapes first, costs afterwards",
    """
    def network_cost(layers, shape):
        shapes = [tuple(shape)]
        for layer in layers:
            c, h, w = shapes[-1]
            if layer[0] == "conv":
                _, out, k, stride, pad, _ = layer
                c, h, w = out, 1 + (h + 2 * pad - k) // stride, 1 + (w + 2 * pad - k) // stride
            if layer[0] == "pool":
                h, w = h // layer[1], w // layer[1]
            if layer[0] == "linear":
                c, h, w = layer[1], 1, 1
            shapes.append((c, h, w))
        parameters, products = [0], [0]
        for layer, before, after in zip(layers, shapes[:-1], shapes[1:]):
            if layer[0] == "conv":
                parameters.append(after[0] * before[0] * layer[2] ** 2 + (after[0] if layer[5] else 0))
                products.append(np.prod(after) * before[0] * layer[2] ** 2)
            elif layer[0] == "linear":
                parameters.append(layer[1] * (np.prod(before) + 1))
                products.append(layer[1] * np.prod(before))
            elif layer[0] == "batch norm":
                parameters.append(2 * before[0])
        return sum(parameters), sum(products)
    """,
)
way(
    "network_cost",
    "by recursion",
    """
    def network_cost(layers, shape):
        if len(layers) == 0:
            return [0, 0]
        (kind, *numbers), (c, h, w) = layers[0], shape
        here, after = (0, 0), shape
        if kind == "conv":
            out, k, stride, pad, bias = numbers
            *here, h, w = conv_cost(c, out, k, h, w, stride, pad, bias)
            after = (out, h, w)
        elif kind == "batch norm":
            here = (2 * c, 0)
        elif kind == "pool":
            after = (c, h // numbers[0], w // numbers[0])
        elif kind == "linear":
            here = ((c * h * w + 1) * numbers[0], c * h * w * numbers[0])
            after = (numbers[0], 1, 1)
        rest = network_cost(layers[1:], after)
        return [here[0] + rest[0], here[1] + rest[1]]
    """,
)

way(
    "accuracy_interval",
    "with counts",
    """
    def accuracy_interval(correct, z=1.96):
        n, x = len(correct), int(np.count_nonzero(correct))
        middle = (x + z * z / 2) / (n + z * z)
        half = z * math.sqrt(x * (n - x) / n + z * z / 4) / (n + z * z)
        return x / n, middle - half, middle + half
    """,
)
way(
    "accuracy_interval",
    "the two roots of the quadratic, in an array",
    """
    def accuracy_interval(correct, z=1.96):
        N = correct.size
        p = correct.sum() / N
        a, b, c = 1 + z**2 / N, -(2 * p + z**2 / N), p**2
        root = np.sqrt(max(b**2 - 4 * a * c, 0))
        return np.array([p, (-b - root) / (2 * a), (-b + root) / (2 * a)])
    """,
)
way(
    "accuracy_interval",
    "in single precision, cut at 0 and 1",
    """
    def accuracy_interval(correct, z=1.96):
        n, z = np.float32(len(correct)), np.float32(z)
        p = np.mean(correct, dtype=np.float32)
        shrink = np.float32(1) / (1 + z * z / n)
        half = z * shrink * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        middle = shrink * (p + z * z / (2 * n))
        return p, np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    """,
)
way(
    "accuracy_interval",
    "a list, with a loop over the answers",
    """
    def accuracy_interval(correct, z=1.96):
        right = total = 0
        for c in correct:
            right, total = right + bool(c), total + 1
        p, u = right / total, z**2 / total
        half = z * ((p * (1 - p) + u / 4) / total) ** 0.5
        return [p, (p + u / 2 - half) / (1 + u), (p + u / 2 + half) / (1 + u)]
    """,
)

way(
    "paired_gain",
    "one image after another",
    """
    def paired_gain(before, after):
        d = [int(a) - int(b) for b, a in zip(before, after)]
        mean = sum(d) / len(d)
        variance = sum((x - mean) ** 2 for x in d) / (len(d) - 1)
        return mean, math.sqrt(variance / len(d))
    """,
)
way(
    "paired_gain",
    "from the images won and lost",
    """
    def paired_gain(before, after):
        N = len(before)
        won, lost = np.sum(after & ~before), np.sum(before & ~after)
        gain = (won - lost) / N
        return np.array([gain, np.sqrt((won + lost - N * gain**2) / (N - 1) / N)])
    """,
)
way(
    "paired_gain",
    "with the covariance",
    """
    def paired_gain(before, after):
        both = np.cov(np.stack([before, after]).astype(float))
        variance = both[0, 0] + both[1, 1] - both[0, 1] - both[1, 0]
        return [after.mean() - before.mean(), np.sqrt(variance / len(before))]
    """,
)
way(
    "paired_gain",
    "in single precision, with np.subtract",
    """
    def paired_gain(before, after):
        d = np.subtract(after, before, dtype=np.float32)
        return np.mean(d), np.std(d, ddof=1) / np.sqrt(np.float32(d.size))
    """,
)

way(
    "paired_gain",
    "in single precision, divided by a root in double precision",
    """
    def paired_gain(before, after):
        d = after.astype(np.float32) - before
        return d.mean(), d.std(ddof=1) / np.sqrt(len(d))
    """,
)
way(
    "seed_gains",
    "slices of the array itself",
    """
    def seed_gains(accuracies):
        g = accuracies[1:] - accuracies[:-1]
        return g.mean(axis=1), g.std(axis=1, ddof=1) / np.sqrt(g.shape[1])
    """,
)

way(
    "seed_gains",
    "in single precision",
    """
    def seed_gains(accuracies):
        g = np.diff(np.asarray(accuracies, dtype=np.float32), axis=0)
        return g.mean(axis=1), g.std(axis=1, ddof=1) / np.sqrt(g.shape[1])
    """,
)

way(
    "seed_gains",
    "rung by rung",
    """
    def seed_gains(accuracies):
        gains, errors = [], []
        for lower, upper in zip(accuracies[:-1], accuracies[1:]):
            g = [u - l for l, u in zip(lower, upper)]
            mean = sum(g) / len(g)
            gains.append(mean)
            errors.append(math.sqrt(sum((x - mean) ** 2 for x in g) / (len(g) - 1) / len(g)))
        return np.array(gains), np.array(errors)
    """,
)
way(
    "seed_gains",
    "with slices, sums and einsum",
    """
    def seed_gains(accuracies):
        a = np.array(accuracies, dtype=float)
        g = a[1:] - a[:-1]
        S = g.shape[-1]
        mean = g.sum(-1, keepdims=True) / S
        error = np.sqrt(np.einsum("rs,rs->r", g - mean, g - mean) / (S * (S - 1)))
        return [mean[:, 0], error]
    """,
)
way(
    "seed_gains",
    "a difference of means, lists of numbers",
    """
    def seed_gains(accuracies):
        a = np.asarray(accuracies)
        means = a.mean(axis=1)
        pairs = [a[r + 1] - a[r] for r in range(len(a) - 1)]
        errors = [(np.var(g, ddof=1) / len(g)) ** 0.5 for g in pairs]
        return [means[r + 1] - means[r] for r in range(len(pairs))], errors
    """,
)
