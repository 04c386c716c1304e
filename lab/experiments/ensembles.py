"""Unit 08's experiment on ensembles: members, snapshots and averaged weights, each at a stated cost.

With classes of one's own, in a notebook ("tiny" takes seconds, "short" about 40 s for three ways):

    from lab.experiments import ensembles
    results = ensembles.compare(
        {
            "five members": five_members,      # each way: task -> list of trained networks
            "snapshots": five_snapshots,
            "SWA": averaged,
        },
        size="short",
        probabilities=ensemble_probabilities,  # (models, x) -> (N, K); or left out
        alone="five members",                  # a first row "one network": the mean of these, each alone
    )
    ensembles.plot_ensembles(results)          # accuracy and loss over the cost, a mark per way
    ensembles.table(results)                   # [{way, steps, networks, accuracy, loss, ...}]

    def five_members(task):
        return [train(task, member) for member in range(5)]

A `task` (of one seed) has
    task.new_net(member=0)     a network (small_cnn with batch normalization), another start for every member
    task.batches(member=0, steps=None)    [(x, y), ...], in an order of the member's own; steps: task.steps
    task.optimizer(net)        SGD with momentum 0.9 at task.lr, the largest rate of a schedule
    task.steps, task.lr        steps of one network's training
    task.data                  train_x (N, 3, 16, 16), train_y, validation_x, ..., test_y

`compare` measures every way's ensemble on the test images, and its CPU time; left out, the ways are OWN.
In the results of the study (`schedules.load_results("full.json")`):

    ensembles.plot_ensembles(results), ensembles.table(results)
    ensembles.plot_sizes(results)              # accuracy and loss of 1, ..., 5 members or snapshots
    ensembles.plot_lines(results)              # loss and accuracy on the line between two sets of weights
    ensembles.summary(results, "five members", key="accuracy")     # {"mean", "std", "min", "max"} over seeds

WAYS and what each trains (T = task.steps):
    "one network"              T steps, cosine
    "one network, 5 T"         5 T steps, cosine
    "five members"             5 times T steps, cosine, five starts
    "snapshots, T"             T steps, five cycles of T / 5
    "snapshots, 5 T"           5 T steps, five cycles of T
    "SWA"                      T steps: cosine, but never below SWA_RATE; mean of the weights after every
                               SWA_EVERY steps of the last quarter, statistics of BN measured again
    "SWA's last weights"       the same run's last weights, not averaged
    "EMA"                      the same run, exponential average with decay EMA_DECAY, measured again
    "weights of five members"  one network with the mean of the five members' weights, measured again
    "weights of snapshots, 5 T"   the same with the snapshots

results["ensembles"]: dicts {way, seed, steps (of training, in all; not in `compare`), networks (evaluated for
an image), train_seconds (CPU), accuracy, loss (of the mean probability, test images), member_accuracy,
member_loss (lists, of each alone), by_size: {"accuracy", "loss"}, lists: of 1, 2, ... of them, mean over all
choices; last: the same of the last 1, 2, ... of them; disagreement: share of the test images on which two of
them differ, mean over the pairs (0 for one)}.
results["lines"]: dicts {between: "two members", "two snapshots, 5 T" or "a run's weights" (the SWA run's, at
3/4 T and at T), seed, alphas, loss, accuracy, train_loss: statistics of BN measured again at every point}.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from lab.device import nn, torch
from lab.experiments import schedules_measures as measures
from lab.experiments.ensembles_plots import plot_ensembles, plot_lines, plot_sizes, summary, table
from lab.experiments.results import Results
from lab.experiments.schedules_measures import Batches, Prepared, follow, network, one_pass
from lab.figures.schedules import rates as rates_of
from lab.progress import Progress

__all__ = [
    "ABOUT",
    "OWN",
    "Task",
    "compare",
    "plot_ensembles",
    "plot_lines",
    "plot_sizes",
    "study",
    "summary",
    "table",
]

MEMBERS, BATCH, RATE = 5, 32, 0.05
SWA_FROM, SWA_RATE, SWA_EVERY = 0.75, 0.02, 10
EMA_DECAY = 0.99
ALPHAS = tuple(np.linspace(-0.25, 1.25, 13).round(3).tolist())
MEASURED = 1024  # images on which statistics of batch normalization are measured again
ABOUT: Results = {
    "members": MEMBERS,
    "ensemble_batch": BATCH,
    "ensemble_rate": RATE,
    "swa_from": SWA_FROM,
    "swa_rate": SWA_RATE,
    "swa_every": SWA_EVERY,
    "ema_decay": EMA_DECAY,
    "measured_again": MEASURED,
}

Networks = list[nn.Module]
Probabilities = Callable[[Sequence[nn.Module], torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Task:
    """One training of a network, as every way of making an ensemble gets it; see the top of this module."""

    seed: int
    data: Prepared
    steps: int
    lr: float = RATE

    def new_net(self, member: int = 0) -> nn.Sequential:
        """A network to train; each member starts elsewhere."""
        return network("BN", 100 * self.seed + member).to(self.data.train_x.device)

    def batches(self, member: int = 0, steps: int | None = None) -> Batches:
        """The batches of a training; each member has an order of its own."""
        return measures.batches(self.data, BATCH, steps or self.steps, 100 * self.seed + member)

    def optimizer(self, net: nn.Module) -> torch.optim.Optimizer:
        """SGD with momentum, at the largest rate."""
        return measures.sgd(net, self.lr)


Way = Callable[[Task], Sequence[nn.Module]]


def compare(
    ways: Mapping[str, Way] | None = None,
    size: str = "short",
    probabilities: Probabilities | None = None,
    alone: str | None = None,
) -> Results:
    """Train with every way, for every seed, and measure; see the top of this module.

    Raises ValueError for a way that returns no list of networks, and for an `alone` that is no way.
    """
    from lab.experiments import schedules  # which has the study, and so needs this module

    of, data = schedules.SIZES[size], schedules.images("photos", size)
    chosen = OWN if ways is None else ways
    if alone not in (None, *chosen):
        raise ValueError(f"Expected alone to be one of {', '.join(chosen)}, got {alone!r}.")
    progress = Progress("training", len(chosen) * len(of.seeds))
    records: list[Results] = []
    for seed in of.seeds:
        task = Task(seed, data, of.member_steps)
        for name, way in chosen.items():
            begun = time.process_time()
            nets = list(way(task))
            if not nets or not all(isinstance(net, nn.Module) for net in nets):
                raise ValueError(f"Expected a list of networks from {name!r}: return [net, ...].")
            seconds = time.process_time() - begun
            found = measure(nets, data, probabilities or mean_probabilities)
            records.append({"way": name, "seed": seed, "train_seconds": seconds, **found})
            progress.update(1, f"{name}, seed {seed}")
    progress.close()
    singles = [_mean_of_one(record) for record in records if record["way"] == alone]
    return {"about": schedules.about(size), "runs": [], "ensembles": singles + records}


def _mean_of_one(record: Results) -> Results:
    """What one of an ensemble's networks costs and reaches, on the mean over all of them."""
    loss, right = np.mean(record["member_loss"]), np.mean(record["member_accuracy"])
    sizes = {"loss": [float(loss)], "accuracy": [float(right)]}
    return {
        "way": "one network",
        "seed": record["seed"],
        "train_seconds": record["train_seconds"] / record["networks"],
        "networks": 1,
        "accuracy": float(right),
        "loss": float(loss),
        "member_accuracy": [float(right)],
        "member_loss": [float(loss)],
        "by_size": sizes,
        "last": sizes,
        "disagreement": 0.0,
    }


