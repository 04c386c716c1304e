"""Unit 03's experiments: over which axes may one average, and what does each choice keep and lose?

In a notebook, with layers of one's own (what is left out is the library's). Each takes seconds as "tiny", up
to a minute as "short", and each plot returns a matplotlib Figure:

    from lab.experiments import family
    results = family.compare({"my group norm": lambda channels: GroupNorm(4, channels)})   # channels -> layer
    family.plot_batch_sizes(results)       # test error over the batch size; batch norm beside it
    family.plot_illumination(results)      # accuracy on images of other contrast, brightness, colour
    # Left out: 4 groups, and instance norm at the input, {family.INPUT: family.NORMS[family.INPUT]}

    results = family.compare_whitening({"my whitening": DecorrelatedBatchNorm})            # features -> layer
    family.plot_whitening(results)         # validation accuracy by epoch; eval mode, train mode
    results = family.compare_recurrent({"my layer norm": LayerNorm})                       # features -> layer
    family.plot_recurrent(results)         # training curve; accuracy on sequences longer than any in training
    results = family.compare_weights(WeightNormLinear)       # (inputs, outputs) -> linear layer
    family.plot_lengths(results)           # length of v by epoch, for several rates; the angle w turns by
    family.plot_starts(results)            # accuracy after starts with weights 0.1, 1 and 10 times as large

The NumPy notebook needs no torch: Newton-Schulz and the axes of a whitening are in `family_whitening`.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.family --size full --out full.json
    LAB_DATA=... python -m lab.experiments.family --size full --data cifar10 --out cifar10.json   # images

    results = family.load_results("full.json")      # all plots above take it, and
    family.plot_newton(results)                     # |W Sigma W - I| over the steps of Newton-Schulz
    family.plot_axes(results)                       # PCA and ZCA over successive mini-batches
    family.plot_rates(results)                      # how the rate of each norm was chosen
    family.plot_lengths(results, scale=0.1)         # after a start with short v
    family.summary(results, part="images", norm="group norm", batch=2)      # test accuracy at the best rate
    family.best_rate(results, part="images", norm="group norm")             # by VALIDATION accuracy
    family.table(results)                           # [(norm, {batch size: summary of the test ERROR})]
    family.illumination_table(results, "contrast")  # [(norm, {factor: summary of the accuracy})]

`summary` takes the fields of `Settings`; what is left out is BASE of the part, the rate is the best one of
those that were run, and `key` (test_accuracy) may be any number of a run, or a list, whose last value counts.
A summary is {"mean", "std", "min", "max"} over seeds, std that of a sample (n - 1).

Parts (Settings.part) and their norms:
"images"     `small_cnn` on photo-patches (or CIFAR-10), SGD with momentum. NORMS: "none", "batch norm",
             "layer norm" (over C, H, W: one group), "group norm" (4 groups), "instance norm", and
             "instance at the input" (instance norm of the image without affine, then batch norm). The rate is
             chosen at batch 32, from RATES, the same for all; at batch B it is rate x B / 32 (Wu & He 2018).
             At batch 2 batch norm and group norm were trained with the neighbouring rates, too: `table` takes
             the rate chosen at 32, `summary(batch=2)` the best of these.
"whitening"  two hidden layers on 8x8 digits. WHITENERS: "none", "batch norm", "ZCA", "PCA", "Newton-Schulz".
"recurrent"  a tanh network reads a digit of 28x28 row by row. RECURRENT: "none", "layer norm", "batch norm"
             (one for all steps), "batch norm per step" (further steps take the last one's statistics).
"weights"    two hidden layers on 8x8 digits, SGD without momentum. WEIGHTS: "plain", "batch norm",
             "weight norm" (g = |v| at the start) and "weight norm, first batch" (Salimans & Kingma 2016, 3).

results["runs"]: dicts with the fields of `Settings`, lists with a value per epoch: loss, validation_accuracy;
train_accuracy and test_accuracy at the end; and by part
    "images", batch 32: "illumination" {"contrast" | "brightness" | "colour" | "contrast, clipped":
              [accuracy at each of about["illumination"][that name]]}
    "whitening": test_accuracy_train_mode (each test batch with its own statistics)
    "recurrent": "longer" {"before" | "behind": [test accuracy with about["blank_rows"] empty rows there]},
              test_accuracy_train_mode
    "weights": "length" per epoch [mean over units and layers of |v| (of |w| where there is no v)], "angle"
              per epoch [degrees by which the first layer's rows turned, on average]
results["newton"], results["axes"]: as `family_whitening` returns them.
results["small batches"]: as `family_small_batches` returns them.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.device import nn
from lab.experiments import family_whitening as whitening
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.family_data import LIGHT, SETS, Amount, prepared
from lab.experiments.family_measures import (
    BLANK_ROWS,
    fit,
    illumination,
    length_watch,
    longer,
    train_mode_accuracy,
)
from lab.experiments.family_nets import (
    EPS,
    FIRST_BATCH,
    GROUPS,
    INPUT,
    NEWTON_STEPS,
    NORMS,
    RECURRENT,
    WEIGHTS,
    WHITENERS,
    MakeLayer,
    MakeLinear,
    Reader,
    dense_net,
    image_net,
    scale_by_first_batch,
)
from lab.experiments.family_plots import (
    BASE,
    best_rate,
    illumination_table,
    plot_axes,
    plot_batch_sizes,
    plot_illumination,
    plot_lengths,
    plot_newton,
    plot_rates,
    plot_recurrent,
    plot_starts,
    plot_whitening,
    summary,
    table,
)
from lab.experiments.family_small_batches import small_batches
from lab.experiments.results import Results, load_results
from lab.nets import no_norm
from lab.progress import with_progress

__all__ = [
    "BASE",
    "INPUT",
    "NORMS",
    "RECURRENT",
    "SIZES",
    "WEIGHTS",
    "WHITENERS",
    "best_rate",
    "compare",
    "compare_recurrent",
    "compare_weights",
    "compare_whitening",
    "illumination_table",
    "load_results",
    "plot_axes",
    "plot_batch_sizes",
    "plot_illumination",
    "plot_lengths",
    "plot_newton",
    "plot_rates",
    "plot_recurrent",
    "plot_starts",
    "plot_whitening",
    "study",
    "summary",
    "table",
]

MOMENTUM = {"images": 0.9, "whitening": 0.9, "recurrent": 0.9, "weights": 0.0}
RATES = {
    "images": (0.003, 0.01, 0.03, 0.1, 0.3),
    "whitening": (0.01, 0.03, 0.1, 0.3, 1.0),
    "recurrent": (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    "weights": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
}
OWN_RATES = (0.03, 0.1, 0.3, 1.0)  # of `compare_weights`; every other one at the larger and smaller starts
RATE = {"images": 0.03, "whitening": 0.1, "recurrent": 0.01}  # of layers of one's own
SCALES = (0.1, 1.0, 10.0)
WIDTH = {"whitening": 32, "recurrent": 64, "weights": 64}
LIT = 300  # test images for each light
CHECKED = ("batch norm", "group norm")  # with other rates at batch size 2 too
TRIED = {"photos": tuple(NORMS), "cifar10": ("none", "batch norm", "group norm", INPUT)}
BATCHED: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {  # norms, at the batch sizes besides BASE's
    "photos": (("batch norm", "group norm", "none", "layer norm"), (2, 4, 8, 16, 64)),
    "cifar10": (("batch norm", "group norm", "none"), (2, 4, 8)),
}


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    images: Amount
    whitening: Amount
    recurrent: Amount
    weights: Amount
    seeds: tuple[int, ...]
    own_batches: tuple[int, ...]  # of `compare`


SIZES = {
    "tiny": Size(
        images=Amount(64, 20, 40, 1),
        whitening=Amount(128, 20, 64, 1),
        recurrent=Amount(64, 20, 40, 1),
        weights=Amount(64, 20, 40, 2),
        seeds=(0, 1),
        own_batches=(8, 32),
    ),
    "short": Size(
        images=Amount(400, 200, 300, 4),
        whitening=Amount(960, 200, 300, 8),
        recurrent=Amount(1000, 300, 500, 5),
        weights=Amount(960, 200, 300, 8),
        seeds=(0, 1, 2),
        own_batches=(2, 32),
    ),
    "full": Size(
        images=Amount(1000, 300, 1000, 4),
        whitening=Amount(1200, 297, 300, 10),
        recurrent=Amount(2000, 500, 1000, 5),
        weights=Amount(1200, 297, 300, 10),
        seeds=(0, 1, 2),
        own_batches=(2, 32),
    ),
}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    part: str
    data: str  # a name in SETS
    norm: str
    rate: float  # SGD's, at the first step; for "images" at batch 32
    batch: int
    scale: float  # of the weights at the start
    seed: int


def compare(
    layers: Mapping[str, MakeLayer] | None = None, size: str = "short", data: str = "photos"
) -> Results:
    """Photos: the library's batch norm and layers (channels -> layer), at batch sizes 2 and 32."""
    own = dict(layers or {"group norm": NORMS["group norm"], INPUT: NORMS[INPUT]})
    batches = SIZES[size].own_batches
    points: list[Results] = [
        {"data": data, "norm": norm, "batch": batch} for norm in ("batch norm", *own) for batch in batches
    ]
    return _compared("images", points, size, {**NORMS, **own})


