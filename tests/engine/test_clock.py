"""A process is charged what it computes and what it sleeps, not what a busy machine makes it wait."""

import os
import subprocess
import sys
from contextlib import ExitStack

import pytest

from autograder.authoring.unit import Limits
from autograder.engine.clock import GRACE, PATIENCE, TICK, TICKS_PER_SECOND, Allowance, Meter
from autograder.engine.session import Session
from autograder.engine.submission import Step
from tests.engine.conftest import descendants

linux = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")


class Process:
    """What the kernel would say of a process, and a clock on the wall."""

    def __init__(self, folder):
        self.wall = self.computed = 0.0
        self.path = folder / "stat"
        self.be("S")
        self.meter = Meter(os.open(self.path, os.O_RDONLY), now=lambda: self.wall)

    def be(self, state, seconds=0.0, share=0.0):
        """Spend `seconds` on the wall in this state, computing in `share` of them."""
        self.wall, self.computed = self.wall + seconds, self.computed + share * seconds
        user, system = int(self.computed * TICKS_PER_SECOND), 0
        name = "(a name) S 1 2)"  # chosen by the process
        self.path.write_text(f"7 {name} {state} 1 7 7 0 -1 64 0 0 0 0 {user} {system} 0 0 20 0 1 0 0 0\n")

    def run_out(self, allowance, state, share):
        """Seconds on the wall until the allowance is spent."""
        left = self.meter.left(allowance)
        while left() > 0:
            self.be(state, TICK, share)
        return self.wall


@pytest.fixture
def process(tmp_path):
    process = Process(tmp_path)
    yield process
    process.meter.close()


@pytest.mark.parametrize(
    ("state", "share", "seconds", "why"),
    [
        pytest.param("R", 1, 2, "endless loop", id="computing, alone on a processor"),
        pytest.param("R", 2, 1, "endless loop", id="computing in two threads"),
        pytest.param("S", 1, 2, "endless loop", id="computing in threads while the first one sleeps"),
        pytest.param("R", 0.25, 8, "endless loop", id="computing, with a quarter of a processor"),
        pytest.param("S", 0, 2, "asleep", id="sleeping"),
        pytest.param("T", 0, 2, "asleep", id="stopped by itself"),
        pytest.param("Z", 0, 2, "asleep", id="the first thread has ended, another sleeps"),
        pytest.param("R", 0, PATIENCE * 2 + GRACE, "busy machine", id="waiting for a processor for ever"),
        pytest.param("D", 0, PATIENCE * 2 + GRACE, "busy machine", id="waiting for a disk for ever"),
    ],
)
def test_two_seconds_last(process, state, share, seconds, why):
    allowance = Allowance(2)
    assert process.run_out(allowance, state, share) == pytest.approx(seconds, abs=2 * TICK)
    assert why in allowance.why()


def test_time_between_requests_is_not_slept(process):
    process.be("S", 3600)
    process.meter.start()
    allowance = Allowance(2)
    process.meter.look(allowance)
    assert allowance.spent == 0


def test_what_threads_compute_between_requests_is_charged(process):
    process.be("S", 10, share=0.5)
    process.meter.start()
    allowance = Allowance(2)
    process.meter.look(allowance, answered=True)
    assert allowance.computed == 5


def test_time_in_which_the_grading_process_itself_did_not_run_is_free(process):
    """Ctrl-Z, or a machine so busy that nobody looked."""
    allowance = Allowance(2)
    process.be("S", 3600)
    process.meter.look(allowance)
    assert allowance.slept <= 2 * TICK


def test_one_that_has_answered_does_not_sleep(process):
    allowance = Allowance(2)
    process.be("S", TICK, share=0.5)
    process.meter.look(allowance, answered=True)
    assert allowance.slept == 0 and allowance.computed == TICK / 2


def test_the_time_of_a_request_is_a_part_of_the_whole(process):
    whole = Allowance(3)
    process.run_out(Allowance(2, within=whole), "S", 0)
    assert whole.left == pytest.approx(1, abs=2 * TICK)
    process.run_out(Allowance(2, within=whole), "S", 0)
    assert whole.left <= 0


def test_a_process_that_has_no_clock_is_charged_all_its_time():
    wall = iter([0.0, TICK])
    allowance = Allowance(2)
    Meter(None, now=lambda: next(wall)).look(allowance)
    assert allowance.slept == TICK


BURN = "import time\nstop = time.process_time() + {}\nwhile time.process_time() < stop: pass\nprint('done')"


@pytest.fixture
def shown(grader, unit):
    """What is shown of a cell that may take as many seconds."""

    def run(source, seconds, then=lambda session: None):
        session = Session(grader._zygotes["numpy"], grader._banks["tiny_numpy"], Limits(seconds, seconds, 60))
        step = Step("own-0", "own", "", source)
        try:
            session.dialogue.child()
            then(session)
            session.cell(step)
        finally:
            session.dialogue.end()
        return step.outputs[0]["text"]

    return run


@linux
def test_a_cell_that_sleeps_is_ended_after_its_seconds(shown):
    told = shown("import time; time.sleep(3600)", 0.5)
    assert "longer than 0.5 seconds, most of them asleep" in told


@linux
def test_a_cell_that_computes_is_ended_after_its_seconds(shown):
    assert "longer than 0.5 seconds of computing" in shown(BURN.format(60), 0.5)


@linux
def test_a_cell_on_a_busy_processor_has_all_its_seconds(shown, grader):
    """Three others want the same processor: 0.2 seconds of computing take 0.8 by the clock on the wall."""
    processor = {max(os.sched_getaffinity(0))}
    with ExitStack() as busy:

        def crowd(session):
            for pid in descendants(grader._zygotes["numpy"]._process.pid):
                os.sched_setaffinity(pid, processor)
            for _ in range(3):
                neighbour = busy.enter_context(subprocess.Popen(["sh", "-c", "while :; do :; done"]))
                busy.callback(neighbour.kill)
                os.sched_setaffinity(neighbour.pid, processor)

        assert shown(BURN.format(0.2), 0.4, crowd) == "done\n"
    for pid in descendants(grader._zygotes["numpy"]._process.pid):
        os.sched_setaffinity(pid, os.sched_getaffinity(0))
