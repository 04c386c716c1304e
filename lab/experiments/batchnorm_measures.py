"""What unit 02 measures beside its training runs: noise of batch statistics, seconds, train and eval mode."""

import time
from typing import Any

from lab.device import nn, torch
from lab.nets import batch_norm, no_norm, small_cnn
from lab.training import Images, accuracy, train_epoch

MODE_BATCHES = (2, 4, 8, 32, 128)


def modes(net: nn.Module, images: Images) -> dict[str, Any]:
    """Test accuracy in eval mode, and in train mode for several batch sizes, shuffled and sorted by class."""
    by_class = torch.argsort(images.test_y, stable=True)
    x, y = images.test_x, images.test_y
    return {
        "eval": accuracy(net, x, y),
        "batch_sizes": list(MODE_BATCHES),
        "train": [accuracy(net, x, y, batch_size=b, training=True) for b in MODE_BATCHES],
        "train, sorted by class": [
            accuracy(net, x[by_class], y[by_class], batch_size=b, training=True) for b in MODE_BATCHES
        ],
    }


@torch.no_grad()
def batch_noise(
    net: nn.Sequential, images: Images, batch_sizes: tuple[int, ...], draws: int = 200
) -> list[dict[str, Any]]:
    """How far batch statistics lie from those of all training images, at the inputs of the first and last BN.

    Per channel: the deviation of the batch mean over many batches, divided by the channel's true deviation;
    and that of the batch variance, divided by the true variance. The median over the channels is reported.
    """
    layers = [i for i, module in enumerate(net) if isinstance(module, nn.BatchNorm2d)]
    random = torch.Generator().manual_seed(0)
    records = []
    net.train()
    for name, layer in (("first", layers[0]), ("last", layers[-1])):
        inputs = _inputs(net, layer, images.train_x)
        true_var, _ = torch.var_mean(inputs, dim=(0, 2, 3), correction=0)
        for size in batch_sizes:
            rows = torch.randint(len(inputs), (draws, size), generator=random)
            moments = [torch.var_mean(inputs[r], dim=(0, 2, 3), correction=0) for r in rows]
            var, mean = (torch.stack(part) for part in zip(*moments, strict=True))
            records.append(
                {
                    "layer": name,
                    "batch_size": size,
                    "mean": (mean.std(dim=0) / true_var.sqrt()).median().item(),
                    "variance": (var.std(dim=0) / true_var).median().item(),
                }
            )
    return records


def _inputs(net: nn.Sequential, layer: int, x: torch.Tensor) -> torch.Tensor:
    return torch.cat([net[:layer](part) for part in x.split(500)])


def epoch_seconds(images: Images, batch_size: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each of `repeats` epochs with and without BN, taken in turn after one warm-up epoch each."""
    seconds: dict[str, list[float]] = {"with BN": [], "without": []}
    nets = {"with BN": small_cnn(batch_norm), "without": small_cnn(no_norm)}
    optimizers = {
        name: torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9) for name, net in nets.items()
    }
    shuffle = torch.Generator().manual_seed(0)
    torch.set_num_threads(1)
    for repeat in range(repeats + 1):
        for name, net in nets.items():
            net.to(images.train_x.device)
            start = time.perf_counter()
            train_epoch(net, images, optimizers[name], batch_size, shuffle)
            if repeat:
                seconds[name].append(time.perf_counter() - start)
    return seconds
