"""What students install: checks that run everywhere with NumPy alone, and no solution in it."""

import json
import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

NUMPY_NOTEBOOKS = sorted(ROOT.glob("exercises/*/*_numpy.ipynb"))
SOLUTION = re.compile(r'^# %% solution="(\w+)".*\n((?:(?!# %%).*\n?)*)', re.MULTILINE)
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)

# A machine that is not Linux, with nothing installed but NumPy; matplotlib is there in name only.
ELSEWHERE = """
import os, sys, types
for name in ("resource", "fcntl", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "register_at_fork", "setuid", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
class NothingElse:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names | {"numpy", "autograder", "lab"}:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
sys.meta_path.insert(0, NothingElse())
for name in ("matplotlib", "matplotlib.pyplot"):
    sys.modules[name] = types.ModuleType(name)
sys.path.insert(0, sys.argv[1])
import autograder
assert autograder.__file__.startswith(sys.argv[1]), autograder.__file__
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def content(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory):
    """Run Python code, with the unpacked wheel, on a machine of the kind above."""
    installed = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)

    def run(code, *arguments, where):
        command = [sys.executable, "-c", ELSEWHERE + code, str(installed), *map(str, arguments)]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=where, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def solutions(notebook: Path) -> dict[str, str]:
    source = (ROOT / "solutions" / notebook.parent.name / f"{notebook.stem}.py").read_text(encoding="utf-8")
    return dict(SOLUTION.findall(source))


def test_numpy_is_the_only_hard_requirement(content):
    metadata = next(data for name, data in content.items() if name.endswith(".dist-info/METADATA"))
    wanted = Parser().parsestr(metadata.decode()).get_all("Requires-Dist")
    assert [w for w in wanted if "extra ==" not in w] == ["numpy>=2.0"]


def test_it_holds_the_two_typed_packages_and_the_released_checks(content):
    tops = {name.partition("/")[0] for name in content if ".dist-info" not in name}
    assert tops == {"autograder", "lab"}
    assert {"autograder/py.typed", "lab/py.typed"} <= set(content)
    released = {p.relative_to(ROOT / "exercises").as_posix() for p in ROOT.glob("exercises/*/checks/*.*")}
    assert {f"autograder/released/{name}" for name in released} == {
        name for name in content if name.startswith("autograder/released/")
    }


@pytest.mark.parametrize("notebook", sorted(ROOT.glob("exercises/*/*.ipynb")), ids=lambda p: p.stem)
def test_it_holds_no_line_of_a_solution(content, notebook):
    """Lines that are too short to be one author's own are left out."""
    everything = "\n".join(data.decode("latin-1") for data in content.values())
    lines = {
        line.strip()
        for cell in solutions(notebook).values()
        for region in REGION.findall(cell)
        for line in region.splitlines()
        if len(line.strip()) > 30
    }
    assert lines and [line for line in sorted(lines) if line in everything] == []


@pytest.mark.parametrize("slug", sorted(p.parent.name for p in ROOT.glob("solutions/*/unit.toml")))
def test_it_holds_nothing_that_is_kept_back(content, slug):
    pytest.importorskip("jupytext", reason="units are read with jupytext")
    from autograder.authoring.unit import read_unit, slugs
    from tests.units.kept_back import leaks, texts

    others = [read_unit(ROOT, other) for other in slugs(ROOT)]
    assert leaks(read_unit(ROOT, slug), list(texts(content.items())), others) == []


def test_it_holds_no_notebook_no_master_and_nothing_of_the_authors_folder(content):
    wrong = re.compile(r"\.ipynb$|mistakes\.toml$|unit\.toml$|solutions|masters|\.secret|gradebook\.db")
    assert [n for n in content if wrong.search(n) and "/template/" not in n] == []


def test_importing_it_needs_numpy_and_the_standard_library_only(elsewhere, tmp_path):
    told = elsewhere("print(autograder.__version__, 'torch' in sys.modules)", where=tmp_path)
    assert told.split() == ["0.1.0", "False"]


@pytest.mark.parametrize("notebook", NUMPY_NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_without_its_folder_finds_its_checks_in_the_package(elsewhere, notebook, tmp_path):
    key = f"{notebook.parent.name}/{notebook.stem}"
    first = next(iter(solutions(notebook)))
    code = f"def {first}(*_, **__): raise NotImplementedError\nautograder.checks({key!r})({first})"
    assert "not attempted yet" in elsewhere(code, where=tmp_path)


CHECK_ALL = """
from pathlib import Path
from autograder.selfcheck import check_notebook
for report in check_notebook(Path(sys.argv[2])):
    print('report', report.headline)
"""


def reported(text):
    return [line for line in text.splitlines() if line.startswith("report ")]


@pytest.mark.parametrize("notebook", NUMPY_NOTEBOOKS, ids=lambda p: p.stem)
def test_without_fork_and_resource_a_right_notebook_passes_every_check(elsewhere, notebook, tmp_path):
    right = solutions(notebook)
    document = json.loads(notebook.read_text(encoding="utf-8"))
    for cell in document["cells"]:
        mine = cell["metadata"]["autograder"]
        if mine["kind"] == "solution":
            cell["source"] = right.pop(mine["name"])
    assert right == {}
    path = tmp_path / notebook.name
    path.write_text(json.dumps(document), encoding="utf-8")
    headlines = reported(elsewhere(CHECK_ALL, path, where=tmp_path))
    assert headlines and [h for h in headlines if not h.endswith("passed") or " of " in h] == []


@pytest.mark.parametrize("notebook", NUMPY_NOTEBOOKS, ids=lambda p: p.stem)
def test_without_fork_and_resource_an_untouched_notebook_is_not_attempted(elsewhere, notebook, tmp_path):
    headlines = reported(elsewhere(CHECK_ALL, notebook, where=tmp_path))
    assert headlines and [h for h in headlines if "not attempted" not in h] == []


def test_torch_is_pinned_in_the_constraints_alone():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [w for extra in project["optional-dependencies"].values() for w in extra]
    assert not [w for w in wanted if w.startswith("torch==")]
    pinned = (ROOT / "constraints.txt").read_text().split()
    assert "torch==2.13.0" in pinned and "jupyter-book==1.0.4.post1" in pinned
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
