"""The experiments of unit 03: their light, layers and measures, and what they promise to their readers."""

import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")
nn = torch.nn

from lab.experiments import family, family_small_batches  # noqa: E402
from lab.experiments import family_measures as measures  # noqa: E402
from lab.experiments import family_nets as nets  # noqa: E402
from lab.experiments import family_whitening as whitening  # noqa: E402
from lab.experiments.family_data import LIGHT, SETS, UNCHANGED, Amount, prepared, relit  # noqa: E402
from lab.experiments.family_plots import errors  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "03-normalization-family"
IMAGES = [family.plot_batch_sizes, family.plot_illumination, family.plot_rates]
PHOTOS_ONLY = [family.plot_whitening, family.plot_recurrent, family.plot_lengths, family.plot_starts]
PHOTOS_ONLY += [family.plot_newton, family.plot_axes, family_small_batches.plot_small_batches]
FEW = Amount(40, 10, 20, 1)


def noise(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def seeded(factor: float = 1.0, shift: float = 0.0, width: int = 6) -> Any:
    """Correlated features (64, width)."""
    return factor * noise(64, width) @ noise(width, width, seed=1) + shift


def test_images_are_standardized_by_those_that_are_trained_on() -> None:
    for name in ("photos", "digits"):
        data = prepared(name, FEW)
        assert (len(data.train_x), len(data.validation_x), len(data.test_x)) == (40, 10, 20)
        np.testing.assert_allclose(data.train_x.mean((0, 2, 3)), 0, atol=1e-5)
        np.testing.assert_allclose(data.train_x.std((0, 2, 3), correction=0), 1, atol=1e-5)
        trained = {image.numpy().tobytes() for image in data.train_x}
        assert not trained & {image.numpy().tobytes() for image in data.validation_x}
        pixels = data.test_x * data.std + data.mean
        assert -1e-5 < pixels.min() < 0.1 and 0.9 < pixels.max() < 1 + 1e-5


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("contrast", 2.0, lambda p: 2 * p - 0.5),
        ("contrast, clipped", 2.0, lambda p: np.clip(2 * p - 0.5, 0, 1)),
        ("brightness", -0.2, lambda p: p - 0.2),
        ("colour", 2.0, lambda p: p * np.array([2, 1, 0.5]).reshape(3, 1, 1)),
    ],
)
def test_light_changes_pixels_before_they_are_standardized(kind: str, value: float, expected: Any) -> None:
    data = prepared("photos", FEW)
    mean, std = data.mean.numpy(), data.std.numpy()
    pixels = data.test_x[:5].numpy() * std + mean
    changed = relit(data, kind, value, 5)
    np.testing.assert_allclose(changed.test_x.numpy() * std + mean, expected(pixels), atol=1e-5)
    assert torch.equal(changed.test_y, data.test_y[:5])


def test_each_kind_of_light_has_the_value_that_changes_nothing() -> None:
    data = prepared("photos", FEW)
    for kind, values in LIGHT.items():
        still = [v for v in values if torch.allclose(relit(data, kind, v, 20).test_x, data.test_x, atol=1e-5)]
        assert still == [UNCHANGED[kind]]


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("none", set()),
        ("batch norm", set()),
        ("layer norm", {"gain of the image"}),
        ("group norm", {"gain of the image"}),
        ("instance norm", {"gain of the image"}),
        (nets.INPUT, {"gain of the image", "shift of the image", "colour"}),
    ],
)
def test_which_changes_of_an_image_a_network_cannot_see(name: str, kinds: set[str]) -> None:
    x = noise(4, 3, 32, 32)
    changes = {
        "gain of the image": 3 * x,
        "shift of the image": x + 2,
        "colour": x * torch.tensor([2, 1, 0.5]).view(3, 1, 1),
    }
    net = nets.image_net(name, nets.NORMS[name], seed=0).eval()
    with torch.no_grad():
        plain = net(x)
        same = {kind for kind, changed in changes.items() if torch.allclose(net(changed), plain, atol=1e-3)}
    assert same == kinds


