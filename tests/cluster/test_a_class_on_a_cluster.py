"""A class graded by workers that share no file with the head; workers come, go, die and are no good."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import partial
from itertools import count

import pytest

from autograder.batch.run import Options
from autograder.classroom.records import read_record
from autograder.cluster.head import ClusterGrader
from autograder.cluster.workers import ClusterError
from autograder.engine.grade import Grader
from autograder.grading import grade_unit
from tests.attacks.catalogue import BY_STUDENT
from tests.cluster.preload import POISON
from tests.cluster.processes import children, kill_and_see_the_end_of
from tests.cluster.test_parcel import TARGET
from tests.conftest import SLUG

FULL = 10.0
ADDS = ("secret_product = x * a", "secret_product = x + a")
HOSTILE = [
    "forging-a-pickle",
    "forging-a-frame-that-says-passed",
    "tampering-points",
    "tampering-a-pipe",
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


def test_without_workers_it_waits_audibly_and_gives_up(built_course, unit, scheduler, monkeypatch):
    monkeypatch.setattr("autograder.cluster.workers.LOOK_SECONDS", 0.1)
    told = []
    with pytest.raises(ClusterError, match=r"No worker that may grade for .* `dask worker tcp://"):
        ClusterGrader(unit, built_course, address=scheduler.address, tell=told.append, patience=0.5)
    assert "waiting for one" in told[0]


@pytest.fixture(scope="module")
def workers(scheduler):
    scheduler.start_workers(2)
    return scheduler


@pytest.fixture(scope="module")
def cluster(built_course, unit, workers):
    """A grader, warm for several tests."""
    with ClusterGrader(unit, built_course, address=workers.address) as grader:
        yield grader


def test_a_mixed_class_gets_the_same_results_as_here(cluster, unit, built_course, hand_in, tmp_path):
    folders = {f"right-{n}": hand_in(f"right-{n}") for n in range(5)} | {
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
    counted, results, waiting = Counted(folders), [], []
    for result in cluster.grade_class(counted):
        results.append(result)
        waiting.append(counted.taken - len(results))
    with Grader(unit, built_course, sandbox=cluster.sandbox) as local:
        assert found(results) == found(local.grade_class(folders, 2))
    assert max(waiting) <= 2 * 2 + 2, "two submissions a thread are on their way, however large the class"
    assert {r.points for r in results if r.student.startswith("right")} == {FULL}
    assert {r.sandbox for r in results} <= {"A", "B"}


def test_no_name_of_a_student_leaves_this_machine(cluster, workers, hand_in, monkeypatch):
    sent = []
    submit = cluster._client.submit
    monkeypatch.setattr(cluster._client, "submit", lambda *a, **k: sent.append((a, k)) or submit(*a, **k))
    folder = hand_in("Ada Lovelace")
    assert cluster.grade("Ada Lovelace", folder).student == "Ada Lovelace"
    assert len(sent) == 1 and "Lovelace" not in repr(sent)


def test_a_killed_worker_takes_its_zygotes_along_and_others_grade_what_it_had(cluster, workers, hand_in):
    """Both workers are warm."""
    folders = {f"s{n}": hand_in(f"s{n}") for n in range(8)}
    results = cluster.grade_class(folders)
    marks = [next(results).points for _ in range(4)]
    victim = next(iter(workers.client.run(os.getpid).values()))
    zygotes = [pid for pid, command in children(victim).items() if "engine.zygote" in command]
    assert zygotes and kill_and_see_the_end_of(victim, zygotes)
    marks += [result.points for result in results]
    assert marks == [FULL] * 8
    workers.client.wait_for_workers(2)


def test_a_submission_whose_workers_die_is_rejected_and_its_neighbours_are_not(cluster, workers, hand_in):
    folders = {f"s{n}": hand_in(f"s{n}") for n in range(2)}
    folders["poison"] = hand_in("poison", ("Your answer.", POISON.decode()))
    folders |= {f"t{n}": hand_in(f"t{n}") for n in range(2)}
    results = {r.student: r for r in cluster.grade_class(folders)}
    poisoned = results.pop("poison")
    assert poisoned.status == "rejected" and poisoned.points == 0
    assert "process died" in poisoned.reason and "nothing else to grade" in poisoned.reason
    assert {s: r.points for s, r in results.items()} == dict.fromkeys(folders.keys() - {"poison"}, FULL)
    workers.client.wait_for_workers(2)


def test_a_lost_scheduler_is_one_sentence_and_the_same_command_goes_on(
    workers, built_course, hand_in, tmp_path, empty_gradebook
):
    for number in range(8):
        hand_in(f"s{number}", ADDS)
    shutil.copy(empty_gradebook, tmp_path / "gradebook.db")

    def same_command(watch):
        grader = partial(ClusterGrader, address=workers.address)
        options = Options(grader=grader, level="cluster", watch=watch)
        return grade_unit(built_course, SLUG, tmp_path / "submitted", target=tmp_path, options=options)

    def pull_the_plug(what, done, of):
        if done == 2:
            workers.kill_scheduler()

    with pytest.raises(ClusterError, match=r"The scheduler at .* is gone. What was graded is kept"):
        same_command(pull_the_plug)
    workers.start_scheduler()
    workers.start_workers(1, "--no-nanny")
    done = same_command(lambda what, done, of: None)
    assert len(done.standing) >= 2 and len(done.standing) + len(done.written) == 8
    assert {read_record(tmp_path, f"s{n}", SLUG)["points"] for n in range(8)} == {7}


class HandedInUntil:
    """One work after another, at least `least` of them, and then until something is so."""

    def __init__(self, folder, least, is_so):
        self.folder, self.least, self.is_so = folder, least, is_so

    def items(self):
        for n in count():
            if n >= self.least and self.is_so():
                return
            yield f"s{n}", self.folder


def test_who_comes_late_gets_work_and_who_must_not_grade_gets_none(workers, unit, built_course, hand_in):
    told = []
    folders = HandedInUntil(hand_in("s"), 16, lambda: len(told) == 2)
    with ClusterGrader(unit, built_course, address=workers.address, tell=told.append) as cluster:
        results = cluster.grade_class(folders)
        marks = [next(results).points]
        before = set(workers.client.nthreads())
        workers.start_workers(1, "--no-nanny")
        (late,) = set(workers.client.nthreads()) - before
        workers.start_workers_with("numpy", "sandbox")
        marks += [result.points for result in results]
        graders = workers.client.run(
            lambda: len(__import__("sys").modules["autograder.cluster.worker"]._warm), workers=[late]
        )
    assert set(marks) == {FULL}
    assert graders == {late: 1}
    assert "numpy 1.0, not" in " ".join(told) and "missing Landlock" in " ".join(told)


def test_workers_that_must_not_grade_are_named_before_anything_is_graded(workers, unit, built_course):
    """Two of them are there from the test before."""
    workers.start_workers_with("package")
    with pytest.raises(ClusterError, match="Nothing was graded") as refused:
        ClusterGrader(unit, built_course, address=workers.address)
    said = str(refused.value)
    assert said.count("The worker tcp://127.0.0.1:") == 3
    assert "package is missing" in said and "numpy 1.0, not" in said and "missing Landlock" in said
