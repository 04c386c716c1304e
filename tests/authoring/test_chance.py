"""Checks of something random: what `verify` demands of them, and what becomes of their `expect`."""

import math

import numpy as np
import pytest

from autograder.authoring.build import build
from autograder.authoring.chance import RUNS, false_alarms
from autograder.authoring.unit import read_unit
from autograder.authoring.verify import verify
from autograder.student import PublicChecks
from tests.conftest import SLUG

EXERCISE = '''
# %% solution="flip"
def flip(n):
    """n coins: an array of zeros and ones, (n,)."""
    ### BEGIN SOLUTION
    return np.random.random(n) < 0.5
    ### END SOLUTION

# %% check="flip" points=2
check(flip)
'''

CHECK = """

@probe("flip", cases=2, rtol=0.1)
def flips_fair_coins(s, n):
    return {"share": np.mean(s.flip(n))}


@flips_fair_coins.inputs
def _(rng):
    return {"n": int(rng.integers(18000, 20000))}


@flips_fair_coins.expect
def _(n):
    secret_share = 0.5
    return {"share": secret_share}
"""

MISTAKE = """
[[mistake]]
id = "unfair"
of = "flip"
find = "< 0.5"
replace = "< 0.7"
says = "Heads come more often than tails."
"""


@pytest.fixture
def course(course):
    """The tiny unit with one exercise whose answers are random."""
    folder = course / "solutions" / SLUG
    for name, more in (("tiny_numpy.py", EXERCISE), ("checks.py", CHECK), ("mistakes.toml", MISTAKE)):
        with (folder / name).open("a") as file:
            file.write(more)
    return course


def edit(course, old, new):
    path = course / "solutions" / SLUG / "checks.py"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("sigmas", [2.0, 4.0])
def test_the_rate_of_false_alarms_is_that_of_a_gaussian_a_little_wider(sigmas):
    runs = np.random.default_rng(0).normal(3, 0.01, RUNS)
    found = false_alarms(runs, np.array(3.0), 0.01 * sigmas / 3)
    assert math.erfc(sigmas / math.sqrt(2)) < found < math.erfc(0.75 * sigmas / math.sqrt(2))


def test_what_is_wrong_on_average_always_fails():
    assert false_alarms(np.full(RUNS, 0.7), np.array(0.5), 0.1) == 1


def test_what_does_not_vary_never_fails():
    assert false_alarms(np.full(RUNS, 0.5), np.array(0.5), 1e-9) == 0


def test_a_sound_check_of_something_random_has_no_faults(course):
    proof = verify(read_unit(course, SLUG))
    assert proof.faults == []
    assert [(r.caught, r.recognised) for r in proof.rows if r.exercise == "flip"] == [(1, 1)]


def test_a_check_that_sometimes_fails_the_right_is_told(course):
    edit(course, "rng.integers(18000, 20000)", "rng.integers(400, 500)")
    assert any("fails a right solution with probability" in f for f in verify(read_unit(course, SLUG)).faults)


def test_a_bound_must_be_given(course):
    edit(course, ", rtol=0.1)", ")")
    with pytest.raises(ValueError, match="needs its own rtol"):
        build(read_unit(course, SLUG), course)


def test_expect_must_speak_of_what_the_probe_returns(course):
    edit(course, 'return {"share": secret_share}', 'return {"part": secret_share}')
    with pytest.raises(ValueError, match="the probe returns share, but its expect gives part"):
        build(read_unit(course, SLUG), course)


class TestReleased:
    @pytest.fixture
    def public(self, course, monkeypatch):
        build(read_unit(course, SLUG), course)
        monkeypatch.chdir(course / "exercises" / SLUG)
        return PublicChecks(f"{SLUG}/tiny_numpy")

    def test_expect_stays_with_the_author(self, public):
        for file in public.folder.iterdir():
            assert b"secret_share" not in file.read_bytes()

    @pytest.mark.parametrize("draw", [np.random.default_rng(1).random, np.random.default_rng(2).random])
    def test_any_way_to_draw_is_right(self, public, draw):
        assert public.report("flip", {"flip": lambda n: draw(n) >= 0.5}).passed

    def test_a_mistake_is_named_whatever_was_drawn(self, public):
        report = public.report("flip", {"flip": lambda n: np.random.default_rng(3).random(n) < 0.7})
        assert "Heads come more often than tails." in report.text()

    def test_a_second_build_changes_nothing(self, course, public):
        before = {p: p.stat().st_mtime_ns for p in public.folder.iterdir()}
        build(read_unit(course, SLUG), course)
        assert {p: p.stat().st_mtime_ns for p in public.folder.iterdir()} == before
