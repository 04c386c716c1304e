"""A class that the engine graded: it leaves all that the report needs, and digests stay with the staff."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autograder import grading
from autograder.authoring import release
from autograder.authoring.sample import make_class
from autograder.authoring.unit import read_unit
from autograder.batch.run import Options
from autograder.classroom.failures import clusters, mistakes, troubles
from autograder.classroom.records import read_records
from autograder.classroom.report import write_report
from autograder.classroom.statistics import analyse, took_part
from tests.bridge.pages import Page
from tests.conftest import SLUG

Graded = tuple[Path, list[dict[str, Any]]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux"),
]

# One unknown mistake, the mean 10 % too large, by three students; another by one; an error by two.
UNKNOWN = {
    "tenth-a": "    mu = 1.1 * x.mean(axis=0)\n    return x - mu, mu\n",
    "tenth-b": "    m = (x.sum(axis=0) * 11) / (10 * len(x))\n    return -(m - x), m\n",
    "tenth-c": "    m = np.add.reduce(x / len(x)) * 1.1\n    return x + -m, m\n",
    "other": "    mu = 1.2 * x.mean(axis=0)\n    return x - mu, mu\n",
    "error-a": "    raise RuntimeError('no idea')\n",
    "error-b": "    if len(x):\n        raise RuntimeError('no idea')\n",
}


@pytest.fixture(scope="module")
def graded(built_course: Path, empty_gradebook: Path, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The sample class of 12 and the six above: the folder, and the records as read back."""
    target = tmp_path_factory.mktemp("graded")
    (target / "gradebook.db").write_bytes(empty_gradebook.read_bytes())
    unit = read_unit(built_course, SLUG)
    make_class(unit, 12, 1, target / "submitted")
    right = release.notebook_json(unit.notebooks[0], solution=True)
    for student, answer in UNKNOWN.items():
        folder = target / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        (folder / "tiny_numpy.ipynb").write_text(with_answer(right, answer), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "sandbox_level", lambda: "B")
        grading.grade_unit(built_course, SLUG, target / "submitted", target=target, options=Options(jobs=2))
    return target, read_records(target, SLUG)


def with_answer(notebook: str, body: str) -> str:
    """The notebook with another body of `center`."""
    document = json.loads(notebook)
    (cell,) = (c for c in document["cells"] if c["id"] == "center")
    cell["source"] = f"def center(x):\n{body}"
    return json.dumps(document)


def test_every_submission_has_its_record(graded: Graded) -> None:
    target, records = graded
    handed_in = {p.name for p in (target / "submitted").iterdir() if p.is_dir()}
    assert {r["student"] for r in records} == handed_in and len(records) == 18


def test_one_unknown_mistake_in_three_hands_is_one_cluster(graded: Graded) -> None:
    found = {tuple(sorted(c.students)): c.probes for c in clusters(graded[1]) if c.check == "center"}
    both = ["subtracts_the_mean_of_the_batch", "returns_the_mean"]
    assert found[("tenth-a", "tenth-b", "tenth-c")] == both
    assert found[("error-a", "error-b")] == both
    assert found[("other",)] == both


def test_known_mistakes_are_in_no_cluster(graded: Graded) -> None:
    target, records = graded
    expected = json.loads((target / "submitted" / "expected.json").read_text(encoding="utf-8"))
    made = {(s, m["of"]) for s, plan in expected.items() for m in plan["mistakes"]}
    told = {(s, m.check) for m in mistakes(records) for s in m.students}
    assert made <= told
    assert not made & {(s, c.check) for c in clusters(records) for s in c.students}


def test_no_digest_reaches_what_students_get(graded: Graded) -> None:
    target, records = graded
    digests = {p["digest"] for r in records for c in r["checks"] for p in c["probes"] if "digest" in p}
    assert len(digests) == 5  # two of each wrong mean, and one of the error
    for folder in ("feedback", "autograded"):
        texts = [p.read_text(encoding="utf-8") for p in (target / folder).rglob("*") if p.is_file()]
        assert texts and not any(d in text for d in digests for text in texts)


def test_the_report_accounts_for_every_student(graded: Graded, built_course: Path) -> None:
    target, records = graded
    path = write_report(built_course, SLUG, target, target / "reports" / "report.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert "18 submissions" in page.text
    assert [d for d in page.dangers if d != "<svg>"] == []
    for trouble in troubles(records):
        assert trouble.student in page.text and all(why in page.text for why in trouble.why)
    links = {a["href"].partition("#")[0] for t, a in page.tags if t == "a"}
    assert links and all((path.parent / link).exists() for link in links)


def test_what_counts_as_passed_is_what_earned_all_points(graded: Graded) -> None:
    """Counted anew from the points alone."""
    records = took_part(graded[1])
    for item in analyse(records):
        own = [c for r in records for c in r["checks"] if c["name"] == item.check]
        assert item.passed == sum(abs(c["points"] - c["max_points"]) < 1e-9 for c in own)
        assert item.students == len(records)
