"""The release holds what a student may have, and nothing else."""

import json
import shutil
import subprocess
import sys

import pytest

from autograder.authoring.build import build, load_built
from autograder.authoring.release import cut_probes
from autograder.authoring.unit import UnitError, read_unit
from autograder.authoring.verify import verify
from tests.conftest import SLUG


def released(course):
    folder = course / "exercises" / SLUG
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*.*"))}


def test_a_release_is_a_notebook_and_its_public_checks(built_course):
    assert list(released(built_course)) == [
        "checks/tiny_numpy.json",
        "checks/tiny_numpy.npz",
        "checks/tiny_numpy.py",
        "tiny_numpy.ipynb",
    ]


def test_no_solution_generator_or_hidden_probe_is_released(built_course):
    text = b"\n".join(released(built_course).values()).decode("latin-1")
    for private in ("secret_product", "BEGIN SOLUTION", "rng", "scales_by_zero", "x + a", "UNUSED", "find"):
        assert private not in text


@pytest.mark.parametrize("bound", ["A, B = 1, -1", "A: int = 1", "(A, *_), C = [1], 2"])
def test_a_probe_brings_the_constants_that_it_uses_however_they_are_bound(bound):
    probe = "@probe('scale')\ndef scales(s, x):\n    return {'y': s.scale(x, A)}"
    assert bound in cut_probes(f"{bound}\n\n{probe}\n", ["scales"])


def test_building_twice_gives_the_same_bytes(course):
    build(read_unit(course, SLUG), course)
    first = released(course)
    other = course.parent / "other"
    (course / "exercises").rename(other)
    build(read_unit(course, SLUG), course)
    assert released(course) == first


def test_stubs_keep_signature_and_docstring(built_course):
    cells = json.loads(released(built_course)["tiny_numpy.ipynb"])["cells"]
    scale = next(c for c in cells if c["id"] == "scale")
    assert "".join(scale["source"]).splitlines() == [
        "def scale(x, a):",
        '    """Multiply by a. x: (N, D). Returns y: (N, D)."""',
        "    raise NotImplementedError",
    ]


def test_cells_carry_nbgraders_schema_and_checksums(built_course):
    import nbformat
    from nbgrader.nbgraderformat import read as read_nbgrader
    from nbgrader.utils import compute_checksum

    path = built_course / "exercises" / SLUG / "tiny_numpy.ipynb"
    notebook = read_nbgrader(str(path), as_version=4)
    nbformat.validate(notebook)
    graded = {
        c.metadata.nbgrader.grade_id: c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")
    }
    assert {k: c.metadata.nbgrader.points for k, c in graded.items()} == {
        "check-scale": 3,
        "check-center": 4,
        "check-scale_centered": 2,
        "check-test_scale": 1,
        "question-why": 2,
    }
    assert all(compute_checksum(c) == c.metadata.nbgrader.checksum for c in graded.values())


def test_a_notebook_that_is_gone_leaves_nothing_behind(course):
    stale = course / "exercises" / SLUG / "old.ipynb"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    load_built(course, SLUG)
    assert not stale.exists()


def test_a_changed_source_is_built_again_and_an_unchanged_one_is_not(course):
    load_built(course, SLUG)
    marker = course / "_build" / "masters" / SLUG / "unit.json"
    before = marker.stat().st_mtime_ns
    load_built(course, SLUG)
    assert marker.stat().st_mtime_ns == before
    source = course / "solutions" / SLUG / "unit.toml"
    source.write_text(source.read_text().replace('"Tiny"', '"Tinier"'))
    assert load_built(course, SLUG).title == "Tinier"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("tiny_numpy.py", '    ### END SOLUTION\n\n# %% check="scale"', '\n# %% check="scale"', "matching"),
        ("tiny_numpy.py", " points=3", "", "needs points"),
        ("tiny_numpy.py", 'check="center"', 'check="centre"', "no solution cell"),
        ("mistakes.toml", 'id = "squares"', 'id = "adds"', "twice"),
        ("mistakes.toml", 'says = "You multiplied by a twice."', "", "says missing"),
        ("mistakes.toml", 'find = "x * a"', "find = 'x * b'", "occurs 0 times"),
        ("mistakes.toml", "[[mistake]]", "[[mistake", "not valid TOML"),
        ("checks.py", "def scales_by_zero", "def scales_every_entry", "defines scales_every_entry twice"),
        ("unit.toml", "cell_seconds", "cell_second", "cell_second"),
        ("tiny_numpy.py", "Multiply by a", "Multiply, {eq}`lost`", "cites the equation lost"),
    ],
)
def test_an_authors_slip_is_one_clear_sentence(course, file, old, new, words):
    path = course / "solutions" / SLUG / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=words):
        build(read_unit(course, SLUG), course)


