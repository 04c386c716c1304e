"""The experiment of unit 07: what its optimizers do, its measures, and what it promises to its readers."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn

from lab.experiments import optimizers  # noqa: E402
from lab.experiments.optimizers_full_batch import compare_full_batch, full_batch  # noqa: E402
from lab.experiments.optimizers_measures import (  # noqa: E402
    curvature,
    first_steps,
    lanczos,
    largest_eigenvalue,
    smooth,
    step_sizes,
    train_steps,
)
from lab.experiments.results import save_results  # noqa: E402
from lab.nets import dense_cnn  # noqa: E402
from lab.training import Images  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "07-optimizers" / "full.json"
PLOTS = [
    optimizers.plot_rates,
    optimizers.plot_curves,
    optimizers.plot_correction,
    optimizers.plot_step_sizes,
    optimizers.plot_curvature,
    optimizers.plot_decay,
    optimizers.plot_full_batch,
    optimizers.plot_clipping,
]


def trained(name: str, lr: float = 1e-2, seed: int = 0) -> dict[str, Any]:
    settings = optimizers.Settings(name, lr, seed)
    run = optimizers.Run(settings, optimizers.MAKERS[name], optimizers._images("tiny"))
    run.train(epochs=2, every=1)
    return {key: run.record[key] for key in ("epochs", "loss", *optimizers.MEASURED)}


def walk(name: str, gradients: list[float], lr: float) -> list[float]:
    """The places of one weight, from 1 on, with these gradients."""
    w = nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer, places = optimizers.MAKERS[name]([w], lr), []
    for gradient in gradients:
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        places.append(w.item())
    return places


def test_a_rerun_gives_the_same_numbers_and_another_seed_others() -> None:
    first = trained("Adam")
    assert trained("Adam") == first != trained("Adam", seed=1)


def test_networks_of_one_seed_start_alike_whatever_trains_them() -> None:
    still = [trained(name, lr=0.0)["val_loss"] for name in ("SGD", "Nesterov", "AdaGrad", "RMSProp")]
    assert all(losses == still[0] for losses in still)


def test_adam_without_correction_is_the_textbook_loop_without_its_two_divisions() -> None:
    gradients, lr = [0.5, -2.0, 0.1, 30.0, -0.2], 0.1
    w, m, s, expected = 1.0, 0.0, 0.0, []
    for g in gradients:
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        w -= lr * m / (math.sqrt(s) + 1e-8)
        expected.append(w)
    np.testing.assert_allclose(walk(optimizers.UNCORRECTED, gradients, lr), expected, rtol=1e-12)


def test_clipping_holds_the_norm_over_all_parameters_at_its_limit() -> None:
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = optimizers.MAKERS[optimizers.CLIPPED]([a, b], 1.0)
    a.grad, b.grad = torch.tensor([30.0]), torch.tensor([-40.0])
    optimizer.step()
    assert (a.item(), b.item()) == pytest.approx((-0.6, 0.8), rel=1e-5)
    a.grad, b.grad = torch.tensor([0.3]), torch.tensor([0.4])
    before = a.item(), b.item()
    optimizer.step()  # small gradients are not scaled up
    assert a.item() - before[0] == pytest.approx(-(0.9 * 0.6 + 0.3), rel=1e-4)
    assert b.item() - before[1] == pytest.approx(-(0.9 * -0.8 + 0.4), rel=1e-4)


def test_l2_goes_through_the_root_and_decoupled_decay_does_not() -> None:
    still, lr = [0.0] * 3, optimizers.DECAY_LR
    decoupled = walk(optimizers.DECOUPLED[0.1], still, lr)
    np.testing.assert_allclose(decoupled, (1 - lr * 0.1) ** np.arange(1, 4), rtol=1e-12)
    weak, strong = (walk(optimizers.L2[strength], still, lr) for strength in (1e-3, 1.0))
    np.testing.assert_allclose(weak, strong, rtol=1e-6)  # the root cancels the strength
    assert weak[0] == pytest.approx(1 - lr, rel=1e-6)


def test_the_rates_are_half_decades() -> None:
    for rates in optimizers.RATES.values():
        np.testing.assert_allclose(np.diff(np.log10(rates)), 0.5, atol=0.02)


def test_first_steps_are_the_losses_and_the_steps_over_the_rate() -> None:
    images = optimizers._images("tiny")
    run = optimizers.Run(optimizers.Settings("Adam", 1e-4, 0), optimizers.MAKERS["SGD"], images)
    losses = train_steps(run.net, run.optimizer, images, 1, 50, run.shuffle)
    found = first_steps(run.net, run.optimizer, 1e-4, losses)
    loss = nn.functional.cross_entropy(dense_cnn(units=optimizers.UNITS)(images.train_x), images.train_y)
    assert found["loss"] == pytest.approx([loss.item()], rel=1e-5)
    gradient = torch.cat([p.grad.flatten() for p in run.net.parameters()])
    assert found["step"][0] == pytest.approx(gradient.square().mean().sqrt().item(), rel=1e-2)


def test_batches_are_a_new_order_of_all_images_every_epoch() -> None:
    x, y = torch.arange(6.0)[:, None], torch.zeros(6).long()

    got: list[list[float]] = []

    class Recorder(nn.Linear):
        def forward(self, x: Any) -> Any:
            got.append(x.flatten().tolist())
            return super().forward(x)

    net = Recorder(1, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
    assert len(list(train_steps(net, optimizer, Images(x, y, x, y), 6, 2, torch.Generator()))) == 6
    first, second = ([i for batch in part for i in batch] for part in (got[:3], got[3:]))
    assert sorted(first) == sorted(second) == x.flatten().tolist() and first != second


@pytest.mark.parametrize("name", ["AdaGrad", "RMSProp", "Adam"])
def test_step_sizes_under_a_constant_gradient_are_those_of_the_formulas(name: str) -> None:
    w = nn.Parameter(torch.zeros(3))
    optimizer = optimizers.MAKERS[name]([w], 0.1)

    def losses() -> Any:
        for _ in range(5):
            w.grad = torch.tensor([0.0, 2.0, 2.0])  # the weight without a gradient is left out
            optimizer.step()
            yield 0.0

    found = step_sizes(optimizer, losses())
    t = np.array(found["steps"])
    assert t.tolist() == [1, 2, 4, 5]
    s = {"AdaGrad": 4 * t, "RMSProp": 4 * (1 - 0.99**t), "Adam": 4 + 0 * t}[name]
    for key in ("low", "median", "high"):
        np.testing.assert_allclose(found[key], 0.1 / np.sqrt(s), rtol=1e-3)


def test_the_largest_eigenvalue_is_that_of_the_whole_hessian() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(20, 3, dtype=torch.float64), torch.randint(4, (20,))
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    names, parameters = zip(*net.named_parameters(), strict=True)
    flat = torch.cat([p.detach().flatten() for p in parameters])

    def loss_of(vector: Any) -> Any:
        parts = vector.split([p.numel() for p in parameters])
        values = {n: part.view_as(p) for n, p, part in zip(names, parameters, parts, strict=True)}
        return nn.functional.cross_entropy(torch.func.functional_call(net, values, x), y)

    hessian = torch.autograd.functional.hessian(loss_of, flat)
    values, vectors = torch.linalg.eigh(hessian)
    loss = nn.functional.cross_entropy(net(x), y)
    start = torch.randn(len(flat), dtype=torch.float64)
    value, vector = largest_eigenvalue(loss, parameters, start, products=30)
    assert value == pytest.approx(values[-1].item(), rel=1e-6)
    assert abs(vector @ vectors[:, -1]).item() == pytest.approx(1, abs=1e-4)


def test_lanczos_finds_the_largest_where_a_negative_one_is_larger_in_magnitude() -> None:
    matrix = torch.diag(torch.tensor([-50.0, 1.0, 3.0, 2.0], dtype=torch.float64))
    basis, tridiagonal = lanczos(lambda v: matrix @ v, torch.ones(4, dtype=torch.float64), products=9)
    assert len(basis) == 4  # it stops where nothing is left
    np.testing.assert_allclose(torch.linalg.eigvalsh(tridiagonal), [-50, 1, 2, 3], atol=1e-9)
    np.testing.assert_allclose(basis @ basis.T, np.eye(4), atol=1e-9)


def test_curvature_is_measured_along_full_batch_training() -> None:
    x, y = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 2
    net = nn.Linear(3, 2)
    again = nn.Linear(3, 2)
    again.load_state_dict(net.state_dict())
    found = curvature(net, torch.optim.SGD(net.parameters(), lr=0.1), Images(x, y, x, y), 4, 2, 8)
    optimizer = torch.optim.SGD(again.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(again(x), y).backward()
        optimizer.step()
    assert found["steps"] == [0, 2, 4] and len(found["sharpness"]) == 3
    assert found["loss"][1] == pytest.approx(nn.functional.cross_entropy(again(x), y).item(), rel=1e-5)


def test_the_smooth_network_has_no_kinks_and_the_same_weights() -> None:
    net, other = smooth(dense_cnn(seed=2)), dense_cnn(seed=2)
    assert not {type(layer) for layer in net} & {nn.ReLU, nn.MaxPool2d}
    assert all(map(torch.equal, net.parameters(), other.parameters()))
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_gradient_descent_on_all_digits_is_the_textbook_loop() -> None:
    from lab.data import read

    data = read("digits")
    x = data.train_images.reshape(len(data.train_images), -1) / 16
    target = np.eye(10)[data.train_labels]
    torch.manual_seed(3)
    layer = nn.Linear(64, 10)
    w, b = (p.detach().double().numpy().copy() for p in (layer.weight, layer.bias))
    expected = []
    for _ in range(4):
        scores = x @ w.T + b
        p = np.exp(scores - scores.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        expected.append(-np.log((p * target).sum(1)).mean() + 0.5e-3 * ((w**2).sum() + (b**2).sum()))
        error = (p - target) / len(x)
        w, b = w - 0.1 * (error.T @ x + 1e-3 * w), b - 0.1 * (error.sum(0) + 1e-3 * b)
    np.testing.assert_allclose(full_batch("softmax regression", "GD", 0.1, 3, 4), expected, rtol=1e-10)


def test_l_bfgs_is_counted_by_its_evaluations_and_finds_the_minimum() -> None:
    from sklearn.linear_model import LogisticRegression

    from lab.data import read

    losses = full_batch("softmax regression", "L-BFGS", 1.0, 0, 150)
    assert len(losses) == 150
    data = read("digits")
    x = data.train_images.reshape(len(data.train_images), -1) / 16
    ones = np.c_[x, np.ones(len(x))]  # the bias is decayed too
    fit = LogisticRegression(C=1 / (1e-3 * len(x)), fit_intercept=False, tol=1e-8, max_iter=2000)
    fit.fit(ones, data.train_labels)
    log_p = fit.predict_log_proba(ones)[range(len(x)), data.train_labels]
    assert min(losses) == pytest.approx(-log_p.mean() + 0.5e-3 * (fit.coef_**2).sum(), rel=1e-6)


def test_curves_on_all_digits_never_rise_and_end_above_nothing() -> None:
    records = compare_full_batch((0,), 5)
    assert {(r["problem"], r["optimizer"]) for r in records} == {
        (problem, name)
        for problem in ("softmax regression", "network")
        for name in ("L-BFGS", "GD", "momentum", "Adam")
    }
    for record in records:
        assert record["evaluations"] == [1, 2, 3, 4, 5]
        assert np.all(np.diff(record["loss"]) <= 0) and min(record["above"]) >= 0
    for problem in ("softmax regression", "network"):
        assert min(r["above"][-1] for r in records if r["problem"] == problem) == 0


def test_the_experiment_takes_a_students_own_optimizers_and_rates() -> None:
    made = []

    class Mine(torch.optim.SGD):
        pass

    def make(parameters: Any, lr: float) -> Any:
        made.append(lr)
        return Mine(parameters, lr=lr)

    results = optimizers.compare({"SGD": make, "mine": make}, "tiny", rates={"mine": [0.01, 0.05]})
    assert set(made) == {*optimizers.RATES["SGD"], 0.05} and len(results["runs"]) == 2 * 9
    assert optimizers.plot_rates(results).axes and optimizers.plot_curves(results).axes
    assert optimizers.best(results, "mine")["lr"] in (0.01, 0.05)


def test_names_without_rates_and_what_is_no_optimizer_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected a name of SGD, momentum.*, got 'mine'"):
        optimizers.compare({"mine": lambda parameters, lr: None}, "tiny")  # type: ignore[arg-type,return-value]
    with pytest.raises(
        ValueError, match="Expected a torch optimizer from the function for 'SGD', got NoneType"
    ):
        optimizers.compare({"SGD": lambda parameters, lr: None}, "tiny")  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="Expected runs of 'Adam'"):
        optimizers.best({"runs": []}, "Adam")


def test_the_best_rate_is_that_of_the_greatest_median_accuracy() -> None:
    accuracies = {0.1: [0.5, 0.7, 0.9], 0.2: [0.71, 0.72, 0.0], 0.3: [0.2, 0.6, 1.0]}
    runs = [
        {"optimizer": "SGD", "lr": lr, "val_accuracy": [0.0, value], "train_loss": [1.0], "val_loss": [value]}
        for lr, values in accuracies.items()
        for value in values
    ]
    found = optimizers.best({"runs": runs}, "SGD")
    assert (found["lr"], found["val_accuracy"]) == (0.2, 0.71)
    assert found["val_accuracy_range"] == [0.0, 0.72]
    assert found["good"] == [0.1, 0.2]


def test_a_network_that_diverged_is_told_as_such(tmp_path: Path) -> None:
    run = optimizers.Run(
        optimizers.Settings("SGD", 1e30, 0), optimizers.MAKERS["SGD"], optimizers._images("tiny")
    )
    run.train(epochs=2, every=1)
    save_results({"runs": [run.record]}, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    (record,) = optimizers.load_results(tmp_path / "r.json")["runs"]
    assert math.isnan(record["loss"][-1]) and math.isnan(record["val_loss"][-1])
    assert record["val_accuracy"][-1] == 0


def test_the_study_can_be_cut_after_any_run_and_continued_and_drawn_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    monkeypatch.setitem(optimizers.SIZES, "tiny", replace(optimizers.SIZES["tiny"], seeds=(0,)))
    runs = optimizers.plan("tiny")
    assert len(set(runs)) == len(runs)
    counts = []
    for results in optimizers.study("tiny"):
        counts.append(len(results["runs"]))
    assert counts == [0, *range(1, len(runs) + 1)]
    save_results(results, tmp_path / "r.json")
    back = optimizers.load_results(tmp_path / "r.json")
    for plot in PLOTS:
        assert plot(back).axes
    steps = back["curvature"]
    counts = [len(r["runs"]) for r in optimizers.study("tiny", {**back, "runs": back["runs"][:-2]})]
    assert counts == [len(runs) - 1, len(runs)] and back["curvature"] == steps


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = optimizers.load_results(RESULTS)
    about = results["about"]
    assert len(results["runs"]) == len(optimizers.plan("full"))
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    for run in results["runs"]:
        assert run["epochs"][-1] == about["epochs"]
        assert {len(run[key]) for key in ("epochs", "loss", *optimizers.MEASURED)} == {len(run["epochs"])}
    for plot in PLOTS:
        assert plot(results).axes
    for key in ("first_steps", "step_sizes", "curvature", "full_batch"):
        assert {record["seed"] for record in results[key]} == set(about["seeds"])
