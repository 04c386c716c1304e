"""Unit 04, without torch: what many random layers make of a batch on the way up, and of a gradient down.

    from lab.experiments import depth_signals as signals
    records = signals.probe()                        # every activation with every initializer, 20 layers
    records = signals.probe(
        activations={"relu": (relu, relu_backward)},          # f(z) and backward(dout, z) -> dz
        initializers={"He": he_normal},                       # (fan_in, fan_out, rng) -> W (fan_in, fan_out)
        depth=20, width=500, examples=200, seed=0)
    signals.plot_stds(records)                # std of the activations by layer, a panel per activation
    signals.plot_stds(records, "signal")      # of each unit over the examples: what of the input arrives
    signals.plot_gradients(records)           # |dW| by layer, on the way down from a random gradient
    signals.plot_gradients(records, "upstream")     # std of dL/da by layer
    signals.plot_histograms(records, "relu")  # distributions of activations and gradients, by initializer

    records = signals.probe_blocks()                 # skip connections: the forms of BLOCKS, 20 blocks
    records = signals.probe_blocks({"mine": (residual_block, residual_block_backward)})
    #          forward(x, W1, W2) -> y; backward(dout, x, W1, W2) -> dx, dW1, dW2; He weights in both layers
    signals.plot_blocks(records)              # std of the output, and of the gradient, by block

    records = signals.products()                     # var(XY) measured, and by `product_variance`
    records = signals.products(product_variance)     # (mean_x, var_x, mean_y, var_y) -> variance
    signals.plot_products(records)
    records = signals.convolutions()                 # var(z) of a convolution, weights by two fan_ins
    records = signals.convolutions(fan_in_and_out)   # ((out, in, k, k)) -> fan_in, fan_out
    signals.plot_convolutions(records)

Functions that are left out are this module's own. Inputs and the gradient that comes from above are standard
normal numbers; layers are width by width and have no bias. All plots take the results of the study, too.

probe: dicts {activation, init, depth, width, examples, seed, and lists from the first layer to the last: std:
of all numbers, signal: std of each unit over the examples, averaged over the units, rms: root mean square,
zeros: share that is exactly 0, flat: share of z where the slope is below FLAT, gradient: Frobenius norm of dW
(for the mean over the examples), upstream: std of dL/da of this layer; histograms: [{layer, activations:
share of each bin of `bins`, gradients: share of each bin of log10 |dL/dz| over DECADES, where a 0 is in no
bin}], bins: edges}.
probe_blocks: dicts {block, depth, width, examples, seed, std, gradient: std of dL/dx, lists from block 1 on}.
products: dicts {what, seed, measured, formula, "var(X) var(Y)"}. convolutions: dicts {kernel, channels, seed,
rule: "C" or "C k k", var: of z over that of x; 2 is what He wants}.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.experiments.results import Results
from lab.figures.deep_signal import activate, signal_std, slope
from lab.plots import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, figure, house_style, looks, mean_and_range

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Forward = Callable[[np.ndarray], np.ndarray]
Backward = Callable[[np.ndarray, np.ndarray], np.ndarray]
Initializer = Callable[[int, int, np.random.Generator], np.ndarray]
BlockForward = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
BlockBackward = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]

DEPTH, WIDTH, EXAMPLES = 20, 500, 200
FLAT = 0.01  # a slope below this passes less than a hundredth of the gradient
SHOWN = (1, 5, 10, 20)  # layers whose distributions are kept
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, 3.0)}
OTHER_RANGE = (-1.0, 3.0)
DECADES = (-20.0, 10.0)
BINS = 30


def _elu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, np.expm1(np.minimum(z, 0)))


def _pair(name: str) -> tuple[Forward, Backward]:
    return partial(activate, name=name), lambda dout, z: dout * slope(activate(z, name), name)


ACTIVATIONS: dict[str, tuple[Forward, Backward]] = {
    **{name: _pair(name) for name in ("sigmoid", "tanh", "relu")},
    "leaky relu": _pair("leaky"),  # with slope 0.1
    "elu": (_elu, lambda dout, z: dout * np.exp(np.minimum(z, 0))),
}


def normal(variance: Callable[[int, int], float], fan_in: int, fan_out: int, rng: Any) -> np.ndarray:
    """Weights (fan_in, fan_out) with mean 0 and the variance that belongs to these numbers."""
    return rng.normal(0, variance(fan_in, fan_out) ** 0.5, (fan_in, fan_out))


def default(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
    """PyTorch's default for a linear layer: uniform within 1/sqrt(fan_in), a variance of 1 / (3 fan_in)."""
    return rng.uniform(-(fan_in**-0.5), fan_in**-0.5, (fan_in, fan_out))


