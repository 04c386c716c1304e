"""`{exercises} 02-batchnorm`: a box for each released notebook of a unit, and what is in it.

`` {exercise-time}`02-batchnorm` `` says how much there is to do. Numbers, times and points come from the
released notebooks; the address of the repository comes from `_config.yml`.
"""

import json
import re
import zipfile
from io import BytesIO
from pathlib import Path

import released
from docutils import nodes
from released import Exercise
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

LIBRARIES = {"numpy": "NumPy", "torch": "PyTorch"}
JUPYTERLAB = "http://localhost:8888/lab/tree"  # what `make lab` serves, with exercises/ as its root
TIME = re.compile(r"^\*\*Time\.\*\* ([^,.]+)", re.MULTILINE)
EPOCH = (1980, 1, 1, 0, 0, 0)  # an archive holds no other date, so that the same files give the same bytes


class NotReleased(LookupError):
    """A page asks for the exercises of a unit that has none."""


def notebooks_of(root: Path, unit: str) -> dict[str, list[Exercise]]:
    """The exercises of each notebook of a unit, the NumPy one first. NotReleased where there is none."""
    found = {name: released.released(root, unit, name) for name in released.notebooks(root, unit)}
    if not found:
        raise NotReleased(f"exercises/{unit} holds no notebook: run `autograder build {unit}`.")
    return found


def short_name(notebook: str) -> str:
    """What a reader calls the notebook: batchnorm_numpy is "NumPy"."""
    last = notebook.rsplit("_", 1)[-1]
    return LIBRARIES.get(last, last)


def anchor(exercise: Exercise) -> str:
    """The id of an exercise in its page; docutils gives no underscore to an id, and neither do we."""
    return nodes.make_id(f"exercise-{exercise.notebook}-{exercise.name}")


def duration(minutes: int) -> str:
    """130 is "2 h 10 min", in one piece."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours)
    return " ".join(parts).replace(" ", "\N{NO-BREAK SPACE}")


def archive(root: Path, unit: str, notebook: str) -> str:
    """Pack a notebook with its checks, the same bytes for the same files. Returns the address for a link."""
    folder = root / "exercises" / unit
    files = [folder / f"{notebook}.ipynb", *sorted((folder / "checks").glob(f"{notebook}.*"))]
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for file in files:
            entry = zipfile.ZipInfo(f"{unit}/{file.relative_to(folder).as_posix()}", EPOCH)
            target.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    path = root / "_build" / "archives" / unit / f"{notebook}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed.getvalue())
    return f"/{path.relative_to(root).as_posix()}"


def plural(count: float, word: str) -> str:
    return f"{count:g} {word}{'s' * (count != 1)}"


class Exercises(SphinxDirective):
    """Argument: the unit. One box a notebook: ways to open it, and its exercises with their equations."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        unit, root = self.arguments[0], Path(self.env.srcdir)
        try:
            found = notebooks_of(root, unit)
        except NotReleased as missing:
            raise self.error(f"exercises: {missing}") from None
        boxes = [self._box(root, unit, name, exercises) for name, exercises in found.items()]
        return [*boxes, _help(self.config.html_theme_options["repository_url"])]

    def _box(self, root: Path, unit: str, name: str, exercises: list[Exercise]) -> nodes.Node:
        path = root / "exercises" / unit / f"{name}.ipynb"
        self.env.note_dependency(str(path))
        for check in (root / "exercises" / unit / "checks").glob(f"{name}.*"):
            self.env.note_dependency(str(check))
        title = nodes.rubric("", _title(path), classes=["exercise-box-title"])
        title["heading-level"] = 3
        title["ids"] = [nodes.make_id(f"notebook-{name}")]
        entries = nodes.bullet_list("", *(_entry(e) for e in exercises), classes=["exercise-list"])
        return nodes.container(
            "",
            title,
            _facts(exercises, _time(path)),
            self._ways(root, unit, name),
            entries,
            classes=["exercise-box"],
        )

    def _ways(self, root: Path, unit: str, name: str) -> nodes.Node:
        """The ways to open a notebook, each a link."""
        options = self.config.html_theme_options
        repository, branch = options["repository_url"], options.get("repository_branch", "main")
        path = f"{unit}/{name}.ipynb"
        colab = "https://colab.research.google.com/github/"
        colab += f"{repository.removeprefix('https://github.com/')}/blob/{branch}/exercises/{path}"
        ways = [
            _link("Open in Colab", colab),
            _link("Open in your JupyterLab", f"{JUPYTERLAB}/{path}"),
            self._download("Download the notebook", f"/exercises/{path}"),
            self._download("Download notebook and checks (zip)", archive(root, unit, name)),
        ]
        items = [nodes.list_item("", nodes.paragraph("", "", way)) for way in ways]
        return nodes.bullet_list("", *items, classes=["exercise-ways"])

    def _download(self, text: str, source: str) -> nodes.Node:
        return addnodes.download_reference(
            "", text, refdoc=self.env.docname, reftarget=source, refexplicit=True
        )


