"""A graded class: right marks for what can be graded, a true reason for the rest, never a stopped batch."""

import json
import re
import sys

import pytest

from autograder.authoring import release
from autograder.engine.namespaces import ALL
from autograder.engine.process import EngineError
from tests.conftest import SLUG

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine forks and needs Linux")


@pytest.fixture
def grade(grader, unit, tmp_path):
    """Grade the solution after a replacement in its text."""

    def run(old="", new="", solution=True, data=None):
        text = release.notebook_json(unit.notebooks[0], solution=solution)
        assert old in text
        (tmp_path / "tiny_numpy.ipynb").write_bytes(
            data if data is not None else text.replace(old, new, 1).encode()
        )
        return grader.grade("ada", tmp_path)

    run.unit = unit
    return run


def marks(result):
    return {c.name: c.points for n in result.notebooks for c in n.checks.values()}


FULL = {"scale": 3, "center": 4, "scale_centered": 2, "test_scale": 1}


def test_the_solution_earns_full_marks(grade):
    assert marks(grade()) == FULL


def test_the_untouched_release_earns_nothing_and_is_not_attempted(grade):
    result = grade(solution=False)
    assert result.points == 0
    assert {v.status for n in result.notebooks for c in n.checks.values() for v in c.verdicts} == {
        "not attempted"
    }


def test_a_known_mistake_is_told_and_costs_its_own_check_only(grade):
    result = grade("x * a", "x + a")
    assert marks(result) == {**FULL, "scale": 0}
    (said,) = result.record()["checks"][0]["says"].values()
    assert said == "You added a; scaling multiplies."


def test_a_test_that_returns_its_comparison_is_told_to_assert(grade):
    comparison = "np.allclose(implementation(x, 3.0), 3 * x)"
    checks = grade(f"assert {comparison}", f"return {comparison}").notebooks[0].checks.values()
    (verdict,) = next(c.verdicts for c in checks if c.name == "test_scale")
    assert not verdict.passed
    assert re.match("your test accepts a wrong scale with this mistake: .*use `assert`", verdict.message)


def test_no_hidden_input_comes_home_in_the_words_of_a_test_that_calls_itself_a_stub(grade):
    """Whoever reads the hidden inputs could hand in a table next time."""
    stub = "__import__('sys').modules['autograder.running'].NotAttempted(f'met {implementation}')"
    checks = grade("x = np.array([[1.0, -2.0, 3.0]])", f"raise {stub}").notebooks[0].checks.values()
    (verdict,) = next(c.verdicts for c in checks if c.name == "test_scale")
    assert (verdict.status, verdict.message) == ("not attempted", "not attempted")


def test_points_are_shared_among_the_probes_of_a_check(grade):
    assert marks(grade("return x - mu, mu", "return x - mu, 2 * mu")) == {**FULL, "center": 2}


def test_what_is_right_on_public_inputs_only_fails_and_nothing_hidden_is_told(grade, built_course):
    index = json.loads((built_course / "exercises" / SLUG / "checks" / "tiny_numpy.json").read_text())
    shapes = "x.shape == (4, 3)"
    result = grade("secret_product = x * a", f"secret_product = x * a if {shapes} else x * a + 1")
    assert index["probes"][0]["name"] == "scales_every_entry"
    (failed,) = [v for v in result.notebooks[0].checks["check-scale"].verdicts if not v.passed]
    assert failed.message == "on hidden inputs: the values are wrong"


def test_a_served_function_is_the_reference_not_the_students_wrong_one(grade):
    assert marks(grade("x * a", "x + a"))["scale_centered"] == 2


@pytest.mark.parametrize(
    ("old", "new", "lost", "words"),
    [
        ("secret_product = x * a", "while True: pass", "scale", "endless loop"),
        ("secret_product = x * a", "import os; os._exit(0)", "scale", "ended the Python process"),
        ("secret_product = x * a", "import os; os.kill(os.getpid(), 9)", "scale", "ended the Python process"),
        ("secret_product = x * a", "exit()", "scale", ""),
        ("secret_product = x * a", "secret_product = x *", "scale", "SyntaxError"),
        ("secret_product = x * a", "secret_product = unknown", "scale", "NameError"),
        ("mu = x.mean(axis=0)", "mu = [b'1', {}]", "center", ""),
        ("return x - mu, mu", "return None", "center", "TypeError"),
        (
            "return scale(x - x.mean(axis=0), a)",
            "return [scale(x, a) for _ in iter(int, 1)]",
            "scale_centered",
            "",
        ),
    ],
)
def test_a_broken_function_costs_its_own_check_only(grade, old, new, lost, words):
    result = grade(old, new)
    expected = {**FULL, lost: 0}
    assert marks(result) == expected
    assert words in json.dumps(result.record())


@pytest.mark.parametrize(
    "cell", ["while True: pass", "import os\\nos._exit(1)", "1/0", "raise SystemExit", "input()"]
)
def test_a_broken_cell_of_the_students_own_costs_nothing(grade, unit, cell):
    own = f'{{"cell_type": "code", "metadata": {{}}, "outputs": [], "source": ["{cell}"]}},\n  {{'
    result = grade('"cells": [\n  {', f'"cells": [\n  {own}')
    assert marks(result) == FULL