def compare_whitening(layers: Mapping[str, MakeLayer] | None = None, size: str = "short") -> Results:
    """Digits: batch norm, the experiment's ZCA and PCA, and layers (features -> layer for (N, features))."""
    own = dict(layers or {"Newton-Schulz": WHITENERS["Newton-Schulz"]})
    points: list[Results] = [{"norm": norm} for norm in ("batch norm", "ZCA", "PCA", *own)]
    return _compared("whitening", points, size, {**WHITENERS, **own})


def compare_recurrent(layers: Mapping[str, MakeLayer] | None = None, size: str = "short") -> Results:
    """Digits row by row: no norm, batch norm for all steps, and layers (features -> layer)."""
    own = dict(layers or {"layer norm": RECURRENT["layer norm"]})
    points: list[Results] = [{"norm": norm} for norm in ("none", "batch norm", *own)]
    return _compared("recurrent", points, size, {**RECURRENT, **own})


def compare_weights(make_linear: MakeLinear | None = None, size: str = "short") -> Results:
    """Digits: plain layers, and layers with parameters v (outputs, inputs), g and bias; rates and starts."""
    own = {"my weight norm": (make_linear, no_norm)} if make_linear else {}
    names = ("plain", *(own or ("weight norm",)))
    points: list[Results] = [
        {"norm": norm, "rate": rate, "scale": scale}
        for norm in names
        for scale in SCALES
        for rate in (OWN_RATES if scale == 1 else OWN_RATES[1::2])
    ]
    return _compared("weights", points, size, {**WEIGHTS, **own})


