"""The full data sets at their canonical addresses: download, check the digest, unpack into the user's cache.

What is unpacked has the layout of a prepared folder: <name>/<split>_images.npy and <split>_labels.npy.
"""

import errno
import gzip
import pickle
import shutil
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab.dataset import DataError, need
from lab.progress import Progress

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Canonical:
    """Where a data set comes from: an address, the SHA-256 of each file there, and how to read them."""

    address: str
    files: dict[str, str]
    read: Callable[[Path, str], Split]


def fashion_idx(folder: Path, split: str) -> Split:
    """A split of Fashion-MNIST from its gzipped IDX files: a header of 16 or 8 bytes, then the values."""
    stem = {"train": "train", "test": "t10k"}[split]
    with gzip.open(folder / f"{stem}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(folder / f"{stem}-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)


def cifar10_tar(folder: Path, split: str) -> Split:
    """A split of CIFAR-10 from its archive of five training batches and one test batch."""
    names = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}[split]
    return _cifar(folder / "cifar-10-python.tar.gz", names, b"labels")


def cifar100_tar(folder: Path, split: str) -> Split:
    """A split of CIFAR-100 from its archive."""
    return _cifar(folder / "cifar-100-python.tar.gz", [split], b"fine_labels")


def _cifar(archive: Path, names: list[str], labels: bytes) -> Split:
    parts = []
    with tarfile.open(archive) as tar, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these pickles are from 2009, and NumPy says so
        for member in tar:
            if Path(member.name).name in names and (file := tar.extractfile(member)):
                # The archive's SHA-256 was checked before, so this pickle is the known one.
                parts.append((Path(member.name).name, pickle.load(file, encoding="bytes")))
    batches = [batch for _, batch in sorted(parts, key=lambda part: part[0])]
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    return images.transpose(0, 2, 3, 1), np.concatenate([batch[labels] for batch in batches])


CANONICAL = {
    "fashion_mnist": Canonical(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        {
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        fashion_idx,
    ),
    "cifar10": Canonical(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"},
        cifar10_tar,
    ),
    "cifar100": Canonical(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-100-python.tar.gz": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"},
        cifar100_tar,
    ),
}


def cache_folder() -> Path:
    """The user's cache folder for the course's data."""
    platformdirs = need("platformdirs", "Finding the cache folder of the full data sets")
    return Path(platformdirs.user_cache_dir("training-neural-networks", appauthor=False))


def places(name: str) -> str:
    """Address, digests, cache folder and variable of a full data set: what an error about it must name."""
    known = CANONICAL[name]
    digests = ", ".join(f"{file} with SHA-256 {digest}" for file, digest in known.files.items())
    return f"address {known.address} ({digests}), cache folder {cache_folder() / name}, variable LAB_DATA"


def fetch(name: str) -> Path:
    """Download a full data set into the cache; returns its folder. All of it appears there, or nothing."""
    if name not in CANONICAL:
        raise DataError(f"Expected one of {', '.join(CANONICAL)} to fetch, got {name!r}.")
    cache = cache_folder()
    with _explained(name, cache):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as work:
            unpacked = Path(work) / name
            _unpack(name, _download(name, Path(work)), unpacked)
            shutil.rmtree(cache / name, ignore_errors=True)
            unpacked.rename(cache / name)
    return cache / name


def _download(name: str, folder: Path) -> Path:
    pooch = need("pooch", "Downloading a data set")
    pooch.get_logger().setLevel("ERROR")
    for file, digest in CANONICAL[name].files.items():
        progress = Progress(file, 1)
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30, chunk_size=1 << 16)
        pooch.retrieve(
            CANONICAL[name].address + file, f"sha256:{digest}", file, folder, downloader=downloader
        )
    return folder


def _unpack(name: str, downloaded: Path, into: Path) -> None:
    into.mkdir()
    for split in ("train", "test"):
        images, labels = CANONICAL[name].read(downloaded, split)
        np.save(into / f"{split}_images.npy", np.ascontiguousarray(images))
        np.save(into / f"{split}_labels.npy", np.asarray(labels, dtype=np.int64))


@contextmanager
def _explained(name: str, cache: Path) -> Iterator[None]:
    """Turn what a download can raise into one sentence."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:  # the exceptions of requests are OSErrors too
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            reason = f"the disk is full: free 1 GB for {cache} and fetch again"
        elif isinstance(error, PermissionError):
            reason = f"{cache} cannot be written: make it writable or prepare a folder and set LAB_DATA"
        else:
            reason = (
                f"the download did not finish ({type(error).__name__}) and nothing was kept: "
                "check the network, or prepare a folder elsewhere and set LAB_DATA to it"
            )
        raise DataError(f"Expected to download {name}, but {reason}; {places(name)}.") from error
    except (ValueError, EOFError, tarfile.TarError) as error:
        raise DataError(
            f"What came from {CANONICAL[name].address} for {name} is not what was expected "
            f"({_short(error)}), so nothing was unpacked: fetch again or bring the right one; {places(name)}."
        ) from error


def _short(error: Exception) -> str:
    return "its SHA-256 differs" if "hash" in str(error).lower() else "its content cannot be read"
