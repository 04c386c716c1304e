"""Processes with the reference solution: lent again and again, but never after a failure."""

from __future__ import annotations

import pytest

from autograder.engine import references
from autograder.engine.references import MAX_LOANS, References


class FakeChild:
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def started():
    return []


@pytest.fixture
def pool(started):
    def load():
        started.append(FakeChild())
        return started[-1]

    return References(load)


def test_a_process_is_lent_again(pool, started):
    for _ in range(3):
        with pool.one() as child:
            assert child is started[0]
    assert len(started) == 1


def test_two_at_a_time_get_one_each(pool, started):
    with pool.one() as first, pool.one() as second:
        assert first is not second
    assert len(started) == 2


def test_one_that_did_not_answer_is_ended_and_another_takes_its_place(pool, started):
    with pytest.raises(EOFError), pool.one():
        raise EOFError
    assert started[0].closed
    with pool.one() as child:
        assert child is started[1]


def test_one_that_was_lent_often_is_ended(pool, started, monkeypatch):
    monkeypatch.setattr(references, "MAX_LOANS", 2)
    for _ in range(4):
        with pool.one():
            pass
    assert [child.closed for child in started] == [True, False]


def test_all_are_ended_together(pool, started):
    with pool.one(), pool.one():
        pass
    pool.close()
    assert [child.closed for child in started] == [True, True]


def test_one_outlives_all_its_loans_though_each_takes_the_longest(grader, unit, monkeypatch):
    """The kernel ends a process that has computed too long on whoever's watch that falls."""
    (bank,) = grader._banks.values()
    allowed = []
    spawn = bank._zygote.spawn

    def watched(*, cpu_seconds, **options):
        allowed.append(cpu_seconds)
        return spawn(cpu_seconds=cpu_seconds, **options)

    monkeypatch.setattr(bank._zygote, "spawn", watched)
    bank._loaded().close()
    assert allowed[0] > MAX_LOANS * unit.limits.probe_seconds
