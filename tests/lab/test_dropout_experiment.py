"""The experiment of unit 05: its networks, its measures, and what it promises to its readers."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn

from lab.experiments import dropout  # noqa: E402
from lab.experiments.dropout_measures import (  # noqa: E402
    certainty,
    entropy,
    passes_with_dropout,
    redundancy,
    unseen,
    variance_ratio,
    variance_shift,
)
from lab.experiments.dropout_nets import VARIANTS  # noqa: E402
from lab.experiments.dropout_plots import select  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402
from lab.nets import dense_cnn  # noqa: E402
from lab.training import Images  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "05-dropout" / "full.json"
PLOTS = [
    dropout.plot_gap,
    dropout.plot_accuracy,
    dropout.plot_order,
    dropout.plot_variance_shift,
    dropout.plot_advice,
    dropout.plot_redundancy,
    dropout.plot_certain,
    dropout.plot_unseen,
    dropout.plot_spatial,
]


def trained(settings: dropout.Settings, make_dropout: Any = nn.Dropout) -> dict[str, Any]:
    run = dropout.Run(settings, dropout._images("tiny"), make_dropout)
    run.train(epochs=2, every=1)
    return {key: run.record[key] for key in ("epochs", "loss", *dropout.MEASURED)}


def gaussian(n: int, mean: list[float], std: list[float], seed: int = 0) -> Any:
    random = torch.Generator().manual_seed(seed)
    return torch.tensor(mean) + torch.tensor(std) * torch.randn(n, len(mean), generator=random)


def test_p_0_trains_exactly_as_without_dropout() -> None:
    p_0 = dropout.Settings("dropout", 0.0, seed=1)
    assert trained(p_0) == trained(p_0, lambda _: nn.Identity())


def test_a_rerun_gives_the_same_numbers_and_another_seed_others() -> None:
    settings = dropout.Settings("dropout", 0.5, seed=0)
    first = trained(settings)
    assert trained(settings) == first != trained(replace(settings, seed=1))


def test_losses_are_measured_without_dropout() -> None:
    images = dropout._images("tiny")
    net = dense_cnn(VARIANTS["dropout"](0.5, nn.Dropout))
    with torch.no_grad():
        scores = dense_cnn().eval()(images.test_x)  # the same weights, no dropout anywhere
    loss, accuracy = dropout.fit(net.train(), images.test_x, images.test_y)
    assert loss == pytest.approx(nn.functional.cross_entropy(scores, images.test_y).item())
    assert accuracy == pytest.approx((scores.argmax(1) == images.test_y).float().mean().item())


@pytest.mark.parametrize("name", VARIANTS)
def test_networks_of_one_seed_start_alike_whatever_layers_they_have(name: str) -> None:
    def weights(net: nn.Module) -> list[Any]:
        return [layer.weight for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]

    other = dense_cnn(VARIANTS[name](0.5, nn.Dropout), seed=3)
    assert all(map(torch.equal, weights(dense_cnn(seed=3)), weights(other)))
    assert other(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_layers_at_a_place_that_the_network_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected layers at some of conv, pool, flat, dense, got densse"):
        dense_cnn({"densse": lambda n: []})


def test_whole_channels_and_single_numbers_are_dropped_as_their_names_say() -> None:
    torch.manual_seed(0)
    for name, whole in (("whole channels", True), ("single numbers", False)):
        (layer,) = VARIANTS[name](0.5, nn.Dropout)["pool"](16)
        dropped = layer(torch.ones(40, 16, 7, 7)).eq(0).double().mean(dim=(2, 3))
        assert set(dropped.unique().tolist()) == {0, 1} if whole else (dropped > 0.2).all()
        assert dropped.mean().item() == pytest.approx(0.5, abs=0.1)


def test_max_norm_scales_down_the_units_above_the_limit_and_no_other() -> None:
    net = nn.Sequential(nn.Linear(2, 2))
    net[0].weight.data = torch.tensor([[3.0, 4.0], [0.6, 0.8]])
    dropout.limit_norms(net, 2.0)
    np.testing.assert_allclose(net[0].weight.detach(), [[1.2, 1.6], [0.6, 0.8]], rtol=1e-5)


def test_a_class_left_out_is_in_neither_set_and_the_labels_close_up() -> None:
    whole, without = dropout._images("tiny"), dropout._images("tiny", 2)
    for x, y, part_x, part_y in (
        (whole.train_x, whole.train_y, without.train_x, without.train_y),
        (whole.test_x, whole.test_y, without.test_x, without.test_y),
    ):
        rows = [i for i, label in enumerate(y.tolist()) if label != 2]
        assert torch.equal(part_x, x[rows])
        names = [0, 1, 3, 4, 5, 6, 7, 8, 9]
        assert [names[label] for label in part_y.tolist()] == y[rows].tolist()
    assert len(dropout._images_of_class("tiny", 2)) == (whole.test_y == 2).sum()


class Recorder(nn.Module):
    """A last layer that keeps what it gets, and says class 0."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def forward(self, x: Any) -> Any:
        self.got.append(x.clone())
        return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)


