"""The networks of unit 04's experiments: many layers of one width, and what may be changed about them."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.device import nn, torch

WIDTH = 64
CHANNELS = 16
LEAK = 0.1
MakeBlock = Callable[[int], nn.Module]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky relu": lambda: nn.LeakyReLU(LEAK),
    "elu": nn.ELU,
}
VARIANCES: dict[str, Callable[[int, int], float]] = {  # of the weights; biases are 0
    "Glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "He": lambda fan_in, fan_out: 2 / fan_in,
}


@dataclass(frozen=True)
class Way:
    """What a deep network is made of. `init` "default" is PyTorch's, of weights and of biases."""

    activation: str
    init: str = "default"
    norm: bool = False  # batch norm behind every hidden linear layer
    skip: bool = False  # every two layers of `width` by `width` become relu(x + F(x))


BASE = "ReLU"
WAYS: dict[str, Way] = {
    "sigmoid": Way("sigmoid"),
    "sigmoid, Glorot": Way("sigmoid", "Glorot"),
    "tanh, Glorot": Way("tanh", "Glorot"),
    BASE: Way("relu"),
    "ReLU, Glorot": Way("relu", "Glorot"),
    "ReLU, He": Way("relu", "He"),
    "ReLU, batch norm": Way("relu", norm=True),
    "ReLU, skips": Way("relu", skip=True),
    "ReLU, He, skips": Way("relu", "He", skip=True),
    "ReLU, He, batch norm, skips": Way("relu", "He", norm=True, skip=True),
}


class Skip(nn.Module):
    """after(keep x + scale F(x)), with `branch` as F."""

    def __init__(
        self, branch: nn.Module, after: nn.Module | None = None, keep: float = 1.0, scale: float = 1.0
    ) -> None:
        super().__init__()
        self.branch, self.after = branch, after or nn.Identity()
        self.keep, self.scale = keep, scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, D) -> (N, D)."""
        return self.after(self.keep * x + self.scale * self.branch(x))


def linear(inputs: int, outputs: int, init: str = "default") -> nn.Linear:
    """A linear layer with weights and biases drawn as `init` says."""
    layer = nn.Linear(inputs, outputs)
    if init in VARIANCES:
        nn.init.normal_(layer.weight, std=VARIANCES[init](inputs, outputs) ** 0.5)
        nn.init.constant_(layer.bias, 0.0)
    return layer


def dense(way: Way, depth: int, inputs: int, seed: int = 0, width: int = WIDTH) -> nn.Sequential:
    """Images of `inputs` numbers through `depth` hidden layers to ten scores.

    With skips: the first layer, then blocks of two layers, and one more plain layer where `depth` is even.
    So a network of two layers has no block.
    """
    torch.manual_seed(seed)

    def layer(inputs: int, last: bool = False) -> list[nn.Module]:
        found: list[nn.Module] = [linear(inputs, width, way.init)]
        if way.norm:
            found.append(nn.BatchNorm1d(width))
        return found if last else [*found, ACTIVATIONS[way.activation]()]

    modules = [nn.Flatten(), *layer(inputs)]
    blocks = (depth - 1) // 2 if way.skip else 0
    for _ in range(blocks):
        branch = nn.Sequential(*layer(width), *layer(width, last=True))
        modules.append(Skip(branch, ACTIVATIONS[way.activation]()))
    for _ in range(depth - 1 - 2 * blocks):
        modules += layer(width)
    return nn.Sequential(*modules, linear(width, 10, way.init))


FORMS = (
    "no skip",
    "full scale",
    "branch / sqrt(L)",
    "last layer zero",
    "batch norm in the branch",
    "0.5 x + branch",
    "0.5 x + branch / sqrt(L)",
    "0.5 x, last layer zero",
)


def block_net(form: str, blocks: int, inputs: int, seed: int = 0, width: int = WIDTH) -> nn.Sequential:
    """One layer, so many pre-activation blocks of two layers with He weights, ReLU, and ten scores.

    The blocks are those of `depth_signals.block_forms`: y = keep x + scale relu(relu(x) W1) W2.
    """
    torch.manual_seed(seed)
    modules: list[nn.Module] = [nn.Flatten(), linear(inputs, width, "He")]
    for _ in range(blocks):
        last = linear(width, width, "He")
        if form.endswith("last layer zero"):
            nn.init.constant_(last.weight, 0.0)
        inner = [nn.ReLU(), linear(width, width, "He"), nn.ReLU(), last]
        if form == "batch norm in the branch":
            inner.append(nn.BatchNorm1d(width))
        if form == "no skip":
            modules += inner
        else:
            keep = 0.5 if form.startswith("0.5") else 1.0
            scale = blocks**-0.5 if form.endswith("sqrt(L)") else 1.0
            modules.append(Skip(nn.Sequential(*inner), keep=keep, scale=scale))
    return nn.Sequential(*modules, nn.ReLU(), linear(width, 10, "He"))


def plain_net(depth: int, channels: int = 3, activation: str = "relu", seed: int = 0) -> nn.Sequential:
    """Images (N, channels, 16, 16) through `depth` linear layers and activations, all as PyTorch has them."""
    return dense(Way(activation), depth, channels * 16 * 16, seed)


def conv_net(make_block: MakeBlock, blocks: int, channels: int = 3, seed: int = 0) -> nn.Sequential:
    """A convolution 3x3 to CHANNELS channels, ReLU, blocks, the mean over the image, ten scores.

    Images are (N, channels, 16, 16); `make_block(CHANNELS)` returns a module that keeps the shape.
    """
    torch.manual_seed(seed)
    first = [nn.Conv2d(channels, CHANNELS, 3, padding=1), nn.ReLU()]
    inner = [make_block(CHANNELS) for _ in range(blocks)]
    return nn.Sequential(*first, *inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS, 10))
