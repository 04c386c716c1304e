"""The networks of unit 03's experiments, and the layers that the library lacks."""

from collections.abc import Callable
from typing import Any

from lab.device import nn, torch
from lab.nets import batch_norm, no_norm, small_cnn

MakeLayer = Callable[[int], nn.Module | None]
MakeLinear = Callable[[int, int], nn.Module]

GROUPS = 4  # of 4, 8, 8, 16, 16 channels in `small_cnn`
EPS = 1e-3  # on the diagonal of a covariance
NEWTON_STEPS = 5
INPUT = "instance at the input"
FIRST_BATCH = "weight norm, first batch"


def layer_norm(channels: int) -> nn.Module:
    """Layer norm over (C, H, W) with a scale and a shift per channel: one group."""
    return nn.GroupNorm(1, channels)


def group_norm(channels: int) -> nn.Module:
    """Group norm with GROUPS groups."""
    return nn.GroupNorm(GROUPS, channels)


def instance_norm(channels: int) -> nn.Module:
    """Instance norm with a scale and a shift per channel."""
    return nn.InstanceNorm2d(channels, affine=True)


NORMS: dict[str, MakeLayer] = {
    "none": no_norm,
    "batch norm": batch_norm,
    "layer norm": layer_norm,
    "group norm": group_norm,
    "instance norm": instance_norm,
    INPUT: batch_norm,
}


def image_net(name: str, make: MakeLayer, seed: int) -> nn.Sequential:
    """A `small_cnn` with this layer behind each convolution."""
    net = small_cnn(make, seed=seed)
    return nn.Sequential(nn.InstanceNorm2d(3), *net) if name == INPUT else net


class Whitening(nn.Module):
    """Decorrelated batch norm with a scale and a shift: y = (x - mu) W^T, W by "ZCA", "PCA" or Newton-Schulz.

    x: (N, D). In eval mode mu and W are running means, as Huang et al. (2018) keep them.
    """

    running_mean: torch.Tensor
    running_matrix: torch.Tensor

    def __init__(self, features: int, form: str, momentum: float = 0.1) -> None:
        super().__init__()
        self.form, self.momentum = form, momentum
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_matrix", torch.eye(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, D) -> (N, D)."""
        if self.training:
            mean = x.mean(0)
            centred = x - mean
            spread = EPS * torch.eye(x.shape[1], device=x.device)
            matrix = whitening_matrix(centred.T @ centred / len(x) + spread, self.form)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_matrix.lerp_(matrix, self.momentum)
        else:
            centred, matrix = x - self.running_mean, self.running_matrix
        return centred @ matrix.T * self.weight + self.bias


def whitening_matrix(covariance: torch.Tensor, form: str) -> torch.Tensor:
    """W with W Sigma W^T = I for a covariance (D, D); for "Newton-Schulz" nearly."""
    if form == "Newton-Schulz":
        size = covariance.trace()
        p = torch.eye(len(covariance), device=covariance.device)
        for _ in range(NEWTON_STEPS):
            p = p @ (1.5 * torch.eye(len(p), device=p.device) - p @ p @ covariance / (2 * size))
        return p / size.sqrt()
    values, axes = torch.linalg.eigh(covariance)
    principal = (axes / values.sqrt()).T
    return axes @ principal if form == "ZCA" else principal


WHITENERS: dict[str, MakeLayer] = {
    "none": no_norm,
    "batch norm": nn.BatchNorm1d,
    **{form: lambda n, form=form: Whitening(n, form) for form in ("ZCA", "PCA", "Newton-Schulz")},  # type: ignore[misc]
}


def dense_net(make_linear: MakeLinear, make: MakeLayer, width: int, scale: float, seed: int) -> nn.Sequential:
    """Two hidden layers for digits of 8x8: linear -> [layer] -> ReLU, twice, and ten scores.

    Rows of weights are He's (He et al. 2015) times `scale`; with weight norm they are v, and g = |v|.
    """
    first, second, last = make_linear(64, width), make_linear(width, width), make_linear(width, 10)
    torch.manual_seed(seed)
    for linear in (first, second, last):
        _initialise(linear, scale)
    layers: list[nn.Module] = [nn.Flatten()]
    for linear in (first, second):
        norm = make(width)
        layers += [linear, *([] if norm is None else [norm]), nn.ReLU()]
    return nn.Sequential(*layers, last)


