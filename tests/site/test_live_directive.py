"""What an author writes for an exercise in the page, and what the site then holds."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from tests.conftest import ROOT

sys.path.append(str(ROOT / "book/_ext"))
from live_exercise import addressed, pyodide_address

RIGHT = "02-batchnorm/batchnorm_numpy batchnorm_forward"


def build(root: Path, directive: str, builder: str = "html") -> tuple[Path, str]:
    """A book of one page with this directive; its folder, and what Sphinx complained about."""
    (root / "index.rst").write_text(f"Title\n=====\n\n.. live-exercise:: {directive}\n")
    if not (root / "exercises").exists():
        (root / "exercises").symlink_to(ROOT / "exercises")
    out, complaints = root / "out", io.StringIO()
    settings = {"extensions": ["live_exercise"], "exclude_patterns": ["exercises"]}
    with patch_docutils(), docutils_namespace():
        sphinx = Sphinx(root, None, out, root / "trees", builder, settings, None, complaints, freshenv=True)
        (out / "_static/live").mkdir(parents=True, exist_ok=True)
        (out / "_static/vendor/codemirror").mkdir(parents=True, exist_ok=True)
        for name in ("live/live-worker.js", "live/live-python.js", "vendor/codemirror/editor.js"):
            (out / "_static" / name).write_text(name)
        sphinx.build()
    return out, complaints.getvalue()


@pytest.mark.parametrize(
    ("directive", "sentence"),
    [
        (
            "02-batchnorm/batchnorm_numpy batchnorm",
            "02-batchnorm/batchnorm_numpy has no exercise batchnorm; it has batchnorm_forward, running_stat",
        ),
        (
            "02-batchnorm/batchnorm batchnorm_forward",
            "exercises/02-batchnorm/batchnorm.ipynb is missing: run `autograder build 02-batchnorm`.",
        ),
        (
            "02-batchnorm/batchnorm_torch batchnorm_train",
            "02-batchnorm/batchnorm_torch needs PyTorch, which pages cannot run: choose a NumPy notebook.",
        ),
        (
            "02-batchnorm/batchnorm_numpy spatial_batchnorm",
            "the stub of spatial_batchnorm needs more than NumPy (name 'batchnorm_forward' is not defined)",
        ),
    ],
)
def test_what_cannot_be_shown_is_told_in_a_sentence(tmp_path: Path, directive: str, sentence: str) -> None:
    assert sentence in build(tmp_path, directive)[1]


def test_an_exercise_stands_once_on_a_page(tmp_path: Path) -> None:
    complaints = build(tmp_path, f"{RIGHT}\n\n.. live-exercise:: {RIGHT}")[1]
    assert "this page has batchnorm_forward of 02-batchnorm/batchnorm_numpy twice: remove one" in complaints


def test_without_exercises_nothing_of_them_stays(tmp_path: Path) -> None:
    out, _ = build(tmp_path, RIGHT)
    build(tmp_path, "02-batchnorm/batchnorm_numpy none")
    assert not (out / "_static/live/settings.json").exists()
    assert not list((out / "_static/live").glob("*.whl"))


def test_the_site_holds_what_the_script_loads_and_settings_name_it(tmp_path: Path) -> None:
    out, complaints = build(tmp_path, RIGHT)
    assert not complaints
    settings = json.loads((out / "_static/live/settings.json").read_text())
    named = [settings[part] for part in ("wheel", "python", "worker", "editor")]
    named += settings["checks"]["02-batchnorm/batchnorm_numpy"]
    for address in named:
        path, digest = address.split("?v=")
        assert (out / "_static/live" / path).is_file()
        assert len(digest) == 12


def test_a_changed_file_gets_another_address(tmp_path: Path) -> None:
    script = tmp_path / "live-worker.js"
    addresses = []
    for text in ("first", "second", "first"):
        script.write_text(text)
        addresses.append(addressed(script, tmp_path))
    assert addresses[0] == addresses[2] != addresses[1]
    assert addresses[0].startswith("live-worker.js?v=")


def test_other_formats_show_the_starter(tmp_path: Path) -> None:
    text = (build(tmp_path, RIGHT, "text")[0] / "index.txt").read_text("utf-8")
    assert "Forward pass" in text
    assert "difficulty 1 of 3" in text
    assert "import numpy as np" in text
    assert "raise NotImplementedError" in text


@pytest.mark.parametrize(
    ("setting", "address"),
    [
        ("https://example.org/pyodide/v1/full", "https://example.org/pyodide/v1/full/"),
        ("_static/pyodide/", "../../_static/pyodide/"),
        ("/pyodide/", "/pyodide/"),
    ],
)
def test_the_setting_is_an_address_or_a_folder_from_the_root_of_the_site(setting: str, address: str) -> None:
    assert pyodide_address(setting) == address
