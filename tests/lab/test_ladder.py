"""The accuracy ladder: what its program promises."""

import json
import subprocess
import sys
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from lab import ladder  # noqa: E402
from lab.ladder import RUNGS, SIZES, Tricks, changed  # noqa: E402
from lab.ladder_net import network  # noqa: E402
from lab.nets import count_parameters  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TWO = {name: RUNGS[name] for name in ("plain", "capacity")}


def draws(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Each pixel a number of its own, from 1: nothing is its own mirror image."""
    return torch.arange(1.0, 1 + 40 * 3 * 32 * 32).view(40, 3, 32, 32)


@pytest.fixture(scope="module")
def results() -> ladder.Results:
    *_, last = ladder.ladder(size="tiny", rungs=TWO)
    return last


def test_a_rung_has_what_the_rung_below_has_and_one_trick_more() -> None:
    names = list(RUNGS)
    assert RUNGS["plain"] == Tricks()
    for below, rung in pairwise(names):
        before, after = asdict(RUNGS[below]), asdict(RUNGS[rung])
        assert sum(before[key] != after[key] for key in before) == 1


def test_without_tricks_images_stay_as_they_are(pictures: torch.Tensor) -> None:
    assert torch.equal(changed(pictures, Tricks(), draws()), pictures)


def test_a_flip_mirrors_some_images_and_no_others(pictures: torch.Tensor) -> None:
    found = changed(pictures, Tricks(flip=True), draws())
    mirrored = [torch.equal(a, b.flip(-1)) for a, b in zip(found, pictures, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, pictures, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 8 < sum(mirrored) < 32


def test_a_crop_is_a_window_of_the_padded_image_another_for_each(pictures: torch.Tensor) -> None:
    found = changed(pictures, Tricks(crop=3), draws()).numpy()
    padded = np.pad(pictures.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)))
    places = set()
    for image, whole in zip(found, padded, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(whole, (32, 32), axis=(1, 2))
        (place,) = np.argwhere((windows == image[:, None, None]).all(axis=(0, 3, 4)))
        places.add(tuple(place))
    assert len(places) > 15
    assert {row for row, _ in places} == {column for _, column in places} == set(range(7))


def test_noise_has_the_deviation_that_was_asked_for(pictures: torch.Tensor) -> None:
    noise = changed(torch.zeros_like(pictures), Tricks(noise=0.3), draws())
    assert abs(noise.mean()) < 5 * 0.3 / noise.numel() ** 0.5
    torch.testing.assert_close(noise.std(), torch.tensor(0.3), rtol=0.01, atol=0)


def test_twice_the_width_has_about_four_times_the_parameters() -> None:
    one, two = (count_parameters(network(Tricks(width=w), 8, 0))["trained"] for w in (1, 2))
    assert 3.8 < two / one < 4


def test_batch_norm_keeps_two_numbers_a_channel_and_the_plain_network_none() -> None:
    channels = 8 + 16 * 3 + 32 + 64 * 3
    assert count_parameters(network(Tricks(batch_norm=True), 8, 0))["kept"] == 2 * channels
    assert count_parameters(network(Tricks(), 8, 0))["kept"] == 0


def test_the_rate_rises_and_falls_and_never_vanishes() -> None:
    shares = np.array([ladder._share(step, 100) for step in range(100)])
    assert shares.max() == 1 and shares.min() > 0
    assert (np.diff(shares[:20]) > 0).all() and (np.diff(shares[20:]) < 0).all()


def test_a_study_is_the_same_again_and_seeds_differ(results: ladder.Results) -> None:
    *_, again = ladder.ladder(size="tiny", rungs={"plain": Tricks()})
    plain = [run["loss"] for run in results["runs"] if run["rung"] == "plain"]
    assert [run["loss"] for run in again["runs"]] == plain
    assert plain[0] != plain[1]


def test_what_a_file_holds_is_not_trained_again(results: ladder.Results) -> None:
    begun = {**results, "runs": results["runs"][:3]}
    rest = list(ladder.ladder(size="tiny", rungs=TWO, begun=begun))
    assert len(rest) == 1
    assert [run["test_accuracy"] for run in rest[0]["runs"]] == [
        run["test_accuracy"] for run in results["runs"]
    ]


def test_it_is_drawn_with_a_row_a_rung(results: ladder.Results) -> None:
    assert [row[0] for row in ladder.table(results)] == ["plain", "capacity"]
    labels = [t.get_text() for t in ladder.plot_ladder(results).axes[0].get_yticklabels()]
    assert labels == ["plain", "+ capacity"]
    assert len(ladder.plot_curves(results).axes[0].lines) == 2


def test_every_size_has_at_least_three_seeds_but_the_tiny_one() -> None:
    assert all(len(size.seeds) >= 3 for name, size in SIZES.items() if name != "tiny")


def run(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "lab.ladder", "--size", "tiny", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_flags_train_one_network_and_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    done = run("--flip", "--crop", 2, "--jobs", 1, "--out", out)
    assert done.returncode == 0 and done.stdout.startswith("--flip --crop 2 ")
    tricks = {tuple(sorted(run["tricks"].items())) for run in json.loads(out.read_text())["runs"]}
    assert tricks == {tuple(sorted(asdict(Tricks(flip=True, crop=2)).items()))}
    assert run("--flip", "--jobs", 1, "--out", out).returncode == 0
    rungs = [run["rung"] for run in json.loads(out.read_text())["runs"]]
    assert rungs == ["--flip --crop 2"] * 2 + ["--flip"] * 2
    refused = run("--size", "short", "--out", out)
    assert refused.returncode == 2 and "holds photo_patches of size tiny" in refused.stderr


def test_a_data_set_that_is_not_there_is_one_sentence() -> None:
    done = run("--data", "nothing", "--jobs", 1)
    assert done.returncode == 1 and "Expected the name of a data set" in done.stderr
    assert "Traceback" not in done.stderr