def test_the_share_asked_for_is_switched_off_and_the_rest_scaled_up() -> None:
    recorder = Recorder()
    x, y = torch.ones(3, 40), torch.tensor([0, 0, 1])
    found = redundancy(nn.Sequential(nn.Flatten(), recorder), x, y, draws=2, seed=0)
    inputs = iter(recorder.got)
    for share in found["shares"]:
        for as_is, scaled in zip(*[[next(inputs) for _ in range(2)] for _ in range(2)], strict=True):
            assert as_is.eq(0).sum(1).tolist() == [round(share * 40)] * 3
            assert set(as_is.unique().tolist()) <= {0, 1}
            np.testing.assert_allclose(scaled.sum(1), 40, rtol=1e-5)
    assert not torch.equal(recorder.got[8], recorder.got[9])  # draws differ
    for name in ("plain", "rescaled"):
        np.testing.assert_allclose(found[name]["accuracy"], 2 / 3)
        expected = nn.functional.cross_entropy(torch.tensor([[1.0, 0.0]]).expand(3, 2), y).item()
        np.testing.assert_allclose(found[name]["loss"], expected, rtol=1e-5)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_the_closed_form_of_the_variance_is_that_of_gaussian_inputs_with_dropout(p: float) -> None:
    random = np.random.default_rng(0)
    mean, std = np.array([0.0, 1.0, -3.0]), np.array([1.0, 2.0, 0.5])
    x = random.normal(mean, std, (400_000, 3))
    y = x * (random.random(x.shape) >= p) / (1 - p)
    np.testing.assert_allclose(y.var(0) / x.var(0), variance_ratio(mean, std**2, p), rtol=0.02)


def test_the_variance_shifts_only_behind_a_dropout() -> None:
    torch.manual_seed(0)
    mean, std = [0.0, 1.0, -3.0, 2.0], [1.0, 2.0, 0.5, 1.0]
    x = gaussian(2000, mean, std)
    images = Images(x, torch.zeros(2000).long(), x[:50], torch.zeros(50).long())
    last = nn.Linear(4, 2)
    expected = (1 + np.square(mean) / np.square(std) * 0.5) / 0.5
    before = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4), last)
    ((closed, measured),) = [np.array(m["units"]).T for m in shift(before, images)["layers"]]
    np.testing.assert_allclose(closed, expected, rtol=0.15)
    np.testing.assert_allclose(measured, closed, rtol=0.05)
    np.testing.assert_allclose(before[1].running_mean, x.mean(0), atol=1e-5)  # measured again, dropout off
    behind = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), last)
    assert shift(behind, images)["layers"][0]["median"] == pytest.approx(1, abs=0.02)


def shift(net: Any, images: Images) -> dict[str, Any]:
    return variance_shift(net, images, p=0.5, batch_size=250, batches=80)


def test_accuracy_on_the_most_certain_images_takes_them_in_the_order_of_entropy() -> None:
    sharpness = torch.arange(20, 0, -1.0)
    scores = torch.stack([sharpness, torch.zeros(20)], dim=1)  # all say class 0, the first most certainly
    labels = (torch.arange(20) >= 10).long()  # and the first half are right
    shuffled = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    found = certainty(nn.Identity(), scores[shuffled], labels[shuffled], passes=3)
    expected = [min(1, 0.5 / fraction) for fraction in found["fractions"]]
    for name in ("single", "mean"):
        np.testing.assert_allclose(found[name]["accuracy"], expected)
        loss = nn.functional.cross_entropy(scores, labels).item()
        assert found[name]["loss"] == pytest.approx(loss, rel=1e-5)