@torch.no_grad()
def mean_probabilities(nets: Sequence[nn.Module], x: torch.Tensor) -> torch.Tensor:
    """The mean of the networks' probabilities, (N, K), in eval mode."""
    return torch.stack([_probabilities(net, x) for net in nets]).mean(dim=0)


@torch.no_grad()
def _probabilities(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    net.eval()
    return torch.cat([net(part).softmax(dim=1) for part in x.split(500)])


def measure(
    nets: Sequence[nn.Module], data: Prepared, probabilities: Probabilities = mean_probabilities
) -> Results:
    """Accuracy and loss of the ensemble and of its members on the test images, and how much they disagree."""
    y = data.test_y
    alone = torch.stack([_probabilities(net, data.test_x) for net in nets])
    count, votes = len(nets), alone.argmax(dim=2)
    loss, right = _score(probabilities(nets, data.test_x), y)
    members = [_score(one, y) for one in alone]
    choices = [
        np.mean([_score(alone[list(of)].mean(dim=0), y) for of in combinations(range(count), m)], axis=0)
        for m in range(1, count + 1)
    ]
    last = [_score(alone[-m:].mean(dim=0), y) for m in range(1, count + 1)]
    pairs = [float((votes[i] != votes[j]).float().mean()) for i, j in combinations(range(count), 2)]
    return {
        "networks": count,
        "accuracy": right,
        "loss": loss,
        "member_accuracy": [one[1] for one in members],
        "member_loss": [one[0] for one in members],
        "by_size": {"loss": [float(c[0]) for c in choices], "accuracy": [float(c[1]) for c in choices]},
        "last": {"loss": [one[0] for one in last], "accuracy": [one[1] for one in last]},
        "disagreement": float(np.mean(pairs)) if pairs else 0.0,
    }


def _score(probabilities: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Mean of -log p of the right class, and accuracy."""
    of_label = probabilities[torch.arange(len(y)), y].clamp(min=1e-30)
    return -of_label.log().mean().item(), (probabilities.argmax(dim=1) == y).float().mean().item()


def cycles(task: Task, member: int = 0, count: int = 1, length: int | None = None) -> list[nn.Module]:
    """A training of `count` cycles of cosine with `length` steps; a copy of the network after each."""
    net, steps = task.new_net(member), length or task.steps
    optimizer = task.optimizer(net)
    rates = np.tile(rates_of("cosine", base=task.lr, T=steps), count)
    scheduler = follow(rates)(optimizer, len(rates))
    pairs = task.batches(member, len(rates))
    found: list[nn.Module] = []
    for cycle in range(count):
        one_pass(net, pairs[cycle * steps : (cycle + 1) * steps], optimizer, scheduler)
        found.append(copy.deepcopy(net))
    return found


def members(task: Task) -> list[nn.Module]:
    """Independent networks."""
    return [cycles(task, member)[0] for member in range(MEMBERS)]


def averages(task: Task) -> dict[str, nn.Module]:
    """One run whose rate stays up: its last weights, those at SWA_FROM, and the averages of its weights."""
    net = task.new_net()
    optimizer = task.optimizer(net)
    rates = np.maximum(rates_of("cosine", base=task.lr, T=task.steps), SWA_RATE)
    scheduler = follow(rates)(optimizer, task.steps)
    swa = AveragedModel(net)
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(EMA_DECAY))
    first = round(SWA_FROM * task.steps)
    at_first: nn.Module = net
    for step, pair in enumerate(task.batches(), start=1):
        one_pass(net, [pair], optimizer, scheduler)
        ema.update_parameters(net)
        if step == first:
            at_first = copy.deepcopy(net)
        if step > first and (task.steps - step) % SWA_EVERY == 0:
            swa.update_parameters(net)
    return {
        "SWA's last weights": net,
        "at 3/4 T": at_first,
        "SWA": measured_again(swa.module, task.data),
        "EMA": measured_again(ema.module, task.data),
    }


def mix(nets: Sequence[nn.Module], shares: Sequence[float], data: Prepared) -> nn.Module:
    """A network whose weights are the sum of the networks' weights times the shares; BN measured again."""
    mixed = copy.deepcopy(nets[0])
    with torch.no_grad():
        for name, weight in mixed.named_parameters():
            shared = [share * net.get_parameter(name) for share, net in zip(shares, nets, strict=True)]
            weight.copy_(torch.stack(shared).sum(dim=0))
    return measured_again(mixed, data)


def measured_again(net: nn.Module, data: Prepared) -> nn.Module:
    """The network, after the statistics of its batch normalization were measured on training images."""
    update_bn(list(data.train_x[:MEASURED].split(128)), net)
    return net


OWN: dict[str, Way] = {
    "one network": lambda task: cycles(task),
    "five members": members,
    "snapshots, T": lambda task: cycles(task, count=MEMBERS, length=task.steps // MEMBERS),
    "SWA": lambda task: [averages(task)["SWA"]],
}


def study(task: Task) -> Results:
    """The records of all WAYS for one seed, and those of the lines."""
    data, T, records = task.data, task.steps, []

    def add(way: str, nets: Sequence[nn.Module], steps: int, begun: float) -> None:
        seconds = time.process_time() - begun
        at = {"way": way, "seed": task.seed, "steps": steps, "train_seconds": seconds}
        records.append({**at, **measure(nets, data)})

    clock = time.process_time
    begun = clock()
    one = cycles(task)
    add("one network", one, T, begun)
    begun = clock()
    five = members(task)
    add("five members", five, MEMBERS * T, begun)
    add("weights of five members", [mix(five, [1 / MEMBERS] * MEMBERS, data)], MEMBERS * T, begun)
    begun = clock()
    add("one network, 5 T", cycles(task, length=MEMBERS * T), MEMBERS * T, begun)
    begun = clock()
    add("snapshots, T", cycles(task, count=MEMBERS, length=T // MEMBERS), T // MEMBERS * MEMBERS, begun)
    begun = clock()
    snapshots = cycles(task, count=MEMBERS)
    add("snapshots, 5 T", snapshots, MEMBERS * T, begun)
    add("weights of snapshots, 5 T", [mix(snapshots, [1 / MEMBERS] * MEMBERS, data)], MEMBERS * T, begun)
    begun = clock()
    kept = averages(task)
    for way in ("SWA's last weights", "SWA", "EMA"):
        add(way, [kept[way]], T, begun)
    ends = {
        "two members": five[:2],
        "two snapshots, 5 T": snapshots[-2:],
        "a run's weights": [kept["at 3/4 T"], kept["SWA's last weights"]],
    }
    lines = [
        {"between": name, "seed": task.seed, **line(pair[0], pair[1], data)} for name, pair in ends.items()
    ]
    return {"ensembles": records, "lines": lines}


def line(start: nn.Module, end: nn.Module, data: Prepared) -> Results:
    """Loss and accuracy of the test images, and loss of training images, between two networks' weights."""
    found: dict[str, Any] = {"alphas": list(ALPHAS), "loss": [], "accuracy": [], "train_loss": []}
    for alpha in ALPHAS:
        net = mix([start, end], [1 - alpha, alpha], data)
        loss, right = measures.evaluate(net, data.test_x, data.test_y)
        train_loss, _ = measures.evaluate(net, data.train_x[:MEASURED], data.train_y[:MEASURED])
        for key, value in (("loss", loss), ("accuracy", right), ("train_loss", train_loss)):
            found[key].append(value)
    return found
