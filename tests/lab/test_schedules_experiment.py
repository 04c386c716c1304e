"""The experiments of unit 08: rates, loops, measures, ensembles, and what they promise to their readers."""

import itertools
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
nn = torch.nn

from lab.experiments import command, ensembles, schedules  # noqa: E402
from lab.experiments import schedules_measures as measures  # noqa: E402
from lab.experiments import schedules_noise as noise  # noqa: E402
from lab.experiments.results import rate_of_best, save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "08-schedules"
PLOTS = [schedules.plot_schedules, schedules.plot_curves, schedules.plot_rates, schedules.plot_gap]
PLOTS += [ensembles.plot_ensembles, ensembles.plot_sizes, ensembles.plot_lines, schedules.plot_speed]
PLOTS += [schedules.plot_batches, schedules.plot_rules, schedules.plot_equal, schedules.plot_clipping]
PLOTS += [schedules.plot_accumulation]
lr_scheduler = torch.optim.lr_scheduler
TORCHS = {
    "step": lambda o, T: lr_scheduler.StepLR(o, T // 4, 0.3),
    "exponential": lambda o, T: lr_scheduler.ExponentialLR(o, 0.3 ** (4 / T)),
    "1/t": lambda o, T: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + 20 * t / T)),
    "cosine": lambda o, T: lr_scheduler.CosineAnnealingLR(o, T),
    "triangular": lambda o, T: lr_scheduler.CyclicLR(o, 0, 0.1, T // 8, cycle_momentum=False),
    "restarts": lambda o, T: lr_scheduler.CosineAnnealingWarmRestarts(o, T // 4),
    "one cycle": lambda o, T: lr_scheduler.OneCycleLR(o, 0.1, T, cycle_momentum=False),
}


@pytest.fixture
def data() -> Any:
    """A hundred images and few more."""
    return measures.images("photos", 96, 20, 30)


def used(scheduler: Any, optimizer: Any, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def an_optimizer(lr: float = 0.1) -> Any:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)


@pytest.mark.parametrize("name", TORCHS)
def test_schedules_are_torchs(name: str) -> None:
    optimizer = an_optimizer()
    expected = used(TORCHS[name](optimizer, 80), optimizer, 80)
    np.testing.assert_allclose(schedules.schedule(name, 0.1, 80), expected, rtol=1e-6, atol=1e-12)


def test_warm_up_rises_over_the_first_steps_and_none_is_lost() -> None:
    rates = schedules.schedule("warm-up", 0.1, 40)
    np.testing.assert_allclose(rates[:10], 0.01 * np.arange(1, 11))
    assert set(rates[10:]) == {0.1}
    assert schedules.schedule("warm-up, cosine", 0.1, 40)[3] == pytest.approx(0.1)


@pytest.mark.parametrize("name", schedules.SCHEDULES)
@pytest.mark.parametrize("steps", [8, 10, 160])
def test_every_step_has_a_rate(name: str, steps: int) -> None:
    rates = schedules.schedule(name, 0.1, steps)
    assert rates.shape == (steps,) and np.isfinite(rates).all()
    assert rates.max() == pytest.approx(0.1, rel=0.2) and rates.min() >= 0


def test_an_optimizer_follows_the_rates_and_keeps_the_last_one() -> None:
    optimizer = an_optimizer()
    assert used(measures.follow(np.array([0.3, 0.2, 0.1]))(optimizer, 3), optimizer, 5) == pytest.approx(
        [0.3, 0.2, 0.1, 0.1, 0.1]
    )


def test_batches_hold_every_image_once_before_any_comes_again(data: Any) -> None:
    pairs = schedules.batches(data, batch=32, steps=6, seed=1)
    assert [len(x) for x, _ in pairs] == [32] * 6
    for epoch in (pairs[:3], pairs[3:]):
        seen = {image.contiguous().numpy().tobytes() for x, _ in epoch for image in x}
        assert len(seen) == len({image.contiguous().numpy().tobytes() for image in data.train_x}) == 96
    again = schedules.batches(data, batch=32, steps=6, seed=1)
    assert all(torch.equal(x, y) for (x, _), (y, _) in zip(pairs, again, strict=True))


@pytest.mark.parametrize("max_norm", [None, 0.5])
@pytest.mark.parametrize("micro", [None, 5])
def test_a_pass_is_sgd_with_momentum_on_the_mean_loss(data: Any, max_norm: Any, micro: Any) -> None:
    net, other = (schedules.network("plain", seed=3) for _ in range(2))
    pairs, rates = schedules.batches(data, 16, 4, 0), np.array([0.1, 0.05, 0.02, 0.01])
    norms: list[float] = []
    optimizer = measures.sgd(net, 1.0)
    loss = measures.one_pass(
        net, pairs, optimizer, measures.follow(rates)(optimizer, 4), max_norm, micro=micro, norms=norms
    )
    speed, losses, lengths = [torch.zeros_like(p) for p in other.parameters()], [], []
    for (x, y), rate in zip(pairs, rates, strict=True):
        whole = nn.functional.cross_entropy(other(x), y)
        gradients = torch.autograd.grad(whole, list(other.parameters()))
        losses.append(whole.item())
        lengths.append(math.sqrt(sum(float(g.square().sum()) for g in gradients)))
        factor = 1 if max_norm is None else min(1, max_norm / lengths[-1])
        with torch.no_grad():
            for p, v, g in zip(other.parameters(), speed, gradients, strict=True):
                v.mul_(0.9).add_(factor * g)
                p.sub_(float(rate) * v)
    assert loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert norms == pytest.approx(lengths, rel=1e-3)
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-5)