def _help(repository: str) -> nodes.Node:
    """What each way to open a notebook needs."""
    words = nodes.paragraph(
        "", "Colab installs what it needs in the first cell. The link to your JupyterLab works while "
    )
    words += [nodes.literal("", "make lab"), nodes.Text(" is running, in the same browser. ")]
    words += nodes.Text(
        "A download needs the package of the course. The package brings the checks; "
        "the zip holds them too, so that notebook and checks stay of one version:"
    )
    command = f'pip install "training-neural-networks[lab] @ git+{repository}"'
    block = nodes.literal_block(command, command, language="console")
    return nodes.container("", words, block, classes=["exercise-help"])


def _title(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")


def _time(path: Path) -> str:
    """What the notebook says about its length, questions and experiment included; "" if nothing."""
    found = TIME.search("".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]))
    return found[1].lower() if found else ""


def _facts(exercises: list[Exercise], time: str) -> nodes.Node:
    minutes, points = sum(e.minutes for e in exercises), sum(e.points for e in exercises)
    facts = [plural(len(exercises), "exercise"), plural(points, "point"), f"about {duration(minutes)}"]
    whole = f"; with all else in the notebook {time}" if time else ""
    return nodes.paragraph("", " · ".join(facts) + whole, classes=["exercise-facts"])


def _link(text: str, address: str) -> nodes.Node:
    return nodes.reference("", text, refuri=address, internal=False)


def _entry(exercise: Exercise) -> nodes.Node:
    """One line of the list. `cites` is what equation_links.py makes links of."""
    title = nodes.paragraph("", "", classes=["exercise-title"])
    title += [
        nodes.inline("", str(exercise.number), classes=["exercise-number"]),
        nodes.Text(f" {exercise.title}"),
    ]
    dots = "●" * exercise.difficulty + "○" * (3 - exercise.difficulty)
    shown = f'<span role="img" aria-label="difficulty {exercise.difficulty} of 3">{dots}</span>'
    effort = nodes.paragraph("", "", nodes.raw("", shown, format="html"), classes=["exercise-effort"])
    effort += nodes.inline("", f"{exercise.minutes} min")
    effort += nodes.inline("", plural(exercise.points, "point"))
    entry = nodes.list_item("", title, effort, ids=[anchor(exercise)])
    entry["cites"] = exercise.equations
    entry["says"] = (short_name(exercise.notebook), exercise.number, exercise.title)
    return entry


class ExerciseTime(SphinxRole):
    """How much a unit asks for: its exercises and the sum of their times."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        root = Path(self.env.srcdir)
        try:
            found = notebooks_of(root, self.text)
        except NotReleased as missing:
            problem = self.inliner.reporter.error(f"exercise-time: {missing}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, problem)], [problem]
        for name in found:
            self.env.note_dependency(str(root / "exercises" / self.text / f"{name}.ipynb"))
        exercises = [e for group in found.values() for e in group]
        text = f"{plural(len(exercises), 'exercise')} in {plural(len(found), 'notebook')}"
        return [nodes.Text(f"{text}, about {duration(sum(e.minutes for e in exercises))}")], []


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("exercises", Exercises)
    app.add_role("exercise-time", ExerciseTime())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
