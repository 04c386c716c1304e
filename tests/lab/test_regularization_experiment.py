"""The experiments of unit 06: their ways to train, their measures, and what they promise to their readers."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn

from lab.experiments import dropout  # noqa: E402
from lab.experiments import regularization as regularization_module  # noqa: E402
from lab.experiments import regularization_measures as measures  # noqa: E402
from lab.experiments import regularization_ways as ways  # noqa: E402
from lab.experiments.regularization import Run, Settings, Way  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "book" / "results" / "06-regularization"
regularization: Any = regularization_module
PLOTS: list[Callable[[Any], Any]] = [
    regularization.plot_strengths,
    regularization.plot_zeros,
    regularization.plot_histograms,
    regularization.plot_decay,
    regularization.plot_noise,
    regularization.plot_noisy_test,
    regularization.plot_stopping,
    regularization.plot_smoothing,
    regularization.plot_reliability,
    regularization.plot_max_norm,
    regularization.plot_together,
]


def trained(settings: Settings, epochs: int = 2, way: Way | None = None) -> Any:
    run = Run(settings, regularization._images("tiny", "photos"), way)
    run.train(epochs, every=1)
    return run


def curves(run: Any) -> dict[str, Any]:
    return {key: run.record[key] for key in ("epochs", "loss", *regularization.MEASURED)}


def weights_after_a_step(settings: Settings, w: Any, gradient: Any) -> Any:
    """The weights after one step of the way's own optimizer, from w (2, 3) with this gradient of the loss."""
    weight = nn.Parameter(w.clone())
    optimizer = ways.way_of(settings).optimizer([weight], settings.lr)
    weight.grad = gradient.clone()
    optimizer.step()
    return weight.detach()


W = torch.tensor([[0.5, -0.2, 0.0], [-1.0, 0.004, 0.03]], dtype=torch.float64)
G = torch.tensor([[0.1, 0.3, -0.2], [0.0, 0.01, -0.4]], dtype=torch.float64)


def test_the_plain_network_is_the_one_of_unit_05() -> None:
    other = dropout.Run(dropout.Settings("dropout", 0.0, seed=1), dropout._images("tiny"))
    other.train(epochs=2, every=1)
    mine = trained(Settings(seed=1)).record
    for key in ("loss", *dropout.MEASURED):
        assert mine[key] == other.record[key], key


def test_a_rerun_gives_the_same_numbers_and_another_seed_others() -> None:
    settings = Settings("noise", sigma=0.4, probability=0.5, dropout=0.5)
    assert (
        curves(trained(settings)) == curves(trained(settings)) != curves(trained(replace(settings, seed=1)))
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"way": "L2", "lam": 1.0},
        {"way": "L1", "lam": 0.1},
        {"way": "L1, proximal", "lam": 0.1},
        {"way": "elastic net, proximal", "lam": 0.1},
        {"way": "decay", "weight_decay": 30.0},
        {"way": "noise", "sigma": 1.0},
        {"way": "label smoothing", "eps": 0.5},
        {"way": "max-norm", "max_norm": 0.1},
        {"way": "dropout", "dropout": 0.5},
    ],
)
def test_every_setting_changes_the_training(changed: dict[str, Any]) -> None:
    assert curves(trained(Settings(**changed), 1)) != curves(trained(Settings(), 1))


@pytest.mark.parametrize("lam", [0.01, 0.3])
def test_the_penalties_step_as_gradients_of_the_penalized_loss(lam: float) -> None:
    penalties = {"L2": lambda w: lam / 2 * (w**2).sum(), "L1": lambda w: lam * w.abs().sum()}
    for name, penalty in penalties.items():
        w = W.clone().requires_grad_()
        ((G * w).sum() + penalty(w)).backward()
        expected = W - 0.1 * w.grad
        stepped = weights_after_a_step(Settings(name, optimizer="SGD", lr=0.1, lam=lam), W, G)
        torch.testing.assert_close(stepped, expected)


@pytest.mark.parametrize(("name", "share"), [("L1, proximal", 1.0), ("elastic net, proximal", ways.MIX)])
def test_the_proximal_step_minimizes_distance_and_penalty(name: str, share: float) -> None:
    lr, lam = 0.1, 0.4
    stepped = weights_after_a_step(Settings(name, optimizer="SGD", lr=lr, lam=lam), W, G)
    for v, found in zip((W - lr * G).flatten(), stepped.flatten(), strict=True):
        grid = np.linspace(-1.2, 1.2, 240_001)
        penalty = share * np.abs(grid) + (1 - share) / 2 * grid**2
        least = grid[np.argmin((grid - v.item()) ** 2 / 2 + lr * lam * penalty)]
        assert found.item() == pytest.approx(least, abs=2e-5)
    assert stepped[1, 1] == 0


