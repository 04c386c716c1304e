"""`check(f)`, as a student meets it."""

import os
import shutil
import sys

import numpy as np
import pytest

import autograder
from autograder.report import Report
from autograder.student import PublicChecks
from autograder.verdict import Mistake, Verdict
from tests.conftest import SLUG

KEY = f"{SLUG}/tiny_numpy"


@pytest.fixture
def beside_the_notebook(built_course, monkeypatch):
    monkeypatch.chdir(built_course / "exercises" / SLUG)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


@pytest.fixture
def check(beside_the_notebook):
    return autograder.checks(KEY)


def scale(x, a):
    return x * a


def test_a_right_function_passes(check, capsys):
    check(scale)
    assert "scale: passed" in capsys.readouterr().out


def test_a_known_mistake_gets_its_sentence(check, capsys):
    def scale(x, a):
        return x + a

    check(scale)
    assert "You added a; scaling multiplies." in capsys.readouterr().out


def test_a_stub_is_not_attempted(check, capsys):
    def scale(x, a):
        raise NotImplementedError

    check(scale)
    assert capsys.readouterr().out.strip() == "scale: not attempted yet"


def test_a_loop_and_a_float32_version_are_right_too(beside_the_notebook):
    def loop(x, a):
        return np.array([[v * a for v in row] for row in x])

    def narrow(x, a):
        return (x * a).astype(np.float32)

    for way in (loop, narrow):
        assert PublicChecks(KEY).report("scale", {"scale": way}).passed


def test_it_does_not_raise_so_that_run_all_goes_on_except_under_nbgrader(check, monkeypatch):
    def scale(x, a):
        return x

    check(scale)
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(autograder.CheckFailed, match="scale: 0 of 1 checks passed"):
        check(scale)


def test_something_else_than_an_exercise_gets_a_sentence(check, capsys):
    check(len)
    assert "check expects one of scale" in capsys.readouterr().out


def test_missing_checks_are_told_with_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    autograder.checks("99-none/none")(scale)
    assert "Copy the folder that came with the notebook" in capsys.readouterr().out


def test_what_cannot_be_checked_earns_nothing_under_nbgrader(check, tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(autograder.CheckFailed, match="check expects one of scale"):
        check(len)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(autograder.CheckFailed, match="Copy the folder"):
        autograder.checks("99-none/none")(scale)


def test_checks_of_another_version_of_the_package_are_told(built_course, tmp_path, monkeypatch, capsys):
    shutil.copytree(built_course / "exercises" / SLUG / "checks", tmp_path / "checks")
    index = tmp_path / "checks" / "tiny_numpy.json"
    index.write_text(index.read_text().replace('"format": 1', '"format": 99'))
    monkeypatch.chdir(tmp_path)
    autograder.checks(KEY)(scale)
    assert "different versions" in capsys.readouterr().out


class TestOwnTests:
    """An exercise that asks for a test."""

    def report(self, test):
        return PublicChecks(KEY).report("test_scale", {"scale": scale, "test_scale": test})

    def test_one_that_accepts_everything_is_told_what_it_let_through(self, beside_the_notebook):
        assert "accepts a broken scale: everything twice as large" in self.report(lambda _: None).text()

    def test_one_that_returns_its_comparison_is_told_to_assert(self, beside_the_notebook):
        def test(implementation):
            return implementation(np.ones(2), 3.0).tolist() == [3, 3]

        assert "use `assert`" in self.report(test).text()

    def test_one_that_rejects_the_students_own_function_is_told_so(self, beside_the_notebook):
        def test(implementation):
            raise AssertionError("never")

        assert "rejects your own scale" in self.report(test).text()

    def test_it_waits_until_the_function_that_it_judges_is_right(self, beside_the_notebook):
        def test(implementation):
            assert implementation(np.ones(2), 3.0).tolist() == [3, 3]

        names = {"scale": lambda x, a: x + a, "test_scale": test}
        report = PublicChecks(KEY).report("test_scale", names)
        assert not report.passed and "your scale must be right first" in report.text()

    def test_a_good_one_passes(self, beside_the_notebook):
        def test(implementation):
            assert implementation(np.ones(2), 3.0).tolist() == [3, 3]

        assert self.report(test).passed


def test_html_escapes_what_a_student_may_have_written():
    html = Report("f", [Verdict("p", "raised", "<script>alert(1)</script>")], [Mistake("m", "f", "s")]).html()
    assert "<script>" not in html


def test_the_students_side_imports_numpy_and_the_standard_library_only():
    code = (
        "import sys; before = set(sys.modules); import autograder\n"
        "extra = {m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)\n"
        "print(sorted(m for m in extra if not m.startswith('_')))"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "['autograder', 'numpy']"
