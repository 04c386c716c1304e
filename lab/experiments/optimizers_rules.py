"""What the experiment of unit 07 trains with: a function per optimizer that makes it, and its learning rates.

A maker takes a list of parameters and a learning rate and returns a torch optimizer. All settings but the
rate are PyTorch's defaults, and momentum is 0.9.
"""

from collections.abc import Callable
from functools import partial

from lab.device import nn, torch

MakeOptimizer = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]
MU = 0.9


def _sgd(
    parameters: list[nn.Parameter], lr: float, momentum: float = 0, nesterov: bool = False
) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov)


def _clipped(max_norm: float, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """Momentum on gradients whose norm over all parameters is at most `max_norm`."""
    optimizer = _sgd(parameters, lr, momentum=MU)

    def clip(*_: object) -> None:
        nn.utils.clip_grad_norm_(parameters, max_norm)

    optimizer.register_step_pre_hook(clip)
    return optimizer


def _uncorrected(parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    """Adam without bias correction: torch's, with the rate and the eps of each step scaled to undo it."""
    optimizer = torch.optim.Adam(parameters, lr=lr)
    (group,) = optimizer.param_groups
    (beta1, beta2), eps, steps = group["betas"], group["eps"], 0

    def undo(*_: object) -> None:
        nonlocal steps
        steps += 1
        root = (1 - beta2**steps) ** 0.5
        group["lr"], group["eps"] = lr * (1 - beta1**steps) / root, eps / root

    optimizer.register_step_pre_hook(undo)
    return optimizer


def _adam(
    parameters: list[nn.Parameter], lr: float, *, l2: float = 0.0, decoupled: float | None = None
) -> torch.optim.Optimizer:
    if decoupled is None:
        return torch.optim.Adam(parameters, lr=lr, weight_decay=l2)
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=decoupled)


def half_decades(lowest: float, highest: float) -> tuple[float, ...]:
    """10 to the power of lowest, lowest + 1/2, ..., highest, to two digits."""
    return tuple(float(f"{10 ** (lowest + k / 2):.2g}") for k in range(round(2 * (highest - lowest)) + 1))


MAKERS: dict[str, MakeOptimizer] = {
    "SGD": _sgd,
    "momentum": partial(_sgd, momentum=MU),
    "Nesterov": partial(_sgd, momentum=MU, nesterov=True),
    "AdaGrad": lambda parameters, lr: torch.optim.Adagrad(parameters, lr=lr),
    "RMSProp": lambda parameters, lr: torch.optim.RMSprop(parameters, lr=lr),
    "Adam": _adam,
    "AdamW": partial(_adam, decoupled=0.01),
}
NAMES = tuple(MAKERS)
RATES: dict[str, tuple[float, ...]] = {
    "SGD": half_decades(-3, 0),
    "momentum": half_decades(-3.5, 0),
    "Nesterov": half_decades(-3.5, 0),
    "AdaGrad": half_decades(-3.5, -0.5),
    "RMSProp": half_decades(-4.5, -1.5),
    "Adam": half_decades(-4.5, -1.5),
    "AdamW": half_decades(-4.5, -1.5),
}
DEFAULT_RATES = {"SGD": 1e-3, "AdaGrad": 1e-2, "RMSProp": 1e-2, "Adam": 1e-3, "AdamW": 1e-3}  # of torch.optim

UNCORRECTED = "Adam without correction"
CLIPPED = "momentum, clipped"
MAX_NORM = 1.0  # of the gradient over all parameters, where it is clipped
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
L2 = {strength: f"Adam with L2 {strength:g}" for strength in STRENGTHS}
DECOUPLED = {strength: f"AdamW with decay {strength:g}" for strength in STRENGTHS}

MAKERS |= {UNCORRECTED: _uncorrected, CLIPPED: partial(_clipped, MAX_NORM)}
MAKERS |= {name: partial(_adam, l2=strength) for strength, name in L2.items()}
MAKERS |= {name: partial(_adam, decoupled=strength) for strength, name in DECOUPLED.items()}