def _compared(part: str, points: list[Results], size: str, layers: Mapping[str, Any]) -> Results:
    planned = [
        Settings(**{"part": part, "rate": RATE.get(part), **BASE[part], **point, "seed": seed})
        for point in points
        for seed in SIZES[size].seeds
    ]
    shown = with_progress("training", planned, lambda at: f"{at.norm}, seed {at.seed}")
    return {"about": about(size), "runs": [run(at, size, layers[at.norm]) for at in shown]}


def run(at: Settings, size: str, layer: Any = None) -> Results:
    """One run, as the docstring of this module describes it; `layer` instead of the one of that name."""
    amount: Amount = getattr(SIZES[size], at.part)
    data = prepared(at.data, amount)
    how: Results = {
        "batch": at.batch,
        "epochs": amount.epochs,
        "seed": at.seed,
        "momentum": MOMENTUM[at.part],
    }
    rate = at.rate * at.batch / BASE["images"]["batch"] if at.part == "images" else at.rate
    layer = layer or LAYERS[at.part][at.norm]
    net: nn.Module
    if at.part == "images":
        net = image_net(at.norm, layer, at.seed)
        found = fit(net, data, rate=rate, **how)
        if at.batch == BASE["images"]["batch"]:
            found["illumination"] = illumination(net, data, LIT)
    elif at.part == "recurrent":
        steps = data.train_x.shape[2] if at.norm == "batch norm per step" else 1
        norms = [layer(WIDTH[at.part]) for _ in range(steps)]
        net = Reader(norms, data.train_x.shape[3], WIDTH[at.part], at.seed)
        found = fit(net, data, rate=rate, **how)
        found["longer"] = longer(net, data)
    elif at.part == "whitening":
        net = dense_net(nn.Linear, layer, WIDTH[at.part], at.scale, at.seed)
        found = fit(net, data, rate=rate, **how)
    else:
        make_linear, make = layer
        net = dense_net(make_linear, make, WIDTH[at.part], at.scale, at.seed)
        if at.norm == FIRST_BATCH:
            scale_by_first_batch(net, data.train_x[:200].cpu())
        found = fit(net, data, rate=rate, falling=False, watch=length_watch(net), **how)
    if at.part in ("whitening", "recurrent"):
        found["test_accuracy_train_mode"] = train_mode_accuracy(net, data, at.batch)
    return asdict(at) | found


