"""The course's source network: train it on CIFAR-100 and write the weights with their model card.

    LAB_DATA=... python -m lab.experiments.source_training --out lab/weights

Stochastic gradient descent with Nesterov momentum and a one-cycle schedule (Smith and Topin 2019), images
mirrored and shifted. The test images are looked at once, at the end.
"""

import argparse
import datetime
import time
from pathlib import Path

from lab.data import load
from lab.dataset import Dataset
from lab.device import nn, torch
from lab.nets import count_parameters
from lab.progress import Progress
from lab.source_nets import WIDTHS, small_backbone
from lab.sources import Source, save_source
from lab.training import Images, accuracy, as_tensors

PEAK_RATE, MOMENTUM, WEIGHT_DECAY, BATCH, PAD = 0.2, 0.9, 5e-4, 128, 4


def train_source(data: Images, classes: int, epochs: int, seed: int) -> tuple[nn.Sequential, nn.Linear]:
    """Backbone and head, trained; those of the last step, whatever their accuracy."""
    backbone, head = small_backbone(seed), nn.Linear(WIDTHS[-1], classes)
    net = nn.Sequential(backbone, head).to(data.train_x.device)
    optimizer = torch.optim.SGD(
        net.parameters(), lr=PEAK_RATE, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    steps = len(data.train_x) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_RATE, total_steps=epochs * steps, pct_start=0.2, cycle_momentum=False
    )
    random = torch.Generator().manual_seed(seed)
    progress = Progress("source network", epochs)
    for _ in range(epochs):
        net.train()
        total = torch.zeros((), device=data.train_x.device)
        for rows in torch.randperm(len(data.train_x), generator=random)[: steps * BATCH].split(BATCH):
            images = shifted_and_mirrored(data.train_x[rows], random)
            loss = nn.functional.cross_entropy(net(images), data.train_y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        progress.update(1, f"loss {total.item() / steps:.3f}")
    progress.close()
    return backbone, head


def shifted_and_mirrored(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Each image (N, C, H, W) shifted by up to PAD pixels both ways, zeros outside; half of them mirrored."""
    n, channels, height, width = images.shape
    top, left = torch.randint(0, 2 * PAD + 1, (2, n, 1), generator=random)
    coin = torch.rand(n, 1, generator=random) < 0.5
    columns = torch.arange(width).expand(n, width)
    columns = left + torch.where(coin, columns.flip(1), columns)
    rows = top + torch.arange(height)
    padded = nn.functional.pad(images, (PAD, PAD, PAD, PAD))
    at = torch.arange(n)[:, None, None, None], torch.arange(channels)[:, None, None]
    return padded[*at, rows[:, None, :, None], columns[:, None, None, :]]


def card(facts: dict[str, str]) -> str:
    """The model card: what it is, from which data, how trained, how good, what not to use it for."""
    rows = "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())
    return f"""# Model card: cifar100

The source network of unit 11, transfer learning. Trained by this project; no weights of others are in it.

| | |
|---|---|
{rows}

**For** teaching what features learnt from one data set are worth on another. **Not for** decisions about
anything: it sees 32x32 pixels and is often wrong. CIFAR-100 was collected from the web by search words and
carries their biases; five of its classes are people (baby, boy, girl, man, woman). CIFAR-100 states no
licence: none of its images is in this repository.
"""


def facts_of(net: nn.Sequential, images: Dataset, options: argparse.Namespace, cost: str) -> dict[str, str]:
    """The lines of the model card."""
    device = next(net.parameters()).device
    data = as_tensors(images, device=device)
    right = accuracy(net, data.test_x, data.test_y)
    asked = f"--epochs {options.epochs} --seed {options.seed}"
    return {
        "Data": f"CIFAR-100 (Krizhevsky 2009), SHA-256 of the arrays {images.digest[:12]}",
        "Training images": f"{len(data.train_x):,} of {len(images.classes)} classes",
        "Network": "`lab.source_nets.small_backbone` and a linear head, "
        f"{count_parameters(net)['trained']:,} weights",
        "Training": f"SGD with Nesterov momentum {MOMENTUM}, weight decay {WEIGHT_DECAY}, "
        f"batches of {BATCH}, one-cycle rate up to {PEAK_RATE}, {options.epochs} epochs; "
        f"shifts up to {PAD} pixels, mirroring",
        "Seed": str(options.seed),
        "Device, date": f"{device.type}, torch {torch.__version__}; {datetime.date.today()}",
        "Cost": cost,
        "Right on the test images": f"{right:.1%} of {len(data.test_x):,}, looked at once, at the end",
        "Input": "RGB in [0, 1], minus `mean`, divided by `std`; both are in the file's metadata",
        "Command": f"`LAB_DATA=... python -m lab.experiments.source_training {asked} --out lab/weights`",
    }


def main(arguments: list[str] | None = None) -> None:
    """Train, measure, write the weights and the card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the weights and the card")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    images = load("cifar100")
    start = time.process_time()
    backbone, head = train_source(as_tensors(images), len(images.classes), options.epochs, options.seed)
    cost = f"{(time.process_time() - start) / 60:.0f} minutes of CPU time"
    facts = facts_of(nn.Sequential(backbone, head), images, options, cost)
    pixels = images.train_images / 255
    mean, std = tuple(pixels.mean(axis=(0, 1, 2))), tuple(pixels.std(axis=(0, 1, 2)))
    options.out.mkdir(parents=True, exist_ok=True)
    save_source(
        Source("cifar100", backbone.cpu(), head.cpu(), mean, std, 32), options.out / "cifar100.safetensors"
    )
    (options.out / "cifar100.md").write_text(card(facts))
    print(facts["Right on the test images"])


if __name__ == "__main__":
    main()
