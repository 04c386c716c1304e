"""Unit 06's experiments: what makes a network that knows its training images by heart better on others?

With pieces of one's own, in a notebook ("tiny" takes seconds, "short" about eight seconds for a way):

    from lab.experiments import regularization
    from lab.experiments.regularization import Way
    results = regularization.compare(
        {
            "L2": Way(objective=lambda loss, net: penalized_loss(loss, net, l1=0.0, l2=0.01)),
            "L1, proximal": Way(after_step=lambda net, lr: soft_threshold_(net.parameters(), lr * 0.1)),
            "label smoothing": Way(criterion=SmoothedCrossEntropy(0.1)),
            "noise": Way(layer=lambda: GaussianNoise(0.5, 0.5)),
            "early stopping": Way(stopping=lambda: EarlyStopping(patience=5)),
        },
        size="short",
    )
    regularization.plot_ways(results)     # a row per way: loss and accuracy on the test half, a dot per seed
    regularization.plot_curves(results)   # loss on training and on new images by epoch, a panel per way
    regularization.summary(results, way="L2", key="val_loss")     # {"mean", "std", "min", "max"} over seeds

`Way` says what each piece gets. The plain network is trained beside them as "plain". All train
`lab.nets.dense_cnn` on 500 photo-patches with Adam, the network and the images of unit 05.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.regularization --size full --out full.json
    LAB_DATA=... python -m lab.experiments.regularization --size full --data cifar10 --out cifar10.json

    results = regularization.load_results("full.json")
    regularization.plot_strengths(results)   # accuracy and loss over lambda: L2, L1 twice, elastic net
    regularization.plot_histograms(results)  # the weights at a strong lambda of each, and what is exactly 0
    regularization.plot_zeros(results)       # share of exact zeros, and norm of the weights, over lambda
    regularization.plot_decay(results)       # Adam: accuracy over rate and decay, in the loss and decoupled
    regularization.plot_noise(results)       # noise on each image or on half of them, over its deviation
    regularization.plot_noisy_test(results)  # noise at test: one copy of an image, or the mean over many
    regularization.plot_stopping(results)    # what a patience costs and buys: epochs, loss, accuracy
    regularization.plot_smoothing(results)   # accuracy, loss and certainty over eps
    regularization.plot_reliability(results) # how often right, over how sure
    regularization.plot_max_norm(results)    # accuracy over the learning rate, with and without a bound
    regularization.plot_together(results)    # one thing, two, all of them: a row each
    regularization.together(results)         # {row of plot_together: its settings, chosen or combined}
    regularization.summary(results, way="L2", lam=0.01)          # last val_accuracy, mean, std, min, max
    regularization.best(results, "lam", way="L2")                # by choice_accuracy, mean over the seeds
    regularization.stopped(results, patience=5)                  # {"stop", "best", "test_loss", ...} by seed

`select`, `summary` and `best` take the fields of `Settings`; what is left out is as in the plain network, but
for the four PENALTIES, which are trained with plain SGD: there the steps are those of the equations.
`key` may be any number of a run, a list, whose last value counts, or a path: "weights/zeros".

A run in results["runs"] is a dict: the fields of `Settings`, train_seconds (CPU time of the training alone),
and, a value per entry of `epochs`: loss (mean over the steps of the epoch, of what was differentiated),
train_loss, train_accuracy; val_loss, val_accuracy, on all images that were kept apart, as in unit 05;
choice_loss, choice_accuracy on the half of them that settings are chosen on; test_loss, test_accuracy on the
other half. All of them are measured in eval mode with plain cross-entropy. A loss that is no number is NaN.
Where training was stopped early the last entry is of the restored network: its `epochs` is the epoch that the
network went back to, and "stopped" the epoch after which training ended.
Of the network at the end: "weights" and "calibration", and "noisy" with noise at test, as
`regularization_measures` describes them. results["about"]: sizes, seeds, strengths, device, versions, date.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from lab.device import torch
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.dense_runs import fast_images, fast_net, score
from lab.experiments.regularization_measures import EDGES, calibration, under_noise, weights
from lab.experiments.regularization_noise_plots import (
    plot_noise,
    plot_noisy_test,
    plot_reliability,
    plot_smoothing,
)
from lab.experiments.regularization_plots import (
    plot_curves,
    plot_decay,
    plot_histograms,
    plot_max_norm,
    plot_stopping,
    plot_strengths,
    plot_together,
    plot_ways,
    plot_zeros,
    together,
)
from lab.experiments.regularization_select import FIELDS, best, chosen_runs, select, stopped, summary
from lab.experiments.regularization_ways import (
    MIX,
    PENALTIES,
    UNITS,
    Settings,
    Stopper,
    Way,
    way_of,
)
from lab.experiments.results import Results, load_results
from lab.nets import count_parameters, dense_cnn
from lab.progress import with_progress
from lab.training import Images

__all__ = [
    "PENALTIES",
    "SIZES",
    "Settings",
    "Way",
    "best",
    "compare",
    "load_results",
    "plot_curves",
    "plot_decay",
    "plot_histograms",
    "plot_max_norm",
    "plot_noise",
    "plot_noisy_test",
    "plot_reliability",
    "plot_smoothing",
    "plot_stopping",
    "plot_strengths",
    "plot_together",
    "plot_ways",
    "plot_zeros",
    "select",
    "stopped",
    "study",
    "summary",
    "together",
]

BATCH = 32
SETS = {"photos": "photo_patches", "cifar10": "cifar10"}
MEASURED = tuple(
    f"{part}_{what}" for part in ("train", "val", "choice", "test") for what in ("loss", "accuracy")
)
SGD_RATE = 0.05  # at the start; it falls to 0 in a line
LAMBDAS: dict[str, tuple[float, ...]] = {
    "L2": (0.001, 0.003, 0.01, 0.03, 0.1),
    "L1": (0.00003, 0.0001, 0.0003, 0.001, 0.003),
}
LAMBDAS |= {"L1, proximal": LAMBDAS["L1"], "elastic net, proximal": (0.0001, 0.001, 0.003)}
RATES = (0.0003, 0.001, 0.003)  # of Adam, with each of these:
DECAYS = {"L2": (0.003, 0.01, 0.03), "decay": (0.3, 1.0, 3.0)}
SIGMAS = {"photos": (0.05, 0.1, 0.2, 0.4), "cifar10": (0.1, 0.4)}
EPSILONS = (0.1, 0.2, 0.4)
NORMS = (1.0, 2.0)
FAST_RATES = (0.001, 0.003, 0.01)
DROPOUTS = (0.5,)
TOGETHER = (
    ("decay", "noise"),
    ("decay", "label smoothing"),
    ("decay", "dropout"),
    ("label smoothing", "dropout"),
    ("decay", "noise", "label smoothing", "max-norm"),
    ("decay", "noise", "label smoothing", "max-norm", "dropout"),
)


@dataclass(frozen=True)
class Size:
    """How much is trained and measured."""

    train_images: int
    val_images: int
    epochs: int
    sgd_epochs: int
    every: int  # epochs from one measurement to the next, where a curve is not asked for
    draws: int  # noisy copies of an image at test
    seeds: tuple[int, ...]


SIZES = {
    "tiny": Size(48, 50, 2, 2, 1, 2, (0, 1)),
    "short": Size(500, 300, 16, 16, 2, 5, (0, 1, 2)),
    "full": Size(500, 1000, 40, 40, 40, 5, (0, 1, 2)),
}


def amount(size: str, data: str) -> Size:
    """How much of a data set; the full study takes more images of CIFAR-10, and fewer epochs."""
    s = SIZES[size]
    more = size == "full" and data == "cifar10"
    return replace(s, train_images=1000, val_images=2000, epochs=20, every=20) if more else s


class Run:
    """A network in training; `record` has its settings and what was measured."""

    def __init__(self, settings: Settings, images: Images, way: Way | None = None) -> None:
        torch.set_num_threads(1)
        self.settings, self.images = settings, images
        self.way = way or way_of(settings)
        self.net = fast_net(self.way.net(settings.seed), images.train_x.device)
        self.optimizer = self.way.optimizer(list(self.net.parameters()), self.way.lr)
        self.shuffle = torch.Generator().manual_seed(settings.seed)
        torch.manual_seed(settings.seed)  # masks and noise: layers draw from the global generator
        self.record: Results = {**asdict(settings), "train_seconds": 0.0, "epochs": [], "loss": []}
        self.record |= {key: [] for key in MEASURED}

    def train(self, epochs: int, every: int) -> None:
        """Train; measure after every `every` epochs and after the last one; NaN once it diverged."""
        loss, stopper = 0.0, self.way.stopping and self.way.stopping()
        for epoch in range(1, epochs + 1):
            start = time.process_time()
            if self.settings.optimizer == "SGD":
                for group in self.optimizer.param_groups:
                    group["lr"] = self.way.lr * (1 - (epoch - 1) / epochs)
            if math.isfinite(loss):
                loss = self._epoch()
            self.record["train_seconds"] += time.process_time() - start
            if stopper or epoch % every == 0 or epoch == epochs:
                self._measure(epoch, loss)
            if stopper and stopper.step(self.record["choice_loss"][-1], self.net):
                break
        if stopper:
            self._restore(stopper, loss)
        i = self.images
        with torch.no_grad():
            probabilities = self.net.eval()(i.test_x).softmax(dim=1)
        self.record |= {"weights": weights(self.net), "calibration": calibration(probabilities, i.test_y)}

    def _restore(self, stopper: Stopper, loss: float) -> None:
        """Measure what the stopper gives back, under the epoch in which the network was most like it."""
        self.record["stopped"] = self.record["epochs"][-1]
        stopper.restore(self.net)
        self._measure(self.record["stopped"], loss)
        *before, restored = self.record["val_loss"]
        gaps = [abs(then - restored) if math.isfinite(then) else math.inf for then in before]
        self.record["epochs"][-1] = self.record["epochs"][gaps.index(min(gaps))]

    def _epoch(self) -> float:
        """One pass over the training images in a new order; returns the mean of what was differentiated."""
        self.net.train()
        i, way = self.images, self.way
        order = torch.randperm(len(i.train_x), generator=self.shuffle).to(i.train_x.device)
        total = torch.zeros((), device=i.train_x.device)
        steps = len(order) // BATCH
        for rows in order[: steps * BATCH].split(BATCH):
            loss = way.criterion(self.net(i.train_x[rows]), i.train_y[rows])
            if way.objective:
                loss = way.objective(loss, self.net)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if way.after_step:
                way.after_step(self.net, way.lr)
            total += loss.detach()
        return total.item() / steps

    @torch.no_grad()
    def _measure(self, epoch: int, loss: float) -> None:
        self.net.eval()
        i, half = self.images, len(self.images.test_x) // 2
        scores = self.net(i.test_x)
        values = [
            *score(self.net(i.train_x), i.train_y),
            *score(scores, i.test_y),
            *score(scores[:half], i.test_y[:half]),
            *score(scores[half:], i.test_y[half:]),
        ]
        for key, value in zip(("epochs", "loss", *MEASURED), (epoch, loss, *values), strict=True):
            self.record[key].append(value)


def compare(ways: Mapping[str, Way] | None = None, size: str = "short") -> Results:
    """Train the plain network and these ways, for every seed; see the top of this module.

    Without `ways` the library's own: decoupled decay, label smoothing, noise on every other image, dropout.
    Raises ValueError for what is no `Way`.
    """
    chosen: dict[str, Way | None] = {"plain": None}
    chosen |= ways or {name: way_of(at) for name, at in OWN.items()}
    for name, way in chosen.items():
        if way is not None and not isinstance(way, Way):
            came = type(way).__name__
            raise ValueError(f"Expected a Way for {name!r}, got {came}: for example Way(dropout=0.5).")
    s = SIZES[size]
    runs = [Settings(name, seed) for name in chosen for seed in s.seeds]
    records = []
    for at in with_progress("training", runs, lambda at: f"{at.way}, seed {at.seed}"):
        run = Run(at, _images(size, "photos"), chosen[at.way])
        run.train(s.epochs, s.every)
        records.append(run.record)
    return {"about": about(size), "runs": records}


CURVED = (Settings(), Settings(optimizer="SGD", lr=SGD_RATE), Settings("dropout", dropout=0.5))
OWN = {
    "decay": Settings("decay", weight_decay=0.3),
    "noise": Settings("noise", sigma=0.5, probability=0.5),
    "label smoothing": Settings("label smoothing", eps=0.1),
    "dropout": Settings("dropout", dropout=0.5),
}


def plan(size: str, data: str = "photos") -> list[Settings]:
    """The runs of the study, each once."""
    return [replace(at, seed=seed, data=data) for at in points(data) for seed in SIZES[size].seeds]


def points(data: str = "photos") -> list[Settings]:
    """The runs of the study for one seed, but for the combinations."""
    plain = Settings(data=data)
    found = [plain]
    found += [
        replace(plain, way="noise", sigma=sigma, probability=p) for sigma in SIGMAS[data] for p in (0.5, 1.0)
    ]
    if data != "photos":
        return found
    found += [replace(plain, way="label smoothing", eps=eps) for eps in EPSILONS]
    found += [replace(plain, way="dropout", dropout=p) for p in DROPOUTS]
    for lr in FAST_RATES:
        bounds = [replace(plain, way="max-norm", lr=lr, max_norm=norm) for norm in NORMS]
        found += [replace(plain, lr=lr), *bounds]
    sgd = replace(plain, optimizer="SGD", lr=SGD_RATE)
    found += [sgd, *(replace(sgd, way=way, lam=lam) for way in PENALTIES for lam in LAMBDAS[way])]
    for lr in RATES:
        at = replace(plain, lr=lr)
        found += [at, *(replace(at, way="L2", lam=lam) for lam in DECAYS["L2"])]
        found += [replace(at, way="decay", weight_decay=decay) for decay in DECAYS["decay"]]
    return list(dict.fromkeys(found))


def plan_together(results: Results, size: str, data: str = "photos") -> list[Settings]:
    """The combinations of what was best alone; the runs that `plan` names have to be in the results."""
    if data != "photos":
        return []
    chosen, runs = chosen_runs(results), []
    for ways in TOGETHER:
        own = {way: {key: chosen[way][key] for key in FIELDS} for way in ways}
        changed = {k: v for at in own.values() for k, v in at.items() if v != chosen["plain"][k]}
        runs += [Settings(" + ".join(ways), seed, **changed) for seed in SIZES[size].seeds]
    return runs


def study(size: str = "full", data: str = "photos", begun: Results | None = None) -> Iterator[Results]:
    """The whole study, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = about(size, data)
    yield from run_missing(results, plan(size, data), lambda at: run(at, size))
    yield from run_missing(results, plan_together(results, size, data), lambda at: run(at, size))


