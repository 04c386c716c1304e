"""Near-identical answers: copies are found whatever their names and comments, what all would write is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autograder.authoring.unit import Unit
from autograder.bridge.autograded import write_autograded
from autograder.classroom.similar import (
    CHANCE,
    Compared,
    compare,
    judged,
    normal_lines,
    pairs,
    read_answers,
    threshold,
    unit_pairs,
)
from tests.bridge.conftest import make_result

FRAME = '''\
def normalize(x, eps):
    """Normalize each row. x: (N, D)."""
    raise NotImplementedError
'''
SOLUTION = '''\
def normalize(x, eps):
    """Normalize each row. x: (N, D)."""
    ### BEGIN SOLUTION
    centered = x - x.mean(axis=1, keepdims=True)
    variance = (centered**2).mean(axis=1, keepdims=True)
    return centered / np.sqrt(variance + eps)
    ### END SOLUTION
'''
LOOP = '''\
def normalize(x, eps):
    """Normalize each row. x: (N, D)."""
    rows = []
    for row in x:
        total = 0.0
        for value in row:
            total += value
        mean = total / len(row)
        spread = sum((value - mean) ** 2 for value in row) / len(row)
        rows.append([(value - mean) / (spread + eps) ** 0.5 for value in row])
    return np.array(rows)
'''
LOOP_DISGUISED = """\
def normalize(x, eps):
    # my own work
    out = []
    for r in x:

        s = 0.0
        for v in r:
            s += v          # add up
        m = (s / len(r))
        sd = sum((v - m) ** 2 for v in r) / len(r)
        out.append([(v - m) / (sd + eps) ** 0.5 for v in r])
    return np.array(out)
"""
EINSUM = """\
def normalize(x, eps):
    n, d = x.shape
    ones = np.ones((d, d)) / d
    shifted = x @ (np.eye(d) - ones)
    scale = np.einsum("nd,nd->n", shifted, shifted) / d
    return np.einsum("nd,n->nd", shifted, 1 / np.sqrt(scale + eps))
"""


def like(*sources: str) -> np.ndarray:
    given = {f"s{i:02d}": source for i, source in enumerate(sources)}
    return compare(given, FRAME, SOLUTION).alike


class TestCompare:
    def test_names_comments_and_formatting_do_not_matter(self) -> None:
        assert like(LOOP, LOOP_DISGUISED).all()
        assert normal_lines(LOOP) == normal_lines(LOOP_DISGUISED)

    def test_another_way_is_not_alike(self) -> None:
        assert not like(LOOP, EINSUM)[0, 1]

    def test_one_changed_line_of_ten_is_still_alike(self) -> None:
        assert like(LOOP, LOOP.replace("total / len(row)", "total / row.size"))[0, 1]

    def test_the_solution_itself_is_usual_and_so_is_one_with_a_slip(self) -> None:
        slip = SOLUTION.replace("variance + eps", "variance - eps")
        given = {"ada": SOLUTION, "bob": slip, "eve": LOOP}
        assert compare(given, FRAME, SOLUTION).usual.tolist() == [True, True, False]

    @pytest.mark.parametrize(
        "source",
        [
            FRAME,
            "def normalize(x, eps):\n    return x / x.std()\n",
            "def normalize(x, eps:\n",
            "",
            "%%html\n<b>",
        ],
        ids=["untouched", "short", "broken", "empty", "magic"],
    )
    def test_what_is_given_short_or_no_code_is_not_compared(self, source: str) -> None:
        assert compare({"ada": source, "bob": source}, FRAME, SOLUTION).students == []

    def test_given_lines_make_nothing_alike(self) -> None:
        """A long frame with two different answers of a dozen lines' weight."""
        given = "def normalize(x, eps):\n" + "".join(f"    given_{i} = np.zeros({i})\n" for i in range(40))
        own = [given + "\n".join(source.splitlines()[1:]) for source in (LOOP, EINSUM)]
        frame = given + "    raise NotImplementedError\n"
        assert not compare(dict(zip("ab", own, strict=True)), frame, SOLUTION).alike[0, 1]

    def test_attributes_are_told_apart_even_where_a_variable_has_their_name(self) -> None:
        assert normal_lines("mean = 1\ny = x.mean()") == [
            ("_", "=", "1"),
            ("_", "=", "x", ".", "mean", "(", ")"),
        ]

    def test_deep_and_strange_sources_are_nothing_to_compare(self) -> None:
        assert normal_lines("(" * 500 + ")" * 500) == [] == normal_lines("x = '\0'")