@pytest.mark.parametrize("form", ["ZCA", "PCA"])
def test_whitening_decorrelates_a_batch_and_keeps_its_running_matrix(form: str) -> None:
    layer = nets.Whitening(6, form, momentum=1.0).double()
    x = seeded(3, 5).double()
    y = layer(x)
    np.testing.assert_allclose(y.mean(0).detach(), 0, atol=1e-9)
    np.testing.assert_allclose((y.T @ y / 64).detach(), np.eye(6), atol=0.02)  # eps is on the diagonal
    np.testing.assert_allclose(layer.eval()(x).detach(), y.detach(), atol=1e-9)
    assert not layer.running_matrix.requires_grad


def test_zca_is_the_symmetric_root_and_newton_schulz_comes_near_it() -> None:
    x = noise(200, 6).double() + 0.3 * noise(200, 1, seed=2).double()
    covariance = torch.cov(x.T, correction=0)
    zca = nets.whitening_matrix(covariance, "ZCA")
    values, axes = np.linalg.eigh(covariance.numpy())
    np.testing.assert_allclose(zca, axes @ np.diag(values**-0.5) @ axes.T, atol=1e-9)
    near = nets.whitening_matrix(covariance.float(), "Newton-Schulz").double()
    np.testing.assert_allclose(near, zca, atol=0.02)


def test_numpys_forms_whiten_like_torchs() -> None:
    x = seeded().double()
    for form, whitener in whitening.FORMS.items():
        y, mu, matrix = whitener(x.numpy())
        np.testing.assert_allclose(mu, x.mean(0), atol=1e-9)
        np.testing.assert_allclose(y, (x.numpy() - mu) @ matrix.T, atol=1e-9)
        layer = nets.Whitening(6, form).double()
        np.testing.assert_allclose(np.abs(y) if form == "PCA" else y, _ordered(layer(x), form), atol=1e-6)


def _ordered(y: Any, form: str) -> Any:
    """PCA's axes have no sign, and torch sorts them the other way."""
    return y.detach().flip(1).abs() if form == "PCA" else y.detach()


@pytest.mark.parametrize("form", whitening.ROOTS)
def test_roots_agree_with_numpys_eigenvalues_where_they_converge(form: str) -> None:
    matrix = whitening.covariance(condition=4.0)
    values, axes = np.linalg.eigh(matrix)
    np.testing.assert_allclose(values.max() / values.min(), 4)
    expected = axes @ np.diag(values**-0.5) @ axes.T
    np.testing.assert_allclose(whitening.ROOTS[form](matrix, 9), expected, atol=1e-6)


def test_newtons_records_hold_the_given_function_and_nan_where_it_diverged() -> None:
    records = whitening.newton_errors(lambda sigma, steps: np.zeros_like(sigma))
    mine = [r for r in records if r["form"] == "with trace"]
    assert {e for r in mine for e in r["error"]} == {4.0}  # |0 - I| of 16 dimensions
    lost = [r for r in records if r["form"] == "without trace" and r["scale"] == 10]
    assert lost and all(np.isnan(r["error"][-1]) for r in lost)
    assert all(len(r["error"]) == len(r["steps"]) for r in records)


def test_axes_that_flip_swap_and_stay_are_told_apart() -> None:
    y = noise(200, 4).numpy()
    assert whitening.turned(y, y) == pytest.approx((0, 0, 1, 1))
    after = y[:, [0, 2, 1, 3]] * np.array([1, 1, 1, -1])
    flips, swaps, same, _ = whitening.turned(y, after)
    assert (flips, swaps, same) == (0.25, 0.5, 0.25)


def test_minibatches_are_real_and_do_not_hold_the_examples_to_follow() -> None:
    batches, marked = whitening.minibatches(3, examples=50, features=32, seed=1)
    assert [b.shape for b in batches] == [(50, 32)] * 3 and marked.shape == (40, 32)
    assert marked.min() >= 0 and marked.max() == 1
    assert marked[:, 0].var() > marked[:, -1].var()
    assert not {row.tobytes() for row in marked} & {row.tobytes() for b in batches for row in b}


def test_the_numpy_part_and_its_plots_need_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from lab.experiments import family_whitening as w\n"
        "batches, marked = w.minibatches(2)\n"
        "assert w.plot_row(w.FORMS, batches, marked).axes\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


