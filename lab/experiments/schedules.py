"""Unit 08's experiments: schedules, batch size, accumulation and clipping, each at a stated cost.

What needs no torch is in `schedules_noise`, ensembles are in `ensembles`. With schedules of one's own, in a
notebook ("tiny" takes seconds, "short" about half a minute for one's own beside the two of the course):

    from lab.experiments import schedules
    results = schedules.compare(
        {"mine": lambda optimizer, T: WarmupCosine(optimizer, W=T // 10, T=T)},    # -> a scheduler
        size="short",
        train_epoch=train_epoch,       # or left out: the course's own loop
    )
    schedules.plot_schedules(results)  # test accuracy and loss, each at its best rate: a row per schedule
    schedules.plot_curves(results)     # the rate, the training loss and the validation accuracy by step
    schedules.summary(results, way="mine")      # {"mean", "std", "min", "max"} of the test accuracy
    # beside "mine": "constant" and "cosine" of the course (lab.figures.schedules.rates)

`train_epoch(model, batches, optimizer, scheduler, max_norm)` returns the mean loss. It gets the next part of
the run: a list of (images (B, 3, 16, 16), labels (B,)), and a scheduler whose `step()` is to be called once
after every step of the optimizer. max_norm is None: nothing is clipped.

    data = schedules.images("photos", size="short")    # data.train_x, .train_y, .validation_x, ..., .test_y
    net = schedules.network("BN", seed=0)              # small_cnn with batch normalization; "plain": without
    schedules.batches(data, batch=32, steps=96, seed=0)     # [(x, y), ...]: every image once, then again

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.schedules --size full --out full.json
    LAB_DATA=... python -m lab.experiments.schedules --size full --data cifar10 --out cifar10.json

    results = schedules.load_results("full.json")
    schedules.plot_schedules(results)          # a) SCHEDULES at an equal number of steps
    schedules.plot_curves(results)
    schedules.plot_rates(results)              # a) test accuracy over the rate, a line per schedule
    schedules.plot_speed(results)              # b) seconds per step and images per second over B
    schedules.plot_batches(results)            # b) accuracy over the rate, a line per B: equal epochs
    schedules.plot_rules(results)              # b) accuracy over B, a line per rule of RULES: equal epochs
    schedules.plot_equal(results)              # b) the same B at equal epochs and at equal steps
    schedules.plot_gap(results)                # b) small and large batch: training, test, sharpness
    schedules.plot_accumulation(results)       # c) difference of gradients; accuracy with ghost batches
    schedules.plot_clipping(results)           # e) accuracy over the rate; norms of gradients
    schedules.summary(results, part="schedules", way="cosine")             # test accuracy at the best rate
    schedules.summary(results, part="schedules", way="cosine", key="test_loss")
    schedules.best_rate(results, part="epochs", way="constant", batch=512)  # by mean VALIDATION accuracy
    schedules.rule(results, "linear", 512)     # summary at the rate of this rule; RULES has the names
    schedules.rate_by(results, "linear", 512)  # that rate
    schedules.table(results)                   # [(way, rate, summary of accuracy, summary of loss)]
    schedules.step_time(results, "plain")      # (a, b): seconds per step a + b B
    schedules.gap_table(results)               # [{data, way, batch, rate, train, test, sharpness}]

`summary` takes the fields of `Settings`; what is left out is BASE of the part, the rate is the best one of
those that were run (one for all seeds), and `key` may be any number of a run or a list, whose last value
counts. Every run but those of "gap" is SGD with momentum 0.9.

Parts (Settings.part) and their ways:
"schedules" SCHEDULES, on the network "BN"; the first seed with RATES, all seeds with the best of them.
"epochs"    "constant" or "warm-up" (linear, over the first WARM_SHARE of the steps), on "BN", with batches of
            32 to 512 and BATCH_RATES: as many images for all.
"steps"     "constant", on "BN", with STEP_RATES: as many steps for all.
"gap"       "plain" or "MLP" (on mnist) with Adam: GAP_BATCH, and a tenth of the images as in Keskar et al.
            (2017), that at GAP_RATE and at GAP_RATE times the square root of the batches' ratio.
"ghost"     "BN" or "plain": batches of GHOST_BATCH in parts of `micro` images, gradients accumulated.
"clipping"  "not clipped" or "clipped" (global norm MAX_NORM), on "plain", with CLIP_RATES.

results["runs"]: dicts with the fields of `Settings`; steps (of the optimizer); loss, rates and validation:
lists, a value per part of the run: mean loss, learning rate of its first step, validation accuracy after it;
NaN from where the loss was no number. At the end train_accuracy, validation_accuracy, test_accuracy and
train_loss, validation_loss, test_loss. "gap" also has sharpness (see `schedules_measures.sharpness`),
"clipping" norms (of the gradient before it is clipped, a value per step).
results["speed"]: dicts {network, batch, seconds: CPU time of a step, images_per_second}.
results["accumulation"]: dicts {way, seed, micro, difference: |g - g_whole| / |g_whole|, before training}.
results["ensembles"], results["lines"]: see `ensembles`.
results["about"]: sizes, seeds, rates, device, versions, date, data.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from lab.device import torch
from lab.experiments import ensembles
from lab.experiments import schedules_measures as measures
from lab.experiments.batch_size_plots import (
    RULES,
    gap_table,
    plot_accumulation,
    plot_batches,
    plot_equal,
    plot_gap,
    plot_rules,
    plot_speed,
    rate_by,
    rule,
    step_time,
)
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.results import Results, load_results
from lab.experiments.schedules_measures import (
    SETS,
    Prepared,
    Scheduler,
    TrainEpoch,
    batches,
    network,
    one_pass,
)
from lab.experiments.schedules_plots import (
    BASE,
    best_rate,
    plot_clipping,
    plot_curves,
    plot_rates,
    plot_schedules,
    summary,
    table,
)
from lab.figures.schedules import rates as rates_of
from lab.progress import with_progress

__all__ = [
    "BASE",
    "RULES",
    "SCHEDULES",
    "SIZES",
    "batches",
    "best_rate",
    "compare",
    "gap_table",
    "images",
    "load_results",
    "network",
    "plot_accumulation",
    "plot_batches",
    "plot_clipping",
    "plot_curves",
    "plot_equal",
    "plot_gap",
    "plot_rates",
    "plot_rules",
    "plot_schedules",
    "plot_speed",
    "rate_by",
    "rule",
    "step_time",
    "study",
    "summary",
    "table",
]

MakeScheduler = Callable[[torch.optim.Optimizer, int], Scheduler]
SCHEDULES = (
    *("constant", "step", "exponential", "1/t", "cosine", "warm-up, cosine"),
    *("triangular", "restarts", "one cycle"),
)
RATES = (0.01, 0.03, 0.1, 0.3)  # tried with the first seed
CHOSEN = {"exponential": 0.1, "1/t": 0.1}  # for all seeds, where the first was best; 0.03 for the others
OWN_RATES = (0.03, 0.3)
BASE_RATE, BASE_BATCH = 0.02, 32
BATCH_RATES = {
    8: (0.005, 0.01, 0.02),
    32: (0.02, 0.04),
    128: (0.02, 0.04, 0.08),
    512: (0.02, 0.08, 0.16, 0.32),
}
WARM_RATES = {128: (0.08,), 512: (0.16, 0.32)}
STEP_RATES = (0.02,)
WARM_SHARE = 0.25
GAP_BATCH, GAP_RATE = 32, 1e-3
GHOST_BATCH, GHOST_RATE = 128, 0.1
MICROS = {"BN": (128, 32, 8), "plain": (128, 32)}
CLIP_RATES = (0.05, 0.1, 0.2, 0.4, 0.8)
MAX_NORM = 1.0
POINTS, FEW_POINTS = 12, 4  # parts of a run, each with a value in its lists: of a schedule, of others
STUDIED = {  # the parts of a study, and what is different there
    "photos": ("schedules", "epochs", "steps", "gap", "ghost", "clipping"),
    "cifar10": ("schedules", "gap"),
}
FEWER = ("constant", "step", "cosine", "one cycle")  # on CIFAR-10


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    train: int
    validation: int
    test: int
    epochs: int
    batch_epochs: int  # of the parts about the batch size
    steps: int  # where batches of all sizes make as many
    gap_epochs: int
    batches: tuple[int, ...]
    timed: tuple[int, ...]
    timed_steps: int
    member_steps: int
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size(128, 32, 64, 2, 1, 4, 1, (8, 32), (8, 32), 1, 10, (0, 1)),
    "short": Size(1024, 256, 500, 5, 5, 100, 10, (8, 32, 128), (8, 32, 128), 4, 160, (0, 1, 2)),
    "full": Size(
        train=3072,
        validation=400,
        test=1000,
        epochs=4,
        batch_epochs=3,
        steps=96,
        gap_epochs=10,
        batches=(32, 128, 512),
        timed=(8, 16, 32, 64, 128, 256, 512),
        timed_steps=8,
        member_steps=400,
        seeds=(0, 1, 2),
    ),
}
LARGER = replace(
    SIZES["full"], train=5120, validation=500, test=2000, epochs=4, gap_epochs=10, member_steps=640
)


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    part: str
    data: str  # a name in SETS
    way: str
    batch: int
    micro: int
    rate: float
    seed: int


def size_of(size: str, data: str) -> Size:
    """The amounts of a study; there is more of CIFAR-10."""
    return LARGER if (size, data) == ("full", "cifar10") else SIZES[size]


def images(data: str = "photos", size: str = "short") -> Prepared:
    """The images that everything is compared on."""
    of = size_of(size, data)
    return measures.images(data, of.train, of.validation, of.test)


def schedule(name: str, base: float, steps: int) -> np.ndarray:
    """The rates of the steps (T,) of one of SCHEDULES."""
    period = max(steps // 4, 2)
    form: dict[str, tuple[str, dict[str, int]]] = {
        "step": ("step", {"period": period}),
        "exponential": ("exponential", {"period": period}),
        "1/t": ("inverse", {"period": max(steps // 20, 1)}),
        "warm-up, cosine": ("cosine", {"W": steps // 10}),
        "warm-up": ("constant", {"W": round(WARM_SHARE * steps)}),
        "triangular": ("cyclic", {"period": period}),
        "restarts": ("restarts", {"period": period}),
        "one cycle": ("onecycle", {}),
    }
    kind, options = form.get(name, (name, {}))
    return rates_of(kind, base=base, T=steps, **options)


def compare(
    schedulers: Mapping[str, MakeScheduler] | None = None,
    size: str = "short",
    train_epoch: TrainEpoch | None = None,
    rates: tuple[float, ...] = OWN_RATES,
) -> Results:
    """Train with schedulers of one's own, with "constant" and with "cosine", at each rate, for every seed.

    Raises ValueError for a function that returns no scheduler.
    """
    own = dict(schedulers or {})
    names = list(dict.fromkeys(("constant", "cosine", *own)))
    points = [
        Settings("schedules", "photos", name, BASE_BATCH, BASE_BATCH, rate, seed)
        for name in names
        for rate in rates
        for seed in SIZES[size].seeds
    ]
    shown = with_progress("training", points, lambda at: f"{at.way}, rate {at.rate:g}, seed {at.seed}")
    runs = [run(at, size, own.get(at.way), train_epoch) for at in shown]
    return {"about": about(size), "runs": runs}


def run(
    at: Settings, size: str, make: MakeScheduler | None = None, train_epoch: TrainEpoch | None = None
) -> Results:
    """One run, as the docstring of this module describes it; with a scheduler and a loop of one's own."""
    of, data = size_of(size, at.data), images(at.data, size)
    kind = at.way if at.part in ("gap", "ghost") else "plain" if at.part == "clipping" else "BN"
    net = network(kind, at.seed).to(data.train_x.device)
    epochs = {"gap": of.gap_epochs, "schedules": of.epochs}.get(at.part, of.batch_epochs)
    steps = of.steps if at.part in ("steps", "clipping") else max(epochs * of.train // at.batch, 1)
    optimizer: torch.optim.Optimizer = measures.sgd(net, at.rate)
    if at.part == "gap":
        optimizer = torch.optim.Adam(net.parameters(), lr=at.rate)
    form = at.way if at.part in ("schedules", "epochs", "steps") else "constant"
    scheduler = (make or measures.follow(schedule(form, at.rate, steps)))(optimizer, steps)
    if not hasattr(scheduler, "step"):
        came = type(scheduler).__name__
        raise ValueError(f"Expected a scheduler with step() for {at.way!r}, got {came}: return one.")
    found: Results = {}
    options: Results = {"max_norm": MAX_NORM if at.way == "clipped" else None}
    if at.part == "clipping":
        found["norms"] = options["norms"] = []
    if at.micro < at.batch:
        options["micro"] = at.micro
    pairs = batches(data, at.batch, steps, at.seed)
    loop, points = train_epoch or one_pass, POINTS if at.part == "schedules" else FEW_POINTS
    found |= measures.train(net, data, pairs, optimizer, scheduler, points, loop, **options)
    if at.part == "gap":
        found["sharpness"] = measures.sharpness(net, data.train_x, data.train_y)
    return asdict(at) | found


def plan(size: str, data: str = "photos") -> list[Settings]:
    """The runs of the study, each once."""
    of, parts = size_of(size, data), STUDIED[data]
    large = of.train // 10
    points: list[tuple[str, str, str, int, int, float]] = []
    for way in ("not clipped", "clipped"):
        points += [("clipping", data, way, BASE_BATCH, BASE_BATCH, rate) for rate in CLIP_RATES]
    for way, micros in MICROS.items():
        points += [("ghost", data, way, GHOST_BATCH, micro, GHOST_RATE) for micro in micros]
    for name, way in (("mnist", "MLP"), (data, "plain")) if data == "photos" else ((data, "plain"),):
        points += [("gap", name, way, batch, batch, GAP_RATE) for batch in (GAP_BATCH, large)]
        root = round(GAP_RATE * (large / GAP_BATCH) ** 0.5, 4)
        points += [("gap", name, way, large, large, root)]
    for batch in of.batches:
        points += [("steps", data, "constant", batch, batch, rate) for rate in STEP_RATES]
        points += [("epochs", data, "constant", batch, batch, rate) for rate in BATCH_RATES[batch]]
        points += [("epochs", data, "warm-up", batch, batch, rate) for rate in WARM_RATES.get(batch, ())]
    searched = [
        Settings("schedules", data, way, BASE_BATCH, BASE_BATCH, rate, seed)
        for way in (SCHEDULES if data == "photos" else FEWER)
        for seed in of.seeds
        for rate in (RATES if seed == of.seeds[0] else (CHOSEN.get(way, 0.03),))
    ]
    return searched + [Settings(*point, seed) for point in points if point[0] in parts for seed in of.seeds]


def study(size: str = "full", data: str = "photos", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size, data)
    if data == "photos" and "speed" not in results:
        results["speed"] = speed(size)
        results["accumulation"] = accumulation(size)
    for part in ("ensembles", "lines"):
        results.setdefault(part, [])
    results["runs"] = results.pop("runs")  # last in the file
    of = size_of(size, data)
    for seed in with_progress("ensembles", of.seeds, lambda seed: f"seed {seed}"):
        if seed not in {record["seed"] for record in results["ensembles"]}:
            found = ensembles.study(ensembles.Task(seed, images(data, size), of.member_steps))
            results["ensembles"] += found["ensembles"]
            results["lines"] += found["lines"]
        yield results
    yield from run_missing(results, plan(size, data), lambda at: run(at, size))


def speed(size: str) -> list[Results]:
    """Seconds per step and images per second over the batch size, of both networks."""
    of, data = SIZES[size], images("photos", size)
    records = []
    for name in ("plain", "BN"):
        for batch in of.timed:
            net = network(name, 0).to(data.train_x.device)
            seconds = measures.seconds_per_step(net, data, batch, of.timed_steps)
            records.append(
                {"network": name, "batch": batch, "seconds": seconds, "images_per_second": batch / seconds}
            )
    return records


def accumulation(size: str) -> list[Results]:
    """How far the accumulated gradient is from that of the whole batch, before any training."""
    data, of = images("photos", size), SIZES[size]
    x, y = data.train_x[:GHOST_BATCH], data.train_y[:GHOST_BATCH]
    micros = (64, 32, 16, 8, 4, 2)
    return [
        {"way": way, "seed": seed, **found}
        for way in MICROS
        for seed in of.seeds
        for found in measures.differences(network(way, seed).to(x.device), x, y, micros)
    ]


def about(size: str, data: str = "photos") -> Results:
    """What the results were made with."""
    names = ("photos", "mnist") if data == "photos" else (data,)
    return {
        "size": size,
        **asdict(size_of(size, data)),
        "rates": RATES,
        "base_rate": BASE_RATE,
        "base_batch": BASE_BATCH,
        "batch_rates": BATCH_RATES,
        "warm_share": WARM_SHARE,
        "gap_batch": GAP_BATCH,
        "ghost_batch": GHOST_BATCH,
        "max_norm": MAX_NORM,
        "momentum": measures.MOMENTUM,
        "sharp_eps": measures.SHARP_EPS,
        "sharp_steps": measures.SHARP_STEPS,
        **ensembles.ABOUT,
        "data": {name: described(SETS[name]) for name in names},
        **made_with(),
    }


if __name__ == "__main__":
    run_study("schedules", study, SIZES, STUDIED)