def test_accumulation_gives_the_batchs_gradient_only_without_batch_normalization(data: Any) -> None:
    x, y = data.train_x[:30], data.train_y[:30]
    for name in ("plain", "BN"):
        found = measures.differences(schedules.network(name, seed=0), x, y, (30, 7, 2))
        assert [record["micro"] for record in found] == [30, 7, 2]
        assert found[0]["difference"] < 1e-5
        assert all((record["difference"] < 1e-5) == (name == "plain") for record in found[1:])


def test_sharpness_is_the_greatest_loss_in_the_box_and_the_weights_are_put_back() -> None:
    torch.manual_seed(0)
    net = nn.Linear(3, 2, bias=False)
    x, y = torch.randn(20, 3), torch.randint(2, (20,))
    before = net.weight.detach().clone()
    limit = measures.SHARP_EPS * (before.abs() + 1)
    start = nn.functional.cross_entropy(net(x), y).item()
    corners = (
        nn.functional.cross_entropy(x @ (before + limit * torch.tensor(signs).view(2, 3)).T, y).item()
        for signs in itertools.product((-1.0, 1.0), repeat=6)
    )
    # A convex loss is greatest at a corner of a box.
    expected = 100 * (max(corners) - start) / (1 + start)
    assert measures.sharpness(net, x, y) == pytest.approx(expected, rel=1e-3)
    assert torch.equal(net.weight, before)


def test_a_lost_run_is_nan_to_its_end(data: Any) -> None:
    net = schedules.network("plain", seed=0)
    optimizer = measures.sgd(net, 1.0)
    scheduler = measures.follow(np.full(6, 1e9))(optimizer, 6)
    record = measures.train(net, data, schedules.batches(data, 16, 6, 0), optimizer, scheduler, 3)
    assert len(record["loss"]) == len(record["rates"]) == len(record["validation"]) == 3
    assert np.isnan(record["loss"][1:]).all() and record["validation"][1:] == [0, 0]
    assert math.isnan(record["test_loss"]) and record["test_accuracy"] == 0


def test_the_best_rate_is_none_that_diverged() -> None:
    def run(rate: float, right: float, loss: float) -> dict[str, Any]:
        return {"rate": rate, "validation_accuracy": right, "loss": [1.0, loss]}

    runs = [run(0.1, 0.5, 1), run(0.1, 0.7, 1), run(0.2, 0.65, 1), run(0.4, 0.9, math.nan)]
    assert rate_of_best(runs) == 0.2
    assert rate_of_best(runs[3:]) == 0.4