class Own(nn.Module):
    """A student's layer with weight norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.v = nn.Parameter(torch.randn(outputs, inputs))
        self.g = nn.Parameter(torch.ones(outputs))
        self.bias = nn.Parameter(torch.ones(outputs))

    def forward(self, x: Any) -> Any:
        return x @ (self.g[:, None] * self.v / self.v.norm(dim=1, keepdim=True)).T + self.bias


def test_a_start_with_weight_norm_is_the_plain_start_as_a_function() -> None:
    x = noise(5, 1, 8, 8)
    plain, *others = (
        nets.dense_net(make, nets.no_norm, 16, 10.0, seed=3)(x) for make in (nn.Linear, nets.weight_norm, Own)
    )
    for scores in others:
        np.testing.assert_allclose(scores.detach(), plain.detach(), rtol=1e-4, atol=1e-3)


def test_the_first_batch_gives_every_unit_mean_0_and_variance_1() -> None:
    net = nets.dense_net(nets.weight_norm, nets.no_norm, 16, 10.0, seed=0)
    x = noise(200, 1, 8, 8)
    nets.scale_by_first_batch(net, x)
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Linear):
            np.testing.assert_allclose(x.mean(0).detach(), 0, atol=1e-5)
            np.testing.assert_allclose(x.var(0, correction=0).detach(), 1, atol=1e-4)


def test_lengths_and_angles_are_those_of_the_rows() -> None:
    net = nets.dense_net(Own, nets.no_norm, 16, 1.0, seed=0)
    watch = measures.length_watch(net)
    first = nets.linears(net)[0]
    with torch.no_grad():
        for layer in nets.linears(net):
            layer.v /= layer.v.norm(dim=1, keepdim=True) / 3
        other = first.v.roll(1, dims=1)
        orthogonal = other - (other * first.v).sum(1, keepdim=True) / 9 * first.v
        first.v += 3 * orthogonal / orthogonal.norm(dim=1, keepdim=True)
    found = watch()
    assert found["angle"] == pytest.approx(45, abs=1e-3)
    assert found["length"] == pytest.approx((16 * 18**0.5 + 26 * 3) / 42, rel=1e-5)
    assert watch()["angle"] == pytest.approx(0, abs=1e-3)


def test_a_reader_is_torchs_network_and_normalizes_at_each_step() -> None:
    x = noise(3, 1, 6, 5)
    own = nets.Reader([nn.Identity()], inputs=5, width=7, seed=0)
    theirs = nn.RNN(5, 7, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(own.read.weight)
        theirs.weight_hh_l0.copy_(own.keep.weight)
        theirs.bias_ih_l0.copy_(own.read.bias)
        theirs.bias_hh_l0.zero_()
    np.testing.assert_allclose(own(x).detach(), own.scores(theirs(x[:, 0])[0][:, -1]).detach(), atol=1e-6)
    counted = [nn.BatchNorm1d(7) for _ in range(2)]
    nets.Reader(counted, inputs=5, width=7, seed=0)(x)
    assert [int(norm.num_batches_tracked) for norm in counted] == [1, 5]  # further steps take the last one


def test_longer_sequences_have_rows_of_background_where_it_says() -> None:
    data = prepared("mnist", FEW)
    seen: list[Any] = []

    class Spy(nn.Module):
        def forward(self, x: Any) -> Any:
            seen.append(x)
            return torch.zeros(len(x), 10)

    found = measures.longer(Spy(), data)
    count = len(measures.BLANK_ROWS)
    assert {len(values) for values in found.values()} == {count}
    before, behind = seen[count - 1], seen[-1]
    assert before.shape == behind.shape == (20, 1, 56, 28)
    assert torch.equal(before[:, :, 28:], data.test_x) and torch.equal(behind[:, :, :28], data.test_x)
    assert (before[:, :, :28] == data.test_x.min()).all()


def test_a_rate_falls_on_a_line_by_epoch_and_a_lost_run_is_nan_to_its_end() -> None:
    data = prepared("digits", replace(FEW, epochs=3))
    rates: list[float] = []
    real = torch.optim.SGD.step

    def watched(self: Any, *rest: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return real(self, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.SGD, "step", watched)
        net = nets.dense_net(nn.Linear, nets.no_norm, 8, 1.0, seed=0)
        measures.fit(net, data, rate=0.3, batch=20, epochs=3, seed=0)
    assert rates == pytest.approx([0.3, 0.3, 0.2, 0.2, 0.1, 0.1])
    net = nets.dense_net(nn.Linear, nets.no_norm, 8, 1e30, seed=0)
    lost = measures.fit(net, data, rate=0.3, batch=20, epochs=3, seed=0)
    assert np.isnan(lost["loss"]).all() and len(lost["loss"]) == 3


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few runs as each part can do with."""
    size = replace(
        family.SIZES["tiny"], images=FEW, recurrent=replace(FEW, test=40), weights=replace(FEW, epochs=2)
    )
    monkeypatch.setitem(family.SIZES, "tiny", size)
    monkeypatch.setattr(family, "RATES", dict.fromkeys(family.RATES, (0.01, 0.1)))
    monkeypatch.setattr(family, "LIT", 10)
    monkeypatch.setattr(family, "BATCHED", {"photos": (("none", "group norm"), (4,))})


