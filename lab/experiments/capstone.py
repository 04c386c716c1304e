"""Unit 12's experiments. This one: which trick deserves how much of the ladder's gain?

In a notebook:

    from lab.experiments import capstone
    train = capstone.accuracy_with                   # train(frozenset({"flip", "crop"}), seed) -> accuracy
    results = capstone.compare(["flip", "crop"])     # all tricks, and all but one of these; three seeds
    capstone.plot_leave_one_out(results)             # what is lost without each: seeds, mean, deviation

`accuracy_with` trains `lab.ladder`'s network with a set of its tricks (names of `capstone.TRICKS`) on 2000
photo-patches, six epochs, in about ten seconds on a core of its own, and measures it on the test images.
Equal sets and seeds give equal numbers. Each plot returns a matplotlib Figure.

For the chapter, written as JSON, run by run; a file that was cut off is continued:

    python -m lab.experiments.capstone --size full --out ablation.json
    python -m lab.experiments.capstone_budget --size full --out budget.json
    python -m lab.experiments.capstone_uncertainty --size full --out uncertainty.json

    results = capstone.load_results("ablation.json")
    capstone.plot_leave_one_out(results)          # from all of results["about"]["tricks"]
    capstone.plot_orders(results)                 # gains of FOUR tricks in every order, and Shapley values
    capstone.measured(results)                    # {frozenset of names: array of accuracies, one per seed}
    capstone.lost_without(results)                # {trick: v(T) - v(T without it), per seed}
    capstone.ladder_of(results, order)            # (tricks of the order, seeds): gains, in points of accuracy
    capstone.shapley_of(results)                  # {trick of FOUR: its Shapley value, per seed}
    capstone.shares_of(results)                   # {set of FOUR: what it adds beyond its subsets, per seed}

A run in results["runs"] is a dict: "tricks" (names, in the ladder's order), "seed", "lr", "parameters",
"loss", "train_accuracy", "test_accuracy", "seconds" (see `lab.ladder`). There is a run of every set of FOUR
with no other trick, of all tricks, and of all tricks but one. Test images are measured once, at the end;
epochs and rates are the ladder's, fixed beforehand.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from lab import ladder
from lab.experiments.capstone_gains import ladder_of, lost_without, measured, shapley_of, shares_of
from lab.experiments.capstone_plots import plot_leave_one_out, plot_orders
from lab.experiments.capstone_training import TRICKS, images, tricks_of
from lab.experiments.command import described, made_with, run_missing, run_study
from lab.experiments.results import Results, load_results
from lab.progress import with_progress

__all__ = [
    "FOUR",
    "SIZES",
    "TRICKS",
    "accuracy_with",
    "compare",
    "ladder_of",
    "load_results",
    "lost_without",
    "measured",
    "plan",
    "plot_leave_one_out",
    "plot_orders",
    "shapley_of",
    "shares_of",
    "study",
]

FOUR = ("batch norm", "flip", "crop", "instance norm")


@dataclass(frozen=True)
class Size:
    """How much the study trains."""

    ladder: str  # a size of the ladder
    seeds: tuple[int, ...]


SIZES = {"tiny": Size("tiny", (0, 1)), "full": Size("short", (0, 1, 2))}


@dataclass(frozen=True)
class Settings:
    """Everything that one training run depends on, besides the size."""

    tricks: list[str]
    seed: int


def in_order(tricks: Collection[str]) -> list[str]:
    """As on the ladder."""
    return sorted(tricks, key=TRICKS.index)


def run(at: Settings, size: str) -> Results:
    """Train one network of the ladder, of a size of the ladder."""
    s = ladder.SIZES[size]
    found = ladder.train(tricks_of(at.tricks), images(s), s, at.seed)
    return {**found, **asdict(at)}


def accuracy_with(tricks: frozenset[str], seed: int, size: str = "short") -> float:
    """Accuracy on the test images of a network that is trained with these tricks."""
    return run(Settings(in_order(tricks), seed), size)["test_accuracy"]


def compare(tricks: Sequence[str] = FOUR, size: str = "short") -> Results:
    """Train with all of these tricks, and with all but one, for every seed."""
    sets = _all_and_all_but_one(tricks)
    points = [Settings(names, seed) for names in sets for seed in ladder.SIZES[size].seeds]
    shown = with_progress("training", points, lambda at: f"{' + '.join(at.tricks)}, seed {at.seed}")
    return {"about": _about(size, tricks, ()), "runs": [run(at, size) for at in shown]}


def plan(size: str) -> list[Settings]:
    """The runs of the study, each once; seed by seed, so that a study that is cut off is whole for some."""
    subsets = [in_order(names) for count in range(len(FOUR) + 1) for names in combinations(FOUR, count)]
    sets = [*subsets, *_all_and_all_but_one(TRICKS)]
    return [Settings(names, seed) for seed in SIZES[size].seeds for names in sets]


def study(size: str = "full", begun: Results | None = None) -> Iterator[Results]:
    """All of `plan`, or what is missing of one that was `begun`; yields the results after every run."""
    results: Results = begun or {"about": {}, "runs": []}
    results["about"] = {**_about(SIZES[size].ladder, TRICKS, FOUR), **asdict(SIZES[size]), "size": size}
    yield from run_missing(results, plan(size), lambda at: run(at, SIZES[size].ladder))


def _all_and_all_but_one(tricks: Sequence[str]) -> list[list[str]]:
    return [in_order(tricks), *(in_order(set(tricks) - {name}) for name in tricks)]


def _about(size: str, tricks: Sequence[str], four: Sequence[str]) -> Results:
    return {
        "data": described("photo_patches"),
        **asdict(ladder.SIZES[size]),
        "size": size,
        "momentum": ladder.MOMENTUM,
        "tricks": in_order(tricks),
        "four": list(four),
        **made_with(),
    }


def main() -> None:
    """The command line."""
    run_study("capstone", study, SIZES)


if __name__ == "__main__":
    main()
