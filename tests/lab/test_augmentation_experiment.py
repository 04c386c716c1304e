"""The experiment of unit 10: its transforms, its views, and what it promises to its readers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
Rotation = pytest.importorskip("scipy.spatial.transform").Rotation
nn = torch.nn

from lab.experiments import augmentation  # noqa: E402
from lab.experiments import augmentation_transforms as t  # noqa: E402
from lab.experiments.augmentation_plots import select  # noqa: E402
from lab.experiments.augmentation_views import VIEWS, mean_probabilities, views  # noqa: E402
from lab.experiments.results import save_results  # noqa: E402

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results" / "10-augmentation" / "full.json"
OWN_PLOTS = [augmentation.plot_transforms, augmentation.plot_curves]
PLOTS = [
    *OWN_PLOTS,
    augmentation.plot_table,
    augmentation.plot_pairs,
    augmentation.plot_images,
    augmentation.plot_views,
    augmentation.plot_cost,
]
LABELS = torch.eye(4)[[0, 1, 2, 3, 0, 1, 2]]


def images(n: int = 7, channels: int = 3, side: int = 8, seed: int = 0) -> Any:
    return torch.rand(n, channels, side, side, generator=generator(seed))


def generator(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


def changed(name: str, x: Any, seed: int = 0) -> Any:
    return augmentation.as_mix(name, t.TRANSFORMS, t.MIXES)(x, LABELS[: len(x)], generator(seed))[0]


@pytest.mark.parametrize("name", [*t.TRANSFORMS, *t.MIXES])
def test_a_change_keeps_shape_and_range_leaves_its_input_and_repeats_with_its_seed(name: str) -> None:
    x = images()
    before = x.clone()
    y = changed(name, x)
    assert torch.equal(x, before)
    assert y.shape == x.shape and y.dtype == x.dtype
    assert y.min() >= -1e-5 and y.max() <= 1 + 1e-5
    assert not torch.equal(y, x)
    assert torch.equal(y, changed(name, x)) and not torch.equal(y, changed(name, x, seed=1))


@pytest.mark.parametrize("name", t.TRANSFORMS)
def test_every_image_gets_a_draw_of_its_own(name: str) -> None:
    same = images(1).expand(60, -1, -1, -1)
    assert len(changed(name, same).unique(dim=0)) > 1


@pytest.mark.parametrize("name", ["mirror", "upside down", "quarter turns"])
def test_mirrors_and_quarter_turns_are_those_of_numpy(name: str) -> None:
    x = images(1)
    possible = {
        "mirror": [x, np.flip(x.numpy(), 3)],
        "upside down": [x, np.flip(x.numpy(), 2)],
        "quarter turns": [np.rot90(x.numpy(), k, (2, 3)) for k in range(4)],
    }[name]
    drawn = changed(name, x.expand(200, -1, -1, -1)).unique(dim=0).numpy()
    expected = np.unique(np.concatenate(possible), axis=0)
    np.testing.assert_array_equal(np.unique(drawn, axis=0), expected)


def by_scipy(x: Any, to_source: list[list[float]]) -> np.ndarray:
    """Rows and columns about the centre, read where a matrix (3, 3) on (row, column, 1) sends them."""
    side = x.shape[-1]
    about = np.array([[1, 0, (side - 1) / 2], [0, 1, (side - 1) / 2], [0, 0, 1]])
    whole = about @ np.array(to_source) @ np.linalg.inv(about)
    return np.stack(
        [ndimage.affine_transform(c, whole, order=1, mode="grid-constant") for c in x[0].double().numpy()]
    )


def test_a_turn_is_counter_clockwise_about_the_centre_as_scipy_reads_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(t, "between", lambda low, high, n, g: torch.full((n,), 0.6 * high))
    x, angle = images(1, side=9), np.deg2rad(0.6 * 50)
    cos, sin = np.cos(angle), np.sin(angle)
    expected = by_scipy(x, [[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    np.testing.assert_allclose(t.turn(x, generator(), degrees=50)[0], expected, atol=1e-5)
    marked = torch.zeros(1, 1, 9, 9)
    marked[0, 0, 4, 8] = 1  # to the right of the centre
    assert t.turn(marked, generator(), degrees=150)[0, 0].argmax() == 4  # 90 degrees later: above it


def test_scale_stretch_and_shear_are_those_of_scipy(monkeypatch: Any) -> None:
    monkeypatch.setattr(t, "between", lambda low, high, n, g: torch.full((n,), high))
    x = images(1, side=9)
    for change, matrix in (
        (t.zoom, [[1.25, 0, 0], [0, 1.25, 0], [0, 0, 1]]),
        (t.stretch, [[1, 0, 0], [0, 1.25, 0], [0, 0, 1]]),
        (t.shear, [[1, 0, 0], [0.3, 1, 0], [0, 0, 1]]),
    ):
        np.testing.assert_allclose(change(x, generator())[0], by_scipy(x, matrix), atol=1e-5)


def test_a_shift_is_by_whole_pixels_and_both_ends_are_drawn() -> None:
    x = torch.zeros(3000, 1, 9, 9)
    x[:, :, 4, 4] = 1
    y = t.shift(x, generator(), pixels=2)[:, 0]
    np.testing.assert_allclose(y.amax((1, 2)), 1, atol=1e-4)
    rows, columns = np.divmod(y.flatten(1).argmax(1).numpy(), 9)
    assert set(rows) == set(columns) == {2, 3, 4, 5, 6}
    assert set(rows - columns) == set(range(-4, 5))  # across and down are drawn apart


def test_a_resized_crop_lies_in_the_image_and_its_area_is_what_is_drawn() -> None:
    right, down = t.places(torch.zeros(1, 1, 64, 64))[..., :2].unbind(-1)
    where = torch.stack([right, down]).expand(4000, -1, -1, -1)
    read = t.resized_crop(where, generator(), least=0.2, ratio=1.1)
    assert read.abs().max() <= 1
    wide = (read[:, 0, 20, 44] - read[:, 0, 20, 20]) / (right[20, 44] - right[20, 20])
    high = (read[:, 1, 44, 20] - read[:, 1, 20, 20]) / (down[44, 20] - down[20, 20])
    assert (wide * high).mean().item() == pytest.approx(0.6, abs=0.02)  # of uniform areas from 0.2 to 1
    assert (wide * high).min().item() == pytest.approx(0.2, abs=0.02)


def test_a_blur_is_that_of_scipy(monkeypatch: Any) -> None:
    monkeypatch.setattr(t, "between", lambda low, high, n, g: torch.full((n,), 0.8))
    x = images(2, side=16)
    expected = ndimage.gaussian_filter(
        x.double().numpy(), (0, 0, 0.8, 0.8), mode="nearest", radius=(0, 0, 3, 3)
    )
    np.testing.assert_allclose(t.blur(x, generator()), expected, atol=1e-6)


def test_hues_turn_and_greys_stay(monkeypatch: Any) -> None:
    grey = images(20, channels=1).expand(-1, 3, -1, -1)
    np.testing.assert_allclose(t.hue(grey, generator()), grey, atol=1e-5)
    x = 0.4 + 0.2 * images(20)  # nothing is clipped
    np.testing.assert_allclose(t.hue(x, generator()).mean(1), x.mean(1), atol=1e-5)
    monkeypatch.setattr(t, "between", lambda low, high, n, g: torch.full((n,), high))
    np.testing.assert_allclose(t.hue(x, generator(), degrees=120), x[:, [2, 0, 1]], atol=1e-5)  # red to green
    turn = Rotation.from_rotvec(np.deg2rad(30) * np.ones(3) / np.sqrt(3)).as_matrix()
    expected = np.einsum("ij,njhw->nihw", turn, x.double().numpy())
    np.testing.assert_allclose(t.hue(x, generator()), expected, atol=1e-5)


def test_salt_and_pepper_hit_whole_pixels_half_and_half(monkeypatch: Any) -> None:
    monkeypatch.setattr(t, "between", lambda low, high, n, g: torch.full((n,), high))
    x = torch.full((20, 3, 50, 50), 0.5)
    y = t.specks(x, generator(), most=0.1)
    assert (y == y[:, :1]).all()
    assert (y == 0).double().mean().item() == pytest.approx(0.05, abs=0.005)
    assert (y == 1).double().mean().item() == pytest.approx(0.05, abs=0.005)


def test_contrast_and_brightness_keep_what_they_promise() -> None:
    x = 0.4 + 0.2 * images()
    np.testing.assert_allclose(t.contrast(x, generator()).mean((1, 2, 3)), x.mean((1, 2, 3)), atol=1e-5)
    gains = (t.brightness(x, generator()) / x).flatten(1)
    np.testing.assert_allclose(gains, gains[:, :1].expand_as(gains), rtol=1e-5)
    assert gains.min() >= 1 / 1.5 and gains.max() <= 1.5


def test_a_hole_is_a_black_square_cut_off_at_the_border() -> None:
    black = t.hole(torch.ones(500, 3, 20, 20), generator(), side=0.4)[:, 0] == 0
    for one in black:
        rows, columns = one.any(1), one.any(0)
        assert torch.equal(one, rows[:, None] & columns)
    areas = black.sum((1, 2))
    assert areas.max() == 64 and areas.min() < 40


@pytest.mark.parametrize("name", t.MIXES)
def test_labels_are_mixed_as_the_pixels_are(name: str) -> None:
    n, classes = 40, 4
    labels = torch.eye(classes)[torch.arange(n) % classes]
    x = labels[:, :, None, None].expand(-1, -1, 16, 16)  # channel k is 1 in images of class k
    y, mixed = t.MIXES[name](x, labels, generator())
    np.testing.assert_allclose(y.mean((2, 3)), mixed, atol=1e-5)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-5)
    assert 0.05 < mixed.max(1).values.min() < 0.7
    assert set(y.unique().tolist()) == {0, 1} if name == "CutMix" else len(y.unique()) > n


class First(nn.Module):
    """Says of an image what its first pixels say, and keeps what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Any] = []

    def forward(self, x: Any) -> Any:
        self.got.append(x)
        return x[:, :, 0, 0]