def linears(net: nn.Module) -> list[nn.Module]:
    """The linear layers of a network, the student's own ones, which have a `v`, too."""
    return [m for m in net.modules() if isinstance(m, nn.Linear) or hasattr(m, "v")]


def directions(linear: nn.Module) -> torch.Tensor:
    """v (outputs, inputs) of a layer with weight norm, or the weights of one without."""
    layer: Any = linear
    if hasattr(layer, "v"):
        return layer.v
    return layer.parametrizations.weight.original1 if hasattr(layer, "parametrizations") else layer.weight


def gains(linear: nn.Module) -> torch.Tensor | None:
    """g of a layer with weight norm, (outputs,) or (outputs, 1)."""
    layer: Any = linear
    if hasattr(layer, "g"):
        return layer.g
    return layer.parametrizations.weight.original0 if hasattr(layer, "parametrizations") else None


@torch.no_grad()
def _initialise(linear: nn.Module, scale: float) -> None:
    v, g = directions(linear), gains(linear)
    nn.init.kaiming_normal_(v, nonlinearity="relu")
    v *= scale
    if g is not None:
        g.copy_(v.norm(dim=1).view_as(g))
    nn.init.zeros_(linear.bias)  # type: ignore[arg-type]


def weight_norm(inputs: int, outputs: int) -> nn.Module:
    """The library's linear layer with weight normalization."""
    return nn.utils.parametrizations.weight_norm(nn.Linear(inputs, outputs))


WEIGHTS: dict[str, tuple[MakeLinear, MakeLayer]] = {
    "plain": (nn.Linear, no_norm),
    "batch norm": (nn.Linear, nn.BatchNorm1d),
    "weight norm": (weight_norm, no_norm),
    FIRST_BATCH: (weight_norm, no_norm),
}


@torch.no_grad()
def scale_by_first_batch(net: nn.Sequential, x: torch.Tensor) -> None:
    """Choose g and the bias so that each unit has mean 0 and variance 1 on these images.

    Salimans and Kingma (2016), equations 5 and 6; their t has g = 1 and no bias.
    """
    for layer in net:
        g = gains(layer)
        if g is not None:
            unscaled = x @ nn.functional.normalize(directions(layer), dim=1).T
            spread, mean = torch.std_mean(unscaled, dim=0, correction=0)
            g.copy_((1 / spread).view_as(g))
            layer.bias.copy_(-mean / spread)  # type: ignore[operator]
        x = layer(x)


class Reader(nn.Module):
    """A tanh network that reads an image (N, 1, H, W) row by row: a_t = norm(W h + U x_t), h = tanh(a_t).

    `norms` has one layer for all steps, or one per step; further steps take the last one. The scores are of
    the last h.
    """

    def __init__(self, norms: list[nn.Module], inputs: int, width: int, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.norms = nn.ModuleList(norms)
        self.read = nn.Linear(inputs, width)
        self.keep = nn.Linear(width, width, bias=False)
        self.scores = nn.Linear(width, 10)
        nn.init.xavier_uniform_(self.read.weight)
        nn.init.orthogonal_(self.keep.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores (N, 10)."""
        seen = self.read(x[:, 0])  # all rows at once: (N, H, width)
        h = torch.zeros_like(seen[:, 0])
        for step in range(seen.shape[1]):
            norm = self.norms[min(step, len(self.norms) - 1)]
            h = norm(self.keep(h) + seen[:, step]).tanh()
        return self.scores(h)


RECURRENT: dict[str, MakeLayer] = {
    "none": lambda n: nn.Identity(),
    "layer norm": nn.LayerNorm,
    "batch norm": nn.BatchNorm1d,
    "batch norm per step": nn.BatchNorm1d,
}
