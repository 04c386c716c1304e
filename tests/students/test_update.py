"""A student takes a fixed notebook over: their work is in it, what was fixed is in it, nothing is lost."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.authoring.release import notebook_json
from autograder.authoring.unit import BEGIN, END, Cell, Notebook
from autograder.cli import main
from autograder.takeover import TakeoverError, merge, update_notebook

BODY = f"    {BEGIN}\n    return kept_back\n    {END}\n"
CELLS = [
    Cell("text", "00", "# A unit", markdown=True),
    Cell("given", "01", "import numpy as np"),
    Cell("text", "02", "## 1. Center", markdown=True),
    Cell("solution", "center", f'def center(x):\n    """Subtract the mean."""\n{BODY}'),
    Cell("check", "center", "check(center)", points=3),
    Cell("text", "05", "## 2. Scale", markdown=True),
    Cell("solution", "scale", f'def scale(x):\n    """Divide."""\n{BODY}'),
    Cell("check", "scale", "check(scale)", points=2),
    Cell("question", "why", "*Your answer.*", points=2, markdown=True),
    Cell("experiment", "rates", "rates = [0.1, 0.2]\ntrain(rates)"),
]
Document = dict[str, Any]


def released(cells: list[Cell] = CELLS, unit: str = "77-tiny") -> Document:
    return json.loads(notebook_json(Notebook(unit, "tiny_numpy", False, cells), solution=False))


def fixed(**texts: str) -> list[Cell]:
    """The cells, some with another text: by id, with _ for -."""
    changed = {id.replace("_", "-"): text for id, text in texts.items()}
    return [replace(c, source=changed.get(c.id, c.source)) for c in CELLS]


def cell(document: Document, id: str) -> Document:
    return next(c for c in document["cells"] if c["id"] == id)


def source(document: Document, id: str) -> str:
    return "".join(cell(document, id)["source"])


def write(document: Document, id: str, text: str) -> None:
    cell(document, id)["source"] = text.splitlines(keepends=True)


def own(text: str, id: str = "mine", kind: str = "code") -> Document:
    made = {"cell_type": kind, "id": id, "metadata": {}, "source": text.splitlines(keepends=True)}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def texts(document: Document) -> list[str]:
    return ["".join(c["source"]) for c in document["cells"]]


SCALE = "def scale(x):\n    return x / x.std()"


@pytest.fixture
def work() -> Document:
    """One exercise solved, one question answered, one cell of the student's own."""
    old = released()
    write(old, "scale", SCALE)
    write(old, "question-why", "Because of the mean.")
    old["cells"].insert(4, own("print(center)"))
    return old


def test_answers_and_own_cells_come_into_the_new_release(work: Document) -> None:
    new = released(fixed(text_02="## 1. Center, now without a slip"))
    merged, told = merge(work, new)
    assert source(merged, "scale") == SCALE
    assert source(merged, "question-why") == "Because of the mean."
    assert source(merged, "text-02") == "## 1. Center, now without a slip"
    assert "kept_back" not in json.dumps(merged)
    order = [c["id"] for c in merged["cells"]]
    assert order[3:6] == ["center", "mine", "check-center"]
    assert told == [
        "text 02: the new release's text; you had not changed it.",
        "Your own cell after center: print(center)",
        "scale: your work was taken over.",
        "question why: your work was taken over.",
    ]


def test_nothing_of_the_new_release_is_missing(work: Document) -> None:
    new = released(fixed(check_center="check(center)  # fixed", given_01="import numpy as np\nimport math"))
    merged, _ = merge(work, new)
    for there in new["cells"]:
        if there["id"] not in ("scale", "question-why"):
            assert cell(merged, there["id"])["source"] == there["source"]
        assert cell(merged, there["id"])["metadata"] == there["metadata"]


def test_an_exercise_that_was_not_begun_gets_the_new_text(work: Document) -> None:
    new = released(fixed(center=f'def center(x, axis=0):\n    """Subtract the mean."""\n{BODY}'))
    merged, told = merge(work, new)
    assert source(merged, "center").startswith("def center(x, axis=0)")
    assert "center: the new release's text; you had not changed it." in told


def test_where_both_changed_an_exercise_the_new_text_stands_above_the_students(work: Document) -> None:
    new = released(fixed(scale=f'def scale(x, eps):\n    """Divide, safely."""\n{BODY}'))
    merged, told = merge(work, new)
    assert source(merged, "scale") == SCALE
    above = texts(merged)[[c["id"] for c in merged["cells"]].index("scale") - 1]
    assert "def scale(x, eps):" in above and "Divide, safely." in above
    assert "scale: your work was taken over. The release changed this cell too" in " ".join(told)