def test_views_are_those_of_their_names() -> None:
    x = images(2, side=16)
    a, b = views(x, "mirrored")
    assert torch.equal(a, x) and torch.equal(b, x.flip(3))
    ten = list(views(x, "ten crops"))
    assert [v.shape for v in ten] == [(2, 3, 14, 14)] * 10
    for i, (y, left) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2), (1, 1)]):
        expected = x[:, :, y : y + 14, left : left + 14]
        assert torch.equal(ten[2 * i], expected) and torch.equal(ten[2 * i + 1], expected.flip(3))
    five = list(views(x, "five scales"))
    assert [v.shape[2:] for v in five] == [(12, 12), (14, 14), (16, 16), (20, 20), (24, 24)]
    np.testing.assert_allclose(five[2], x, atol=1e-6)
    with pytest.raises(ValueError, match=r"Expected one of one view, .*, got seven"):
        next(views(x, "seven"))


def test_probabilities_are_averaged_over_views_in_eval_mode() -> None:
    x, net = 5 * images(6), nn.Sequential(nn.Dropout(0.9), First())
    expected = (torch.softmax(x[:, :, 0, 0], 1) + torch.softmax(x[:, :, 0, -1], 1)) / 2
    np.testing.assert_allclose(mean_probabilities(net.train(), x, "mirrored"), expected, rtol=1e-5)
    loss = nn.functional.nll_loss(expected.log(), torch.arange(6) % 3).item()
    right = (expected.argmax(1) == torch.arange(6) % 3).double().mean().item()
    assert augmentation.score(net, x, torch.arange(6) % 3, "mirrored") == pytest.approx(
        (right, loss), rel=1e-5
    )


