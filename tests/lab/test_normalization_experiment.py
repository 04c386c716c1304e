"""The experiment of unit 01: its network, preparations and measures, and what it promises to its readers."""

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn

from lab.data import read  # noqa: E402
from lab.experiments import normalization  # noqa: E402
from lab.experiments.normalization_data import LCN_EPS, PREPARATIONS, ZCA_EPS  # noqa: E402
from lab.experiments.normalization_measures import channels, spectrum  # noqa: E402
from lab.experiments.results import load_results, save_results  # noqa: E402
from lab.nets import count_parameters, lecture_cnn  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "book" / "results" / "01-normalization"


@pytest.fixture(scope="module")
def patches() -> np.ndarray:
    return read("photo_patches").train_images[:60]


def weights_of(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def test_the_network_has_the_parameters_that_the_lecture_counts() -> None:
    counts = [count_parameters(layer)["trained"] for layer in weights_of(lecture_cnn())]
    assert counts[:2] == [832, 16_448]
    assert counts[2:] == [7 * 7 * 64 * 1024 + 1024, 1024 * 10 + 10]


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (1, 8, 12)])
def test_the_network_takes_images_of_any_shape(shape: tuple[int, int, int]) -> None:
    assert lecture_cnn(shape, classes=7)(torch.zeros(2, *shape)).shape == (2, 7)


def test_the_network_starts_as_keras_starts_it() -> None:
    for layer in weights_of(lecture_cnn()):
        window = math.prod(layer.weight.shape[2:])
        bound = math.sqrt(6 / (window * (layer.weight.shape[0] + layer.weight.shape[1])))
        assert layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        assert not layer.bias.any()


def test_pooling_before_the_relu_changes_nothing() -> None:
    x = torch.randn(4, 3, 8, 8)
    pool = nn.functional.max_pool2d
    assert torch.equal(pool(x, 2).relu(), pool(x.relu(), 2))


@pytest.mark.parametrize("name", PREPARATIONS)
def test_a_preparation_learns_from_training_images_alone(name: str, patches: np.ndarray) -> None:
    train, new = PREPARATIONS[name](patches, patches[:3])
    again, _ = PREPARATIONS[name](patches, 255 - patches[:7])
    assert train.shape == patches.shape and train.dtype == np.float32
    np.testing.assert_array_equal(train, again)
    np.testing.assert_allclose(new, train[:3], atol=1e-4)


def test_standardized_channels_and_features_have_mean_0_and_variance_1(patches: np.ndarray) -> None:
    for name, axes in (("standardized per channel", (0, 1, 2)), ("standardized per feature", 0)):
        x = PREPARATIONS[name](patches, patches)[0].astype(np.float64)
        np.testing.assert_allclose(x.mean(axis=axes), 0, atol=1e-5)
        np.testing.assert_allclose(x.var(axis=axes), 1, atol=1e-5)


def test_global_contrast_gives_every_image_mean_0_and_variance_1(patches: np.ndarray) -> None:
    x = PREPARATIONS["global contrast"](patches, patches)[1].astype(np.float64)
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(x.var(axis=(1, 2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (31, 5), (16, 20)])
def test_local_contrast_counts_only_pixels_inside_the_image(
    row: int, column: int, patches: np.ndarray
) -> None:
    image = patches[4].astype(np.float64)
    window = image[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
    expected = (image[row, column] - window.mean(axis=(0, 1))) / np.sqrt(window.var(axis=(0, 1)) + LCN_EPS)
    x = PREPARATIONS["local contrast"](patches, patches)[0]
    np.testing.assert_allclose(x[4, row, column], expected, atol=1e-5)


@pytest.mark.parametrize("n", [40, 300])
def test_whitening_is_zca_with_fewer_images_than_features_too(n: int) -> None:
    images, new = np.split(read("digits").train_images[: n + 20], [n])
    pixels, new_pixels = (x.reshape(len(x), -1) / 255 for x in (images, new))
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False, bias=True))
    matrix = vectors / np.sqrt(values + ZCA_EPS) @ vectors.T
    expected = (new_pixels - pixels.mean(axis=0)) @ matrix
    whitened = PREPARATIONS["whitened (ZCA)"](images, new)[1].reshape(20, -1)
    np.testing.assert_allclose(whitened, expected, atol=1e-4)


