"""What 20 random layers make of a batch on the way up, and of a random gradient on the way down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lab.plots import BLUE, ORANGE, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEPTH, WIDTH, N = 20, 50, 40
EPS = 1e-5
LEAK = 0.1


@dataclass
class Layer:
    """One layer after its forward pass: W (D, M), the normalized or plain z (n, M), its output (n, M)."""

    W: np.ndarray
    z: np.ndarray
    root: np.ndarray | None  # sqrt(var + eps) of each unit, where there is batch normalization
    output: np.ndarray


def weight_std(initializer: str, fan_in: int, fan_out: int) -> float:
    """The standard deviation of the weights (Glorot and Bengio 2010; He et al. 2015)."""
    return {"fixed": 0.1, "glorot": (2 / (fan_in + fan_out)) ** 0.5, "he": (2 / fan_in) ** 0.5}[initializer]


def activate(z: np.ndarray, name: str) -> np.ndarray:
    """The activation `name` of z, of any shape."""
    if name == "sigmoid":
        return 1 / (1 + np.exp(-z))
    if name == "tanh":
        return np.tanh(z)
    return np.where(z > 0, z, {"relu": 0.0, "leaky": LEAK}[name] * z)


def slope(a: np.ndarray, name: str) -> np.ndarray:
    """The derivative of the activation `name`, at the place where its output is a."""
    if name == "sigmoid":
        return a * (1 - a)
    if name == "tanh":
        return 1 - a**2
    return np.where(a > 0, 1.0, {"relu": 0.0, "leaky": LEAK}[name])


def forward(x: np.ndarray, weights: list[np.ndarray], activation: str, normalize: bool) -> list[Layer]:
    """A batch x (n, D) through the layers: linear, batch normalization if asked for, activation."""
    layers: list[Layer] = []
    for W in weights:
        z, root = (layers[-1].output if layers else x) @ W, None
        if normalize:
            root = np.sqrt(z.var(axis=0) + EPS)
            z = (z - z.mean(axis=0)) / root
        layers.append(Layer(W, z, root, activate(z, activation)))
    return layers


def backward(layers: list[Layer], dout: np.ndarray, activation: str) -> list[np.ndarray]:
    """The gradient with respect to the output of each layer, given that of the last, dout (n, M)."""
    gradients = [dout]
    for layer in layers[:0:-1]:
        dz = gradients[0] * slope(layer.output, activation)
        if layer.root is not None:
            dz = (dz - dz.mean(axis=0) - layer.z * (dz * layer.z).mean(axis=0)) / layer.root
        gradients.insert(0, dz @ layer.W.T)
    return gradients


def signal_std(output: np.ndarray) -> float:
    """The std of each unit over the examples, averaged over the units: what of the input arrives."""
    return float(output.std(axis=0).mean())


@house_style
def plot() -> Figure:
    """ReLU with weights that are too small, with those of He, and too small with batch normalization."""
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(4)
    z = rng.normal(size=(DEPTH, WIDTH, WIDTH))
    x, dout = rng.normal(size=(2, N, WIDTH))
    networks = {"std 0.1": ("fixed", False), "He": ("he", False), "std 0.1, batch norm": ("fixed", True)}
    picture, axes = plt.subplots(2, 3, figsize=(7.6, 4.4), sharex=True, sharey="row", layout="constrained")
    plt.close(picture)
    for (upper, lower), (title, (initializer, normalize)) in zip(axes.T, networks.items(), strict=True):
        layers = forward(x, list(weight_std(initializer, WIDTH, WIDTH) * z), "relu", normalize)
        gradients = backward(layers, dout, "relu")
        for place, layer in enumerate(layers, start=1):
            shares, edges = np.histogram(layer.output.clip(0, 3), bins=24, range=(0, 3))
            width = 0.9 * np.minimum(1, 10 * shares / layer.output.size)
            upper.barh(edges[:-1], width, np.diff(edges), place - width / 2, align="edge", color=BLUE)
        lower.semilogy(
            range(1, 21), [signal_std(layer.output) for layer in layers], "o", c=BLUE, label="activations"
        )
        lower.semilogy(
            range(1, 21), [g.std() for g in gradients], "s", c=ORANGE, mfc="none", label="gradient"
        )
        upper.set(title=title)
        lower.set(xlabel="layer", xticks=(1, 5, 10, 15, 20), ylim=(1e-7, 1e3))
    axes[0, 0].set_ylabel("activations")
    axes[1, 0].set_ylabel("standard deviation")
    axes[1, 0].legend(loc="upper right")
    return picture