@pytest.fixture(scope="module")
def tiny() -> dict[str, Any]:
    seen: list[Any] = []

    def watched(x: Any, g: Any) -> Any:
        seen.append((x.min().item(), x.max().item(), tuple(x.shape), g.device == x.device))
        return x

    def swapped(x: Any, y: Any, g: Any) -> tuple[Any, Any]:
        return x.flip(0), y.flip(0)

    results = augmentation.compare({"watched": watched}, {"swapped": swapped}, size="tiny")
    return {"results": results, "seen": seen}


def test_a_students_transforms_get_batches_of_pixels_from_0_to_1(tiny: dict[str, Any]) -> None:
    size = augmentation.SIZES["tiny"]
    assert len(tiny["seen"]) == size.steps * len(size.seeds)
    for low, high, shape, together in tiny["seen"]:
        assert low >= 0 and 0.5 < high <= 1 and shape == (augmentation.BATCH, 3, 32, 32) and together


def test_a_transform_that_changes_nothing_trains_as_none_does(tiny: dict[str, Any]) -> None:
    results = tiny["results"]
    for plain, watched in zip(select(results), select(results, transform="watched"), strict=True):
        same = set(plain) - {"transform", "train_seconds"}
        assert {key: plain[key] for key in same} == {key: watched[key] for key in same}
    assert augmentation.gain(results, transform="watched")["mean"] == 0


