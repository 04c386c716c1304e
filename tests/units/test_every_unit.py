"""What holds for every unit of the course."""

import html
import io
import json
import shutil
import tomllib
import zipfile
from dataclasses import replace

import pytest

from autograder.authoring import release
from autograder.authoring.build import build
from autograder.authoring.reference import apply
from autograder.authoring.unit import read_unit, slugs
from autograder.authoring.verify import verify
from autograder.engine.grade import Grader
from tests.conftest import ROOT, missing
from tests.site.conftest import SITE
from tests.units.kept_back import LONG, files, leaks, mistaken_lines, solution_lines, solutions, texts
from tests.units.rebuilt import differences

UNITS = slugs(ROOT)


@pytest.fixture(scope="module", params=UNITS)
def unit(request):
    return read_unit(ROOT, request.param)


@pytest.fixture(scope="module")
def course(unit, tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "exercises" / unit.slug, root / "exercises" / unit.slug)
    return root


@pytest.fixture(scope="module")
def grader(unit, course):
    with Grader(unit, course, sandbox="B") as grader:
        yield grader


def test_exercises_are_what_the_build_makes_of_the_solutions(unit, tmp_path):
    """Nobody edits a released file by hand, nobody forgets to build, and nothing draws from the clock."""
    shutil.copytree(ROOT / "exercises" / unit.slug, tmp_path / "exercises" / unit.slug)
    for path in build(unit, tmp_path):
        committed = ROOT / path.relative_to(tmp_path)
        assert committed.exists(), f"run `autograder build {unit.slug}` and commit {path.name}"
        if path.suffix != ".npz":
            assert committed.read_bytes() == path.read_bytes(), f"run `autograder build {unit.slug}`"
    for notebook in unit.notebooks:
        committed, built = (root / "exercises" / unit.slug / "checks" for root in (ROOT, tmp_path))
        found = differences(unit, notebook, committed, built)
        assert not found, f"run `autograder build {unit.slug}`: {found}"


def test_verify_finds_no_fault(unit):
    """`make` proves every unit over many more seeds, and what is left to chance: it takes minutes."""
    assert verify(unit, seeds=2, chance=False).faults == []


def test_every_question_graded_by_hand_has_a_rubric_that_students_do_not_see(unit):
    rubrics = tomllib.loads((ROOT / "solutions" / unit.slug / "unit.toml").read_text())["questions"]
    asked = {c.name: c.points for n in unit.notebooks for c in n.of_kind("question")}
    assert rubrics.keys() == asked.keys()
    for name, points in asked.items():
        assert rubrics[name].startswith(f"{points:g} points"), name


def test_every_mistake_is_told_in_whole_sentences(unit):
    for mistake in (patch.mistake for patch in unit.patches):
        assert mistake.says.endswith((".", "?", ")")), mistake.id
        assert mistake.accepted or mistake.hint.endswith((".", "?", ")")), mistake.id


@pytest.fixture(scope="module")
def site_texts():
    if not (SITE / "book/index.html").exists():
        missing("site", "the site is not built: make site")
    return list(texts(files(SITE)))


def test_nothing_that_is_kept_back_is_in_the_release(unit):
    assert leaks(unit, list(texts(files(ROOT / "exercises" / unit.slug)))) == []


def test_nothing_that_is_kept_back_is_in_any_file_of_the_site(unit, site_texts):
    assert leaks(unit, site_texts, [read_unit(ROOT, slug) for slug in UNITS]) == []


@pytest.mark.parametrize("kind", ["html", "json", "notebook in a zip", "mistake", "hidden probe"])
def test_a_leak_is_found_wherever_it_hides(unit, kind):
    line = next(line for line in sorted(solution_lines(unit)) if "," in line and "[" in line)
    notebook = json.dumps({"cells": [{"source": ["    " + line.replace(",", ", ")]}]})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("unit/notebook.ipynb", notebook)
    name, data = {
        "html": ("page.html", html.escape(line).replace(",", "<span>,</span> ").encode()),
        "json": ("index.js", json.dumps(line.replace(",", ",\n")).encode()),
        "notebook in a zip": ("_downloads/unit.zip", packed.getvalue()),
        "mistake": ("page.html", min(mistaken_lines(unit)).encode()),
        "hidden probe": ("a.txt", next(p.name for p in unit.probes.values() if p.hidden).encode()),
    }[kind]
    assert leaks(unit, list(texts([(name, data)])))


