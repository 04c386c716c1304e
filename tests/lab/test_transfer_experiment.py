"""The experiment of unit 11: its targets, its heads, its training, and what it promises to its readers."""

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")
sklearn_linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
nn = torch.nn

from lab.data import read  # noqa: E402
from lab.dataset import DataError  # noqa: E402
from lab.experiments import transfer  # noqa: E402
from lab.experiments import transfer_methods as methods  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402
from lab.experiments.transfer_data import KEPT_PER_CLASS, as_input, enlarged, target_images  # noqa: E402
from lab.experiments.transfer_heads import PREPARATIONS, heads, input_of, staged  # noqa: E402
from lab.experiments.transfer_plots import best_rate, ends, head_ends  # noqa: E402
from lab.source_nets import small_backbone  # noqa: E402
from lab.sources import WEIGHTS, Source  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "11-transfer-learning"
OWN_PLOTS = [transfer.plot_methods, transfer.plot_curves]
EVERYWHERE = [transfer.plot_table, transfer.plot_heads, transfer.plot_forgetting, transfer.plot_stages]
EVERYWHERE += [transfer.plot_preparation, transfer.plot_cost]
PHOTOS_ONLY = [transfer.plot_norms, transfer.plot_rates]
TINY = transfer.SIZES["tiny"]


@pytest.fixture(autouse=True)
def untrained_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here depends on what the source's weights are."""

    def source() -> Source:
        backbone, head = small_backbone(7).eval(), nn.Linear(128, 100)
        return Source("cifar100", backbone, head, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25), 32)

    monkeypatch.setattr("lab.sources.load_source", source)


def few(per_class: int = 2, seed: int = 0, name: str = "digits") -> Any:
    return target_images(name, per_class, seed, 30, 2)


def cloud(n: int = 60, width: int = 5, classes: int = 3, seed: int = 0) -> tuple[Any, Any]:
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    centres = torch.randn(classes, width, generator=random)
    return 10 * (centres[labels] + torch.randn(n, width, generator=random)) + 3, labels


def noise(images: int = 8, classes: int = 4) -> Any:
    x, y = (
        torch.randn(images, 3, 32, 32, generator=torch.Generator().manual_seed(0)),
        torch.arange(images) % classes,
    )
    return methods.Data(x, y, x, y, x, y)


def parameters(net: Any) -> dict[str, Any]:
    return {name: values.clone() for name, values in net.state_dict().items()}


def changed(net: Any, before: dict[str, Any]) -> set[str]:
    return {name for name, values in net.state_dict().items() if not torch.equal(values, before[name])}


def test_training_images_are_drawn_by_class_and_seed_and_the_others_stay() -> None:
    a, same, other, more = few(seed=0), few(seed=0), few(seed=1), few(per_class=5)
    assert np.bincount(a.train_labels).tolist() == [2] * 10
    np.testing.assert_array_equal(a.train_images, same.train_images)
    assert (a.train_images != other.train_images).any()
    for part in ("validation_images", "validation_labels", "test_images", "test_labels"):
        np.testing.assert_array_equal(getattr(a, part), getattr(other, part))
    kept = {image.tobytes() for image in more.train_images}
    assert all(image.tobytes() in kept for image in a.train_images)  # more holds few


def test_nothing_is_trained_on_that_is_validated_on() -> None:
    target = target_images("digits", 100, 0, 10)
    trained = {image.tobytes() for image in target.train_images}
    assert len(trained) == 1000 and len(target.validation_images) == 10 * KEPT_PER_CLASS
    assert not trained & {image.tobytes() for image in target.validation_images}