def test_the_results_of_ones_own_transforms_can_be_drawn(tiny: dict[str, Any]) -> None:
    assert tiny["results"]["about"]["transforms"] == ["watched", "swapped"]
    for plot in OWN_PLOTS:
        assert plot(tiny["results"]).axes


def test_a_rerun_gives_the_same_numbers_and_another_seed_others() -> None:
    def losses(seed: int) -> Any:
        at = augmentation.Settings("digits", "scratch", "shift", 10, seed)
        return augmentation._run(at, "tiny", augmentation.as_mix("shift", t.TRANSFORMS, t.MIXES))[0]["loss"]

    assert losses(0) == losses(0) != losses(1)


def test_labels_as_they_are_give_the_librarys_loss() -> None:
    x, y = images(40, side=32), torch.arange(40) % 3
    data = augmentation.Images(x, y, x, y)
    net = augmentation.network(3, 0, torch.device("cpu"))
    rows = torch.randperm(40, generator=generator(5))[: augmentation.BATCH]
    expected = nn.functional.cross_entropy(net.train()(x[rows]), y[rows]).item()
    none = augmentation.as_mix("none", {}, {})
    net = augmentation.network(3, 0, torch.device("cpu"))
    found = augmentation.train(net, data, none, lr=1e-3, steps=1, every=1, seed=5)
    assert found["loss"] == [pytest.approx(expected, rel=1e-5)]
    assert found["train_accuracy"] == found["test_accuracy"]


def test_training_images_are_drawn_by_class_and_differ_with_the_seed() -> None:
    a, b = (augmentation.photos_or_digits("photos", 10, seed, "tiny") for seed in (0, 1))
    assert a.train_y.bincount().tolist() == [10] * 5
    assert not torch.equal(a.train_x, b.train_x) and torch.equal(a.test_x, b.test_x)
    few, more = (augmentation.photos_or_digits("photos", n, 0, "tiny") for n in (5, 10))
    assert all((more.train_x == one).flatten(1).all(1).any() for one in few.train_x)  # more holds few


def test_fine_tuning_starts_with_what_was_learned_on_other_classes_but_for_the_last_layer() -> None:
    assert not set(augmentation.SOURCE) & set(augmentation.TARGET)
    learned, _ = augmentation.source(0, "tiny")
    before = {name: value.clone() for name, value in learned.items()}
    still = {"fine-tuned": 0.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augmentation, "RATES", still)
        at = augmentation.Settings("photos", "fine-tuned", "none", 10, 0)
        _, net = augmentation._run(at, "tiny", augmentation.as_mix("none", {}, {}))
    for name, value in net.named_parameters():
        assert torch.equal(value, before[name]) == (not name.startswith(f"{len(net) - 1}."))
    assert all(torch.equal(value, before[name]) for name, value in learned.items())  # others start there too