INITIALIZERS: dict[str, Initializer] = {
    "std 0.01": partial(normal, lambda fan_in, fan_out: 0.01**2),
    "default": default,
    "Glorot": partial(normal, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "He": partial(normal, lambda fan_in, fan_out: 2 / fan_in),
    "3 x He": partial(normal, lambda fan_in, fan_out: 3**2 * 2 / fan_in),
}
HE = INITIALIZERS["He"]


def probe(
    activations: Mapping[str, tuple[Forward, Backward]] | None = None,
    initializers: Mapping[str, Initializer] | None = None,
    *,
    depth: int = DEPTH,
    width: int = WIDTH,
    examples: int = EXAMPLES,
    seed: int = 0,
) -> list[Results]:
    """A batch up through `depth` layers and a gradient down, for each activation with each initializer."""
    records = []
    for activation, functions in (activations or ACTIVATIONS).items():
        for init, draw in (initializers or INITIALIZERS).items():
            rng = np.random.default_rng(seed)
            x, dout = rng.normal(size=(2, examples, width))
            weights = [draw(width, width, rng) for _ in range(depth)]
            at = {"activation": activation, "init": init, "depth": depth, "width": width}
            found = _measured(x, dout, weights, *functions, RANGES.get(activation, OTHER_RANGE))
            records.append({**at, "examples": examples, "seed": seed, **found})
    return records


def _measured(
    x: np.ndarray,
    dout: np.ndarray,
    weights: Sequence[np.ndarray],
    forward: Forward,
    backward: Backward,
    limits: tuple[float, float],
) -> Results:
    inputs, zs = [x], []
    dzs: list[np.ndarray] = []
    for weight in weights:
        zs.append(inputs[-1] @ weight)
        inputs.append(forward(zs[-1]))
    outputs = inputs[1:]
    upstream = [dout]
    for weight, z in zip(weights[::-1], zs[::-1], strict=True):
        dzs.insert(0, backward(upstream[0], z))
        upstream.insert(0, dzs[0] @ weight.T)
    edges = np.linspace(*limits, BINS + 1)
    return {
        "std": [float(a.std()) for a in outputs],
        "signal": [signal_std(a) for a in outputs],
        "rms": [float(np.sqrt(np.mean(a**2))) for a in outputs],
        "zeros": [float(np.mean(a == 0)) for a in outputs],
        "flat": [float(np.mean(np.abs(backward(np.ones_like(z), z)) < FLAT)) for z in zs],
        "gradient": [
            float(np.linalg.norm(a.T @ dz) / len(x)) for a, dz in zip(inputs[:-1], dzs, strict=True)
        ],
        "upstream": [float(d.std()) for d in upstream[1:]],
        "bins": edges.tolist(),
        "histograms": [
            {
                "layer": layer,
                "activations": _shares(outputs[layer - 1], edges),
                "gradients": _shares(_log10(dzs[layer - 1]), np.linspace(*DECADES, BINS + 1)),
            }
            for layer in SHOWN
            if layer <= len(weights)
        ],
    }


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    """The share of the values in each bin; what is beyond the outer bins counts there, NaN nowhere."""
    inside = np.clip(values, edges[0], edges[-1])
    return [round(float(share), 5) for share in np.histogram(inside, edges)[0] / values.size]


def _log10(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        logs = np.log10(np.abs(values))
    return np.where(np.isneginf(logs), np.nan, logs)


def _relu(z: np.ndarray) -> np.ndarray:
    return z * (z > 0)


class Block:
    """y = keep x + F(x), F(x) = scale relu(relu(x) W1) W2, normalized over the batch if asked for.

    Nothing but a factor is on the path of the identity: a pre-activation block (He et al. 2016b).
    """

    def __init__(self, keep: float = 1.0, scale: float = 1.0, normalized: bool = False) -> None:
        self.keep, self.scale, self.normalized = keep, scale, normalized

    def forward(self, x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        branch = _relu(_relu(x) @ W1) @ W2
        if self.normalized:
            branch = (branch - branch.mean(axis=0)) / branch.std(axis=0)
        return self.keep * x + self.scale * branch

    def backward(
        self, dout: np.ndarray, x: np.ndarray, W1: np.ndarray, W2: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dW1, dW2."""
        first, dbranch = _relu(x), self.scale * dout
        z = first @ W1
        second = _relu(z)
        if self.normalized:
            branch = second @ W2
            y = (branch - branch.mean(axis=0)) / branch.std(axis=0)
            centred = dbranch - dbranch.mean(axis=0) - y * (dbranch * y).mean(axis=0)
            dbranch = centred / branch.std(axis=0)
        dz = (z > 0) * (dbranch @ W2.T)
        return self.keep * dout + (x > 0) * (dz @ W1.T), first.T @ dz, second.T @ dbranch


class PostActivation:
    """y = relu(x + relu(x W1) W2), a residual block as He et al. (2016a) have it."""

    def forward(self, x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        return _relu(x + _relu(x @ W1) @ W2)

    def backward(
        self, dout: np.ndarray, x: np.ndarray, W1: np.ndarray, W2: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dW1, dW2."""
        z = x @ W1
        hidden = _relu(z)
        dsum = ((x + hidden @ W2) > 0) * dout
        dz = (z > 0) * (dsum @ W2.T)
        return dsum + dz @ W1.T, x.T @ dz, hidden.T @ dsum


class OneLayer:
    """y = x + relu(x W1): a branch that only adds, and so moves the mean as well. W2 is not used."""

    def forward(self, x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        return x + _relu(x @ W1)

    def backward(
        self, dout: np.ndarray, x: np.ndarray, W1: np.ndarray, W2: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dW1, dW2."""
        dz = (x @ W1 > 0) * dout
        return dout + dz @ W1.T, x.T @ dz, np.zeros_like(W2)


class Plain:
    """Two layers without a skip: y = relu(relu(x W1) W2)."""

    def forward(self, x: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
        """(N, D) -> (N, D)."""
        return _relu(_relu(x @ W1) @ W2)

    def backward(
        self, dout: np.ndarray, x: np.ndarray, W1: np.ndarray, W2: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dW1, dW2."""
        z = x @ W1
        hidden = _relu(z)
        dsum = (hidden @ W2 > 0) * dout
        dz = (z > 0) * (dsum @ W2.T)
        return dz @ W1.T, x.T @ dz, hidden.T @ dsum


def block_forms(depth: int) -> dict[str, tuple[BlockForward, BlockBackward, float]]:
    """Forward, backward and the factor that the weights of the last layer get, for so many blocks."""
    forms: dict[str, tuple[Any, float]] = {
        "no skip": (Plain(), 1.0),
        "full scale": (Block(), 1.0),
        "full scale, relu behind the sum": (PostActivation(), 1.0),
        "full scale, one layer, relu at its end": (OneLayer(), 1.0),
        "branch / sqrt(L)": (Block(scale=depth**-0.5), 1.0),
        "last layer zero": (Block(), 0.0),
        "batch norm in the branch": (Block(normalized=True), 1.0),
        "0.5 x + branch": (Block(keep=0.5), 1.0),
        "0.5 x + branch / sqrt(L)": (Block(keep=0.5, scale=depth**-0.5), 1.0),
        "0.5 x, last layer zero": (Block(keep=0.5), 0.0),
    }
    return {name: (block.forward, block.backward, factor) for name, (block, factor) in forms.items()}


BLOCKS = tuple(block_forms(DEPTH))


def probe_blocks(
    blocks: Mapping[str, tuple[BlockForward, BlockBackward]] | None = None,
    *,
    init: Initializer = HE,
    depth: int = DEPTH,
    width: int = WIDTH,
    examples: int = EXAMPLES,
    seed: int = 0,
) -> list[Results]:
    """A batch up through `depth` blocks and a gradient down: for the forms of BLOCKS, or for blocks given."""
    own = {name: (*functions, 1.0) for name, functions in (blocks or {}).items()}
    records = []
    for name, (forward, backward, factor) in (own or block_forms(depth)).items():
        rng = np.random.default_rng(seed)
        x, dout = rng.normal(size=(2, examples, width))
        weights = [(init(width, width, rng), factor * init(width, width, rng)) for _ in range(depth)]
        inputs, gradients = [x], [dout]
        for W1, W2 in weights:
            inputs.append(forward(inputs[-1], W1, W2))
        for (W1, W2), block_input in zip(weights[::-1], inputs[-2::-1], strict=True):
            gradients.insert(0, backward(gradients[0], block_input, W1, W2)[0])
        records.append(
            {
                "block": name,
                "depth": depth,
                "width": width,
                "examples": examples,
                "seed": seed,
                "std": [float(y.std()) for y in inputs[1:]],
                "gradient": [float(d.std()) for d in gradients[:-1]],
            }
        )
    return records


def product_variance(mean_x: float, var_x: float, mean_y: float, var_y: float) -> float:
    """The variance of the product of two independent random variables (Goodman 1960)."""
    return (var_x + mean_x**2) * (var_y + mean_y**2) - (mean_x * mean_y) ** 2


def products(
    variance: Callable[[float, float, float, float], float] = product_variance,
    *,
    draws: int = 1_000_000,
    seed: int = 0,
) -> list[Results]:
    """The variance of XY for pairs of independent variables: of so many draws, and by the function."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, 0.5, draws)
    pairs = {
        "both with mean 0": (rng.normal(0, 2, draws), weight),
        "weight x pixel in [0, 1]": (rng.uniform(0, 1, draws), weight),
        "weight x relu(z)": (_relu(rng.normal(0, 1, draws)), weight),
        "both with a mean": (rng.normal(3, 1, draws), rng.uniform(0, 2, draws)),
    }
    return [
        {
            "what": what,
            "seed": seed,
            "measured": float((x * y).var()),
            "formula": float(variance(x.mean(), x.var(), y.mean(), y.var())),
            "var(X) var(Y)": float(x.var() * y.var()),
        }
        for what, (x, y) in pairs.items()
    ]


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    field = int(np.prod(shape[2:]))
    return shape[1] * field, shape[0] * field


def convolutions(
    fan_in_and_out: Callable[[tuple[int, ...]], tuple[int, int]] = _fans,
    *,
    examples: int = 2000,
    seed: int = 0,
) -> list[Results]:
    """var(z) / var(x) of a convolution with weights of variance 2 / fan_in, fan_in counted in two ways."""
    records = []
    for kernel in (1, 3, 5):
        for channels in (3, 16, 64):
            rng = np.random.default_rng(seed)
            patches = rng.normal(size=(examples, channels * kernel**2))
            shape = (32, channels, kernel, kernel)
            weights = rng.normal(size=shape).reshape(32, -1).T
            for rule, fan_in in (("C", channels), ("C k k", fan_in_and_out(shape)[0])):
                z = patches @ weights * (2 / fan_in) ** 0.5
                at = {"kernel": kernel, "channels": channels, "seed": seed, "rule": rule}
                records.append({**at, "var": float(z.var())})
    return records


LOOKS = looks(GREY, PURPLE, BLUE, GREEN, ORANGE, BLACK)


def _part(results: Results | list[Results], key: str) -> list[Results]:
    return results[key] if isinstance(results, dict) else results


def _names(records: list[Results], key: str) -> list[Any]:
    return list(dict.fromkeys(record[key] for record in records))


def _lines(records: list[Results], key: str) -> np.ndarray:
    """Numbers (seeds, layers); what is 0 has no place on a logarithmic axis."""
    values = np.array([record[key] for record in records], float)
    return np.where(values > 0, values, np.nan)


def _by_layer(records: list[Results], key: str, ylabel: str) -> "Figure":
    names = _names(records, "activation")
    fig, axes = figure(len(names), width=2.7, height=3.6, sharey=True, sharex=True)
    for ax, activation in zip(axes, names, strict=True):
        for init, look in zip(_names(records, "init"), LOOKS, strict=False):
            found = [r for r in records if (r["activation"], r["init"]) == (activation, init)]
            values = _lines(found, key)
            mean_and_range(ax, range(1, values.shape[1] + 1), values, label=init, **look)
        ax.set(title=activation, xlabel="layer", yscale="log")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel(ylabel)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return fig


@house_style
def plot_stds(results: Results | list[Results], key: str = "std") -> "Figure":
    """The standard deviation of the activations by layer, a panel per activation, a line per initializer.

    `key`: "std" of all numbers, or "signal", of each unit over the examples.
    """
    labels = {"std": "std of the activations", "signal": "std of a unit over the examples"}
    return _by_layer(_part(results, "signals"), key, labels[key])


@house_style
def plot_gradients(results: Results | list[Results], key: str = "gradient") -> "Figure":
    """The norm of the gradient of the weights by layer, or the std of dL/da with `key` "upstream".

    A random gradient comes from above.
    """
    labels = {"gradient": "norm of dW", "upstream": "std of dL/da"}
    return _by_layer(_part(results, "signals"), key, labels[key])


@house_style
def plot_histograms(results: Results | list[Results], activation: str = "relu") -> "Figure":
    """Distributions by layer: activations above, log10 |dL/dz| below, a column per initializer; one seed."""
    import matplotlib.pyplot as plt

    records = [r for r in _part(results, "signals") if r["activation"] == activation]
    if not records:
        raise ValueError(f"Expected an activation of these records, got {activation!r}.")
    records = [r for r in records if r["seed"] == records[0]["seed"]]
    fig, grid = plt.subplots(
        2, len(records), figsize=(2.5 * len(records), 5), squeeze=False, sharey="row", layout="constrained"
    )
    plt.close(fig)
    for (upper, lower), record in zip(grid.T, records, strict=True):
        for histogram, look in zip(record["histograms"], LOOKS[1:], strict=False):
            for ax, key, edges in (
                (upper, "activations", np.array(record["bins"])),
                (lower, "gradients", np.linspace(*DECADES, BINS + 1)),
            ):
                label = f"layer {histogram['layer']}"
                ax.stairs(histogram[key], edges, color=look["colour"], linewidth=1.8, label=label)
        upper.set(title=record["init"], xlabel="activation", ylim=(0, 1.02))
        lower.set(xlabel=r"$\log_{10}\,|\partial L / \partial z|$")
    for ax in grid[:, 0]:
        ax.set_ylabel("share")
    fig.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


@house_style
def plot_blocks(results: Results | list[Results]) -> "Figure":
    """The std of the output of each block, and of the gradient with respect to its input."""
    records = _part(results, "blocks")
    fig, axes = figure(2, width=4.6, height=4.6, sharex=True)
    dashes = ("-", "--")
    for place, name in enumerate(_names(records, "block")):
        found = [r for r in records if r["block"] == name]
        look = LOOKS[place % len(LOOKS)]
        for ax, key in zip(axes, ("std", "gradient"), strict=True):
            values = _lines(found, key)
            mean_and_range(ax, range(1, values.shape[1] + 1), values, label=name, **look)
            ax.lines[-1].set_linestyle(dashes[place // len(LOOKS)])
    axes[0].set(title="std of the output", xlabel="block", yscale="log")
    axes[1].set(title="std of the gradient", xlabel="block", yscale="log")
    for ax in axes:
        ax.xaxis.get_major_locator().set_params(integer=True)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    return fig


@house_style
def plot_products(results: Results | list[Results]) -> "Figure":
    """The measured variance of XY over what the formula says, and over the product of the variances."""
    records = _part(results, "products")
    names = _names(records, "what")
    fig, (ax,) = figure(width=6.4, height=1.2 + 0.5 * len(names))
    for key, look in (("formula", LOOKS[2]), ("var(X) var(Y)", LOOKS[4])):
        for place, what in enumerate(names):
            ratios = [r[key] / r["measured"] for r in records if r["what"] == what]
            ax.plot(
                ratios,
                [place] * len(ratios),
                look["marker"],
                color=look["colour"],
                label=key if place == 0 else None,
            )
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlabel("computed / measured variance of XY")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


@house_style
def plot_convolutions(results: Results | list[Results]) -> "Figure":
    """var(z) / var(x) over the size of the kernel, for weights of variance 2 / fan_in by both rules."""
    records = _part(results, "convolutions")
    fig, (ax,) = figure(width=5.4, height=3.6)
    kernels = _names(records, "kernel")
    for rule, label, look in (("C", "2 / C", LOOKS[4]), ("C k k", "2 / (C k k)", LOOKS[2])):
        values = [[r["var"] for r in records if (r["kernel"], r["rule"]) == (k, rule)] for k in kernels]
        mean_and_range(ax, kernels, np.array(values).T, label=label, **look)
    ax.axhline(2, color=GREY, linewidth=1)
    ax.set(xlabel="side k of the kernel", ylabel="var(z) / var(x)", yscale="log", xticks=kernels)
    ax.set_yticks([2, 10, 18, 50], ["2", "10", "18", "50"])
    ax.minorticks_off()
    ax.legend(title="variance of the weights", fontsize=9)
    return fig
