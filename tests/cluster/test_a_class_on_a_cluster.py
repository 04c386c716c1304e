"""A class graded by workers that share no file with the head; workers come, go, die and are no good."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

import pytest

from autograder.cluster.head import ClusterGrader
from autograder.cluster.workers import ClusterError
from autograder.engine.grade import Grader
from tests.attacks.catalogue import BY_STUDENT
from tests.cluster.preload import POISON
from tests.cluster.processes import children, kill_and_see_the_end_of
from tests.cluster.test_parcel import TARGET

FULL = 10.0
ADDS = ("secret_product = x * a", "secret_product = x + a")
HOSTILE = [
    "forging-builtins",
    "forging-a-pickle",
    "forging-a-frame-that-says-passed",
    "tampering-points",
    "tampering-a-pipe",
    "tampering-a-notebook-nested-deeply",
    "kernel-a-signal-to-the-grader",
    "resources-a-crash",
]


class Counted(Mapping):
    """Submissions, and how many of them were taken."""

    def __init__(self, folders):
        self.folders, self.taken = folders, 0

    def __getitem__(self, student):
        return self.folders[student]

    def __len__(self):
        return len(self.folders)

    def __iter__(self):
        for student in self.folders:
            self.taken += 1
            yield student


@pytest.fixture
def grader(built_course, unit, scheduler):
    """How to open a grader on the cluster; what it tells is in `grader.told`."""
    told = []
    open_grader = partial(ClusterGrader, unit, built_course, address=scheduler.address, tell=told.append)
    open_grader.told = told
    return open_grader


def found(results):
    """Results by student, without what is another each time."""
    by_student = {
        r.student: (r.record(), [(s.id, s.outputs) for n in r.notebooks for s in n.steps]) for r in results
    }
    for record, _ in by_student.values():
        del record["seconds"], record["cpu_seconds"]
    return by_student


def test_without_a_scheduler_the_address_is_named(built_course, unit, monkeypatch):
    monkeypatch.setattr("autograder.cluster.head.CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterError, match=r"No Dask scheduler answers at tcp://127.0.0.1:9 "):
        ClusterGrader(unit, built_course, address="tcp://127.0.0.1:9")


def test_without_workers_it_waits_audibly_and_gives_up(grader, monkeypatch):
    monkeypatch.setattr("autograder.cluster.workers.LOOK_SECONDS", 0.1)
    with pytest.raises(ClusterError, match=r"No worker that may grade for .* `dask worker tcp://"):
        grader(patience=0.5)
    assert "waiting for one" in grader.told[0]


@pytest.fixture(scope="module")
def workers(scheduler):
    scheduler.start_workers(2)
    return scheduler


def test_a_mixed_class_gets_the_same_results_as_on_this_machine(
    grader, workers, unit, built_course, hand_in, tmp_path
):
    folders = {f"right-{n}": hand_in(f"right-{n}") for n in range(9)} | {
        "mistaken": hand_in("mistaken", ADDS),
        "ünïcode 学生": hand_in("ünïcode 学生", ADDS),
        "cut off": hand_in("cut off"),
        "a link": tmp_path / "submitted" / "a link",
    }
    cut = folders["cut off"] / "tiny_numpy.ipynb"
    cut.write_text(cut.read_text()[:900])
    folders["a link"].symlink_to(folders["right-0"])
    for student in HOSTILE:
        folders[student] = tmp_path / "submitted" / student / "unit"
        BY_STUDENT[student].write(folders[student], unit.notebooks[0], TARGET)
    counted, waiting = Counted(folders), []
    with grader() as cluster:
        results = []
        for result in cluster.grade_class(counted):
            results.append(result)
            waiting.append(counted.taken - len(results))
        level = cluster.sandbox
    with Grader(unit, built_course, sandbox=level) as local:
        assert found(results) == found(local.grade_class(folders, 2))
    assert max(waiting) <= 2 * 2 + 2, "two submissions a thread are on their way, however large the class"
    assert {r.points for r in results if r.student.startswith("right")} == {FULL}
    assert level in ("A", "B")


def test_no_name_of_a_student_leaves_this_machine(unit, built_course, hand_in, monkeypatch):
    from autograder.cluster import parcel, shipment, worker

    packed = parcel.pack(hand_in("Ada Lovelace"), ["tiny_numpy"])
    sent = shipment.pack(unit, built_course, locked=True)
    assert b"Lovelace" not in repr(packed.entries).encode()
    back = worker.grade(sent.digest, sent.content, True, packed.entries)
    worker._close(sent.digest)
    assert b"Lovelace" not in back.result and b'"student": ""' in back.result


def test_a_killed_worker_takes_its_zygotes_along_and_others_grade_what_it_had(grader, workers, hand_in):
    folders = {f"s{n}": hand_in(f"s{n}") for n in range(12)}
    with grader() as cluster:
        results = cluster.grade_class(folders)
        marks = [next(results).points for _ in range(4)]  # both workers are warm now
        victim = next(iter(workers.client.run(os.getpid).values()))
        zygotes = [pid for pid, command in children(victim).items() if "engine.zygote" in command]
        assert zygotes and kill_and_see_the_end_of(victim, zygotes)
        marks += [result.points for result in results]
    assert marks == [FULL] * 12
    workers.client.wait_for_workers(2)


def test_a_submission_whose_workers_die_is_rejected_and_its_neighbours_are_not(grader, workers, hand_in):
    folders = {f"s{n}": hand_in(f"s{n}") for n in range(3)}
    folders["poison"] = hand_in("poison", ("Your answer.", POISON.decode()))
    folders |= {f"t{n}": hand_in(f"t{n}") for n in range(3)}
    with grader() as cluster:
        results = {r.student: r for r in cluster.grade_class(folders)}
    poisoned = results.pop("poison")
    assert poisoned.status == "rejected" and poisoned.points == 0
    assert "process died" in poisoned.reason and "nothing else to grade" in poisoned.reason
    assert {s: r.points for s, r in results.items()} == dict.fromkeys(folders.keys() - {"poison"}, FULL)
    workers.client.wait_for_workers(2)


WARM = "import autograder.cluster.worker as w; dask_worker.warm = len(w._warm)"


def test_a_worker_that_comes_late_gets_work_and_one_that_must_not_grade_gets_none(grader, workers, hand_in):
    folders = {f"s{n}": hand_in(f"s{n}") for n in range(40)}
    with grader() as cluster:
        results = cluster.grade_class(folders)
        marks = [next(results).points]
        before = set(workers.client.nthreads())
        workers.start_workers(1, "--no-nanny")
        (late,) = set(workers.client.nthreads()) - before
        for flaw in ("package", "numpy", "sandbox"):
            workers.start_workers(1, "--no-nanny", flaw=flaw)
        marks += [result.points for result in results]
        warm = workers.client.run(
            lambda: len(__import__("sys").modules["autograder.cluster.worker"]._warm), workers=[late]
        )
        excluded = dict(cluster._workers.excluded)
    assert marks == [FULL] * 40
    assert warm == {late: 1}
    reasons = " ".join(excluded.values())
    assert len(excluded) == 3 and len(grader.told) == 3
    assert "package is missing" in reasons and "numpy 1.0" in reasons and "missing Landlock" in reasons


def test_workers_that_must_not_grade_are_named_before_anything_is_graded(grader, workers):
    """They are there from the test before."""
    with pytest.raises(ClusterError) as refused:
        grader()
    said = str(refused.value)
    assert said.count("The worker tcp://127.0.0.1:") == 3 and "Nothing was graded" in said
    assert "package is missing" in said and "numpy 1.0, not" in said and "missing Landlock" in said