def test_decoupled_decay_under_adam_is_that_of_adamw() -> None:
    stepped = weights_after_a_step(Settings("decay", lr=0.1, weight_decay=0.5), W, G)
    weight = nn.Parameter(W.clone())
    weight.grad = G.clone()
    torch.optim.AdamW([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(stepped, weight.detach())


def test_under_plain_sgd_decoupled_decay_is_the_l2_penalty() -> None:
    pair = Settings("L2", optimizer="SGD", lr=0.1, lam=0.5), Settings("decay", optimizer="SGD", lr=0.1)
    coupled, decoupled = (
        weights_after_a_step(at, W, G) for at in (pair[0], replace(pair[1], weight_decay=0.5))
    )
    torch.testing.assert_close(coupled, decoupled)


def test_biases_are_not_penalized() -> None:
    for settings in (
        Settings("L2", optimizer="SGD", lr=0.1, lam=0.5),
        Settings("L1", optimizer="SGD", lr=0.1, lam=0.5),
        Settings("L1, proximal", optimizer="SGD", lr=0.1, lam=0.5),
        Settings("decay", optimizer="SGD", lr=0.1, weight_decay=0.5),
    ):
        torch.testing.assert_close(weights_after_a_step(settings, W[0], G[0]), W[0] - 0.1 * G[0])


def test_a_bound_holds_for_the_weights_into_every_unit() -> None:
    net = trained(Settings("max-norm", max_norm=0.3)).net
    for values in measures.weights_of(net):
        assert values.flatten(1).norm(dim=1).max() <= 0.3 + 1e-5


def test_noise_is_on_a_share_of_the_images_in_training_only() -> None:
    torch.manual_seed(0)
    x, noise = torch.zeros(400, 3, 8, 8), ways.Noise(0.5, 0.25)
    changed = noise(x).flatten(1).ne(0)
    assert changed.all(dim=1).eq(changed.any(dim=1)).all()
    assert changed.any(dim=1).double().mean().item() == pytest.approx(0.25, abs=0.08)
    assert ways.Noise(0.5)(x).std().item() == pytest.approx(0.5, rel=0.02)
    assert torch.equal(noise.eval()(x), x) and not x.any()


def test_measured_without_noise_and_without_dropout() -> None:
    run = trained(Settings("noise", sigma=1.0, dropout=0.5))
    run.net.eval()
    with torch.no_grad():
        scores = run.net(run.images.test_x)
    expected = nn.functional.cross_entropy(scores, run.images.test_y).item()
    assert run.record["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_settings_are_chosen_on_one_half_of_the_images_kept_apart_and_tested_on_the_other() -> None:
    run = trained(Settings())
    for key in ("loss", "accuracy"):
        halves = [run.record[f"{part}_{key}"][-1] for part in ("choice", "test")]
        assert np.mean(halves) == pytest.approx(run.record[f"val_{key}"][-1], rel=1e-5)


def test_zeros_and_norms_are_those_of_the_weights() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].weight.data = torch.tensor([[3.0, 0.0], [0.0, 0.1]])
    net[1].weight.data = torch.tensor([[4.0, -0.01]])
    found = measures.weights(net)
    assert found["zeros"] == pytest.approx(2 / 6) and found["zeros_by_layer"] == [0.5, 0.0]
    assert found["norm"] == pytest.approx(math.sqrt(25 + 0.01 + 0.0001), rel=1e-6)
    assert found["sum"] == pytest.approx(7.11, rel=1e-6)
    assert sum(found["histogram"]) == 6 and found["histogram"][-1] == 2


def test_calibration_compares_how_sure_with_how_often_right() -> None:
    sure = torch.tensor([0.95, 0.95, 0.75, 0.75], dtype=torch.float64)
    probabilities = torch.stack([sure, 1 - sure], dim=1)
    found = measures.calibration(probabilities, torch.tensor([0, 0, 0, 1]))
    assert found["confidence"] == pytest.approx(0.85)
    assert found["error"] == pytest.approx(0.5 * 0.05 + 0.5 * 0.25)
    np.testing.assert_allclose(found["bins"][9], [0.5, 0.95, 1])
    np.testing.assert_allclose(found["bins"][7], [0.5, 0.75, 0.5])
    assert math.isnan(found["bins"][0][1])


def test_the_mean_over_noisy_copies_is_one_of_probabilities() -> None:
    class Sign(nn.Module):
        """Surely class 0 where the pixel is positive, else surely class 1."""

        def forward(self, x: Any) -> Any:
            positive = (x.flatten(1).sum(dim=1, keepdim=True) > 0).double()
            return 50 * torch.cat([positive, 1 - positive], dim=1)

    x, y = torch.full((200, 1, 1, 1), 0.4), torch.zeros(200).long()
    found = measures.under_noise(Sign(), x, y, draws=101, seed=0)
    right = [0.5 * (1 + math.erf(0.4 / sigma / math.sqrt(2))) for sigma in measures.NOISE]
    np.testing.assert_allclose(found["single"]["accuracy"], right, atol=0.1)
    assert found["mean"]["accuracy"][-1] > 0.95 > found["single"]["accuracy"][-1]
    assert found["mean"]["loss"][-1] == pytest.approx(-math.log(right[-1]), rel=0.1)


def made(losses: list[float]) -> dict[str, Any]:
    """Results with one plain run of these losses."""
    base = regularization.asdict(Settings())
    epochs = list(range(1, len(losses) + 1))
    same = {f"{p}_{k}": losses for p in ("choice", "test", "val") for k in ("loss", "accuracy")}
    return {"about": {"base": base, "sgd_rate": 0.05}, "runs": [{**base, "epochs": epochs, **same}]}


@pytest.mark.parametrize(("patience", "stop", "best"), [(1, 3, 2), (2, 4, 2), (3, 8, 5), (10, 8, 5)])
def test_training_stops_once_patience_epochs_in_a_row_brought_no_lower_loss(
    patience: int, stop: int, best: int
) -> None:
    (row,) = regularization.stopped(made([1.0, 0.5, 0.6, 0.5, 0.4, 0.7, 0.7, 0.7]), patience)
    assert (row["stop"], row["best"]) == (stop, best)
    assert row["test_loss"] == (0.5 if best == 2 else 0.4)


def test_the_best_setting_is_that_of_the_choice_images() -> None:
    results: dict[str, Any] = {"about": {"base": regularization.asdict(Settings()), "sgd_rate": 0.05}}
    accuracies = {0.1: (0.7, 0.1), 0.2: (0.6, 0.9)}
    results["runs"] = [
        {
            **regularization.asdict(Settings("noise", sigma=sigma)),
            "choice_accuracy": [c],
            "test_accuracy": [t],
        }
        for sigma, (c, t) in accuracies.items()
    ]
    assert regularization.best(results, "sigma", "noise") == 0.1
    assert regularization.best(results, "sigma", way="noise", probability=1.0) == 0.1


def test_settings_without_runs_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"Expected settings of some runs of these results, got \{'lam': 7\}"
    ):
        regularization.summary(made([1.0]), lam=7)


def test_the_experiment_takes_a_students_own_pieces() -> None:
    called: set[str] = set()

    class Stop:
        def step(self, loss: float, model: Any) -> bool:
            called.add("step")
            return True

        def restore(self, model: Any) -> None:
            called.add("restore")

    def objective(loss: Any, net: Any) -> Any:
        called.add("objective")
        return loss + sum(values.pow(2).sum() for values in net.parameters())

    def criterion(scores: Any, labels: Any) -> Any:
        called.add("criterion")
        return nn.functional.cross_entropy(scores, labels)

    def identity() -> Any:
        called.add("layer")
        return nn.Identity()

    mine = {
        "L2": Way(
            criterion=criterion,
            objective=objective,
            after_step=lambda net, lr: called.add(f"after_step {lr:g}"),
            layer=identity,
            stopping=Stop,
        )
    }
    results = regularization.compare(mine, size="tiny")
    assert called == {"step", "restore", "objective", "criterion", "after_step 0.001", "layer"}
    assert [run["way"] for run in results["runs"]] == ["plain", "plain", "L2", "L2"]
    assert results["runs"][-1]["epochs"] == [1, 1]  # stopped, and measured again with what was restored
    assert results["runs"][-1]["stopped"] == 1
    assert regularization.summary(results, "weights/zeros", way="L2")["max"] == 0
    assert regularization.plot_ways(results).axes and regularization.plot_curves(results).axes


def test_a_restored_network_is_listed_under_the_epoch_that_it_goes_back_to() -> None:
    class Second:
        """Keeps the network of the second epoch, and stops after the fourth."""

        def __init__(self) -> None:
            self.calls, self.kept = 0, {}

        def step(self, loss: float, model: Any) -> bool:
            self.calls += 1
            if self.calls == 2:
                self.kept = {name: values.clone() for name, values in model.state_dict().items()}
            return self.calls == 4

        def restore(self, model: Any) -> None:
            model.load_state_dict(self.kept)

    record = trained(Settings("mine"), epochs=6, way=Way(stopping=Second)).record
    assert record["epochs"] == [1, 2, 3, 4, 2] and record["stopped"] == 4
    assert record["train_loss"][-1] == record["train_loss"][1]


def test_what_is_no_way_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected a Way for 'mine', got float"):
        regularization.compare({"mine": 0.5}, size="tiny")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A study of few strengths."""
    few: dict[str, Any] = {
        "LAMBDAS": dict.fromkeys(regularization.PENALTIES, (0.001, 0.01)),
        "RATES": (0.001,),
        "DECAYS": {"L2": (0.01,), "decay": (0.3,)},
        "SIGMAS": {"photos": (0.1,)},
        "EPSILONS": (0.1,),
        "NORMS": (1.0,),
        "FAST_RATES": (0.001, 0.003),
    }
    for name, values in few.items():
        monkeypatch.setattr(regularization, name, values)


def test_a_study_that_was_cut_is_continued_and_drawn_at_its_end(tmp_path: Path, small: None) -> None:
    planned = regularization.plan("tiny")
    assert len(set(planned)) == len(planned)
    study = regularization.study("tiny")
    for _ in range(3):
        save_results(next(study), tmp_path / "r.json")
    begun = regularization.load_results(tmp_path / "r.json")
    *_, results = regularization.study("tiny", begun=begun)
    assert len(results["runs"]) == len(planned) + 2 * len(regularization.TOGETHER)
    save_results(results, tmp_path / "r.json")
    back = regularization.load_results(tmp_path / "r.json")
    for plot in PLOTS:
        assert plot(back).axes


def test_a_combination_has_the_settings_that_were_best_for_its_parts_on_the_choice_images() -> None:
    def alone(choice: float, **at: Any) -> dict[str, Any]:
        return {**regularization.asdict(Settings(**at)), "choice_accuracy": [choice]}

    others = {"label smoothing": {"eps": 0.1}, "max-norm": {"max_norm": 2.0}, "dropout": {"dropout": 0.5}}
    results = {"about": {"base": regularization.asdict(Settings())}, "runs": [alone(0.5)]}
    results["runs"] += [
        alone(0.6, way="decay", weight_decay=0.3),
        alone(0.7, way="decay", weight_decay=1.0),
        alone(0.9, way="decay", weight_decay=3.0, lr=0.1),  # another rate than the others
        alone(0.8, way="noise", sigma=0.1, probability=0.5),
        alone(0.7, way="noise", sigma=0.1, probability=1.0),
        *(alone(0.6, way=way, **at) for way, at in others.items()),
    ]
    planned = {at.way: at for at in regularization.plan_together(results, "tiny") if at.seed == 0}
    both = Settings("decay + noise", weight_decay=1.0, sigma=0.1, probability=0.5)
    assert planned["decay + noise"] == both
    assert planned["decay + dropout"] == Settings("decay + dropout", weight_decay=1.0, dropout=0.5)


def test_a_network_that_diverged_is_told_as_such(tmp_path: Path) -> None:
    run = trained(Settings(optimizer="SGD", lr=1e30))
    save_results({"runs": [run.record]}, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    (record,) = regularization.load_results(tmp_path / "r.json")["runs"]
    assert math.isnan(record["loss"][-1]) and math.isnan(record["val_loss"][-1])


@pytest.mark.parametrize(("name", "data"), [("full.json", "photos"), ("cifar10.json", "cifar10")])
def test_the_committed_results_are_whole_and_can_be_drawn(name: str, data: str) -> None:
    results = regularization.load_results(FOLDER / name)
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    runs = {Settings(**{key: run[key] for key in Settings.__dataclass_fields__}) for run in results["runs"]}
    size = about["size"]
    assert runs == {*regularization.plan(size, data), *regularization.plan_together(results, size, data)}
    for run in results["runs"]:
        assert {len(run[key]) for key in ("epochs", "loss", *regularization.MEASURED)} == {len(run["epochs"])}
    for plot in PLOTS if data == "photos" else (regularization.plot_noise, regularization.plot_noisy_test):
        assert plot(results).axes
