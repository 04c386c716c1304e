"""What unit 11's experiment does with a backbone: heads on its features, and training it further."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.device import nn, torch
from lab.experiments.results import Results

MOMENTUM = 0.9
HEAD_DECAY = 0.01  # weight decay of a linear head, of standardized features
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Still(nn.Module):
    """A backbone that nothing changes: no gradient, and eval mode whatever the model around it is told."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.inner = backbone
        for values in self.inner.parameters():
            values.requires_grad = False
        self.train(self.training)

    def train(self, mode: bool = True) -> "Still":
        """Stays in eval mode."""
        nn.Module.train(self, mode)
        self.inner.train(mode=False)
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (N, D)."""
        with torch.no_grad():
            return self.inner(images)


def zero_head(width: int, classes: int) -> nn.Linear:
    """A head whose scores are all 0."""
    head = nn.Linear(width, classes)
    head.load_state_dict({name: torch.zeros_like(values) for name, values in head.state_dict().items()})
    return head


def random_head(width: int, classes: int) -> nn.Linear:
    """A head with normal weights of variance 1 / width."""
    head = zero_head(width, classes)
    nn.init.normal_(head.weight, std=width**-0.5)
    return head


def features_of(backbone: nn.Module, images: torch.Tensor, batch_size: int = 250) -> torch.Tensor:
    """Features (N, D) in eval mode; every part's mode is as before afterwards."""
    modes = {part: part.training for part in backbone.modules()}
    backbone.eval()
    with torch.no_grad():
        found = [backbone(some) for some in images.split(batch_size)]
    for part, mode in modes.items():
        part.training = mode
    return torch.cat(found)


def rates_by_stage(backbone: nn.Sequential, head: nn.Module, lr: float, decay: float) -> list[Results]:
    """Parameter groups: the head at `lr`, each stage at `decay` times the rate of the one after it."""
    stages = [stage for stage in backbone if list(stage.parameters())]
    parts = [head, *stages[::-1]]
    groups = [
        {"params": [values for values in part.parameters() if values.requires_grad], "lr": lr * decay**depth}
        for depth, part in enumerate(parts)
    ]
    return [group for group in groups if group["params"]]


def open_last(backbone: nn.Sequential, n: int) -> list[str]:
    """Gradients for the last n stages that have parameters, for no other; their names."""
    names = [name for name, stage in backbone.named_children() if list(stage.parameters())]
    opened = names[max(len(names) - n, 0) :]
    for name, stage in backbone.named_children():
        stage.requires_grad_(name in opened)
    return opened


def modes_for_training(model: nn.Module) -> None:
    """Training mode, but for batch norms whose parameters are frozen: these keep the source's statistics."""
    model.train()
    for part in model.modules():
        if isinstance(part, NORMS) and not any(values.requires_grad for values in part.parameters()):
            part.eval()


def add_stage(optimizer: torch.optim.Optimizer, stage: nn.Module, lr: float) -> None:
    """Train a frozen stage from now on."""
    optimizer.add_param_group({"params": list(stage.requires_grad_(True).parameters()), "lr": lr})


@dataclass(frozen=True)
class Tools:
    """The functions that the notebook asks for, by its names; these are the experiment's own."""

    FrozenBackbone: Callable[[nn.Module], nn.Module] = Still
    new_head: Callable[[int, int], nn.Linear] = zero_head
    cache_features: Callable[[nn.Module, torch.Tensor, int], torch.Tensor] = features_of
    parameter_groups: Callable[[nn.Sequential, nn.Module, float, float], list[Results]] = rates_by_stage
    unfreeze_last: Callable[[nn.Sequential, int], list[str]] = open_last
    set_modes: Callable[[nn.Module], None] = modes_for_training
    thaw: Callable[[torch.optim.Optimizer, nn.Module, float], None] = add_stage


def linear_head(
    features: torch.Tensor, labels: torch.Tensor, classes: int, decay: float = HEAD_DECAY
) -> nn.Linear:
    """The head with the least cross-entropy plus decay / 2 times the squares of its weights, found by L-BFGS.

    It is fitted to standardized features, and folded to take the features as they are.
    """
    x, labels = features.cpu().double(), labels.cpu()  # some GPUs know no float64
    centre, spread = x.mean(0), x.std(0, correction=0).clamp(min=1e-6)
    z = (x - centre) / spread
    head = zero_head(x.shape[1], classes).double()
    search = torch.optim.LBFGS(
        head.parameters(),
        max_iter=100,
        history_size=10,
        tolerance_grad=1e-5,
        line_search_fn="strong_wolfe",
    )

    def closure() -> torch.Tensor:
        search.zero_grad()
        loss = nn.functional.cross_entropy(head(z), labels) + decay / 2 * head.weight.square().sum()
        loss.backward()
        return loss

    search.step(closure)
    with torch.no_grad():
        head.weight.div_(spread)
        head.bias.sub_(head.weight @ centre)
    return head.to(features)