def test_bad_transforms_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"Expected images \(32, 3, 32, 32\) from the transform 'cut', got"):
        augmentation.compare({"cut": lambda x, g: x[:, :, 1:]}, size="tiny")
    with pytest.raises(ValueError, match="from the transform 'array', got ndarray"):
        augmentation.compare({"array": lambda x, g: x.numpy()}, size="tiny")
    with pytest.raises(ValueError, match='Expected names other than "none"'):
        augmentation.compare({"none": lambda x, g: x}, size="tiny")


def test_the_study_can_be_cut_after_any_run_continued_and_drawn_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = replace(augmentation.SIZES["tiny"], steps=1, every=1, test_images=20)
    monkeypatch.setitem(augmentation.SIZES, "tiny", size)
    few = {name: t.TRANSFORMS[name] for name in ("mirror", "turn 15°", "shift", *augmentation.PAIRED)}
    monkeypatch.setattr(augmentation, "TRANSFORMS", few)
    monkeypatch.setattr(augmentation, "COUNTS", (10, 20))
    monkeypatch.setattr(augmentation, "FOR_DIGITS", ("mirror", "CutMix"))
    untrained = augmentation.network(5, 0, torch.device("cpu")).state_dict()
    monkeypatch.setattr(augmentation, "source", lambda seed, size: (untrained, 0.5))
    runs = augmentation.plan("tiny")
    assert len(set(runs)) == len(runs)
    for count, results in enumerate(augmentation.study("tiny"), start=1):
        assert len(results["runs"]) == count
    assert count == len(runs)
    *_, again = augmentation.study("tiny", {**results, "runs": results["runs"][:-2]})
    assert [run["loss"] for run in again["runs"]] == [run["loss"] for run in results["runs"]]
    save_results(results, tmp_path / "r.json")
    back = augmentation.load_results(tmp_path / "r.json")
    for plot in PLOTS:
        assert plot(back).axes


def test_means_and_deviations_are_those_of_the_seeds() -> None:
    runs = [
        {
            "data": "photos",
            "start": "scratch",
            "transform": name,
            "per_class": 10,
            "seed": seed,
            "test_accuracy": [0, end],
        }
        for name, values in (("none", [0.5, 0.6, 0.7]), ("mirror", [0.6, 0.6, 0.9]))
        for seed, end in enumerate(values)
    ]
    results = {"about": {"per_class": {"photos": 10}}, "runs": runs}
    plain, gain = augmentation.summary(results), augmentation.gain(results, transform="mirror")
    assert plain == pytest.approx({"mean": 0.6, "std": 0.1, "min": 0.5, "max": 0.7})
    assert gain == pytest.approx({"mean": 0.1, "std": 0.1, "min": 0, "max": 0.2})
    with pytest.raises(ValueError, match="Expected settings of some runs of these results"):
        augmentation.summary(results, transform="miror")


def test_the_committed_results_are_whole_and_can_be_drawn() -> None:
    results = augmentation.load_results(RESULTS)
    about = results["about"]
    assert len(about["seeds"]) >= 3 and {"device", "torch", "date", "data"} <= set(about)
    found = [
        tuple(run[key] for key in ("data", "start", "transform", "per_class", "seed"))
        for run in results["runs"]
    ]
    planned = [(p.data, p.start, p.transform, p.per_class, p.seed) for p in augmentation.plan("full")]
    assert found == planned
    for run in results["runs"]:
        assert run["steps"][-1] == about["steps"]
    assert set(results["views"][0]["accuracy"]) == set(VIEWS)
    for plot in PLOTS:
        assert plot(results).axes
