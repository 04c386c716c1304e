"""Mistakes by frequency, unexplained failures by equal outputs, and what could not be graded."""

from __future__ import annotations

from typing import Any

from autograder.classroom.failures import clusters, mistakes, troubles


def probe(name: str, digest: str = "", message: str = "", **more: Any) -> dict[str, Any]:
    plain = {"name": name, "passed": False, "status": "wrong", "message": message, "mistake": None, **more}
    return plain | ({"digest": digest} if digest else {})


def record(student: str, *probes: dict[str, Any], says: dict[str, str] | None = None, **more: Any) -> Any:
    check = {"notebook": "n", "name": "f", "probes": list(probes), "says": says or {}}
    plain = {"student": student, "status": "graded", "reason": "", "notes": {}, "flags": {}}
    return {**plain, "checks": [check], **more}


def test_mistakes_are_counted_by_student_the_most_frequent_first() -> None:
    says = {"once": "A sentence."}
    told = mistakes(
        [
            record("ada", probe("p", mistake="once"), says=says),
            record("bob", probe("p", mistake="often"), says={"often": "Another."}),
            record(
                "eve", probe("p", mistake="often"), probe("q", mistake="once"), says=says | {"often": "A"}
            ),
            record("kim", probe("p", mistake="often"), says={"often": "Another."}),
        ]
    )
    assert [(t.id, t.students) for t in told] == [("often", ["bob", "eve", "kim"]), ("once", ["ada", "eve"])]
    assert told[0].says == "Another."


def test_an_accepted_convention_is_no_mistake() -> None:
    passed = probe("p", mistake="other-way", passed=True, status="passed")
    (told,) = mistakes([record("ada", passed, says={"other-way": "Fine too."})])
    assert told.accepted
    (told,) = mistakes([record("ada", probe("p", mistake="m"), says={"m": "Wrong."})])
    assert not told.accepted


def test_equal_outputs_are_one_cluster_the_largest_first() -> None:
    found = clusters(
        [
            record("ada", probe("p", "d1", "the values are wrong")),
            record("bob", probe("p", "d2")),
            record("eve", probe("p", "d1", "the values are wrong")),
            record("kim", probe("p", mistake="known")),
        ]
    )
    assert [(c.students, c.probes, c.messages) for c in found] == [
        (["ada", "eve"], ["p"], ["the values are wrong"]),
        (["bob"], ["p"], []),
    ]


def test_probes_that_put_the_same_students_together_are_one_cluster() -> None:
    two = (probe("p", "d1"), probe("q", "d2"))
    found = clusters([record("ada", *two), record("bob", *two), record("eve", probe("p", "d1"))])
    assert [(c.students, c.probes) for c in found] == [
        (["ada", "bob", "eve"], ["p"]),
        (["ada", "bob"], ["q"]),
    ]
    found = clusters([record("ada", *two), record("bob", *two)])
    assert [(c.students, c.probes) for c in found] == [(["ada", "bob"], ["p", "q"])]


def test_one_output_of_two_exercises_is_two_clusters() -> None:
    other = record("bob", probe("p", "d1"))
    other["checks"][0]["name"] = "g"
    assert len(clusters([record("ada", probe("p", "d1")), other])) == 2


def test_what_could_not_be_graded_comes_first_with_its_reason() -> None:
    found = troubles(
        [
            record("ada"),
            record("bob", notes={"n": ["The cell f is there twice: the first one counts."]}),
            record("eve", probe("p", status="stopped", message="It took longer than 2 seconds.")),
            record("kim", status="rejected", reason="n.ipynb is missing."),
            record("zoe", flags={"n": ["f uses np.multiply"]}),
        ]
    )
    assert [(t.student, t.rejected, t.why) for t in found] == [
        ("kim", True, ["n.ipynb is missing."]),
        ("bob", False, ["n: The cell f is there twice: the first one counts."]),
        ("eve", False, ["f: It took longer than 2 seconds."]),
        ("zoe", False, ["To look at: f uses np.multiply."]),
    ]
