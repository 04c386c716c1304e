"""What holds for every unit of the course."""

import html
import io
import json
import re
import tokenize
import zipfile

import pytest

from autograder.authoring import release
from autograder.authoring.build import build
from autograder.authoring.reference import apply
from autograder.authoring.unit import BEGIN, END, read_unit, slugs
from autograder.authoring.verify import verify
from autograder.engine.grade import Grader
from tests.conftest import ROOT

UNITS = slugs(ROOT)
INTERFACE = re.compile(r"return [\w, ]+|[\w, ]+ = \w+\.shape|with torch\.no_grad\(\):")  # says nothing


@pytest.fixture(scope="module", params=UNITS)
def unit(request):
    return read_unit(ROOT, request.param)


@pytest.fixture(scope="module")
def grader(unit, tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    build(unit, root)
    with Grader(unit, root, sandbox="B") as grader:
        yield grader


def test_exercises_are_what_the_build_makes_of_the_solutions(unit, tmp_path):
    """Nobody edits a released file by hand, and nobody forgets to build."""
    for path in build(unit, tmp_path):
        committed = ROOT / path.relative_to(tmp_path)
        assert committed.exists(), f"run `autograder build {unit.slug}` and commit {path.name}"
        if path.suffix != ".npz":
            assert committed.read_bytes() == path.read_bytes(), f"run `autograder build {unit.slug}`"


def test_verify_finds_no_fault(unit):
    assert verify(unit).faults == []


def test_no_line_of_a_solution_is_in_the_release(unit):
    folder = ROOT / "exercises" / unit.slug
    shipped = {p: squeezed(shown_text(p)) for p in folder.rglob("*.*") if p.suffix != ".npz"}
    for line in solution_lines(unit):
        for path, text in shipped.items():
            assert squeezed(line) not in text, f"{path.name} holds the solution line {line!r}"


def test_no_line_of_a_solution_is_in_the_site(unit):
    site = ROOT / "_build" / "html"
    pages = list(site.rglob("*.html"))
    if not pages:
        pytest.skip("the site is not built: run `make site`")
    shown = {str(p): html.unescape(re.sub(r"<[^>]+>", "", p.read_text(encoding="utf-8"))) for p in pages}
    shown |= dict(loaded_by_live_exercises(site / "_static/live"))
    texts = {name: squeezed(text) for name, text in shown.items()}
    for line in solution_lines(unit):
        for name, text in texts.items():
            assert squeezed(line) not in text, f"{name} shows the solution line {line!r}"


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


def test_every_tenth_mistake_is_told_by_the_engine(unit, grader, tmp_path):
    """`verify` proves all of them in one process; the engine must say the same through its child."""
    for number, patch in enumerate(unit.patches[::10]):
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
    return grader.grade("ada", folder)


def solution_lines(unit):
    """Lines of solution bodies that say enough to be recognised, comments left out."""
    for notebook in unit.notebooks:
        for cell in notebook.of_kind("solution"):
            for body in re.findall(f"{BEGIN}\n(.*?)\n *{END}", cell.source, re.S):
                for line in body.splitlines():
                    code = without_comment(line)
                    if len(squeezed(code)) >= 16 and not INTERFACE.fullmatch(code.strip()):
                        yield code


def without_comment(line):
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line.strip()).readline))
    except (tokenize.TokenError, IndentationError):
        return line
    comments = [t.start[1] for t in tokens if t.type == tokenize.COMMENT]
    return line.strip()[: comments[0]] if comments else line.strip()


def shown_text(path):
    """A notebook's sources, or a file's text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return "\n".join("".join(c["source"]) for c in json.loads(text)["cells"])
    return text


def loaded_by_live_exercises(folder):
    """The texts that run in a reader's browser, those inside archives too."""
    for path in folder.rglob("*.*"):
        if path.suffix in {".whl", ".npz"}:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{path.name}/{name}", archive.read(name).decode("utf-8", errors="replace")
        elif path.is_file():
            yield path.name, path.read_text(encoding="utf-8")


def squeezed(text):
    return re.sub(r"\s+", "", text)