def test_channel_statistics_are_those_of_the_pixels() -> None:
    measured = channels(["photo_patches"])["photo_patches"]
    pixels = read("photo_patches").train_images / 255
    np.testing.assert_allclose(measured["mean"], pixels.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(measured["std"], pixels.std(axis=(0, 1, 2)))


def test_a_spectrum_is_that_of_the_singular_values_and_leaves_rounding_errors_out() -> None:
    x = np.random.default_rng(0).normal(size=(50, 8)) * [100, 30, 10, 3, 1, 1, 1, 0] + 5
    x[:, 7] = x[:, 6]
    squares = np.linalg.svd(x, compute_uv=False) ** 2 / 50
    measured = spectrum(x)
    assert measured["rank"] == 7
    assert measured["condition"] == pytest.approx(squares[0] / squares[6])
    assert measured["max_lr"] == pytest.approx(2 / squares[0])
    assert measured["first_share"] == pytest.approx(squares[0] / squares.sum())
    np.testing.assert_allclose([value for _, value in measured["eigenvalues"]], squares[:7], rtol=1e-3)


def test_the_experiment_takes_a_students_own_functions_on_arrays_and_on_tensors() -> None:
    def halved(train: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return train / 2, images / 2

    def halved_tensors(train: np.ndarray, images: np.ndarray) -> tuple[object, object]:
        return tuple(torch.from_numpy(x).permute(0, 3, 1, 2) / 2 for x in (train, images))

    results = normalization.compare({"arrays": halved, "tensors": halved_tensors}, size="tiny")
    losses = {
        name: [run["loss"] for run in results["runs"] if run["preparation"] == name]
        for name in ("raw", "arrays", "tensors")
    }
    assert losses["arrays"] == losses["tensors"] != losses["raw"]
    for plot in (normalization.plot_training_curves, normalization.plot_preparations):
        assert plot(results).axes


def test_a_function_that_changes_its_images_in_place_changes_only_its_own() -> None:
    def careless(train: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        train[:], images[:] = 0, 0
        return train, images

    def untouched(train: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert train.any() and images.any()
        return train, images

    assert normalization.compare({"careless": careless, "untouched": untouched}, size="tiny")["runs"]


def test_images_of_another_shape_are_refused_with_the_name_of_the_function() -> None:
    with pytest.raises(
        ValueError, match=r"Expected images of shape \(96, 32, 32, 3\) from 'flat', got \(96, 3072\)"
    ):
        normalization.compare({"flat": lambda x, y: (x.reshape(96, -1), y)}, size="tiny")


def test_one_return_value_is_refused() -> None:
    with pytest.raises(ValueError, match="Expected two prepared sets of images from 'one', got ndarray"):
        normalization.compare({"one": lambda x, y: x}, size="tiny")


def test_the_study_can_be_cut_after_any_run_and_drawn_at_its_end(tmp_path: Path) -> None:
    runs = normalization.plan("tiny")
    assert len(set(runs)) == len(runs)
    for count, results in enumerate(normalization.study("tiny"), start=1):
        assert len(results["runs"]) == count
    assert count == len(runs)
    save_results(results, tmp_path / "r.json")
    results = normalization.load_results(tmp_path / "r.json")
    for plot in (normalization.plot_question, normalization.plot_learning_rates, normalization.plot_spectra):
        assert plot(results).axes


def test_results_come_back_from_their_file_small_numbers_too(tmp_path: Path) -> None:
    results = {"about": {"lrs": (4.7e-8, 0.1)}, "runs": [{"seed": 1, "loss": [1.25, math.nan, math.inf]}]}
    save_results(results, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    back = load_results(tmp_path / "r.json")
    assert back["about"]["lrs"] == [4.7e-8, 0.1] and back["runs"][0]["seed"] == 1
    first, *lost = back["runs"][0]["loss"]
    assert first == 1.25 and all(math.isnan(loss) for loss in lost)


def test_all_networks_of_the_cifar_study_train_the_same_number_of_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cifar10"
    folder.mkdir()
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", random.integers(0, 256, (150, 32, 32, 3), dtype=np.uint8))
        np.save(folder / f"{split}_labels.npy", random.integers(0, 10, 150))
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    for epoch, results in enumerate(normalization.study_cifar10("tiny"), start=1):
        assert results["about"]["epochs"] == epoch
        assert {len(run["loss"]) for run in results["runs"]} == {epoch}
    assert str(tmp_path) not in str(results["about"])


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = normalization.load_results(RESULTS / "full.json")
    about = results["about"]
    assert len(results["runs"]) == len(normalization.plan("full"))
    assert len(about["seeds"]) >= 3 and all(len(run["loss"]) == about["epochs"] for run in results["runs"])
    assert {"device", "torch", "date", "data"} <= set(about)
    for plot in (
        normalization.plot_question,
        normalization.plot_training_curves,
        normalization.plot_preparations,
        normalization.plot_learning_rates,
        normalization.plot_spectra,
    ):
        assert plot(results).axes


def test_the_committed_cifar_results_compare_equals_and_the_published_channels() -> None:
    results = normalization.load_results(RESULTS / "cifar10.json")
    about = results["about"]
    assert (about["train_images"], about["val_images"]) == (40_000, 10_000)
    for name in ("raw", "standardized per channel"):
        runs = [run for run in results["runs"] if run["preparation"] == name]
        assert [run["seed"] for run in runs] == about["seeds"] and len(runs) >= 3
        assert all(len(run["loss"]) == about["epochs"] for run in runs)
    measured = results["measures"]["channels"]["cifar10"]
    np.testing.assert_allclose(measured["mean"], [0.4914, 0.4822, 0.4465], atol=1e-4)
    np.testing.assert_allclose(measured["std"], [0.2470, 0.2435, 0.2616], atol=1e-4)
