"""What unit 05 measures on trained networks: redundancy, the shift of the variance, and uncertainty."""

from typing import Any

import numpy as np

from lab.device import nn, torch
from lab.experiments.dense_runs import score
from lab.training import Images

Measures = dict[str, Any]
SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
KINDS = ("plain", "rescaled")
FRACTIONS = tuple(round(0.1 * tenth, 1) for tenth in range(1, 11))


@torch.no_grad()
def redundancy(net: nn.Sequential, x: torch.Tensor, y: torch.Tensor, draws: int, seed: int) -> Measures:
    """Accuracy and loss at test while a share of the hidden units is switched off, as they are and rescaled.

    x: images (N, C, H, W); y: labels (N,). The last module of `net` is its last layer; before it stand the
    hidden units. Each draw switches off units chosen at random; a rescaled unit is divided by the share that
    is left. "plain" and "rescaled" have "accuracy" and "loss": mean, min and max over the draws, for each
    share in "shares".
    """
    net.eval()
    hidden, last = net[:-1](x), net[-1]
    units = hidden.shape[1]
    random = torch.Generator().manual_seed(seed)
    found: Measures = {"shares": SHARES, **{name: {"accuracy": [], "loss": []} for name in KINDS}}
    for share in SHARES:
        off = round(share * units)
        kept = torch.ones(draws, units)
        for mask in kept:
            mask[torch.randperm(units, generator=random)[:off]] = 0
        for name, scale in zip(KINDS, (1.0, units / (units - off)), strict=True):
            values = [score(last(hidden * mask * scale), y) for mask in kept.to(x.device)]
            for key, drawn in zip(("loss", "accuracy"), zip(*values, strict=True), strict=True):
                found[name][key].append([float(np.mean(drawn)), min(drawn), max(drawn)])
    return found


def variance_ratio(mean: np.ndarray, var: np.ndarray, p: float) -> np.ndarray:
    """The ratio 1/q + (mean^2 / var) p/q of a feature's variance with inverted dropout to that without it.

    Li, Chen, Hu and Yang, "Understanding the disharmony between dropout and batch normalization by variance
    shift", CVPR 2019. mean, var: (D,), of the feature before dropout.
    """
    return (1 + mean**2 / var * p) / (1 - p)