def test_another_unit_may_share_a_line_but_shows_no_whole_solution(unit):
    other = replace(unit, slug="99-another", notebooks=())
    body = next(body for body in solutions(unit) if len(body) >= LONG)
    page = "_static/live/99-another/checks.json"
    assert leaks(unit, [(page, body[0])], [unit, other]) == []
    assert leaks(unit, [(page, "".join(body))], [unit, other])
    assert leaks(unit, [("searchindex.js", body[0])], [unit, other])


def test_a_released_mistake_is_what_it_says_and_no_code(unit):
    allowed = {"id", "of", "says", "kind", "accepted", "hint", "see", "synonyms"}
    for path in (ROOT / "exercises" / unit.slug / "checks").glob("*.json"):
        for mistake in json.loads(path.read_text(encoding="utf-8"))["mistakes"]:
            assert mistake.keys() <= allowed


def test_the_solution_earns_full_marks_in_the_engine(unit, grader, tmp_path):
    result = graded(unit, grader, tmp_path, lambda notebook: release.notebook_json(notebook, solution=True))
    assert result.points == result.max_points > 0
    assert not [n.notes for n in result.notebooks if n.notes]


def test_the_untouched_release_earns_nothing_and_crashes_nothing(unit, grader, tmp_path):
    result = graded(unit, grader, tmp_path, lambda notebook: release.notebook_json(notebook, solution=False))
    assert result.points == 0
    for notebook in result.notebooks:
        for check in notebook.checks.values():
            assert {v.status for v in check.verdicts} == {"not attempted"}, check
        for step in notebook.steps:
            text = "".join(o.get("text", "") for o in step.outputs)
            assert "Error" not in text or "NotImplementedError" in text, (step.id, text)


def test_a_half_done_notebook_earns_exactly_its_part(unit, grader, tmp_path):
    def half(notebook):
        done = set(notebook.exercises[: len(notebook.exercises) // 2])
        full, stub = (json.loads(release.notebook_json(notebook, solution=s)) for s in (True, False))
        full["cells"] = [
            f if f["id"] in done else s for f, s in zip(full["cells"], stub["cells"], strict=True)
        ]
        return json.dumps(full)

    result = graded(unit, grader, tmp_path, half)
    expected = sum(
        c.points
        for n in unit.notebooks
        for c in n.of_kind("check")
        if c.name in n.exercises[: len(n.exercises) // 2]
    )
    assert result.points == expected


def test_a_dozen_of_the_mistakes_are_told_by_the_engine(unit, grader, tmp_path):
    """`verify` proves all of them in one process; the engine must say the same through its child."""
    for number, patch in enumerate(unit.patches[:: max(1, len(unit.patches) // 12)]):
        folder = tmp_path / str(number)
        folder.mkdir()

        def mistaken(notebook, patch=patch):
            document = json.loads(release.notebook_json(notebook, solution=True))
            for cell in document["cells"]:
                if cell["id"] == patch.mistake.of:
                    cell["source"] = apply(patch, notebook.solution(patch.mistake.of))
            return json.dumps(document)

        result = graded(unit, grader, folder, mistaken)
        told = {m.id for n in result.notebooks for c in n.checks.values() for m in c.said}
        assert told & {patch.mistake.id, *patch.mistake.synonyms}, patch.mistake.id


def graded(unit, grader, folder, text_of):
    for notebook in unit.notebooks:
        (folder / f"{notebook.name}.ipynb").write_text(text_of(notebook), encoding="utf-8")
    for name, content in unit.files.items():
        (folder / name).write_bytes(content)
    return grader.grade("ada", folder)