class Fixed(nn.Module):
    """Scores (K,) that every image gets, times its first pixel."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.tensor(scores))

    def forward(self, x: Any) -> Any:
        return x.flatten(1)[:, :1] * self.scores


def test_an_ensemble_is_scored_by_its_mean_probability(data: Any) -> None:
    nets = [Fixed(list(np.random.default_rng(i).normal(size=10))) for i in range(3)]
    found = ensembles.measure(nets, data)
    with torch.no_grad():
        alone = np.stack([net(data.test_x).double().softmax(1).numpy() for net in nets])
    y, labels = data.test_y.numpy(), np.arange(10)
    assert found["loss"] == pytest.approx(metrics.log_loss(y, alone.mean(0), labels=labels), rel=1e-4)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, alone.mean(0).argmax(1)))
    assert found["member_loss"] == pytest.approx(
        [metrics.log_loss(y, p, labels=labels) for p in alone], rel=1e-4
    )
    pairs = [alone[list(two)].mean(0) for two in ((0, 1), (0, 2), (1, 2))]
    of_two = np.mean([metrics.log_loss(y, p, labels=labels) for p in pairs])
    assert found["by_size"]["loss"][1] == pytest.approx(of_two, rel=1e-4)
    assert found["last"]["loss"][1] == pytest.approx(metrics.log_loss(y, pairs[2], labels=labels), rel=1e-4)
    differ = np.mean([(alone[i].argmax(1) != alone[j].argmax(1)).mean() for i, j in ((0, 1), (0, 2), (1, 2))])
    assert found["disagreement"] == pytest.approx(differ, abs=1e-6)
    assert ensembles.measure(nets[:1], data)["disagreement"] == 0


def test_a_cycle_ends_in_a_copy_and_the_next_begins_with_the_largest_rate(data: Any) -> None:
    task = ensembles.Task(1, data, 4)
    first, second = ensembles.cycles(task, count=2)
    (alone,) = ensembles.cycles(task)
    for p, q, other in zip(first.parameters(), alone.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(p, q)
        assert not torch.equal(p, other)


def test_members_differ_in_start_and_order(data: Any) -> None:
    task = ensembles.Task(1, data, 3)
    (one, two) = (task.new_net(member) for member in (0, 1))
    assert not torch.equal(next(one.parameters()), next(two.parameters()))
    assert not torch.equal(task.batches(0)[0][0], task.batches(1)[0][0])
    assert not torch.equal(task.batches(0)[0][0], ensembles.Task(2, data, 3).batches(0)[0][0])


def test_mixed_weights_are_the_weighted_sum_with_statistics_of_their_own(data: Any) -> None:
    one, two = (schedules.network("BN", seed) for seed in (0, 1))
    mixed = ensembles.mix([one, two], [0.25, 0.75], data)
    for name, weight in mixed.named_parameters():
        torch.testing.assert_close(weight, 0.25 * one.get_parameter(name) + 0.75 * two.get_parameter(name))
    norm = mixed[1]
    with torch.no_grad():
        mean = mixed[0](data.train_x).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-5)
    assert torch.equal(one[1].running_mean, torch.zeros(16))


def test_averages_are_those_of_the_weights_along_the_run(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ensembles, "SWA_EVERY", 2)
    task, passed = ensembles.Task(0, data, 8), []
    real = ensembles.one_pass

    def spied(net: Any, *args: Any) -> float:
        loss = real(net, *args)
        passed.append([p.detach().clone() for p in net.parameters()])
        return loss

    monkeypatch.setattr(ensembles, "one_pass", spied)
    monkeypatch.setattr(ensembles, "SWA_FROM", 0.5)
    found = ensembles.averages(task)
    for place, p in enumerate(found["SWA"].parameters()):
        torch.testing.assert_close(p, (passed[5][place] + passed[7][place]) / 2)
    for place, p in enumerate(found["at 3/4 T"].parameters()):
        assert torch.equal(p, passed[3][place])
    decayed = passed[0]
    for later in passed[1:]:
        decayed = [
            ensembles.EMA_DECAY * d + (1 - ensembles.EMA_DECAY) * p
            for d, p in zip(decayed, later, strict=True)
        ]
    for p, expected in zip(found["EMA"].parameters(), decayed, strict=True):
        torch.testing.assert_close(p, expected, rtol=1e-4, atol=1e-6)


def test_distances_on_a_noisy_quadratic_are_those_of_the_recursion() -> None:
    rates = np.array([0.5, 0.1, 0.3, 0.02] * 5)
    (record,) = noise.descend({"mine": rates}, h=2.0, sigma=0.5, runs=40_000)["runs"]
    mean, variance, expected = noise.START, 0.0, [noise.START]
    for rate in rates:
        mean, variance = (1 - 2 * rate) * mean, (1 - 2 * rate) ** 2 * variance + (0.5 * rate) ** 2
        expected.append(math.sqrt(mean**2 + variance))
    np.testing.assert_allclose(record["distance"], expected, rtol=0.02)


@pytest.mark.parametrize(("rate", "h", "sigma"), [(0.1, 1.0, 1.0), (0.3, 4.0, 0.2), (0.01, 0.5, 3.0)])
def test_the_floor_is_where_the_variance_no_longer_changes(rate: float, h: float, sigma: float) -> None:
    square = noise.floor(rate, h, sigma) ** 2
    assert (1 - rate * h) ** 2 * square + (rate * sigma) ** 2 == pytest.approx(square)
    assert noise.floor(2 / h, h) == math.inf


def test_rates_that_are_no_array_of_numbers_are_refused() -> None:
    for wrong in (0.1, np.ones((2, 3)), np.array([0.1, np.nan])):
        with pytest.raises(ValueError, match="a rate per step"):
            noise.descend({"mine": wrong})  # type: ignore[dict-item]


def test_the_gradient_of_digits_is_torchs() -> None:
    data = noise.digits()
    w = torch.from_numpy(data.w).requires_grad_()
    loss = nn.functional.cross_entropy(torch.from_numpy(data.x[:50]) @ w, torch.from_numpy(data.y[:50]))
    (expected,) = torch.autograd.grad(loss, w)
    np.testing.assert_allclose(noise.softmax_gradient(data.w, data.x[:50], data.y[:50]), expected, atol=1e-12)


def test_the_noise_of_a_batch_falls_with_its_root_and_ends_at_the_whole_set() -> None:
    results = noise.batch_noise((1, 16, 256, 1497), draws=200)
    one, some, many, whole = results["runs"]
    assert one["std"] == pytest.approx(results["about"]["std_of_one"], rel=0.05)
    assert some["std"] == pytest.approx(one["expected"] / 4, rel=0.05)
    assert many["std"] == pytest.approx(one["expected"] / 16 * math.sqrt(1241 / 1496), rel=0.05)
    assert whole["std"] < 1e-12 and whole["expected"] == 0
    with pytest.raises(ValueError, match="that of the weights"):
        noise.batch_noise((1,), gradient=lambda w, x, y: w[0])


def test_the_plots_of_the_numpy_half_are_drawn_without_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np\n"
        "from lab.experiments import schedules_noise as s\n"
        "assert s.plot_descent(s.descend({'a': np.full(50, 0.1)})).axes\n"
        "assert s.plot_batch_noise(s.batch_noise((1, 4), draws=3)).axes\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few runs as each part can do with."""
    size = replace(schedules.SIZES["tiny"], train=64, epochs=4, steps=2, member_steps=5, timed=(8,))
    monkeypatch.setitem(schedules.SIZES, "tiny", size)
    monkeypatch.setattr(schedules, "RATES", (0.03, 0.1))
    monkeypatch.setattr(schedules, "BATCH_RATES", {8: (0.005, 0.02), 32: (0.02,)})
    monkeypatch.setattr(schedules, "CLIP_RATES", (0.1, 1e9))
    monkeypatch.setattr(schedules, "GHOST_BATCH", 16)
    monkeypatch.setattr(schedules, "MICROS", {"BN": (16, 8), "plain": (16,)})
    monkeypatch.setattr(ensembles, "ALPHAS", (0.0, 1.0))


