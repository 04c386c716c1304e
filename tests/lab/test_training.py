"""The network, the training loop and the experiment of unit 02: what they promise to their readers."""

import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn

from lab.data import read  # noqa: E402
from lab.experiments import batchnorm  # noqa: E402
from lab.nets import CHANNELS, batch_norm, count_parameters, no_norm, small_cnn  # noqa: E402
from lab.training import Images, accuracy, as_tensors, train  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def images() -> Images:
    return as_tensors(read("photo_patches"), 200, 100, torch.device("cpu"))


def test_images_are_standardized_per_channel() -> None:
    x = as_tensors(read("photo_patches"), device=torch.device("cpu")).train_x
    assert x.shape == (5000, 3, 32, 32)
    torch.testing.assert_close(x.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(x.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-4, rtol=0)


def test_norm_costs_four_numbers_a_channel_two_trained_and_saves_the_bias() -> None:
    channels = sum(CHANNELS)
    with_bn, without = count_parameters(small_cnn(batch_norm)), count_parameters(small_cnn(no_norm))
    assert with_bn["kept"] == 2 * channels and without["kept"] == 0
    assert with_bn["trained"] - without["trained"] == 2 * channels - channels


def test_the_weight_scale_multiplies_he_weights() -> None:
    def deviation(scale: float) -> float:
        return small_cnn(weight_scale=scale)[6].weight.std().item()

    assert deviation(1.0) == pytest.approx(math.sqrt(2 / (9 * CHANNELS[1])), rel=0.05)
    assert deviation(10.0) == pytest.approx(10 * deviation(1.0), rel=1e-5)


def test_the_same_seed_gives_the_same_history_and_another_seed_another(images: Images) -> None:
    def losses(seed: int) -> list[float]:
        net = small_cnn(batch_norm, seed=seed)
        return train(net, images, lr=0.01, epochs=2, batch_size=32, seed=seed).loss

    assert losses(0) == losses(0) != losses(1)


def test_training_lowers_the_loss(images: Images) -> None:
    history = train(small_cnn(batch_norm), images, lr=0.02, epochs=4, batch_size=20, seed=0)
    assert history.loss[-1] < 0.7 * history.loss[0]


def test_a_diverged_run_keeps_its_length_and_says_so_with_nan(images: Images) -> None:
    history = train(small_cnn(weight_scale=30.0), images, lr=1e6, epochs=3, batch_size=20, seed=0)
    assert len(history.loss) == len(history.test_accuracy) == 3 and math.isnan(history.loss[-1])


def test_measuring_in_train_mode_leaves_the_network_as_it_was(images: Images) -> None:
    net = small_cnn(batch_norm)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    accuracy(net, images.test_x, images.test_y, batch_size=10, training=True)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_the_experiment_takes_a_students_own_layer() -> None:
    made: list[int] = []

    def mine(num_channels: int) -> nn.Module:
        made.append(num_channels)
        return nn.GroupNorm(1, num_channels)

    results = batchnorm.compare(mine, size="tiny")
    with_layer = [run for run in results["runs"] if run["norm"]]
    assert len(made) == len(CHANNELS) * len(with_layer) and len(results["runs"]) == 2 * len(with_layer)
    for plot in (batchnorm.plot_training_curves, batchnorm.plot_learning_rates, batchnorm.plot_weight_scales):
        assert plot(results).axes


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    run = {"norm": True, "loss": [1.25, math.nan]}
    batchnorm.save_results({"about": {"size": "tiny"}, "runs": [run]}, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    loss = batchnorm.load_results(tmp_path / "r.json")["runs"][0]["loss"]
    assert loss[0] == 1.25 and math.isnan(loss[1])


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = batchnorm.load_results(ROOT / "book" / "results" / "02-batchnorm" / "full.json")
    size = batchnorm.SIZES["full"]
    assert len(results["runs"]) == len(batchnorm.plan(size, size.batch_sizes))
    assert len(size.seeds) >= 3 and all(len(run["loss"]) == size.epochs for run in results["runs"])
    assert {"device", "torch", "date", "data"} <= set(results["about"])
    assert batchnorm.plot_batch_size(results).axes