def test_a_change_of_given_code_stays_where_the_release_did_not_touch_it(work: Document) -> None:
    write(work, "given-01", "import numpy as np\nimport os")
    merged, told = merge(work, released(fixed(text_00="# A fixed unit")))
    assert source(merged, "given-01") == "import numpy as np\nimport os"
    assert "given 01: your change was taken over." in told


def test_where_both_changed_given_code_the_releases_counts_and_the_students_is_at_the_end(
    work: Document,
) -> None:
    write(work, "given-01", "import numpy as np\nimport os")
    merged, told = merge(work, released(fixed(given_01="import numpy as np\nimport math")))
    assert source(merged, "given-01") == "import numpy as np\nimport math"
    assert texts(merged)[-1] == "import numpy as np\nimport os"
    assert texts(merged)[-2].startswith("## From your earlier notebook")
    assert "given 01: the new release's text; what you had there is at the end." in told


def test_an_exercise_that_is_gone_is_kept_at_the_end_if_it_was_begun(work: Document) -> None:
    without = [c for c in CELLS if c.name not in ("scale", "center")]
    merged, told = merge(work, released(without))
    assert texts(merged)[-1] == SCALE
    assert not any("def center" in text for text in texts(merged))
    assert "scale: not in the new release any more; what you had is at the end." in told
    assert "autograder" not in merged["cells"][-1]["metadata"]


def test_numbered_cells_are_known_again_where_a_release_puts_another_one_before_them(work: Document) -> None:
    write(work, "given-01", "import numpy as np\nimport os")
    numbered = [Cell("text", "01", "Read this first.", markdown=True), *CELLS[1:]]
    new = [
        CELLS[0],
        *(replace(c, name=f"{int(c.name) + 1:02d}") if c.name.isdigit() else c for c in numbered),
    ]
    new[1] = replace(new[1], name="01")
    merged, told = merge(work, released(new))
    assert source(merged, "given-02") == "import numpy as np\nimport os"
    assert texts(merged).count("## 2. Scale") == 1
    assert not any("at the end" in sentence for sentence in told)


def test_a_text_that_is_gone_does_not_take_the_place_of_the_one_that_got_its_number(work: Document) -> None:
    new = [replace(c, name="02") if c.id == "text-05" else c for c in CELLS if c.id != "text-02"]
    merged, _ = merge(work, released(new))
    assert texts(merged).count("## 2. Scale") == 1 and "## 1. Center" not in texts(merged)


def test_outputs_stay_with_a_text_that_stays(work: Document) -> None:
    out = {"output_type": "stream", "name": "stdout", "text": "3\n"}
    cell(work, "experiment-rates")["outputs"] = [out]
    cell(work, "check-center")["outputs"] = [out]
    merged, _ = merge(work, released(fixed(check_center="check(center)  # fixed")))
    assert cell(merged, "experiment-rates")["outputs"] == [out]
    assert cell(merged, "check-center")["outputs"] == []


def test_a_pasted_picture_stays_in_the_answer(work: Document) -> None:
    cell(work, "question-why")["attachments"] = {"a.png": {"image/png": "AAAA"}}
    merged, _ = merge(work, released())
    assert cell(merged, "question-why")["attachments"] == {"a.png": {"image/png": "AAAA"}}


def test_an_exercise_whose_cell_lost_its_marks_is_known_by_what_it_defines(work: Document) -> None:
    lost = cell(work, "scale")
    lost |= {"id": "abc", "metadata": {}}
    merged, _ = merge(work, released())
    assert source(merged, "scale") == SCALE and texts(merged).count(SCALE) == 1


def test_taking_the_same_release_over_twice_changes_nothing(work: Document) -> None:
    new = released(fixed(given_01="import numpy as np\nimport math"))
    once, _ = merge(work, new)
    twice, _ = merge(copy.deepcopy(once), new)
    assert twice == once


def test_the_students_kernel_stays(work: Document) -> None:
    work["metadata"]["kernelspec"] = {"name": "torch-env", "display_name": "T", "language": "python"}
    assert merge(work, released())[0]["metadata"]["kernelspec"]["name"] == "torch-env"


def test_two_notebooks_that_do_not_belong_together_are_refused(work: Document) -> None:
    with pytest.raises(TakeoverError, match=r"made from 77-tiny/tiny_numpy, .* is 78-other/tiny_numpy"):
        merge(work, released(unit="78-other"))


def test_swapped_names_are_noticed(work: Document) -> None:
    with pytest.raises(TakeoverError, match=r"not as it was released .*: give your notebook first"):
        merge(released(), work)


