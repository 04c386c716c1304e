"""Unit 12's budget: what fits, what it costs to train, and what a file's format does to a network."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("skimage", reason="scikit-image is not installed")
pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from lab.experiments import capstone_budget as budget  # noqa: E402
from lab.experiments.capstone_training import tricks_of  # noqa: E402
from lab.ladder_net import network  # noqa: E402

BOOK = Path(__file__).resolve().parents[2] / "book" / "results" / "12-capstone"


def net(channels: int = 3) -> torch.nn.Module:
    """With batch norm whose statistics are not those of the beginning."""
    made = network(tricks_of(budget.TRICKS), channels, 0)
    made(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1)))
    return made.eval()


@pytest.fixture(scope="module")
def results() -> budget.Results:
    *_, last = budget.study("tiny")
    return last


@pytest.mark.parametrize("name", budget.WAYS)
def test_each_way_fits_into_the_budget_and_one_channel_or_network_more_does_not(name: str) -> None:
    way = budget.WAYS[name]

    def needed(networks: int, channels: int) -> int:
        return networks * budget.bytes_of(net(channels), way.stored)

    assert needed(way.networks, way.channels) <= budget.BYTES < needed(way.networks, way.channels + 1)
    assert needed(way.networks + 1, way.channels) > budget.BYTES


def test_ways_multiply_about_as_often_in_training_but_those_with_all_epochs() -> None:
    def products(channels: int) -> int:
        """Of the convolutions, for one image."""
        counted = 0

        def count(layer: torch.nn.Conv2d, inputs: tuple[torch.Tensor], out: torch.Tensor) -> None:
            nonlocal counted
            counted += layer.weight.numel() * out.shape[2] * out.shape[3]

        made = net(channels)
        for layer in made.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.register_forward_hook(count)
        made(torch.zeros(1, 3, 32, 32))
        return counted

    size = budget.SIZES["full"]
    one = size.epochs * products(size.channels)
    for way in budget.WAYS.values():
        total = budget.epochs_of(way, size) * way.networks * products(way.channels)
        if way.all_epochs:
            assert budget.epochs_of(way, size) == size.epochs and total > 2 * one
        else:
            assert total == pytest.approx(one, rel=0.3)


def test_bytes_are_those_of_a_file_of_the_arrays(tmp_path: Path) -> None:
    made = net()
    arrays = [value.numpy() for value in made.state_dict().values() if value.is_floating_point()]
    for stored, dtype in (("float32", np.float32), ("float16", np.float16)):
        assert budget.bytes_of(made, stored) == sum(a.astype(dtype).nbytes for a in arrays)
    weights = [a for a in arrays if a.ndim > 1]
    scales = sum(4 * len(w) for w in weights)
    others = sum(a.nbytes for a in arrays if a.ndim == 1)
    assert budget.bytes_of(made, "int8") == sum(w.size for w in weights) + scales + others


def test_float16_is_numpys_and_float32_is_as_it_was() -> None:
    made = net()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    half, whole = (
        budget.as_stored(made, "float16").state_dict(),
        budget.as_stored(made, "float32").state_dict(),
    )
    for name, value in before.items():
        assert torch.equal(whole[name], value) and torch.equal(made.state_dict()[name], value)
        expected = value.numpy()
        if value.is_floating_point():
            expected = expected.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(half[name].numpy(), expected)


def test_int8_is_torchs_quantization_by_output_channel() -> None:
    weight = torch.randn(4, 3, 2, 5, generator=torch.Generator().manual_seed(0))
    scales = weight.abs().amax((1, 2, 3)) / 127
    zeros = torch.zeros(4, dtype=torch.int32)
    expected = torch.fake_quantize_per_channel_affine(weight, scales, zeros, 0, -127, 127)
    torch.testing.assert_close(budget.of_255_levels(weight), expected)
    empty = torch.zeros(2, 3)
    assert torch.equal(budget.of_255_levels(empty), empty)


def test_int8_leaves_statistics_scales_and_biases_alone() -> None:
    made = net()
    kept = budget.as_stored(made, "int8").state_dict()
    for name, value in made.state_dict().items():
        assert torch.equal(kept[name], value) == (value.ndim < 2)


def test_a_run_again_is_the_same_and_members_and_seeds_differ() -> None:
    three = "three of a third"

    def numbers(seed: int) -> dict:
        found = budget.run(budget.Settings(three, seed), "tiny")
        return {key: value for key, value in found.items() if key not in ("seconds", "seed")}

    assert numbers(0) == numbers(0) != numbers(1)


def test_the_tables_numbers_are_those_of_the_runs(results: budget.Results) -> None:
    rows = {row["way"]: row for row in budget.budget_table(results)}
    assert list(rows) == list(budget.WAYS)
    large = [run for run in results["runs"] if run["way"] == "twice as large, float16"]
    found = 100 * np.array([run["stored"]["float16"]["mirrored"] for run in large])
    row = rows["twice as large, float16"]
    assert row["mirrored"] == f"{found.mean():.1f} ± {found.std(ddof=1):.1f}"
    assert row["kB"] == f"{large[0]['stored']['float16']['bytes'] / 1000:.0f}"
    with pytest.raises(ValueError, match=r"Expected one of one network, .*, got 'two'"):
        budget.budget_values(results, "two", "seconds")


def test_a_study_is_continued_and_drawn(results: budget.Results) -> None:
    *_, again = budget.study("tiny", {**results, "runs": results["runs"][:-1]})
    assert [run["stored"] for run in again["runs"]] == [run["stored"] for run in results["runs"]]
    for plot in (budget.plot_budget, budget.plot_formats):
        assert plot(results).axes


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = budget.load_results(BOOK / "budget.json")
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    found = [(run["way"], run["seed"]) for run in results["runs"]]
    assert sorted(found) == sorted((at.way, at.seed) for at in budget.plan("full"))
    for run in results["runs"]:
        assert run["stored"][about["ways"][run["way"]]["stored"]]["bytes"] <= about["bytes"]
    for plot in (budget.plot_budget, budget.plot_formats):
        assert plot(results).axes
