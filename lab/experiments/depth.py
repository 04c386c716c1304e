"""Unit 04's experiments: a network of three layers learns, of twenty not; which changes make it learn again?

What needs no training is in `depth_signals`, which needs no torch. With networks of one's own, in a notebook
("tiny" takes seconds, "short" about a minute):

    from lab.experiments import depth
    results = depth.compare(                     # depth -> module for images (N, 3, 16, 16), ten scores
        {"mine": lambda layers: initialize(depth.plain_net(layers))}, size="short", depths=(2, 20))
    depth.plot_grid(results)                     # a row per way, a column per depth: test accuracy
    depth.plot_curves(results)                   # training curves at the largest depth
    # beside them: the library's "ReLU" (PyTorch's default start). Left out: "ReLU, He" and "ReLU, skips"
    depth.conv_net(lambda channels: ResidualBlock(channels, channels), blocks=9)     # a network to compare

    net, data = depth.plain_net(20), depth.images("photos")      # data.train_x (N, 3, 16, 16), data.train_y
    depth.start(net, data)                       # {"gradient": [|dW| by layer], "std", "std_at"}

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.depth --size full --out full.json
    LAB_DATA=... python -m lab.experiments.depth --size full --data cifar10 --out cifar10.json    # grid only

    results = depth.load_results("full.json")    # all plots above take it, and those of depth_signals, and
    depth.plot_grid(results)                     # a panel per data set and form of the input
    depth.plot_story(results)                    # the lecture's story: four panels of training curves
    depth.plot_starts(results)                   # |dW| and std by layer at the start, 20 layers, photos
    depth.plot_dead(results)                     # silent units and accuracy over the learning rate
    depth.plot_forms(results)                    # do 20 blocks of each form train? Test accuracy
    depth.plot_rates(results)                    # how the rate of each way was chosen, at 20 layers
    depth.summary(results, way="ReLU, He", depth=20)                       # test accuracy at the best rate
    depth.summary(results, part="dead", way="relu", rate=0.3, key="silent")
    depth.summary(results, part="blocks", way="full scale", key="train_accuracy")
    depth.best_rate(results, way="ReLU", depth=5, input="raw")             # by VALIDATION accuracy
    depth.table(results, data="photos", input="standardized")  # [(way, {depth: summary of test accuracy})]

`summary` takes the fields of `Settings`; what is left out is BASE of the part, the rate is the best one of
those that were run (same for all seeds), and `key` (test_accuracy) may be any number of a run, or a list,
whose last value counts. A summary is {"mean", "std", "min", "max"} over seeds, std that of a sample (n - 1).

Parts (Settings.part) and their ways:
"grid"    WAYS: networks of `depth` hidden layers with 64 units, each with the rates of RATES for its input;
          as many steps for all of them: "does not learn" means "not in these steps, at none of these rates".
          mnist: 28x28; photos and CIFAR-10: 2x2 pixels averaged, 16x16 in colour.
"dead"    three hidden layers with He's weights on mnist, way "relu", "leaky relu" or "elu", over DEAD_RATES.
"blocks"  `depth` pre-activation blocks of two layers with He's weights on photos: way is one of FORMS.

results["runs"]: dicts with the fields of `Settings`; loss: list, the mean of every about["every"] steps, NaN
from where it was no number; train_accuracy, validation_accuracy, test_accuracy at the end; "dead" also has
silent_at_start and silent: share of the hidden units whose z is positive for no training image (dead ones,
with ReLU), NaN where training diverged.
results["starts"]: dicts {way, data, input, depth, seed, gradient, std, std_at}, see
`depth_measures.start`.
results["signals"], ["blocks"], ["products"], ["convolutions"]: as `depth_signals` returns them.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from lab.device import nn, torch
from lab.experiments import depth_signals as signals
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.depth_measures import (
    BATCH,
    MOMENTUM,
    PROBED,
    SETS,
    Amount,
    Prepared,
    fit,
    prepared,
    silent_share,
    start,
)
from lab.experiments.depth_nets import (
    FORMS,
    WAYS,
    WIDTH,
    Way,
    block_net,
    conv_net,
    dense,
    plain_net,
)
from lab.experiments.depth_plots import (
    BASE,
    best_rate,
    plot_curves,
    plot_dead,
    plot_forms,
    plot_grid,
    plot_rates,
    plot_starts,
    plot_story,
    summary,
    table,
)
from lab.experiments.results import Results, load_results
from lab.progress import with_progress

__all__ = [
    "BASE",
    "FORMS",
    "SIZES",
    "WAYS",
    "best_rate",
    "compare",
    "conv_net",
    "images",
    "load_results",
    "plain_net",
    "plot_curves",
    "plot_dead",
    "plot_forms",
    "plot_grid",
    "plot_rates",
    "plot_starts",
    "plot_story",
    "start",
    "study",
    "summary",
    "table",
]

MakeNet = Callable[[int], nn.Module]

RATES = {"standardized": (0.001, 0.01, 0.1), "raw": (0.00001, 0.0001, 0.001, 0.01)}
BLOCK_RATES = (0.001, 0.01, 0.1)
DEAD_RATES = (0.01, 0.03, 0.1, 0.2, 0.3)
DEAD_WAYS = ("relu", "leaky relu", "elu")
OWN_RATES = (0.01, 0.1)
STARTED = 20  # layers of the networks in results["starts"]
STUDIED = {  # the data of a study, in which form, and up to how many layers
    "photos": (("mnist", "standardized", 20), ("photos", "standardized", 40), ("photos", "raw", 20)),
    "cifar10": (("cifar10", "standardized", 20),),
}


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    grid: Amount
    depths: tuple[int, ...]
    dead: Amount
    blocks: Amount
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size(
        grid=Amount(200, 50, 100, 4, 2),
        depths=(2, 20),
        dead=Amount(200, 50, 100, 4, 2),
        blocks=Amount(200, 50, 100, 4, 2),
        seeds=(0, 1),
    ),
    "short": Size(
        grid=Amount(2000, 300, 500, 120, 20),
        depths=(2, 20),
        dead=Amount(2000, 300, 500, 120, 20),
        blocks=Amount(2000, 300, 500, 120, 20),
        seeds=(0, 1, 2),
    ),
    "full": Size(
        grid=Amount(3000, 500, 1000, 150, 15),
        depths=(2, 5, 10, 20, 40),
        dead=Amount(3000, 500, 1000, 150, 15),
        blocks=Amount(3000, 500, 1000, 150, 15),
        seeds=(0, 1, 2),
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    part: str
    data: str  # a name in SETS
    input: str  # one of INPUTS
    way: str
    depth: int
    rate: float
    seed: int


def images(data: str = "photos", input: str = "standardized", size: str = "short") -> Prepared:
    """The images that networks are compared on."""
    return prepared(data, input, SIZES[size].grid)


def compare(
    ways: Mapping[str, MakeNet] | None = None,
    size: str = "short",
    depths: tuple[int, ...] | None = None,
    data: str = "photos",
    input: str = "standardized",
    rates: tuple[float, ...] = OWN_RATES,
) -> Results:
    """The library's "ReLU" and ways of one's own (depth -> module), for each depth, rate and seed."""
    names = ("ReLU", *(ways or ("ReLU, He", "ReLU, skips")))
    points = [
        Settings("grid", data, input, way, depth, rate, seed)
        for way in names
        for depth in depths or SIZES[size].depths
        for rate in rates
        for seed in SIZES[size].seeds
    ]
    shown = with_progress("training", points, lambda at: f"{at.way}, {at.depth} layers, seed {at.seed}")
    runs = [run(at, size, (ways or {}).get(at.way)) for at in shown]
    return {"about": about(size), "runs": runs}


def run(at: Settings, size: str, make: MakeNet | None = None) -> Results:
    """One run, as the docstring of this module describes it; a network of `make` instead of the way's."""
    amount: Amount = getattr(SIZES[size], at.part)
    data = prepared(at.data, at.input, amount)
    inputs = data.train_x[0].numel()
    if make:
        torch.manual_seed(at.seed)
        net = make(at.depth)
    elif at.part == "blocks":
        net = block_net(at.way, at.depth, inputs, at.seed)
    else:
        way = Way(at.way, "He") if at.part == "dead" else WAYS[at.way]
        net = dense(way, at.depth, inputs, at.seed)
    if at.part != "dead":
        return asdict(at) | fit(net, data, amount, rate=at.rate, seed=at.seed)
    before = silent_share(net.to(data.train_x.device), data.train_x)
    found = fit(net, data, amount, rate=at.rate, seed=at.seed)
    return asdict(at) | found | {"silent_at_start": before, "silent": silent_share(net, data.train_x)}


