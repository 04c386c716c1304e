"""An exercise in a page: what Pyodide runs, asked here in CPython."""

import builtins
import json
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from autograder.page import MOST_OUTPUT, answer
from autograder.student import PublicChecks
from tests.conftest import ROOT, SLUG

sys.path.append(str(ROOT / "book/_ext"))
from page_wheel import modules, wheel

KEY = f"{SLUG}/tiny_numpy"
RIGHT = "def scale(x, a):\n    return x * a\n"
WRONG = "def scale(x, a):\n    return x + a\n"


@pytest.fixture(autouse=True)
def in_the_course(built_course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(built_course)


def ask(source: str, exercise: str = "scale") -> dict:
    return json.loads(answer(source, KEY, exercise))


def words(report: dict) -> str:
    """A plain report as `Report.text` sets it, without its line breaks and indents."""
    probes = [
        f"{p['mark']} {p['title']}" + (f": {p['detail']}" if p["detail"] else "") for p in report["probes"]
    ]
    mistakes = [f"→ {m['says']} {' '.join(m['notes'])}" for m in report["mistakes"]]
    return " ".join(" ".join([report["headline"], *probes, *mistakes]).split())


@pytest.mark.parametrize(
    "body", ["return x * a", "return x + a", "return x[0]", "return x.nothing", "raise NotImplementedError"]
)
def test_the_report_has_the_words_of_check(body: str) -> None:
    source = f"def scale(x, a):\n    {body}\n"
    names: dict = {}
    exec(compile(source, "<your code>", "exec"), names)
    assert words(ask(source)["report"]) == " ".join(PublicChecks(KEY).report("scale", names).text().split())


def test_a_right_answer_passes_and_a_known_mistake_gets_its_sentence() -> None:
    assert ask(RIGHT)["report"]["passed"] is True
    assert ask(WRONG)["report"]["mistakes"][0]["says"] == "You added a; scaling multiplies."


def test_code_that_raises_in_a_check_is_quoted_with_its_line() -> None:
    detail = ask("# a comment\ndef scale(x, a):\n    return x.nothing\n")["report"]["probes"][0]["detail"]
    assert "line 3, in scale: return x.nothing" in detail


def test_an_error_at_top_level_shows_only_lines_of_the_reader() -> None:
    got = ask("def f():\n    return 1 / 0\n\nf()\n")
    assert got["report"] is None
    assert 'File "<your code>", line 4, in <module>\n    f()' in got["error"]
    assert "return 1 / 0" in got["error"]
    assert "page.py" not in got["error"]


def test_a_syntax_error_quotes_the_line() -> None:
    error = ask("def scale(x, a)\n    return x\n")["error"]
    assert "def scale(x, a)\n" in error
    assert error.splitlines()[-1].startswith("SyntaxError")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import numpy as np\nnp.ones(1 << 45)", "MemoryError"),
        ("def f(): f()\nf()", "RecursionError"),
        ("name = input('name? ')", "write the value into the code"),
    ],
)
def test_what_would_end_a_program_is_an_error_like_others(source: str, told: str) -> None:
    assert told in ask(source)["error"]
    assert ask(RIGHT)["report"]["passed"]


def test_a_function_that_exits_is_reported_with_its_line() -> None:
    detail = ask("def scale(x, a):\n    raise SystemExit\n")["report"]["probes"][0]["detail"]
    assert detail.startswith("SystemExit") and "line 2, in scale" in detail


def test_code_may_break_builtins_and_numpy_for_itself_only() -> None:
    mean, errors, printed = np.mean, np.geterr(), np.get_printoptions()
    ask(
        "import builtins\nimport numpy as np\nnp.seterr(all='raise')\nnp.set_printoptions(precision=1)\n"
        "np.mean = None\nbuiltins.print = builtins.vars = builtins.len = None\nsum = 3"
    )
    assert np.mean is mean
    assert np.geterr() == errors
    assert np.get_printoptions() == printed
    assert callable(builtins.len)
    assert ask(RIGHT)["report"]["passed"]


def test_settings_and_modules_of_one_run_do_not_spoil_the_next() -> None:
    limit, filters, dumps = sys.getrecursionlimit(), warnings.filters[:], json.dumps
    got = ask(
        "import builtins, json, sys, warnings\nimport numpy as np\nwarnings.simplefilter('error')\n"
        "sys.setrecursionlimit(200)\njson.dumps = np.linalg.norm = None\nbuiltins.mine = 1\n"
    )
    assert got["error"] is None
    assert (sys.getrecursionlimit(), warnings.filters, json.dumps) == (limit, filters, dumps)
    assert callable(np.linalg.norm)
    assert not hasattr(builtins, "mine")


def test_names_do_not_live_into_the_next_run() -> None:
    ask(RIGHT)
    assert ask("left = 1")["report"]["headline"] == "scale: not attempted yet"


def test_what_the_code_prints_is_shown_and_cut_where_it_is_too_long() -> None:
    got = ask("import sys\nprint('one')\nprint('two', file=sys.stderr)\n")
    assert got["output"] == "one\ntwo\n"
    long = ask("for _ in range(100_000):\n    print('again')\n")["output"]
    assert len(long) < MOST_OUTPUT + 100
    assert long.startswith("again\nagain\n")
    assert "cut here" in long


def test_what_is_printed_when_the_checks_call_is_told_apart() -> None:
    got = ask("print('once')\ndef scale(x, a):\n    print('a case')\n    return x * a\n")
    assert got["output"] == "once\n"
    assert set(got["called"].split("\n")) == {"a case", ""}


@pytest.mark.parametrize(
    "body", ["raise ValueError('long' * 100_000)", "x = 1; x." + "long" * 100_000, "'long' * 100_000 +"]
)
def test_the_text_of_an_error_is_cut_where_it_is_too_long(body: str) -> None:
    assert len(ask(body)["error"]) < MOST_OUTPUT + 100
    told = ask(f"def scale(x, a):\n    {body}\n")
    assert len(json.dumps(told)) < 2 * MOST_OUTPUT


def test_the_wheel_is_the_same_twice_and_holds_what_a_check_needs_and_no_more() -> None:
    name, data = wheel(ROOT / "autograder", "0.1.0")
    assert (name, data) == wheel(ROOT / "autograder", "0.1.0")
    folders = {"engine", "authoring", "bridge", "solutions", "released"}
    assert not folders & {part for module in modules(ROOT / "autograder") for part in Path(module).parts}
    assert not {"cli", "grading", "selfcheck"} & set(modules(ROOT / "autograder"))


def test_the_wheel_alone_with_numpy_checks_an_exercise(built_course: Path, tmp_path: Path) -> None:
    name, data = wheel(ROOT / "autograder", "0.1.0")
    (tmp_path / name).write_bytes(data)
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--no-compile", "--quiet"]
    subprocess.run([*pip, "--target", tmp_path / "lib", tmp_path / name], check=True)
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.testzip() is None
    code = f"""
import sys
sys.path.insert(0, {str(tmp_path / "lib")!r})
import numpy
import numpy.random  # brings modules of its own
before = set(sys.modules)
import autograder.page
assert autograder.page.__file__.startswith({str(tmp_path)!r})
print(autograder.page.answer({WRONG!r}, {KEY!r}, "scale"))
new = {{m.split(".")[0] for m in set(sys.modules) - before}} - set(sys.stdlib_module_names)
print(sorted(new))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=built_course, capture_output=True, text=True, check=True
    )
    report, imported = done.stdout.splitlines()
    assert "You added a; scaling multiplies." in report
    assert imported == "['autograder']"