LAYERS: dict[str, Mapping[str, Any]] = {
    "images": NORMS,
    "whitening": WHITENERS,
    "recurrent": RECURRENT,
    "weights": WEIGHTS,
}


def plan(size: str, data: str = "photos") -> list[Settings]:
    """The runs of the study that choose a rate, each once."""
    points: list[Results] = []
    if data == "photos":
        for part in ("whitening", "recurrent"):
            points += [{"part": part, "norm": norm} for norm in LAYERS[part]]
        points += [{"part": "weights", "norm": norm, "scale": s} for norm in WEIGHTS for s in SCALES]
    points += [{"part": "images", "norm": norm} for norm in TRIED[data]]
    return _settings([{**p, "rate": rate} for p in points for rate in RATES[p["part"]]], size, data)


def plan_batches(results: Results, size: str, data: str = "photos") -> list[Settings]:
    """The runs at other batch sizes, each norm at the rate that was best for it; some at others too."""
    norms, batches = BATCHED[data]
    points: list[Results] = [
        {"part": "images", "norm": norm, "batch": batch, "rate": best_rate(results, norm=norm, data=data)}
        for norm in norms
        for batch in batches
    ]
    if data == "photos":
        points += [
            {"part": "images", "norm": norm, "batch": 2, "rate": rate}
            for norm in CHECKED
            for rate in RATES["images"][1:-1]
        ]
    return _settings(points, size, data)


def _settings(points: list[Results], size: str, data: str) -> list[Settings]:
    found = []
    for point in points:
        base = {**BASE[point["part"]], **({"data": data} if point["part"] == "images" else {})}
        found += [Settings(**{**base, **point, "seed": seed}) for seed in SIZES[size].seeds]
    return list(dict.fromkeys(found))


def study(size: str = "full", data: str = "photos", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size, data)
    if data == "photos" and "newton" not in results:
        seeds = SIZES[size].seeds
        results["newton"] = [record for seed in seeds for record in whitening.newton_errors(seed=seed)]
        results["axes"] = [record for seed in seeds for record in whitening.axes(seed=seed)]
    if data == "photos" and "small batches" not in results:
        results["small batches"] = [record for seed in SIZES[size].seeds for record in small_batches(seed)]
        results["runs"] = results.pop("runs")  # last in the file
    yield from run_missing(results, plan(size, data), lambda at: run(at, size))
    yield from run_missing(results, plan_batches(results, size, data), lambda at: run(at, size))


def about(size: str, data: str = "photos") -> Results:
    """What the results were made with."""
    names = ("photos", "digits", "mnist") if data == "photos" else (data,)
    return {
        "size": size,
        **asdict(SIZES[size]),
        "rates": RATES,
        "momentum": MOMENTUM,
        "base": BASE,
        "width": WIDTH,
        "groups": GROUPS,
        "eps_of_whitening": EPS,
        "newton_steps": NEWTON_STEPS,
        "illumination": LIGHT,
        "illumination_images": LIT,
        "blank_rows": BLANK_ROWS,
        "data": {name: described(SETS[name]) for name in names},
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("family", study, SIZES, ("photos", "cifar10"))


if __name__ == "__main__":
    main()