def test_grey_digits_are_stretched_as_torch_does_and_made_0_to_255() -> None:
    small = read("digits").test_images[:3]
    large = enlarged(small)
    assert large.shape == (3, 32, 32, 3) and large.dtype == np.uint8 and large.max() > 240
    assert (large[..., :1] == large).all()
    fields = large[..., 0].reshape(3, 8, 4, 8, 4).mean((2, 4)) * 16 / 255
    assert np.corrcoef(fields.ravel(), small.ravel())[0, 1] > 0.95
    photo = np.arange(32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(1, 32, 32, 3)
    np.testing.assert_array_equal(enlarged(photo), photo)


def test_unknown_targets_and_too_many_images_are_told() -> None:
    with pytest.raises(
        DataError, match=r"Expected the name of a target \(photos, digits, cifar10\), got 'cats'"
    ):
        transfer.features("cats")
    with pytest.raises(DataError, match=r"Expected 1 to 100 images of each class, got 101\."):
        transfer.features("digits", per_class=101)


def test_a_networks_input_is_scaled_channel_by_channel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    mean, std = (0.5, 0.4, 0.3), (0.3, 0.2, 0.1)
    expected = ((pixels / 255 - np.array(mean)) / np.array(std)).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(as_input(pixels, mean, std), expected, rtol=1e-5, atol=1e-6)


def test_preparations_are_those_of_their_names() -> None:
    target = few(name="photos")
    pixels = target.train_images
    mean, std = np.array((0.5, 0.4, 0.3)), np.array((0.3, 0.2, 0.25))
    shares = pixels / 255
    own = (shares - shares.mean((0, 1, 2))) / shares.std((0, 1, 2))
    expected = {
        "source": (shares - mean) / std,
        "target": own,
        "pixels / 255": shares,
        "pixels": pixels,
        "blue first": (shares[..., [2, 1, 0]] - mean) / std,
    }
    assert tuple(expected) == PREPARATIONS
    for name, wanted in expected.items():
        found = input_of(pixels, target, name)
        np.testing.assert_allclose(found, wanted.transpose(0, 3, 1, 2), rtol=1e-4, atol=1e-4)


def test_features_are_what_the_backbone_gives_for_the_pixels_beside_them() -> None:
    data = transfer.features("digits", per_class=2, seed=1, test_images=12)
    assert data.train_features.shape == (20, 128) and data.test_features.shape == (12, 128)
    assert data.train_features.dtype == np.float64 and data.train_images.dtype == np.uint8
    x = (data.test_images / 255 - data.mean) / data.std
    net = small_backbone(7).eval().double()
    with torch.no_grad():
        expected = net(torch.from_numpy(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(data.test_features, expected, atol=1e-4)
    np.testing.assert_array_equal(data.test_labels, read("digits").test_labels[:12])


def test_a_linear_head_is_that_of_scikit_learn() -> None:
    f, y = cloud()
    f[:, 2] = 4  # a feature that says nothing
    head = methods.linear_head(f, y, 3, decay=0.01)
    z = ((f - f.mean(0)) / f.std(0, correction=0).clamp(min=1e-6)).double().numpy()
    expected = sklearn_linear.LogisticRegression(C=1 / (len(f) * 0.01), tol=1e-8).fit(z, y)
    with torch.no_grad():
        probabilities = head(f).softmax(1)
    np.testing.assert_allclose(probabilities, expected.predict_proba(z), atol=1e-3)


def test_the_nearest_mean_as_a_head_is_the_nearest_mean() -> None:
    f, y = cloud()
    means = torch.stack([f[y == label].mean(0) for label in range(3)])
    expected = torch.cdist(f, means).argmin(1)
    with torch.no_grad():
        assert torch.equal(methods.nearest_mean_head(f, y, 3)(f).argmax(1), expected)


def test_similarity_is_1_for_turned_features_and_that_of_the_gram_matrices() -> None:
    a, b = torch.randn(40, 6), torch.randn(40, 9)
    turn = torch.linalg.qr(torch.randn(6, 6))[0]
    assert methods.similarity(a, 5 * a @ turn + 2) == pytest.approx(1, abs=1e-5)
    centring = torch.eye(40) - 1 / 40
    assert methods.similarity(a, torch.ones(40, 3)) == 0
    k, q = (centring @ f @ f.T @ centring for f in (a, b))
    expected = (k * q).sum() / (k.norm() * q.norm())
    assert methods.similarity(a, b) == pytest.approx(expected.item(), rel=1e-4)


def test_stage_features_are_means_over_the_places_of_each_stage() -> None:
    net, x = small_backbone(1).eval(), torch.randn(3, 3, 32, 32)
    found = staged(net, x)
    with torch.no_grad():
        maps = net.stage1(net.stem(x))
        np.testing.assert_allclose(found["stage1", 1], maps.mean((2, 3)), atol=1e-5)
        fields = maps.unfold(2, 4, 4).unfold(3, 4, 4).mean((4, 5)).flatten(1)
        np.testing.assert_allclose(found["stage1", 4], fields, atol=1e-5)
        np.testing.assert_allclose(found["stage3", 1], net(x), atol=1e-5)


def test_features_are_computed_in_eval_mode_and_modes_are_put_back() -> None:
    net = small_backbone().train()
    net.stage2.eval()
    before, modes = parameters(net), [part.training for part in net.modules()]
    x = torch.randn(7, 3, 32, 32)
    found = methods.features_of(net, x, batch_size=3)
    assert not changed(net, before) and not found.requires_grad
    assert [part.training for part in net.modules()] == modes
    with torch.no_grad():
        np.testing.assert_allclose(found, net.eval()(x), atol=1e-5)


def tuned(net: Any, **how: Any) -> tuple[set[str], Any]:
    before, head = parameters(net), methods.random_head(128, 4)
    how = {"rate": 0.1, "steps": 4, "every": 2, "seed": 0, "batch": 4} | how
    return_value = methods.tune(net, head, noise(), **how)
    return changed(net, before), return_value


def test_frozen_norms_keep_statistics_scales_and_shifts_and_the_rest_is_trained() -> None:
    moved, _ = tuned(small_backbone(), norm="frozen")
    assert moved == {name for name, values in small_backbone().named_parameters() if values.ndim == 4}


def test_a_frozen_backbone_in_training_mode_still_moves_its_running_statistics() -> None:
    moved, record = tuned(small_backbone(), trained="head")
    assert moved == {name for name, _ in small_backbone().named_buffers()}
    assert record["cka"][0] == pytest.approx(1) and record["cka"][-1] < 0.999
    moved, record = tuned(small_backbone(), trained="head", norm="frozen")
    assert moved == set() and record["cka"] == pytest.approx([1, 1, 1])


def test_gradual_unfreezing_reaches_a_further_stage_each_quarter() -> None:
    for steps, stages in ((1, ["stage3"]), (4, ["stem", "stage1", "stage2", "stage3"])):
        net = small_backbone()
        before = parameters(net)
        methods.tune(
            net,
            methods.random_head(128, 4),
            noise(),
            rate=0.1,
            steps=steps,
            every=9,
            seed=0,
            batch=4,
            gradual=True,
        )
        weights = {name.split(".")[0] for name in changed(net, before) if name.endswith("weight")}
        assert sorted(weights) == sorted(stages)


def test_rates_fall_to_0_on_a_line_each_group_from_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[list[float]] = []
    real = torch.optim.SGD.step

    def watched(self: Any, *rest: Any) -> Any:
        rates.append([group["lr"] for group in self.param_groups])
        return real(self, *rest)

    monkeypatch.setattr(torch.optim.SGD, "step", watched)
    tuned(small_backbone(), decay=0.1)
    expected = [[0.1 * 0.1**k * left for k in range(5)] for left in (1, 0.75, 0.5, 0.25)]
    np.testing.assert_allclose(rates, expected)


def test_one_step_at_one_rate_is_that_of_torch() -> None:
    net, head, data = small_backbone(), methods.zero_head(128, 4), noise()
    expected = nn.Sequential(small_backbone(), methods.zero_head(128, 4)).train()
    rows = torch.randperm(8, generator=torch.Generator().manual_seed(3))[:6]
    nn.functional.cross_entropy(expected(data.train_x[rows]), data.train_y[rows]).backward()
    with torch.no_grad():
        for values in expected.parameters():
            values -= 0.05 * values.grad
    record = methods.tune(net, head, data, rate=0.05, steps=1, every=1, seed=3, batch=6)
    for values, wanted in zip(nn.Sequential(net, head).parameters(), expected.parameters(), strict=True):
        np.testing.assert_allclose(values.detach(), wanted.detach(), atol=1e-6)
    assert record["loss"][1] == pytest.approx(np.log(4))  # a head of zeros


@pytest.fixture
def watched_tools() -> tuple[Any, list[str]]:
    called: list[str] = []

    def watch(name: str, tool: Any) -> Any:
        def wrapped(*arguments: Any) -> Any:
            called.append(name)
            return tool(*arguments)

        return wrapped

    own = methods.Tools()
    names = list(methods.Tools.__dataclass_fields__)
    return transfer.Tools(**{name: watch(name, getattr(own, name)) for name in names}), called


def test_a_students_functions_are_called_and_the_results_can_be_drawn(
    watched_tools: tuple[Any, list[str]],
) -> None:
    tools, called = watched_tools
    results = transfer.compare(tools, target="digits", per_class=2, size="tiny")
    assert set(called) == set(methods.Tools.__dataclass_fields__)
    table = dict(transfer.method_table(results))
    assert list(table) == list(transfer.METHODS)
    frozen = [run["test_accuracy"] for run in results["runs"] if run["method"] == "frozen"]
    assert table["frozen"]["mean"] == pytest.approx(np.mean(frozen))
    for plot in OWN_PLOTS:
        assert plot(results).axes


def test_a_rerun_gives_the_same_numbers_and_another_seed_others() -> None:
    def numbers(seed: int) -> Any:
        at = transfer.Settings("digits", 2, seed, 0.01, head="random")
        run = transfer.run(at, "tiny")
        return run["loss"][1:], run["cka"]

    assert numbers(0) == numbers(0) != numbers(1)


def test_a_run_with_the_probe_begins_as_right_as_the_linear_head() -> None:
    at = transfer.Settings("digits", 2, 0, 0.01)
    run = transfer.run(at, "tiny")
    images = target_images("digits", 2, 0, TINY.test_images, TINY.validation)
    head = next(
        h for h in heads(images, 2, 0, whole=False) if (h["method"], h["features"]) == ("linear", "stage3")
    )
    assert run["validation_accuracy"][0] == pytest.approx(head["validation_accuracy"], abs=0.05)
    frozen = transfer.run(replace(at, rate=0.0), "tiny")
    assert frozen["test_accuracy"] == pytest.approx(head["test_accuracy"], abs=0.05)
    assert frozen["steps"] == [0] and frozen["cka"] == pytest.approx([1])


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are made up; heads are real, on few images, and few of them."""

    def made_up(at: Any, size: str) -> dict[str, Any]:
        random = np.random.default_rng(abs(hash(at)))
        lists = {key: random.random(3).tolist() for key in ("loss", "validation_accuracy", "cka")}
        ends = {"train_accuracy": random.random(), "test_accuracy": random.random(), "train_seconds": 0.1}
        return asdict(at) | {"steps": [0, 2, 4], **lists, **ends}

    monkeypatch.setattr(transfer, "run", made_up)
    monkeypatch.setitem(transfer.SIZES, "tiny", replace(TINY, test_images=20, validation=1))
    monkeypatch.setattr(transfer, "COUNTS", (10,))
    monkeypatch.setattr("lab.experiments.transfer_heads.COST_IMAGES", 20)
    for module in ("transfer", "transfer_heads"):
        monkeypatch.setattr(f"lab.experiments.{module}.PREPARATIONS", ("source", "blue first"))


def test_the_study_can_be_cut_after_any_run_continued_and_drawn_at_its_end(
    tmp_path: Path, no_training: None
) -> None:
    targets = ("photos", "digits")
    runs = transfer.plan("tiny", targets)
    assert len(set(runs)) == len(runs)
    for count, results in enumerate(transfer.study("tiny", targets), start=1):
        assert len(results["runs"]) == count
    assert count == len(runs)
    begun = {**results, "runs": results["runs"][:-2]}
    *_, again = transfer.study("tiny", targets, begun)
    assert [run["cka"] for run in again["runs"]] == [run["cka"] for run in results["runs"]]
    assert again["heads"] == results["heads"]
    save_results(results, tmp_path / "r.json")
    back = transfer.load_results(tmp_path / "r.json")
    for plot in [*EVERYWHERE, *PHOTOS_ONLY]:
        assert plot(back).axes


def results_with(*runs: tuple[float, int, list[float], float]) -> dict[str, Any]:
    made = [
        {
            **asdict(transfer.Settings("photos", 10, seed, rate)),
            "validation_accuracy": valid,
            "test_accuracy": test,
        }
        for rate, seed, valid, test in runs
    ]
    return {"about": {"targets": ["photos"]}, "runs": made, "heads": []}


def test_the_rate_is_chosen_on_validation_images_and_the_summary_is_of_the_test() -> None:
    results = results_with(
        (0.1, 0, [0.9, 0.5], 0.9),
        (0.1, 1, [0.9, 0.5], 0.9),
        (0.2, 0, [0.1, 0.4], 0.5),
        (0.2, 1, [0.1, 0.7], 0.7),
    )
    assert best_rate(results) == 0.2
    assert transfer.summary(results) == pytest.approx({"mean": 0.6, "std": 0.02**0.5, "min": 0.5, "max": 0.7})
    assert transfer.summary(results, rate=0.1)["mean"] == pytest.approx(0.9)
    assert ends(results, "validation_accuracy", rate=0.2).tolist() == [0.4, 0.7]


def test_settings_that_no_run_has_are_told() -> None:
    with pytest.raises(ValueError, match="Expected settings of some runs of these results"):
        transfer.summary(results_with((0.1, 0, [0.5], 0.5)), norm="frozn")
    with pytest.raises(ValueError, match="Expected fields of some heads of these results"):
        head_ends(results_with(), method="neerest")


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_the_committed_results_are_whole_and_can_be_drawn(name: str) -> None:
    results = transfer.load_results(RESULTS / f"{name}.json")
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data", "source"} <= set(about)
    planned = [asdict(at) for at in transfer.plan("full", tuple(about["targets"]))]
    assert [{key: run[key] for key in planned[0]} for run in results["runs"]] == planned
    for plot in [*EVERYWHERE, *(PHOTOS_ONLY if "photos" in about["targets"] else [])]:
        assert plot(results).axes
    for target in about["targets"]:
        assert [row for row, _ in transfer.table(results, target)] == list(transfer.TABLE)


@pytest.mark.parametrize("name", ["full", "cifar10"])
def test_the_committed_results_are_of_the_shipped_weights(name: str) -> None:
    weights = (WEIGHTS / "cifar100.safetensors").read_bytes()
    about = transfer.load_results(RESULTS / f"{name}.json")["about"]
    assert about["source"] == hashlib.sha256(weights).hexdigest()