def plan(size: str, data: str = "photos") -> list[Settings]:
    """The runs of the study, each once."""
    of = SIZES[size]
    points = [
        ("grid", name, input, way, depth, rate)
        for name, input, most in STUDIED[data]
        for way in WAYS
        for depth in of.depths
        if depth <= most
        for rate in RATES[input]
    ]
    if data == "photos":
        points += [
            ("dead", "mnist", "standardized", way, 3, rate) for way in DEAD_WAYS for rate in DEAD_RATES
        ]
        points += [
            ("blocks", "photos", "standardized", form, signals.DEPTH, rate)
            for form in FORMS
            for rate in BLOCK_RATES
        ]
    return [Settings(*point, seed) for seed in of.seeds for point in points]


def starts(size: str, data: str = "photos") -> list[Results]:
    """What arrives at each layer of each way's network before any training, STARTED layers deep."""
    records = []
    for input in (form for name, form, _ in STUDIED[data] if name == data):
        shown = images(data, input, size)
        for way in WAYS:
            for seed in SIZES[size].seeds:
                net = dense(WAYS[way], STARTED, shown.train_x[0].numel(), seed)
                at = {"way": way, "data": data, "input": input, "depth": STARTED, "seed": seed}
                records.append({**at, **start(net, shown)})
    return records


