"""A grader as usual: it runs the notebook that was handed in, tests included, in one IPython.

A cell that shows no error earns its points. Attacks that gain nothing of the engine are tried here, to see
that they are real. `python -m tests.attacks.stock COURSE WORK` prints what each gains, as JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from autograder.authoring.build import load_built
from tests.attacks.attack import PAGE, STOCK, Attack
from tests.attacks.catalogue import ATTACKS
from tests.attacks.classroom import Decoys, as_victim, hand_in
from tests.bridge.pages import Page
from tests.bridge.test_markdown import rendered
from tests.conftest import SLUG

# What nbgrader's instructors write between BEGIN and END HIDDEN TESTS; the release itself calls `check`.
ASSERTS = {
    "check-scale": """
# scales_by_zero
x = np.arange(10.0).reshape(5, 2) - 4
expected = 2.0 * x
np.testing.assert_allclose(scale(x, 2.0), expected)
""",
    "check-center": """
x = np.arange(12.0).reshape(4, 3) ** 2
centered, mu = center(x)
assert not (abs(centered - (x - x.mean(axis=0))) > 1e-6).any()
assert not (abs(mu - x.mean(axis=0)) > 1e-6).any()
""",
    "check-scale_centered": """
x = np.arange(12.0).reshape(4, 3)
assert all(map(bool, (scale_centered(x, 2.0) == 2.0 * (x - x.mean(axis=0))).ravel()))
""",
    "check-test_scale": """
exec("def scale(x, a):\\n    return x * a", right := {})
test_scale(right["scale"])
for wrong in (lambda x, a: x + a, lambda x, a: x * a * a):
    try:
        test_scale(wrong)
    except AssertionError:
        continue
    raise AssertionError("your test accepts a wrong scale")
""",
}
HONEST = Attack("honest", "0", "what is earned", points=10, works=PAGE)  # gains nothing here either
SUITES: list[dict[str, str]] = [ASSERTS, {}]


class Shell(InteractiveShell):
    """As ipykernel's: an error is what is shown as one."""

    errors: Any = None

    def _showtraceback(self, _: Any, __: Any, stb: list[str]) -> None:
        self.errors.append("\n".join(stb))


def main(course: str, work: str) -> None:
    unit = load_built(Path(course), SLUG)
    folder = Path(work)
    (folder / "course").symlink_to(course)
    as_victim(folder, "root", namespaces=True)
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config)
    decoys = Decoys(folder)
    os.chdir(Path(course) / "exercises" / SLUG)  # the checks are there
    wanted = [a for a in ATTACKS if a.works in (STOCK, PAGE)]
    for student, place in hand_in(unit, Path(course), wanted, decoys):
        (folder / "handed-in").mkdir(exist_ok=True)
        (folder / "handed-in" / student).symlink_to(place)
    found = {}
    for attack in [*wanted, HONEST]:
        (path,) = (folder / "handed-in" / attack.student).glob("*.ipynb")
        document = json.loads(path.read_text())
        found[attack.student] = []
        for suite in SUITES:
            done = _apart(partial(run, shell, document, suite))
            done["page"].append(path.name)
            found[attack.student].append(done)
            if gained(attack, done):
                break
    print(json.dumps(found))


def _apart(do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """In a forked process: what one notebook breaks is whole for the next."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        with os.fdopen(theirs, "w") as answer:
            json.dump(do(), answer)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        said = answer.read()
    os.wait()
    return dict(json.loads(said)) if said else {"points": 0, "text": "", "size": 0, "page": []}


def run(shell: Shell, document: dict[str, Any], suite: dict[str, str]) -> dict[str, Any]:
    """Points, text and size of what one notebook shows, and the raw HTML of a page that escapes nothing."""
    points, shown, size = 0.0, [], 0
    page = [json.dumps(document["metadata"], ensure_ascii=False).replace("\\", "")]
    for cell in document["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        tags = cell["metadata"].get("tags", [])
        shell.errors = []
        if cell["cell_type"] == "code" and not {"skip-execution", "experiment"} & set(tags):
            source = suite.get(about.get("grade_id", ""), "".join(cell["source"]))
            with capture_output() as captured:
                shell.run_cell(source, store_history=True)
            pictures = [str(value) for rich in captured.outputs for value in rich.data.values()]
            size += len(captured.stdout) + sum(map(len, pictures))
            shown += [captured.stdout[:10_000], *shell.errors]
            page += [on_page(m, v) for rich in captured.outputs[:9] for m, v in rich.data.items()]
        for output in cell.get("outputs", []):
            page += [on_page(m, "".join(v)) for m, v in output.get("data", {}).items()]
        page += [on_page("text/markdown", "".join(cell["source"]))] if cell["cell_type"] == "markdown" else []
        page += [v for files in cell.get("attachments", {}).values() for v in files.values()]
        if about.get("grade") and not about.get("solution") and not shell.errors:
            points += about["points"]
    return {"points": points, "text": "\n".join(shown)[:100_000], "size": size, "page": [*page, *shown]}


def on_page(mime: str, data: str) -> str:
    """As nbconvert writes it."""
    if mime in ("text/markdown", "text/latex"):
        return rendered(data)
    frames = {
        "application/javascript": "<script>{}</script>",
        "image/png": '<img src="data:image/png;base64,{}">',
    }
    return frames.get(mime, "{}").format(data[:10_000])


def gained(attack: Attack, found: dict[str, Any]) -> bool:
    """More points than the honest part of it earns, a word of success, or pages that no browser opens."""
    if attack.works == PAGE:
        return any(dangers(part) for part in found["page"])
    seen = SimpleNamespace(**found)
    return seen.points > attack.points or "GAINED" in seen.text or seen.size > 10 << 20


def dangers(part: str) -> list[str]:
    """What in a part of a page could run, load, or mislead."""
    hidden = [c for c in part if c not in "\n\t" and not c.isprintable()]
    return [*Page(part).dangers, *re.findall(r"\\(?:href|require|style|url)\b", part), *hidden]


if __name__ == "__main__":
    main(*sys.argv[1:])
