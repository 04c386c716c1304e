"""Pyodide for a site that serves it itself: verified, or a sentence that says what was tried."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import urllib.error
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from book._tools import fetch_pyodide
from book._tools.fetch_pyodide import NUMPY, NotFetched, Remote, fetch
from tests.site.conftest import needs_node

WHEEL = b"the wheel of NumPy " * 50


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("before.bin", bytes(3 << 20))
        made.writestr(f"some/where/{NUMPY}", WHEEL)
        made.writestr("after.bin", bytes(3 << 20))
    return packed.getvalue()


@pytest.fixture
def served() -> Iterator[tuple[str, list[int]]]:
    """A server of one archive that serves parts; its address, and how many bytes each answer had."""
    data, sent = archive(), []

    class Parts(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(200, data, body=False)

        def do_GET(self) -> None:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            self.answer(206, data[int(first) : int(last) + 1], body=True)

        def answer(self, status: int, content: bytes, body: bool) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                sent.append(len(content))
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Parts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/package.whl", sent
    server.shutdown()


def only_from(monkeypatch: pytest.MonkeyPatch, source: object) -> None:
    monkeypatch.setattr(fetch_pyodide, "sources", lambda name: iter([("a mirror", source)]))


def test_one_member_of_a_large_archive_is_read_without_the_rest(served: tuple[str, list[int]]) -> None:
    address, sent = served
    with zipfile.ZipFile(io.BufferedReader(Remote(address), 1 << 16)) as package:
        assert package.read(f"some/where/{NUMPY}") == WHEEL
    assert sum(sent) < Remote(address).size / 4


def test_a_file_with_the_right_digest_is_kept_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []
    only_from(monkeypatch, lambda name: asked.append(name) or WHEEL)
    monkeypatch.setitem(fetch_pyodide.FILES, NUMPY, hashlib.sha256(WHEEL).hexdigest())
    assert fetch(NUMPY, tmp_path).read_bytes() == WHEEL
    assert fetch(NUMPY, tmp_path).read_bytes() == WHEEL
    assert asked == [NUMPY]


def test_another_file_of_that_name_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    only_from(monkeypatch, lambda name: b"something else")
    with pytest.raises(NotFetched, match="Tried a mirror: another file, its SHA-256 does not match"):
        fetch(NUMPY, tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_network_it_says_what_was_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(fetch_pyodide, "urlopen", unreachable)
    with pytest.raises(NotFetched) as told:
        fetch(NUMPY, tmp_path)
    for place in ("cdn.jsdelivr.net", "files.pythonhosted.org", "no network"):
        assert place in str(told.value)


def test_the_pinned_digest_of_numpy_is_the_one_that_pyodide_names() -> None:
    lock = json.loads((needs_node("pyodide") / "pyodide-lock.json").read_text("utf-8"))
    numpy = lock["packages"]["numpy"]
    assert lock["info"]["version"] == fetch_pyodide.VERSION
    assert fetch_pyodide.FILES[numpy["file_name"]] == numpy["sha256"]