def test_a_students_scheduler_and_loop_are_used_beside_the_librarys(tiny: None) -> None:
    called: list[int] = []

    def train_epoch(model: Any, batches: Any, optimizer: Any, scheduler: Any, max_norm: Any) -> float:
        called.append(len(batches))
        return measures.one_pass(model, batches, optimizer, scheduler, max_norm)

    mine = {"mine": lambda optimizer, T: lr_scheduler.CosineAnnealingLR(optimizer, T)}
    results = schedules.compare(mine, size="tiny", train_epoch=train_epoch)
    assert [row[0] for row in schedules.table(results)] == ["constant", "cosine", "mine"]
    assert sum(called) == 3 * 2 * 2 * 8  # schedules, rates, seeds, steps
    runs = {way: [run for run in results["runs"] if run["way"] == way] for way in ("mine", "cosine")}
    for run, other in zip(runs["mine"], runs["cosine"], strict=True):
        assert run["rates"] == pytest.approx(other["rates"])
        assert run["loss"] == pytest.approx(other["loss"], rel=1e-3)
    for plot in (schedules.plot_schedules, schedules.plot_curves, schedules.plot_rates):
        assert plot(results).axes


def test_a_function_that_returns_no_scheduler_is_told_so(tiny: None) -> None:
    with pytest.raises(ValueError, match=r"Expected a scheduler with step\(\) for 'mine', got NoneType"):
        schedules.compare({"mine": lambda optimizer, T: None}, size="tiny")  # type: ignore[dict-item,return-value]