@torch.no_grad()
def variance_shift(net: nn.Sequential, images: Images, p: float, batch_size: int, batches: int) -> Measures:
    """The variance of every batch norm's input in training over that at test, on the training images.

    "layers" has a dict for each batch norm, from the input on: "units", pairs (closed form, measured) of the
    features that vary; "median", the median of the measured ratios. The closed form takes the mean and the
    variance of what comes in at test, so it holds exactly only where nothing before the dropout is random.
    "val_loss" and "val_accuracy" are those of the network as it is; "adapted_..." those once its running
    statistics are measured again with dropout off (as Li et al. 2019 do). `net` is changed by it.
    """
    norms = [layer for layer in net if isinstance(layer, nn.BatchNorm1d)]
    x = images.train_x
    drawn = [torch.randperm(len(x))[:batch_size] for _ in range(batches)]
    training = _input_moments(net, norms, x, drawn, training=True)
    test = _input_moments(net, norms, x, [torch.arange(len(x))], training=False)
    layers = []
    for (_, var_train), (mean, var) in zip(training, test, strict=True):
        alive = var > 1e-6 * var.max()
        ratio = var_train[alive] / var[alive]
        closed = variance_ratio(mean[alive], var[alive], p)
        units = np.stack([closed, ratio], axis=1)[:: max(1, len(ratio) // 100)]
        layers.append({"units": units.tolist(), "median": float(np.median(ratio))})
    found: Measures = {"layers": layers, **_fit(net, images)}
    _adapt(net, norms, images.train_x, batch_size)
    return {**found, **{f"adapted_{key}": value for key, value in _fit(net, images).items()}}


def _input_moments(
    net: nn.Sequential, norms: list[nn.BatchNorm1d], x: torch.Tensor, batches: list, *, training: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mean and variance over batches, rows of x, of what each batch norm gets, in training or at test."""
    sums = [torch.zeros(3, layer.num_features, dtype=torch.float64) for layer in norms]

    def add(into: torch.Tensor, inputs: torch.Tensor) -> None:
        values = inputs.double().cpu()
        into += torch.stack([torch.ones_like(values), values, values**2]).sum(dim=1)

    handles = [
        layer.register_forward_pre_hook(lambda _, inputs, into=into: add(into, inputs[0]))
        for layer, into in zip(norms, sums, strict=True)
    ]
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    net.train(training)
    for rows in batches:
        net(x[rows.to(x.device)])
    for handle in handles:
        handle.remove()
    net.load_state_dict(kept)
    moments = [(total[1] / total[0], total[2] / total[0]) for total in sums]
    return [(mean.numpy(), (square - mean**2).numpy()) for mean, square in moments]


def _adapt(net: nn.Sequential, norms: list[nn.BatchNorm1d], x: torch.Tensor, batch_size: int) -> None:
    """Measure the running statistics of every batch norm again, with dropout off."""
    net.eval()
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # the plain average over the batches
        layer.train()
        for rows in torch.arange(len(x)).split(batch_size):
            net(x[rows.to(x.device)])
        layer.eval()


def _fit(net: nn.Module, images: Images) -> Measures:
    net.eval()
    loss, accuracy = score(net(images.test_x), images.test_y)
    return {"val_loss": loss, "val_accuracy": accuracy}


@torch.no_grad()
def passes_with_dropout(net: nn.Module, x: torch.Tensor, passes: int) -> torch.Tensor:
    """Probabilities (passes, N, K) of images (N, C, H, W), with a new dropout mask for every image."""
    net.eval()
    for layer in net.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    probabilities = torch.stack([net(x).softmax(dim=1) for _ in range(passes)])
    net.eval()
    return probabilities


def entropy(probabilities: torch.Tensor) -> torch.Tensor:
    """Entropy (...) in nats of probabilities (..., K), where 0 log 0 is 0."""
    return torch.special.entr(probabilities).sum(dim=-1)


@torch.no_grad()
def certainty(net: nn.Module, x: torch.Tensor, y: torch.Tensor, passes: int) -> Measures:
    """Accuracy on the images that a network is most certain of: one pass without dropout, or many with it.

    x: images (N, C, H, W); y: labels (N,). Images are ordered by the entropy of the probabilities, of one
    pass ("single") or of the mean of many ("mean"). "accuracy" is that on the most certain `fractions` of
    the images; "loss" is the cross-entropy on all.
    """
    net.eval()
    single = net(x).softmax(dim=1)
    mean = passes_with_dropout(net, x, passes).mean(dim=0)
    found: Measures = {"passes": passes, "fractions": FRACTIONS}
    for name, probabilities in (("single", single), ("mean", mean)):
        order = entropy(probabilities).argsort(stable=True)
        right = (probabilities.argmax(dim=1) == y)[order].double()
        accuracy = [right[: round(f * len(y))].mean().item() for f in FRACTIONS]
        loss = nn.functional.nll_loss(probabilities.clamp_min(1e-30).log(), y).item()
        found[name] = {"accuracy": accuracy, "loss": loss}
    return found


@torch.no_grad()
def unseen(net: nn.Module, known: torch.Tensor, strange: torch.Tensor, passes: int) -> Measures:
    """How uncertain a network is on images of known classes and of one that it never saw.

    known, strange: images (N, C, H, W) and (M, C, H, W). Three scores: "single", the entropy of one pass
    without dropout; "mean", that of the mean of many passes with it; "information", the latter minus the
    mean of the entropies (Gal and Ghahramani 2016; Houlsby et al. 2011). Each has the mean score of both sets
    and "auc", the probability that a strange image scores above a known one (0.5: no better than chance).
    """
    net.eval()
    scores = []
    for images in (known, strange):
        probabilities = passes_with_dropout(net, images, passes)
        of_mean = entropy(probabilities.mean(dim=0))
        single = entropy(net(images).softmax(dim=1))
        scores.append(
            {"single": single, "mean": of_mean, "information": of_mean - entropy(probabilities).mean(0)}
        )
    return {"passes": passes} | {name: _separation(scores[0][name], scores[1][name]) for name in scores[0]}


def _separation(known: torch.Tensor, strange: torch.Tensor) -> Measures:
    above = (strange[:, None] > known).double() + 0.5 * (strange[:, None] == known).double()
    deciles = torch.linspace(0, 1, 11, dtype=torch.float64).to(known.device)
    return {
        "known": known.mean().item(),
        "strange": strange.mean().item(),
        "auc": above.mean().item(),
        "known_deciles": known.double().quantile(deciles).tolist(),
        "strange_deciles": strange.double().quantile(deciles).tolist(),
    }