@pytest.fixture
def with_a_second_notebook(course):
    """Each notebook has checks and mistakes of its own; helpers may share a name."""
    folder = course / "solutions" / SLUG
    (folder / "checks.py").rename(folder / "checks_numpy.py")
    (folder / "mistakes.toml").rename(folder / "mistakes_numpy.toml")
    (folder / "tiny_more.py").write_text(
        (folder / "tiny_numpy.py").read_text().split("# %% solution=")[0]
        + '# %% solution="double"\ndef double(x):\n    """Twice x."""\n    ### BEGIN SOLUTION\n'
        + '    return 2 * x\n    ### END SOLUTION\n\n# %% check="double" points=1\ncheck(double)\n'
    )
    (folder / "checks_more.py").write_text(
        'from autograder import probe\n\n\n@probe("double", cases=2)\ndef doubles(s, x):\n'
        '    return {"y": s.double(x)}\n\n\n'
        '@doubles.inputs\ndef _(rng):\n    return {"x": rng.normal(size=3)}\n'
    )
    (folder / "mistakes_more.toml").write_text(
        '[[mistake]]\nid = "thrice"\nof = "double"\nfind = "2 * x"\nreplace = "3 * x"\n'
        'says = "You multiplied by three."\n'
    )
    settings = folder / "unit.toml"
    settings.write_text(settings.read_text() + "\n[notebooks.tiny_more]\ntorch = false\n")
    return course


def test_each_notebook_may_have_its_own_checks_and_mistakes(with_a_second_notebook):
    unit = read_unit(with_a_second_notebook, SLUG)
    assert [p.name for p in unit.probes_of(unit.notebook("tiny_more"))] == ["doubles"]
    assert [p.mistake.id for p in unit.patches_of(unit.notebook("tiny_more"))] == ["thrice"]
    build(unit, with_a_second_notebook)
    released = with_a_second_notebook / "exercises" / SLUG / "checks"
    assert "doubles" in (released / "tiny_more.py").read_text()
    assert "doubles" not in (released / "tiny_numpy.py").read_text()
    assert verify(unit, seeds=2, chance=False).faults == []


def test_two_files_must_not_have_a_probe_of_one_name(with_a_second_notebook):
    path = with_a_second_notebook / "solutions" / SLUG / "checks_more.py"
    path.write_text(path.read_text().replace("doubles", "scales_every_entry"))
    with pytest.raises(UnitError, match="two probes called scales_every_entry"):
        build(read_unit(with_a_second_notebook, SLUG), with_a_second_notebook)


def test_equations_are_cited_by_the_chapters_order(course):
    chapter = course / "book" / SLUG / "index.md"
    chapter.parent.mkdir(parents=True)
    chapter.write_text("$$\na = b\n$$ (first)\n\ntext\n\n$$ c = d $$ (second)\n")
    path = course / "solutions" / SLUG / "tiny_numpy.py"
    path.write_text(path.read_text().replace("Multiply by a", "Multiply, {eq}`second`"))
    assert "Multiply, eq. (2)" in read_unit(course, SLUG).notebooks[0].solution("scale").source


def test_an_unknown_unit_names_the_ones_there_are(course):
    with pytest.raises(UnitError, match=f"units: {SLUG}"):
        read_unit(course, "42-none")


def test_stock_nbgrader_validates_a_right_notebook_and_fails_a_wrong_one(built_course, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(built_course / "exercises" / SLUG, work)
    master = (built_course / "_build" / "masters" / SLUG / "tiny_numpy.ipynb").read_text()
    master = master.replace("Your answer.", "Because.")
    for name, text, verdict in (
        ("right", master, "Success"),
        ("wrong", master.replace("x * a", "x + a"), "VALIDATION FAILED"),
    ):
        (work / f"{name}.ipynb").write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", "validate", f"{name}.ipynb"],
            cwd=work,
            capture_output=True,
            text=True,
        )
        assert verdict in done.stdout, done.stdout + done.stderr
