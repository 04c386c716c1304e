"""The network of the accuracy ladder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.device import nn, torch

if TYPE_CHECKING:
    from lab.ladder import Tricks


class Residual(nn.Module):
    """y = x + F(x), see unit 04."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same shape."""
        return x + self.branch(x)


def network(tricks: Tricks, channels: int, seed: int, *, classes: int = 10) -> nn.Sequential:
    """Eight convolutions 3x3 in four stages, two of them with a skip, then the maximum over the image.

    Images are (N, 3, 32, 32), scores (N, classes). Stages have w, 2w, 4w and 8w channels with
    w = channels * tricks.width. After Page (2018), "How to train your ResNet": his ResNet-9.
    """
    torch.manual_seed(seed)
    w = channels * tricks.width

    def conv(fan_in: int, fan_out: int, *pool: nn.Module) -> list[nn.Module]:
        norm = [nn.BatchNorm2d(fan_out)] if tricks.batch_norm else []
        weights = nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=not norm)
        nn.init.kaiming_normal_(weights.weight, nonlinearity="relu")
        return [weights, *norm, *pool, nn.ReLU()]  # pooled before the ReLU: the same numbers, with less work

    def skipped(features: int) -> Residual:
        return Residual(*conv(features, features), *conv(features, features))

    return nn.Sequential(
        *conv(3, w),
        *(*conv(w, 2 * w, nn.MaxPool2d(2)), skipped(2 * w)),
        *conv(2 * w, 4 * w, nn.MaxPool2d(2)),
        *(*conv(4 * w, 8 * w, nn.MaxPool2d(2)), skipped(8 * w)),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Dropout(tricks.dropout), nn.Linear(8 * w, classes)),
    )
