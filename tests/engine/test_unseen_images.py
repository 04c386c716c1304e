"""Labels that the grader keeps to itself, weights handed in beside the notebook, photographs out of reach."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autograder.authoring import release
from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit, UnitError, read_unit
from autograder.authoring.verify import verify
from lab.dataset import package_file
from lab.photo_patches import SOURCES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")

SLUG = "78-unseen"
NOTEBOOK = '''\
# %%
import numpy as np

import autograder

check = autograder.checks("78-unseen/unseen_torch")

# %% solution="predict"
def predict(images):
    """Labels (N,) of images (N, 32, 32, 3)."""
    ### BEGIN SOLUTION
    pixels = images.reshape(len(images), -1) / 255.0
    return (pixels.mean(axis=1) > THRESHOLD).astype(np.int64)

THRESHOLD = np.load("weights.npy")[0]
### END SOLUTION

# %% check="predict" points=4
check(predict)
'''
CHECKS = """\
from autograder import probe
from lab.photo_patches import fresh


@probe("predict", cases=1, hidden=True, share=0.5)
def finds_half(s, images):
    return {"labels": s.predict(images)}


@finds_half.inputs
def _(rng):
    images = fresh(60, rng)[0]
    return {"images": images, "truth": images.mean(axis=(1, 2, 3)) > 100}


@finds_half.expect
def _(images, truth):
    return {"labels": truth.astype(int)}


@probe("predict", cases=1, share=0.9)
def finds_nearly_all(s, images):
    return {"labels": s.predict(images)}


finds_nearly_all.inputs(finds_half.make_inputs)
finds_nearly_all.expect(finds_half.make_expected)
"""
MISTAKES = """\
[[mistake]]
id = "darker"
of = "predict"
find = "> THRESHOLD"
replace = "< THRESHOLD"
says = "The bright ones are class 1."
"""
SETTINGS = """\
title = "Unseen"

[limits]
array_bytes = 300

[notebooks.unseen_torch]
torch = true
"""


def weights(threshold: float) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([threshold]))
    return file.getvalue()


RIGHT = weights(100 / 255)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("unseen")
    folder = root / "solutions" / SLUG
    (folder / "beside").mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    (folder / "beside" / "weights.npy").write_bytes(RIGHT)
    for name, text in (
        ("unseen_torch.py", NOTEBOOK),
        ("checks_torch.py", CHECKS),
        ("mistakes_torch.toml", MISTAKES),
        ("unit.toml", SETTINGS),
    ):
        (folder / name).write_text(text)
    load_built(root, SLUG)
    return root


@pytest.fixture(scope="module")
def unit(course: Path) -> Unit:
    return load_built(course, SLUG)


@pytest.fixture(scope="module")
def grader(course: Path, unit: Unit) -> Iterator[object]:
    from autograder.engine.grade import Grader

    with Grader(unit, course, sandbox="B") as grader:
        yield grader


@pytest.fixture
def grade(grader, unit, tmp_path):
    """Grade the solution after a replacement in its text, with this file beside it."""

    def run(old="", new="", beside=RIGHT):
        text = release.notebook_json(unit.notebooks[0], solution=True)
        assert old in text
        (tmp_path / "unseen_torch.ipynb").write_text(text.replace(old, new, 1))
        if beside:
            (tmp_path / "weights.npy").write_bytes(beside)
        return grader.grade("ada", tmp_path)

    return run


def verdicts(result) -> dict[str, str]:
    return {v.probe: v.message for n in result.notebooks for c in n.checks.values() for v in c.verdicts}


def test_the_unit_is_proved_with_its_own_file_beside_it(unit):
    assert verify(unit, seeds=3).faults == []


def test_the_release_has_neither_the_file_nor_the_kept_labels_among_its_inputs(course, unit):
    built = course / "exercises" / SLUG
    assert not list(built.rglob("weights*"))
    index = (built / "checks" / "unseen_torch.json").read_text()
    assert "images" in index and "truth" not in index


def test_who_hands_in_good_weights_earns_all(grade):
    assert grade().points == 4


def test_poor_weights_earn_a_part_and_hear_how_many_were_right(grade):
    result = grade(beside=weights(150 / 255))
    assert result.points == 2
    told = verdicts(result)["finds_nearly_all"]
    assert "% of labels are right, 90% are asked" in told


def test_without_the_file_nothing_is_earned_and_the_class_goes_on(grade):
    result = grade(beside=None)
    assert (result.status, result.points) == ("graded", 0)


def test_a_file_over_the_budget_is_left_out_with_a_sentence(grade):
    result = grade(beside=RIGHT + bytes(300))
    assert result.points == 0
    assert "weights.npy was left out: it has 436 bytes, and at most 300 are read." in result.reason


def test_other_arrays_do_not_take_the_room_of_the_weights(grade, tmp_path):
    (tmp_path / "ablation.npy").write_bytes(bytes(290))
    result = grade()
    assert result.points == 4
    assert "ablation.npy was left out: it has 290 bytes" in result.reason


SPY = """
import gc, sys

def predict(images):
    frame, seen = sys._getframe(), []
    while frame:
        seen += list(frame.f_locals.values())
        frame = frame.f_back
    dicts = [thing for thing in gc.get_objects() if isinstance(thing, dict)]
    seen += [value for found in dicts for value in list(found.values())]
    labels = [v for v in seen if isinstance(v, np.ndarray) and v.shape == (len(images),)]
    return labels[0].astype(np.int64) if labels else np.zeros(len(images), np.int64) - 1
"""


def test_a_submission_that_searches_its_process_for_the_labels_finds_none(grader, unit, tmp_path):
    document = json.loads(release.notebook_json(unit.notebooks[0], solution=True))
    cell = next(c for c in document["cells"] if "def predict" in "".join(c["source"]))
    cell["source"] = SPY
    (tmp_path / "unseen_torch.ipynb").write_text(json.dumps(document))
    result = grader.grade("mallory", tmp_path)
    assert result.points == 0 and "0.0% of labels are right" in str(verdicts(result))


def test_no_submission_can_open_a_photograph(grade):
    paths = [str(package_file(*source)) for source in SOURCES.values()]
    assert all(Path(path).stat().st_size for path in paths)
    attempt = (
        "def opened(path):\\n    try:\\n        return bool(open(path, 'rb').read(1))\\n"
        "    except OSError:\\n        return False\\n"
        f"assert not any(map(opened, {paths!r}))\\n".replace('"', "'")
    )
    assert grade("THRESHOLD = np.load", attempt + "THRESHOLD = np.load").points == 4


def test_inputs_that_nobody_could_use_are_refused(course, tmp_path):
    folder = tmp_path / "solutions" / SLUG
    folder.parent.mkdir()
    folder.symlink_to(course / "solutions" / SLUG)
    unit = read_unit(tmp_path, SLUG)
    unit.notebooks[0].checks = CHECKS.replace("@finds_half.expect", "").replace(
        "finds_nearly_all.expect(finds_half.make_expected)", ""
    )
    with pytest.raises(UnitError, match="its inputs hold truth, for which it has no parameter"):
        verify(unit, seeds=1)


def test_a_solution_larger_than_its_budget_is_refused(course, tmp_path):
    folder = tmp_path / "solutions" / SLUG
    (folder / "beside").mkdir(parents=True)
    for path in (course / "solutions" / SLUG).glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "beside" / "weights.npy").write_bytes(bytes(301))
    with pytest.raises(UnitError, match=r"78-unseen/beside has 301 bytes, and submissions may have 300"):
        read_unit(tmp_path, SLUG)