def test_a_students_layers_are_trained_beside_the_librarys_and_drawn(tiny: None) -> None:
    made: list[int] = []

    def mine(features: int) -> Any:
        made.append(features)
        return nn.GroupNorm(2, features)

    results = family.compare({"mine": mine}, size="tiny")
    assert {run["norm"] for run in results["runs"]} == {"batch norm", "mine"}
    assert set(made) == {16, 32, 64}
    assert [norm for norm, _ in family.table(results)] == ["batch norm", "mine"]
    assert [norm for norm, _ in family.illumination_table(results)] == ["batch norm", "mine"]
    assert family.plot_batch_sizes(results).axes and family.plot_illumination(results).axes
    results = family.compare_whitening({"mine": nn.LayerNorm}, size="tiny")
    assert "mine" in {run["norm"] for run in results["runs"]} and family.plot_whitening(results).axes
    results = family.compare_recurrent({"mine": nn.LayerNorm}, size="tiny")
    assert "mine" in {run["norm"] for run in results["runs"]} and family.plot_recurrent(results).axes
    results = family.compare_weights(Own, size="tiny")
    assert {run["norm"] for run in results["runs"]} == {"plain", "my weight norm"}
    assert family.plot_lengths(results).axes and family.plot_starts(results).axes


def test_a_rerun_gives_the_same_numbers_and_another_seed_others(tiny: None) -> None:
    def numbers(seed: int) -> Any:
        base = family.BASE["images"]
        run = family.run(family.Settings("images", norm="group norm", rate=0.1, seed=seed, **base), "tiny")
        return run["loss"]

    assert numbers(0) == numbers(0) != numbers(1)


def test_the_rate_at_a_batch_size_is_in_proportion_to_it(tiny: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, float]] = []
    real = measures.fit

    def watched(net: Any, data: Any, *, rate: float, batch: int, **rest: Any) -> Any:
        asked.append((batch, rate))
        return real(net, data, rate=rate, batch=batch, **rest)

    monkeypatch.setattr(family, "fit", watched)
    for batch in (4, 32):
        family.run(family.Settings("images", "photos", "none", 0.08, batch, 1.0, 0), "tiny")
    assert asked == [(4, pytest.approx(0.01)), (32, pytest.approx(0.08))]


def test_the_study_can_be_cut_after_any_run_continued_and_drawn_at_its_end(
    tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "run", made_up)
    monkeypatch.setattr(family, "small_batches", no_training)
    for count, results in enumerate(family.study("tiny"), start=1):
        assert len(results["runs"]) == count
    planned = family.plan("tiny") + family.plan_batches(results, "tiny")
    assert len(set(planned)) == len(planned) == count
    cut = {**results, "runs": results["runs"][:-3]}
    *_, again = family.study("tiny", begun=cut)
    assert again["runs"] == results["runs"]
    save_results(results, tmp_path / "r.json")
    back = family.load_results(tmp_path / "r.json")
    for plot in [*IMAGES, *PHOTOS_ONLY]:
        assert plot(back).axes


def no_training(seed: int) -> list[dict[str, Any]]:
    every = ((norm, batch) for norm in family_small_batches.NORMS for batch in family_small_batches.BATCHES)
    return [{"norm": norm, "batch": batch, "seed": seed, "error": 0.5} for norm, batch in every]