LINES = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=3)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Document, Document, list[str]]:
    """A notebook that a student worked in, another release of it, and the lines that the student wrote."""
    old, written, number = released(), [], iter(range(1000))

    def lines() -> str:
        new = [f"wrote_{next(number)} = '{word}'" for word in draw(LINES)]
        written.extend(new)
        return "\n".join(new)

    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(old["cells"]) - 1))
        there = old["cells"][at]
        deed = draw(st.sampled_from(["edit", "add", "move", "twice", "forget", "note"]))
        if deed == "edit":
            there["source"] = ["".join(there["source"]) + "\n" + lines()]
        elif deed == "add":
            old["cells"].insert(at, own(lines(), draw(st.sampled_from(["center", "x", "own-1", "ä b"]))))
        elif deed == "note":
            old["cells"].insert(at, own(lines(), "note", "markdown"))
        elif deed == "move":
            old["cells"].insert(0, old["cells"].pop(at))
        elif deed == "twice":
            old["cells"].insert(at, copy.deepcopy(there) | {"id": f"copy-{next(number)}"})
        else:
            there["metadata"].pop(draw(st.sampled_from(["autograder", "nbgrader"])), None)
    kept = draw(st.lists(st.sampled_from(CELLS), unique=True, min_size=1))
    cells = [replace(c, source=c.source + draw(st.sampled_from(["", "\n# fixed"]))) for c in kept]
    return old, released(cells), written


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_no_line_that_a_student_wrote_is_ever_lost(history: tuple[Document, Document, list[str]]) -> None:
    old, new, written = history
    before = copy.deepcopy((old, new))
    merged, told = merge(old, new)
    everything = "\n".join(texts(merged)).splitlines()
    assert [line for line in written if line not in everything] == []
    ids = [c["id"] for c in merged["cells"]]
    assert [id for id in ids if id in {c["id"] for c in new["cells"]}] == [c["id"] for c in new["cells"]]
    nbformat.validate(nbformat.from_dict(merged))
    assert (old, new) == before and (told or not written)


@pytest.fixture
def desk(tmp_path: Path, work: Document) -> Path:
    """The student's folder with their notebook, and one with the new release and its checks."""
    for folder, document in (("mine", work), ("new", released(fixed(text_00="# Fixed")))):
        (tmp_path / folder / "checks").mkdir(parents=True)
        text = json.dumps(document, ensure_ascii=False)
        (tmp_path / folder / "tiny_numpy.ipynb").write_text(text, encoding="utf-8")
        for kind in ("json", "npz", "py"):
            (tmp_path / folder / "checks" / f"tiny_numpy.{kind}").write_text(folder)
    return tmp_path


def test_the_command_keeps_the_old_notebook_and_says_what_it_did(desk: Path) -> None:
    mine, new = desk / "mine" / "tiny_numpy.ipynb", desk / "new" / "tiny_numpy.ipynb"
    before = mine.read_bytes()
    done = CliRunner().invoke(main, ["update", str(mine), str(new)])
    assert done.exit_code == 0, done.output
    assert "scale: your work was taken over." in done.output
    assert (desk / "mine" / "tiny_numpy.before-update.ipynb").read_bytes() == before
    assert texts(json.loads(mine.read_text(encoding="utf-8")))[0] == "# Fixed"
    assert (desk / "mine" / "checks" / "tiny_numpy.py").read_text() == "new"


def test_an_older_copy_is_never_replaced(desk: Path) -> None:
    mine, new = desk / "mine" / "tiny_numpy.ipynb", desk / "new" / "tiny_numpy.ipynb"
    names = [update_notebook(mine, new).backup.name for _ in range(3)]
    assert names == [f"tiny_numpy.before-update{n}.ipynb" for n in ("", "-2", "-3")]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"worksheets": []}', "[" * 100_000])
def test_what_is_no_notebook_is_refused_in_a_sentence_and_nothing_changes(desk: Path, text: str) -> None:
    mine, new = desk / "mine" / "tiny_numpy.ipynb", desk / "new" / "tiny_numpy.ipynb"
    mine.write_text(text)
    done = CliRunner().invoke(main, ["update", str(mine), str(new)])
    assert done.exit_code == 1 and "is not a notebook that can be read" in done.output.replace("\n", " ")
    assert mine.read_text() == text and len(list(mine.parent.iterdir())) == 2


def test_one_file_twice_is_refused(desk: Path) -> None:
    mine = str(desk / "mine" / "tiny_numpy.ipynb")
    done = CliRunner().invoke(main, ["update", mine, mine])
    assert done.exit_code == 1 and "one file" in done.output