def test_global_state_that_a_cell_leaves_behind_is_put_back(grade):
    spoil = "import numpy as np\\nnp.seterr(all='raise')\\nimport warnings\\nwarnings.simplefilter('error')"
    own = f'{{"cell_type": "code", "metadata": {{}}, "outputs": [], "source": ["{spoil}"]}},\n  {{'
    assert marks(grade('"cells": [\n  {', f'"cells": [\n  {own}')) == FULL


def test_a_file_that_is_no_notebook_is_rejected_with_a_reason(grade):
    result = grade(data=b"{ half a notebook")
    assert (result.status, result.points) == ("rejected", 0)
    assert "not valid JSON" in result.reason
    assert result.max_points == 10


def test_a_class_is_graded_whole_whatever_is_in_it(grader, unit, tmp_path):
    solution = release.notebook_json(unit.notebooks[0], solution=True)
    class_of = {
        "ada": solution,
        "bob": "garbage",
        "eve": solution.replace("secret_product = x * a", "import os; os.abort()"),
        "zoë o'neill": solution,
    }
    for student, text in class_of.items():
        (tmp_path / student).mkdir()
        (tmp_path / student / "tiny_numpy.ipynb").write_text(text)
    results = {r.student: r for r in grader.grade_class({s: tmp_path / s for s in class_of}, jobs=2)}
    assert {s: r.points for s, r in results.items()} == {"ada": 10, "bob": 0, "eve": 7, "zoë o'neill": 10}


def test_a_full_disk_stops_the_run_and_rejects_nobody(grader, unit, tmp_path, monkeypatch):
    """Whoever filled it, it is no fault of whose turn it is: the next run grades them."""

    def full(**_):
        raise OSError(28, "No space left on device")

    (tmp_path / "tiny_numpy.ipynb").write_text(release.notebook_json(unit.notebooks[0], solution=True))
    monkeypatch.setattr("autograder.engine.process.tempfile.mkdtemp", full)
    with pytest.raises(EngineError, match=r"No space left on device.*start the run again"):
        list(grader.grade_class({"ada": tmp_path}, jobs=1))


def test_use_of_a_forbidden_name_is_flagged_for_review_and_not_a_verdict(grade):
    result = grade("x * a", "np.multiply(x, a)")
    assert result.points == 10
    assert result.notebooks[0].flags == ["scale uses np.multiply"]


def test_nothing_of_an_answer_is_in_the_child(grade, built_course):
    """Whatever the child can reach of the course: files, modules, environment, its own memory by gc."""
    code = """
import gc, os, sys, glob
seen = []
for root in (r'ROOT', os.getcwd(), '/proc/' + str(os.getppid())):
    for path in glob.glob(root + '/**/*', recursive=True)[:200]:
        try:
            seen.append(open(path, errors='replace').read(5000))
        except OSError:
            pass
seen += list(os.environ.values())
seen += [repr(o)[:5000] for o in gc.get_objects() if type(o) in (dict, list, tuple) and len(o) < 200]
print('FOUND' if any('secret' + '_product' in s for s in seen) else 'NOTHING', len(seen))
""".replace("ROOT", str(built_course))
    own = json.dumps({"cell_type": "code", "metadata": {}, "outputs": [], "source": code})
    result = grade('"cells": [\n  {', f'"cells": [\n  {own},\n  {{', solution=False)
    said = "".join(o.get("text", "") for s in result.notebooks[0].steps if s.kind == "own" for o in s.outputs)
    assert re.search(r"NOTHING \d+", said), said


def test_a_lost_cell_costs_its_own_check_only(grade, unit, tmp_path):
    document = json.loads(release.notebook_json(unit.notebooks[0], solution=True))
    document["cells"] = [c for c in document["cells"] if c["id"] != "scale"]
    assert marks(grade(data=json.dumps(document).encode())) == {**FULL, "scale": 0}


def test_what_a_probe_met_in_secret_is_never_printed(grade):
    """A function keeps its inputs, and a later cell prints them: only public ones are in its reach."""
    spy = "kept = []\ndef scale(x, a):\n    kept.append(x.shape)\n    return x * a"
    stash = json.dumps(
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": "print('MET', len(kept))"}
    )
    document = json.loads(release.notebook_json(grade.unit.notebooks[0], solution=True))
    for cell in document["cells"]:
        if cell["id"] == "scale":
            cell["source"] = spy
    document["cells"].append(json.loads(stash))
    result = grade(data=json.dumps(document).encode())
    (text,) = [o["text"] for s in result.notebooks[0].steps if s.kind == "own" for o in s.outputs]
    assert text == "MET 3\n"  # the three public cases, and none of the hidden ones
    assert result.points == 10


def test_no_record_says_level_a_of_a_process_that_lacks_a_layer(grader, monkeypatch):
    monkeypatch.setattr(grader, "sandbox", "A")
    monkeypatch.setattr(grader._zygotes["numpy"], "namespaces", ALL - {"pid"})
    with pytest.raises(EngineError, match="without pid"):
        grader._assert_level()