def made_up(at: Any, size: str) -> dict[str, Any]:
    random = np.random.default_rng([at.seed, at.batch, int(at.rate * 1e4), len(at.norm), len(at.part)])
    epochs = {key: random.random(2).tolist() for key in ("loss", "validation_accuracy", "length", "angle")}
    ends = {key: random.random() for key in ("test_accuracy", "train_accuracy", "test_accuracy_train_mode")}
    rows = len(measures.BLANK_ROWS)
    return {
        **asdict(at),
        **epochs,
        **ends,
        "illumination": {kind: random.random(len(values)).tolist() for kind, values in LIGHT.items()},
        "longer": {place: random.random(rows).tolist() for place in ("before", "behind")},
    }


def results_with(*runs: tuple[float, int, int, list[float], float]) -> dict[str, Any]:
    made = [
        {
            **asdict(family.Settings("images", "photos", "none", rate, batch, 1.0, seed)),
            "loss": [1.0],
            "validation_accuracy": valid,
            "test_accuracy": test,
        }
        for rate, batch, seed, valid, test in runs
    ]
    return {"about": {}, "runs": made}


def test_the_rate_is_chosen_on_validation_images_at_batch_32_and_errors_are_of_the_test() -> None:
    results = results_with(
        (0.1, 32, 0, [0.9, 0.5], 0.9),
        (0.1, 32, 1, [0.9, 0.5], 0.9),
        (0.2, 32, 0, [0.1, 0.4], 0.5),
        (0.2, 32, 1, [0.1, 0.7], 0.7),
        (0.1, 2, 0, [0.9], 0.8),
        (0.1, 2, 1, [0.9], 0.8),
        (0.2, 2, 0, [0.3], 0.3),
        (0.2, 2, 1, [0.3], 0.4),
    )
    assert family.best_rate(results, norm="none") == 0.2
    expected = {"mean": 0.6, "std": 0.02**0.5, "min": 0.5, "max": 0.7}
    assert family.summary(results, norm="none") == pytest.approx(expected)
    assert errors(results, "none", 2) == pytest.approx([0.7, 0.6])
    assert family.summary(results, norm="none", batch=2)["mean"] == pytest.approx(0.8)
    results["runs"][2]["loss"] = [float("nan")]
    assert family.best_rate(results, norm="none") == 0.1


def test_settings_that_no_run_has_are_told() -> None:
    with pytest.raises(ValueError, match="Expected settings of some runs of these results"):
        family.summary(results_with((0.1, 32, 0, [0.5], 0.5)), norm="grop norm")


def test_a_norm_has_one_colour_in_all_pictures_and_a_layer_of_ones_own_another() -> None:
    def colours(results: dict[str, Any]) -> dict[str, str]:
        return {
            line.get_label(): line.get_color() for line in family.plot_illumination(results).axes[0].lines
        }

    photos, cifar = (colours(family.load_results(RESULTS / f"{name}.json")) for name in ("full", "cifar10"))
    assert set(photos) == set(family.NORMS) and len(set(photos.values())) == len(photos)
    assert cifar.items() < photos.items()
    results = family.load_results(RESULTS / "cifar10.json")
    for run in results["runs"]:
        run["norm"] = {"group norm": "my group norm"}.get(run["norm"], run["norm"])
    own = colours(results)
    assert len(set(own.values())) == len(own) == len(cifar)


def test_batches_of_two_ruin_batch_norm_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family_small_batches, "BATCHES", (2, 32))
    error = {(r["norm"], r["batch"]): r["error"] for r in family_small_batches.small_batches(seed=5)}
    assert error["batch norm", 2] > 0.4 > 0.25 > max(error[at] for at in error if at != ("batch norm", 2))


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_the_committed_results_are_whole_and_can_be_drawn(name: str) -> None:
    results = family.load_results(RESULTS / f"{name}.json")
    about = results["about"]
    data = "photos" if name == "full" else name
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date"} <= set(about)
    assert set(about["data"]) <= set(SETS)
    planned = [asdict(at) for at in family.plan("full", data) + family.plan_batches(results, "full", data)]
    made = [{key: run[key] for key in planned[0]} for run in results["runs"]]
    assert sorted(map(str, made)) == sorted(map(str, planned))
    for plot in [*IMAGES, *(PHOTOS_ONLY if data == "photos" else [])]:
        assert plot(results).axes