def run(at: Settings, size: str) -> Results:
    """One run of the study, as the docstring of this module describes it."""
    s, training = amount(size, at.data), Run(at, _images(size, at.data))
    sgd, curved = at.optimizer == "SGD", replace(at, seed=0, data="photos") in CURVED
    training.train(s.sgd_epochs if sgd else s.epochs, 1 if curved else s.every)
    if not sgd:
        del training.record["weights"]["histogram"]
    if at.way in ("plain", "noise") and at.optimizer == "Adam" and at.lr == Settings.lr:
        i = training.images
        training.record["noisy"] = under_noise(training.net, i.test_x, i.test_y, s.draws, at.seed)
    return training.record


def _images(size: str, data: str) -> Images:
    """Training images, and the images that are kept apart: a half to choose with, a half to test."""
    s = amount(size, data)
    return fast_images(SETS[data], s.train_images, s.val_images)


def about(size: str, data: str = "photos") -> Results:
    """What the results were made with."""
    return {
        "size": size,
        **asdict(amount(size, data)),
        "base": asdict(Settings(data=data)),
        "sgd_rate": SGD_RATE,
        "batch_size": BATCH,
        "mix": MIX,
        "edges": EDGES.tolist(),
        "network": f"lab.nets.dense_cnn: two convolutions 3x3, {UNITS} hidden units, Glorot uniform weights",
        "parameters": count_parameters(dense_cnn(units=UNITS))["trained"],
        "data": described(SETS[data]),
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("regularization", study, SIZES, SETS)


if __name__ == "__main__":
    main()