def study(size: str = "full", data: str = "photos", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size, data)
    if "starts" not in results:
        results["starts"] = starts(size, data)
        if data == "photos":
            seeds = SIZES[size].seeds
            results["signals"] = [record for seed in seeds for record in _lighter(signals.probe(seed=seed))]
            results["blocks"] = [record for seed in seeds for record in signals.probe_blocks(seed=seed)]
            results["products"] = [record for seed in seeds for record in signals.products(seed=seed)]
            results["convolutions"] = [record for seed in seeds for record in signals.convolutions(seed=seed)]
        results["runs"] = results.pop("runs")  # last in the file
    yield from run_missing(results, plan(size, data), lambda at: run(at, size))


def _lighter(records: list[Results]) -> list[Results]:
    """The distributions of the first seed only: they are drawn, and not averaged."""
    return [
        {k: v for k, v in record.items() if record["seed"] == 0 or k not in ("histograms", "bins")}
        for record in records
    ]


def about(size: str, data: str = "photos") -> Results:
    """What the results were made with."""
    return {
        "size": size,
        **asdict(SIZES[size]),
        "every": SIZES[size].grid.every,
        "rates": RATES,
        "block_rates": BLOCK_RATES,
        "dead_rates": DEAD_RATES,
        "batch": BATCH,
        "momentum": MOMENTUM,
        "width": WIDTH,
        "probed": PROBED,
        "base": BASE,
        "data": {name: described(SETS[name]) for name, _, _ in STUDIED[data]},
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("depth", study, SIZES, STUDIED)


if __name__ == "__main__":
    main()
