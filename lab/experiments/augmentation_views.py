"""Test-time augmentation in unit 10's experiment: a prediction as the mean over views of an image."""

from collections.abc import Iterator

from lab.device import nn, torch

VIEWS = ("one view", "mirrored", "ten crops", "five scales")
CROP = 7 / 8  # of the side
SCALES = (0.75, 0.875, 1, 1.25, 1.5)


def views(images: torch.Tensor, name: str) -> Iterator[torch.Tensor]:
    """The views (N, C, h, w) of images, one after the other."""
    if name == "one view":
        yield images
    elif name == "mirrored":
        yield from (images, images.flip(3))
    elif name == "ten crops":
        for crop in crops(images):
            yield from (crop, crop.flip(3))
    elif name == "five scales":
        for scale in SCALES:
            size = [round(scale * side) for side in images.shape[2:]]
            yield nn.functional.interpolate(images, size, mode="bilinear", antialias=scale < 1)
    else:
        raise ValueError(f"Expected one of {', '.join(VIEWS)}, got {name}.")


def crops(images: torch.Tensor) -> Iterator[torch.Tensor]:
    """The four corners and the middle, each CROP of the side."""
    height, width = images.shape[2:]
    high, wide = round(CROP * height), round(CROP * width)
    down, right = height - high, width - wide
    for y, x in ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)):
        yield images.narrow(2, y, high).narrow(3, x, wide)


@torch.no_grad()
def mean_probabilities(net: nn.Module, images: torch.Tensor, name: str = "one view") -> torch.Tensor:
    """(N, K): the mean of the probabilities over the views; the network is in eval mode afterwards."""
    net.eval()
    every = [torch.cat([net(part).softmax(1) for part in view.split(250)]) for view in views(images, name)]
    return torch.stack(every).mean(0)