def nearest_mean_head(features: torch.Tensor, labels: torch.Tensor, classes: int) -> nn.Linear:
    """The nearest class mean as a linear head: weights mu, biases -|mu|^2 / 2."""
    head = zero_head(features.shape[1], classes).to(features.device)
    with torch.no_grad():
        for label in range(classes):
            head.weight[label] = features[labels == label].mean(0)
        head.bias.sub_(head.weight.square().sum(1) / 2)
    return head


def similarity(a: torch.Tensor, b: torch.Tensor) -> float:
    """Linear CKA of features (N, D) and (N, D') of the same images (Kornblith et al. 2019).

    0 if one of them says the same of all images.
    """
    a, b = (f - f.mean(0) for f in (a.cpu().double(), b.cpu().double()))
    own = (a.mT @ a).norm() * (b.mT @ b).norm()
    return ((b.mT @ a).square().sum() / own).item() if own > 0 else 0.0


def share_right(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Accuracy."""
    return int((scores.argmax(1) == labels).sum()) / len(labels)


@dataclass(frozen=True)
class Data:
    """Prepared images (N, 3, H, W) with labels (N,)."""

    train_x: torch.Tensor
    train_y: torch.Tensor
    validation_x: torch.Tensor
    validation_y: torch.Tensor
    test_x: torch.Tensor
    test_y: torch.Tensor


class _Watch:
    """Keeps the record of a run, with an entry at each look."""

    def __init__(self, backbone: nn.Module, head: nn.Module, data: Data) -> None:
        self.backbone, self.head, self.data = backbone, head, data
        self.before = features_of(backbone, data.validation_x)
        self.losses: list[torch.Tensor] = []
        self.record: Results = {
            "train_seconds": 0.0,
            "steps": [],
            "loss": [],
            "validation_accuracy": [],
            "cka": [],
        }

    def look(self, step: int) -> None:
        """The mean loss since the last look, validation accuracy, and CKA to the features at the start."""
        features = features_of(self.backbone, self.data.validation_x)
        with torch.no_grad():
            right = share_right(self.head(features), self.data.validation_y)
        self.record["steps"].append(step)
        self.record["loss"].append(torch.stack(self.losses).mean().item() if self.losses else float("nan"))
        self.record["validation_accuracy"].append(right)
        self.record["cka"].append(similarity(features, self.before))
        self.losses = []


def _freeze(backbone: nn.Sequential, trained: str, norm: str, gradual: bool, tools: Tools) -> None:
    """Leave gradients to what is trained at the start."""
    if trained == "head":
        backbone.requires_grad_(False)
    elif gradual:
        tools.unfreeze_last(backbone, 1)
    if norm == "frozen":
        for part in backbone.modules():
            if isinstance(part, NORMS):
                part.requires_grad_(False)


def _descend(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    """A step on a batch; its loss, without a graph."""
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def tune(
    backbone: nn.Sequential,
    head: nn.Linear,
    data: Data,
    *,
    rate: float,
    steps: int,
    every: int,
    seed: int,
    batch: int,
    decay: float = 1.0,
    gradual: bool = False,
    trained: str = "all",
    norm: str = "moving",
    tools: Tools | None = None,
) -> Results:
    """Train a backbone and its head by SGD with momentum, the rates falling to 0 on a line.

    decay: of the rates from stage to stage; gradual: the last stage first, a further one each quarter of the
    steps; trained: "all" or "head"; norm: "moving" (statistics of the batch, running ones follow) or "frozen"
    (the source's statistics, scales and shifts). Returns a run as the experiment's docstring says.
    """
    tools = tools or Tools()
    model, watch = nn.Sequential(backbone, head), _Watch(backbone, head, data)
    stages = [stage for stage in backbone if list(stage.parameters())]
    waiting = stages[-2::-1] if gradual else []
    _freeze(backbone, trained, norm, gradual, tools)
    groups = tools.parameter_groups(backbone, head, rate, decay)
    optimizer = torch.optim.SGD(groups, lr=rate, momentum=MOMENTUM)
    peaks = [group["lr"] for group in optimizer.param_groups]
    order = torch.Generator().manual_seed(seed)
    for step in range(steps):
        if step % every == 0:
            watch.look(step)
        start = time.process_time()
        opened = len(stages) - len(waiting)
        if waiting and step >= steps * opened / len(stages):
            tools.thaw(optimizer, waiting.pop(0), rate * decay ** (opened + 1))
            peaks.append(optimizer.param_groups[-1]["lr"])
        if trained == "head" and norm == "moving":
            model.train()
        else:
            tools.set_modes(model)
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * (1 - step / steps)
        rows = torch.randperm(len(data.train_x), generator=order)[:batch]
        watch.losses.append(_descend(model, optimizer, data.train_x[rows], data.train_y[rows]))
        watch.record["train_seconds"] += time.process_time() - start
    watch.look(steps)
    return watch.record | accuracies(backbone, head, data)


def accuracies(backbone: nn.Module, head: nn.Module, data: Data) -> Results:
    """Of all training images and of the test images, in eval mode."""
    with torch.no_grad():
        return {
            "train_accuracy": share_right(head(features_of(backbone, data.train_x)), data.train_y),
            "test_accuracy": share_right(head(features_of(backbone, data.test_x)), data.test_y),
        }