def test_a_students_ensemble_is_measured_with_his_probabilities(tiny: None) -> None:
    asked: list[int] = []

    def probabilities(models: Any, x: Any) -> Any:
        asked.append(len(models))
        return torch.full((len(x), 10), 0.1)

    way = {
        "two": lambda task: [task.new_net(0), task.new_net(1)],
        **{"one network": ensembles.OWN["one network"]},
    }
    results = ensembles.compare(way, size="tiny", probabilities=probabilities)
    assert asked == [2, 1] * 2
    rows = {row["way"]: row for row in ensembles.table(results)}
    assert rows["two"]["networks"] == 2 and rows["two"]["loss"]["mean"] == pytest.approx(math.log(10))
    assert ensembles.plot_ensembles(results).axes and ensembles.plot_sizes(results).axes
    with pytest.raises(ValueError, match="Expected a list of networks from 'none'"):
        ensembles.compare({"none": lambda task: []}, size="tiny")


def test_one_network_is_the_mean_over_the_members(tiny: None) -> None:
    two = {"two": lambda task: [task.new_net(0), task.new_net(1)]}
    one, *rest = ensembles.table(ensembles.compare(two, size="tiny", alone="two"))
    members = ensembles.compare(
        {way: lambda task, k=k: [task.new_net(k)] for k, way in enumerate("ab")}, size="tiny"
    )
    for key in ("accuracy", "loss"):
        means = [row[key]["mean"] for row in ensembles.table(members)]
        assert one[key]["mean"] == pytest.approx(sum(means) / 2)
    assert (one["way"], one["networks"], len(rest)) == ("one network", 1, 1)
    with pytest.raises(ValueError, match="Expected alone to be one of two, got 'five members'"):
        ensembles.compare(two, size="tiny", alone="five members")


def test_a_study_is_written_run_by_run_and_continued(
    tiny: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.json"
    monkeypatch.setattr(schedules, "SCHEDULES", ("constant", "one cycle"))
    for results in itertools.islice(schedules.study("tiny"), 8):
        save_results(results, out)
    begun = schedules.load_results(out)
    monkeypatch.setattr(sys, "argv", ["schedules", "--size", "tiny", "--out", str(out)])
    command.run_study("schedules", schedules.study, schedules.SIZES, schedules.STUDIED)
    results = schedules.load_results(out)
    count = len(begun["runs"])
    assert 0 < count < len(results["runs"]) == len(schedules.plan("tiny"))
    assert [run["loss"] for run in results["runs"][:count]] == [run["loss"] for run in begun["runs"]]
    assert len(results["ensembles"]) == 10 * 2 and len(results["lines"]) == 3 * 2
    assert any(np.isnan(run["loss"]).any() for run in results["runs"] if run["part"] == "clipping")
    monkeypatch.setattr(sys, "argv", ["schedules", "--size", "short", "--out", str(out)])
    with pytest.raises(SystemExit):
        command.run_study("schedules", schedules.study, schedules.SIZES, schedules.STUDIED)
    assert "holds size tiny" in capsys.readouterr().err


def test_a_fit_of_exact_times_gives_their_two_numbers() -> None:
    speed = [{"network": "plain", "batch": b, "seconds": 2e-3 + 1e-4 * b} for b in (8, 32, 128, 512)]
    assert schedules.step_time({"speed": speed}, "plain") == pytest.approx((2e-3, 1e-4))


def test_committed_results_have_three_seeds_of_every_run_and_are_drawn() -> None:
    results = schedules.load_results(RESULTS / "full.json")
    assert results["about"]["size"] == "full" and results["about"]["seeds"] == [0, 1, 2]
    keys = schedules.Settings.__dataclass_fields__
    done = {schedules.Settings(**{key: run[key] for key in keys}) for run in results["runs"]}
    assert done == set(schedules.plan("full")) and len(done) == len(results["runs"])
    assert len(results["ensembles"]) == 3 * 10
    for plot in PLOTS:
        assert plot(results).axes


def test_rules_give_the_rates_of_their_names() -> None:
    results = schedules.load_results(RESULTS / "full.json")
    for batch, root, linear in ((32, 0.02, 0.02), (128, 0.04, 0.08), (512, 0.08, 0.32)):
        assert schedules.rate_by(results, "one rate", batch) == 0.02
        assert schedules.rate_by(results, "square root", batch) == root
        assert schedules.rate_by(results, "linear", batch) == linear
        assert schedules.rate_by(results, "best rate", batch) == schedules.best_rate(
            results, "epochs", way="constant", batch=batch
        )
