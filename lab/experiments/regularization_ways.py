"""Ways to keep a network from learning its training images by heart, as unit 06 trains them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from lab.device import nn, torch
from lab.experiments.dropout import limit_norms
from lab.experiments.dropout_nets import VARIANTS
from lab.nets import dense_cnn

PENALTIES = ("L2", "L1", "L1, proximal", "elastic net, proximal")
MIX = 0.5  # the share of L1 in the elastic net
UNITS = 256
OPTIMIZERS: dict[str, Callable[[Any, float], torch.optim.Optimizer]] = {
    "Adam": lambda groups, lr: torch.optim.Adam(groups, lr=lr),
    "SGD": lambda groups, lr: torch.optim.SGD(groups, lr=lr),
}


class Stopper(Protocol):
    """What watches the loss on the images that settings are chosen on, once an epoch."""

    def step(self, loss: float, model: nn.Module) -> bool:
        """Whether training ends here."""

    def restore(self, model: nn.Module) -> object:
        """Give `model` the weights of the best epoch."""


MakeOptimizer = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]


@dataclass(frozen=True)
class Way:
    """One way to train; what is left out is as in the plain network.

    criterion(scores, labels): the loss of a batch. objective(loss, net): what is differentiated in its place.
    after_step(net, lr): called after every optimizer step; it may change the weights. layer(): a module for
    the images, put before the network. stopping(): an object with `step` and `restore`, see `Stopper`.
    optimizer(parameters, lr): a torch optimizer. dropout: its p, before the hidden layer and behind it.
    """

    criterion: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = nn.functional.cross_entropy
    objective: Callable[[torch.Tensor, nn.Module], torch.Tensor] | None = None
    after_step: Callable[[nn.Module, float], object] | None = None
    layer: Callable[[], nn.Module] | None = None
    stopping: Callable[[], Stopper] | None = None
    optimizer: MakeOptimizer = OPTIMIZERS["Adam"]
    lr: float = 1e-3
    dropout: float = 0.0

    def net(self, seed: int) -> nn.Sequential:
        """`lab.nets.dense_cnn` for images (N, 3, 32, 32); the same weights for a seed, whatever the way."""
        drop = VARIANTS["dropout"](self.dropout, nn.Dropout) if self.dropout else {}
        net = dense_cnn(drop, units=UNITS, seed=seed)
        return nn.Sequential(self.layer(), *net) if self.layer else net


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    way: str = "plain"
    seed: int = 0
    data: str = "photos"
    optimizer: str = "Adam"  # a name in OPTIMIZERS
    lr: float = 1e-3
    lam: float = 0.0  # strength in the loss of the penalty that `way` names
    weight_decay: float = 0.0  # decoupled: w <- w - lr * weight_decay * w
    sigma: float = 0.0  # standard deviation of the noise, for images standardized per channel
    probability: float = 1.0  # that an image gets noise
    eps: float = 0.0  # label smoothing
    max_norm: float | None = None  # the greatest norm of the weights into a unit
    dropout: float = 0.0


class Noise(nn.Module):
    """Gaussian noise on a share of the images of a batch, in training."""

    def __init__(self, sigma: float, probability: float = 1.0) -> None:
        super().__init__()
        self.sigma, self.probability = sigma, probability

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images (N, C, H, W); a new draw at each call."""
        if not self.training:
            return x
        shape = (len(x), *(1,) * (x.dim() - 1))
        chance = torch.full(shape, self.probability, dtype=x.dtype, device=x.device)
        return torch.addcmul(x, chance.bernoulli(), torch.empty_like(x).normal_(), value=self.sigma)


def way_of(s: Settings) -> Way:
    """The library's own way with these settings."""
    return Way(
        criterion=nn.CrossEntropyLoss(label_smoothing=s.eps),
        optimizer=lambda parameters, lr: _optimizer(s, parameters, lr),
        after_step=None if s.max_norm is None else lambda net, _: limit_norms(net, s.max_norm or 0.0),
        layer=(lambda: Noise(s.sigma, s.probability)) if s.sigma else None,
        lr=s.lr,
        dropout=s.dropout,
    )


def _optimizer(s: Settings, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """The optimizer with the penalty: weights only, never biases."""
    weights = [values for values in parameters if values.dim() > 1]
    biases = [values for values in parameters if values.dim() == 1]
    coupled = s.lam if s.way == "L2" else 0.0  # torch adds it to the gradient: the L2 penalty's own
    groups = [{"params": weights, "weight_decay": coupled}, {"params": biases, "weight_decay": 0.0}]
    optimizer = OPTIMIZERS[s.optimizer](groups, lr)
    if s.weight_decay:
        optimizer.register_step_pre_hook(lambda made, *_: decay(weights, rate_of(made) * s.weight_decay))
    if s.way == "L1":
        optimizer.register_step_pre_hook(lambda *_: add_signs(weights, s.lam))
    elif s.way.endswith("proximal"):
        share = MIX if s.way.startswith("elastic") else 1.0
        optimizer.register_step_post_hook(lambda made, *_: shrink(weights, rate_of(made) * s.lam, share))
    return optimizer


def rate_of(optimizer: torch.optim.Optimizer) -> float:
    """The learning rate of the next step."""
    rate: float = optimizer.param_groups[0]["lr"]
    return rate


@torch.no_grad()
def decay(weights: Iterable[torch.Tensor], share: float) -> None:
    """Take this share off every weight, in place: decoupled weight decay, before the optimizer's step."""
    for values in weights:
        values.mul_(1 - share)


@torch.no_grad()
def add_signs(weights: Iterable[torch.Tensor], lam: float) -> None:
    """Add the subgradient of lam * sum |w| to the gradients of the weights."""
    for values in weights:
        if values.grad is not None:
            values.grad.add_(values.sign(), alpha=lam)


@torch.no_grad()
def shrink(weights: Iterable[torch.Tensor], strength: float, share: float) -> None:
    """The proximal step of strength * (share * sum |w| + (1 - share) / 2 * sum w^2), in place."""
    for values in weights:
        thresholded = nn.functional.softshrink(values, strength * share)
        values.copy_(thresholded / (1 + strength * (1 - share)))
