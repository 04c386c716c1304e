"""What unit 06 measures on a network: its weights, how sure it is of itself, and what noise does to it."""

import math
from typing import Any

import numpy as np

from lab.device import nn, torch

Measures = dict[str, Any]
EDGES = np.linspace(-0.2, 0.2, 82)  # of the histogram; an odd number of bins, so that one has 0 in its middle
NOISE = (0.1, 0.2, 0.4, 0.8)  # standard deviations at test
BINS = 10  # of the reliability diagram


def weights_of(net: nn.Module) -> list[torch.Tensor]:
    """The weights of all layers, from the images on, without biases."""
    return [values.detach() for values in net.parameters() if values.dim() > 1]


def weights(net: nn.Module) -> Measures:
    """ "norm": the root of the sum of squares; "sum": of the absolute values; "zeros": the share that is
    exactly 0, and "zeros_by_layer"; "histogram": counts between EDGES, what lies outside in the last bins.
    """
    layers = weights_of(net)
    every = torch.cat([values.flatten() for values in layers]).double().cpu().numpy()
    inside = np.clip(every, EDGES[0], EDGES[-1])
    return {
        "norm": float(np.sqrt((every**2).sum())),
        "sum": float(np.abs(every).sum()),
        "zeros": float((every == 0).mean()),
        "zeros_by_layer": [float((values == 0).double().mean()) for values in layers],
        "histogram": np.histogram(inside, EDGES)[0].tolist(),
    }


def calibration(probabilities: torch.Tensor, y: torch.Tensor) -> Measures:
    """How sure a network is, and how often it is right: probabilities (N, K), labels (N,).

    "confidence": the mean largest probability; "bins": for each tenth of the range from 0 to 1, [share of
    the images, their mean largest probability, their accuracy], null twice where there is none; "error": the
    expected calibration error, the mean over the images of the distance of the two (Guo et al. 2017).
    """
    sure, said = probabilities.double().max(dim=1)
    right = (said == y).double()
    place = (sure * BINS).long().clamp(max=BINS - 1)
    bins: list[list[float]] = []
    error = 0.0
    for b in range(BINS):
        inside = place == b
        share = inside.double().mean().item()
        pair = [values[inside].mean().item() if share else math.nan for values in (sure, right)]
        error += share * abs(pair[0] - pair[1]) if share else 0.0
        bins.append([share, *pair])
    return {"confidence": sure.mean().item(), "bins": bins, "error": error}


@torch.no_grad()
def under_noise(net: nn.Module, x: torch.Tensor, y: torch.Tensor, draws: int, seed: int) -> Measures:
    """Loss and accuracy on images (N, C, H, W) with noise, for each standard deviation in NOISE.

    "single": of one noisy copy of each image; "mean": of the mean of the probabilities over `draws` copies.
    Each has "loss" and "accuracy", lists over NOISE. The network's own noise and dropout are off.
    """
    net.eval()
    random = torch.Generator().manual_seed(seed)
    found: Measures = {name: {"loss": [], "accuracy": []} for name in ("single", "mean")}
    for sigma in NOISE:
        copies = [
            net(x + sigma * torch.randn(x.shape, generator=random).to(x.device)).softmax(dim=1)
            for _ in range(draws)
        ]
        for name, probabilities in (("single", copies[0]), ("mean", torch.stack(copies).mean(dim=0))):
            for key, value in zip(("loss", "accuracy"), score(probabilities, y), strict=True):
                found[name][key].append(value)
    return {"sigmas": NOISE, "draws": draws, **found}


def score(probabilities: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Cross-entropy and accuracy of probabilities (N, K) for labels (N,)."""
    loss = nn.functional.nll_loss(probabilities.clamp_min(1e-30).log(), y).item()
    return loss, (probabilities.argmax(dim=1) == y).double().mean().item()