def random_class(students: int, exercises: int, ways: int, seed: int) -> dict[str, Compared]:
    """Each student finds one of `ways` equally likely answers to each exercise, alone."""
    rng = np.random.default_rng(seed)
    names = [f"s{i:03d}" for i in range(students)]
    usual = np.zeros(students, dtype=bool)
    chosen = rng.integers(ways, size=(exercises, students))
    return {str(e): Compared(names, np.equal.outer(row, row), usual) for e, row in enumerate(chosen)}


class TestThreshold:
    @pytest.mark.parametrize(("students", "exercises", "ways"), [(24, 10, 6), (24, 17, 3), (60, 8, 30)])
    def test_a_class_that_works_alone_shows_next_to_nobody(
        self, students: int, exercises: int, ways: int
    ) -> None:
        """The bound promises at most CHANCE pairs a class: 2 in 200 classes."""
        found = sum(
            len(judged(random_class(students, exercises, ways, seed), students)) for seed in range(200)
        )
        assert found <= 200 * CHANCE

    def test_a_copy_of_rare_answers_is_found(self) -> None:
        classes = random_class(24, 10, 8, 0)
        for compared in classes.values():
            compared.alike[1] = compared.alike[0]
            compared.alike[:, 1] = compared.alike[:, 0]
            compared.alike[1, 1] = True
        (pair,) = judged(classes, 24)
        assert pair.students == ("s000", "s001") and len(pair.exercises) == 10

    def test_what_everyone_writes_is_no_evidence(self) -> None:
        assert judged(random_class(24, 30, 1, 0), 24) == []

    def test_a_larger_class_needs_more(self) -> None:
        assert threshold(200) > threshold(24) > 8 and threshold(1) > 0


def test_a_disguised_copy_is_named_with_its_exercises() -> None:
    """Eleven students, eight exercises; all loop in their own way, but one took seven answers of another."""
    ways = [LOOP.replace("rows.append", f"{'rows.reverse(); ' * i}rows.append") for i in range(4, 44, 4)]
    answers = {
        f"exercise {e}": {f"s{i}": ways[(i + e) % 9] for i in range(9)}
        | {"owner": LOOP, "thief": LOOP_DISGUISED if e else ways[9]}
        for e in range(8)
    }
    frames = dict.fromkeys(answers, FRAME)
    (pair,) = pairs(answers, frames, dict.fromkeys(answers, SOLUTION), 11)
    assert pair.students == ("owner", "thief")
    assert pair.exercises == [f"exercise {e}" for e in range(1, 8)]


def test_answers_are_read_from_the_graded_notebooks(unit: Unit, tmp_path: Path) -> None:
    """The code between two checks belongs to the second: helpers in cells of the student's own too."""
    result = make_result(unit, "ada", own="def helper(x): return x", answers={"center": LOOP})
    write_autograded(result, unit, tmp_path)
    found = read_answers(unit.notebooks[0], tmp_path, ["ada", "nobody"])
    assert found["scale"] == {"ada": "def scale(x, a):\n    return x * a\n\ndef helper(x): return x"}
    assert found["center"] == {"ada": LOOP}
    assert set(found) == {"scale", "center", "scale_centered", "test_scale"}
    assert unit_pairs(unit, tmp_path, ["ada", "nobody"]) == []
