"""The small convolutional network of the experiments, with a switch for the normalization layer."""

from collections.abc import Callable

from lab.device import nn, torch

MakeNorm = Callable[[int], nn.Module | None]

CHANNELS = (16, 32, 32, 64, 64)
POOLED = (True, True, False, True, False)  # 32x32 -> 16x16 -> 8x8 -> 8x8 -> 4x4 -> 4x4


def no_norm(num_channels: int) -> None:
    """The network without normalization."""
    return None


def batch_norm(num_channels: int) -> nn.Module:
    """The library's own batch normalization."""
    return nn.BatchNorm2d(num_channels)


def small_cnn(
    make_norm: MakeNorm = no_norm, *, classes: int = 10, weight_scale: float = 1.0, seed: int = 0
) -> nn.Sequential:
    """Five times conv 3x3 -> [norm] -> [max-pool] -> ReLU, then the mean over the image and a linear layer.

    Images are (N, 3, 32, 32), scores (N, classes). `make_norm(C)` returns the layer to put behind a
    convolution with C channels, or None; before such a layer the convolution has no bias, because the layer
    would remove it. Convolution weights are He's (He et al. 2015, equation 10) times `weight_scale`.
    """
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    in_channels = 3
    for out_channels, pooled in zip(CHANNELS, POOLED, strict=True):
        norm = make_norm(out_channels)
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=norm is None)
        _initialise(conv, weight_scale)
        layers += [conv, *([] if norm is None else [norm]), *([nn.MaxPool2d(2)] if pooled else []), nn.ReLU()]
        in_channels = out_channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(in_channels, classes))


def _initialise(conv: nn.Conv2d, weight_scale: float) -> None:
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    with torch.no_grad():
        conv.weight *= weight_scale
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)


def count_parameters(net: nn.Module) -> dict[str, int]:
    """How many numbers are trained, and how many are only kept (running statistics, no step counter)."""
    kept = [b for b in net.buffers() if b.is_floating_point()]
    return {"trained": sum(p.numel() for p in net.parameters()), "kept": sum(b.numel() for b in kept)}
