"""The convolutional networks of the experiments: one that takes a normalization layer, and the lecture's."""

from collections.abc import Callable, Mapping, Sequence

from lab.device import nn, torch

MakeNorm = Callable[[int], nn.Module | None]
MakeLayers = Callable[[int], Sequence[nn.Module]]

CHANNELS = (16, 32, 32, 64, 64)
POOLED = (True, True, False, True, False)  # 32x32 -> 16x16 -> 8x8 -> 8x8 -> 4x4 -> 4x4
PLACES = ("conv", "pool", "flat", "dense")
NO_LAYERS: Mapping[str, MakeLayers] = {}


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


def lecture_cnn(
    shape: tuple[int, int, int] = (3, 32, 32), *, classes: int = 10, seed: int = 0
) -> nn.Sequential:
    """The lecture's network: twice conv 2x2 (64 filters) -> max-pool 2x2 -> ReLU, then 1024 units and scores.

    Images are (N, *shape) with shape (C, H, W). Convolutions do not pad. As in Keras, which the lecture used,
    weights are Glorot's (Glorot and Bengio 2010, equation 16) and biases zero. PyTorch's defaults differ, and
    on raw pixels that matters. ReLU after the pooling gives what ReLU before it gives, with less work.
    """
    torch.manual_seed(seed)
    channels, height, width = shape
    side = [((length - 1) // 2 - 1) // 2 for length in (height, width)]
    net = nn.Sequential(
        *(nn.Conv2d(channels, 64, 2), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(64, 64, 2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(64 * side[0] * side[1], 1024), nn.ReLU(), nn.Linear(1024, classes)),
    )
    for name, values in net.named_parameters():
        (nn.init.zeros_ if name.endswith("bias") else nn.init.xavier_uniform_)(values)
    return net


def dense_cnn(
    layers: Mapping[str, MakeLayers] = NO_LAYERS, *, units: int = 256, classes: int = 10, seed: int = 0
) -> nn.Sequential:
    """The lecture's network, smaller, with room for more: twice conv 3x3 -> ReLU -> max-pool, then `units`.

    Images are (N, 3, 32, 32), scores (N, classes). `layers` maps a place to a function that returns the
    layers to put there, given the number of channels or features: "conv" behind the ReLU of a convolution,
    "pool" behind each max-pool, "flat" before the hidden layer, "dense" behind its ReLU. Weights are
    Glorot's, biases zero; with one seed they are the same whatever `layers` says.
    """
    unknown = set(layers) - set(PLACES)
    if unknown:
        raise ValueError(f"Expected layers at some of {', '.join(PLACES)}, got {', '.join(sorted(unknown))}.")

    def at(place: str, features: int) -> list[nn.Module]:
        return list(layers[place](features)) if place in layers else []

    modules: list[nn.Module] = []
    in_channels = 3
    for channels in (16, 32):
        modules += [nn.Conv2d(in_channels, channels, 3), nn.ReLU(), *at("conv", channels)]
        modules += [nn.MaxPool2d(2), *at("pool", channels)]
        in_channels = channels
    flat = in_channels * 6 * 6  # 32 -> 30 -> 15 -> 13 -> 6
    modules += [nn.Flatten(), *at("flat", flat), nn.Linear(flat, units), nn.ReLU(), *at("dense", units)]
    net = nn.Sequential(*modules, nn.Linear(units, classes))
    torch.manual_seed(seed)
    for layer in net:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            for name, values in layer.named_parameters():
                (nn.init.zeros_ if name == "bias" else nn.init.xavier_uniform_)(values)
    return net


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
