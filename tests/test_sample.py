"""A sample class has every kind of student in it, is the same every time, and says what must come of it."""

import ast
import json
import os
from collections import Counter

import numpy as np
import pytest

from autograder.authoring.build import load_built
from autograder.authoring.sample import EXPECTED, make_class, untold
from autograder.authoring.styles import STYLES, unmarked
from autograder.authoring.unit import BEGIN, END
from autograder.engine.grade import Grader, submissions
from tests.conftest import SLUG


@pytest.fixture(scope="module")
def unit(built_course):
    return load_built(built_course, SLUG)


@pytest.fixture(scope="module")
def school(unit, tmp_path_factory):
    """A class of 24: its folder and its plans by student."""
    out = tmp_path_factory.mktemp("school")
    return out, {p.student: p for p in make_class(unit, 24, 1, out)}


def files(out):
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def answers(out, student):
    path = next((out / student / SLUG).glob("*.ipynb"))
    cells = json.loads(path.read_text(encoding="utf-8-sig"))["cells"]
    return {c["id"]: "".join(c["source"]) for c in cells}


def test_the_same_seed_gives_the_same_bytes(school, unit, tmp_path):
    make_class(unit, 24, 1, tmp_path)
    assert files(tmp_path) == files(school[0])


def test_another_seed_gives_other_students(school, unit, tmp_path):
    make_class(unit, 24, 2, tmp_path)
    assert set(files(tmp_path)) != set(files(school[0]))


def test_24_students_are_of_every_kind(school):
    assert Counter(p.kind for p in school[1].values()) == {
        "right": 6,
        "mistake": 8,
        "two mistakes": 1,
        "half done": 3,
        "untouched": 2,
        "broken": 4,
    }


def test_right_solutions_come_in_six_styles(school):
    assert len({p.how for p in school[1].values() if p.kind == "right"}) == 6


def test_every_mistake_is_made_before_one_comes_again(school, unit):
    made = [m.id for p in school[1].values() for m in p.mistakes]
    nameable = {p.mistake.id for p in unit.patches}
    assert len(made) >= 9 and set(made[: len(nameable)]) == nameable


def test_a_large_class_has_no_two_students_of_one_name(unit, tmp_path):
    plans = make_class(unit, 40, 1, tmp_path)
    assert len({p.student for p in plans}) == 40 == len(submissions(tmp_path, SLUG))


def test_some_name_is_not_ascii(school):
    assert any(not student.isascii() for student in school[1])


def test_a_new_class_takes_the_place_of_the_old_one_and_of_nothing_else(unit, tmp_path):
    make_class(unit, 5, 1, tmp_path)
    mine = tmp_path / "mine" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("keep")
    plans = make_class(unit, 3, 2, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {EXPECTED, "mine", *(p.student for p in plans)}


def test_half_done_ones_hold_answers_first_and_stubs_after(school):
    for student in (p.student for p in school[1].values() if p.kind == "half done"):
        done = [
            "NotImplementedError" not in source
            for id, source in answers(school[0], student).items()
            if id in ("scale", "center", "scale_centered", "test_scale")
        ]
        assert done == sorted(done, reverse=True) and any(done) and not all(done)


def test_nobody_hands_in_the_authors_markers(school):
    assert not any(m.encode() in data for data in files(school[0]).values() for m in (BEGIN, END))


SOLUTION = f'''
def f(x, a=2):
    """Twice the centered rows, and the mean."""
    {BEGIN}
    mean = x.mean(axis=0)  # over the rows
    rows = [2 * (row - mean) / 1 for row in x]
    total = (lambda rows: rows[0])(x)
    def shift(mean_of): return mean_of + mean[0 * 1]
    return np.stack(rows) * a, shift(total)
    {END}
'''


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_style_computes_the_same(style):
    names = {"np": np}
    own, cell = style(unmarked(SOLUTION))
    for source in [*own, cell]:
        exec(source, names)
    x = np.array([[1.0, 2.0, 5.0], [3.0, 8.0, 4.0]])
    twice, shifted = names["f"](x, a=3)
    np.testing.assert_allclose(twice, 6 * (x - x.mean(axis=0)), rtol=1e-15)
    np.testing.assert_allclose(shifted, x[0] + 2.0, rtol=1e-15)


def test_styles_are_really_different_programs():
    texts = ["\n".join([*own, cell]) for own, cell in (s(unmarked(SOLUTION)) for s in STYLES.values())]
    assert len({ast.dump(ast.parse(text)) for text in texts}) >= len(STYLES) - 1  # one changes comments only
    assert len(set(texts)) == len(STYLES)


def test_names_that_are_bound_twice_are_not_renamed():
    _, cell = STYLES["renamed"](unmarked(SOLUTION))
    assert "my_mean" in cell and "lambda rows: rows[0]" in cell and "my_rows" not in cell


class TestUntold:
    """What must be said and earned is compared with what was."""

    def record(self, student, points, told=()):
        says = dict.fromkeys(told, "a sentence")
        checks = [{"notebook": "n", "name": "f", "says": says}]
        return {"student": student, "points": points, "checks": checks}

    def plan(self, points=None, mistakes=()):
        known = [{"id": m, "notebook": "n", "of": "f", "synonyms": ["twin"]} for m in mistakes]
        return {"kind": "mistake", "how": "", "mistakes": known, "points": points}

    def test_a_told_mistake_and_a_right_mark_are_fine(self):
        assert not list(untold({"a": self.plan(3, ["m"])}, [self.record("a", 3, ["m"])]))

    def test_a_declared_synonym_will_do(self):
        assert not list(untold({"a": self.plan(mistakes=["m"])}, [self.record("a", 1, ["twin"])]))

    def test_another_mistake_will_not(self):
        assert "was not told the mistake m" in "".join(
            untold({"a": self.plan(mistakes=["m"])}, [self.record("a", 1, ["other"])])
        )

    def test_a_wrong_mark_is_found(self):
        assert "must have 3 points, has 2" in "".join(untold({"a": self.plan(3)}, [self.record("a", 2)]))

    def test_a_student_without_a_record_is_found(self):
        assert "was not graded" in "".join(untold({"a": self.plan(3)}, []))


@pytest.mark.slow
@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the engine forks and needs Linux")
def test_the_graded_class_is_told_every_mistake_and_earns_what_it_must(school, built_course, unit):
    out, plans = school
    with Grader(unit, built_course, sandbox="B") as grader:
        records = [r.record() for r in grader.grade_class(submissions(out, SLUG), jobs=2)]
    expected = json.loads((out / EXPECTED).read_text())
    assert list(untold(expected, records)) == []
    assert len(records) == len(plans) == 24
