"""Unit 11's experiment without training of the backbone: heads on features, and what features cost."""

import time
from functools import cache

import numpy as np

from lab import sources
from lab.device import nn, torch
from lab.experiments.transfer_data import Target, as_input
from lab.experiments.transfer_methods import Results, features_of, linear_head, nearest_mean_head, share_right
from lab.source_nets import small_backbone

STAGES = ("stem", "stage1", "stage2", "stage3")
GRIDS = (1, 4)
PREPARATIONS = ("source", "target", "pixels / 255", "pixels", "blue first")
PARTS = ("train", "validation", "test")
COST_IMAGES, COST_BATCH = 500, 32

Splits = dict[str, torch.Tensor]  # features (N, D) of each of PARTS


def input_of(pixels: np.ndarray, images: Target, preparation: str) -> torch.Tensor:
    """Pixels of a target as a network's input, prepared rightly ("source") or in one of four wrong ways."""
    mean, std = _source_statistics()
    if preparation == "target":
        mean, std = own_statistics(images.train_images)
    elif preparation == "pixels / 255":
        mean, std = (0.0,) * 3, (1.0,) * 3
    elif preparation == "pixels":
        mean, std = (0.0,) * 3, (1 / 255,) * 3
    elif preparation == "blue first":
        pixels = pixels[..., ::-1].copy()
    return as_input(pixels, mean, std)


@cache
def _source_statistics() -> tuple[tuple[float, ...], tuple[float, ...]]:
    source = sources.load_source()
    return source.mean, source.std


def own_statistics(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel of images in [0, 1]."""
    shares = images / 255
    return tuple(shares.mean((0, 1, 2))), tuple(shares.std((0, 1, 2)))


class Staged(nn.Module):
    """The features of each stage, means over the fields of a grid, side by side: (N, sum of widths)."""

    def __init__(self, backbone: nn.Sequential) -> None:
        super().__init__()
        self.net = backbone

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """All of `columns`, in its order."""
        found = []
        for name in STAGES:
            images = self.net.get_submodule(name)(images)
            found += [nn.functional.adaptive_avg_pool2d(images, grid).flatten(1) for grid in GRIDS]
        return torch.cat(found, dim=1)


def staged(backbone: nn.Sequential, images: torch.Tensor) -> dict[tuple[str, int], torch.Tensor]:
    """Features (N, D) by stage and grid."""
    every = features_of(Staged(backbone), images)
    widths = [stage_width * grid**2 for stage_width in (16, 32, 64, 128) for grid in GRIDS]
    keys = [(name, grid) for name in STAGES for grid in GRIDS]
    return dict(zip(keys, every.split(widths, dim=1), strict=True))


def heads(images: Target, per_class: int, seed: int, whole: bool) -> list[Results]:
    """Heads for one drawing of training images; `whole`: also on every stage, and with every preparation."""
    source, untrained = sources.load_source().backbone, small_backbone(seed).eval()
    about = {"target": images.name, "per_class": per_class, "seed": seed}
    labels = {part: torch.from_numpy(getattr(images, f"{part}_labels")) for part in PARTS}
    plain = {"grid": 1, "trained_with": "source", "tested_with": "source"}
    found: list[Results] = []

    def add(splits: Splits, tested: Splits | None = None, method: str = "linear", **what: object) -> None:
        fit = linear_head if method == "linear" else nearest_mean_head
        head = fit(splits["train"], labels["train"], len(images.classes))
        scores = {part: head(((tested or splits) if part == "test" else splits)[part]) for part in PARTS}
        right = {f"{part}_accuracy": share_right(scores[part], labels[part]) for part in PARTS}
        found.append({**about, "method": method, **plain, **what, **right})

    def of_stages(backbone: nn.Sequential, preparation: str = "source") -> dict[tuple[str, int], Splits]:
        parts = {
            part: staged(backbone, input_of(getattr(images, f"{part}_images"), images, preparation))
            for part in PARTS
        }
        return {key: {part: parts[part][key] for part in PARTS} for key in parts["train"]}

    seen = of_stages(source)
    right = seen["stage3", 1]
    pixels = {
        part: input_of(getattr(images, f"{part}_images"), images, "source").flatten(1) for part in PARTS
    }
    for method in ("nearest", "linear"):
        add(right, method=method, network="source", features="stage3")
        add(pixels, method=method, network="source", features="pixels")
    if not whole:
        return found
    for network, stages in (("source", seen), ("untrained", of_stages(untrained))):
        for (name, grid), splits in stages.items():
            if (network, name, grid) != ("source", "stage3", 1):
                add(splits, network=network, features=name, grid=grid)
    for preparation in PREPARATIONS[1:]:
        wrong = of_stages(source, preparation)["stage3", 1]
        add(right, wrong, network="source", features="stage3", tested_with=preparation)
        add(
            wrong,
            network="source",
            features="stage3",
            trained_with=preparation,
            tested_with=preparation,
        )
    return found


def cost(images: Target) -> list[Results]:
    """CPU seconds of an epoch over COST_IMAGES images: median of three, one thread."""
    torch.set_num_threads(1)
    source = sources.load_source()
    backbone, head = source.backbone, nn.Linear(source.width, len(images.classes))
    rows = np.arange(COST_IMAGES) % len(images.train_images)
    x = as_input(images.train_images[rows], source.mean, source.std)
    y = torch.from_numpy(images.train_labels[rows])
    cache = features_of(backbone, x)

    def epoch(net: nn.Module, inputs: torch.Tensor) -> None:
        optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1e-3)
        for some, wanted in zip(inputs.split(COST_BATCH), y.split(COST_BATCH), strict=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(some), wanted).backward()
            optimizer.step()

    def seconds(what: str) -> float:
        start = time.process_time()
        if what == "caching":
            features_of(backbone, x)
        elif what == "cached":
            epoch(head, cache)
        else:
            epoch(nn.Sequential(backbone.requires_grad_(what == "fine-tuned"), head), x)
        return time.process_time() - start

    return [
        {"what": what, "images": COST_IMAGES, "seconds": float(np.median([seconds(what) for _ in range(3)]))}
        for what in ("caching", "cached", "frozen", "fine-tuned")
    ]