def test_unseen_images_score_above_known_ones_where_the_network_is_less_certain_of_them() -> None:
    sharp, flat = 9 * torch.eye(4), torch.zeros(5, 4)
    found = unseen(nn.Identity(), sharp, flat, passes=2)
    for name in ("single", "mean"):
        assert found[name]["auc"] == 1
        assert found[name]["strange"] == pytest.approx(math.log(4))
    assert found["information"]["strange"] == pytest.approx(0, abs=1e-6)  # passes agree
    assert unseen(nn.Identity(), sharp, sharp, passes=2)["mean"]["auc"] == 0.5


def test_the_entropy_of_certainty_is_0() -> None:
    assert entropy(torch.tensor([[1.0, 0.0], [0.5, 0.5]])).tolist() == pytest.approx([0, math.log(2)])


def test_passes_have_dropout_on_and_batch_norm_at_test() -> None:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4)
    net = nn.Sequential(norm, nn.Dropout(0.5), nn.Linear(4, 3))
    passes = passes_with_dropout(net, 5 + torch.randn(6, 4), passes=8)
    assert passes.shape == (8, 6, 3) and len(passes.unique(dim=0)) == 8
    assert not norm.running_mean.any() and not any(m.training for m in net)


def test_the_experiment_takes_a_students_own_layer() -> None:
    made = []

    class Mine(nn.Module):
        def __init__(self, p: float) -> None:
            super().__init__()
            made.append(p)
            self.p = p

        def forward(self, x: Any) -> Any:
            return x * (torch.rand_like(x) >= self.p) / (1 - self.p) if self.training else x

    results = dropout.compare(Mine, size="tiny")
    assert set(made) == set(dropout.RATES) and len(results["runs"]) == 8
    assert dropout.plot_gap(results).axes and dropout.plot_accuracy(results).axes


def test_what_is_no_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Expected a torch module from make_dropout\(0\), got float"):
        dropout.compare(lambda p: p, size="tiny")


def test_the_study_can_be_cut_after_any_run_and_continued_and_drawn_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(dropout.SIZES, "tiny", replace(dropout.SIZES["tiny"], seeds=(0,)))
    runs = dropout.plan("tiny")
    assert len(set(runs)) == len(runs)
    for count, results in enumerate(dropout.study("tiny"), start=1):
        assert len(results["runs"]) == count
    assert count == len(runs)
    save_results(results, tmp_path / "r.json")
    back = dropout.load_results(tmp_path / "r.json")
    for plot in PLOTS:
        assert plot(back).axes
    *_, again = dropout.study("tiny", {**back, "runs": back["runs"][:-2]})  # these two have no measures
    for run, before in zip(again["runs"], results["runs"], strict=True):
        assert run["loss"] == pytest.approx(before["loss"], rel=1e-5)
    assert {part: len(found) for part, found in again["measures"].items()} == {
        part: len(found) for part, found in results["measures"].items()
    }


def test_a_network_that_diverged_is_told_as_such(tmp_path: Path) -> None:
    run = dropout.Run(dropout.Settings("dropout", 0.0, 0, "SGD", lr=1e30), dropout._images("tiny"))
    run.train(epochs=2, every=1)
    save_results({"runs": [run.record]}, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    (record,) = dropout.load_results(tmp_path / "r.json")["runs"]
    assert math.isnan(record["loss"][-1]) and math.isnan(record["val_loss"][-1])


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = dropout.load_results(RESULTS)
    about = results["about"]
    assert len(results["runs"]) == len(dropout.plan("full"))
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    for run in results["runs"]:
        assert run["epochs"][-1] == about["epochs"]
        assert {len(run[key]) for key in ("epochs", "loss", *dropout.MEASURED)} == {len(run["epochs"])}
    for plot in PLOTS:
        assert plot(results).axes
    assert results["advice"] == dropout.ADVICE
    for run in (run for piece in dropout.ADVICE for run in piece["runs"]):
        assert [found["seed"] for found in select(results, **run)] == about["seeds"]
