"""`{live-exercise} 02-batchnorm/batchnorm_numpy batchnorm_forward`: solve and check an exercise in the page.

The page holds the released stub as code. That is all where no script runs, on paper and in other formats.
The reader's browser loads an editor when the code is edited, and Python (Pyodide) when it is run. The report
is that of `check` in a notebook: the same modules, shipped as a wheel, and the same public checks beside it.
"""

import hashlib
import json
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from docutils.parsers.rst import directives
from page_wheel import wheel
from released import Exercise, NoSuchExercise, exercise
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

import autograder

PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
PRELUDE = "import numpy as np\n\n\n"
SECONDS = 10  # a right answer takes milliseconds
NOSCRIPT = "<noscript><p>Without JavaScript this cannot run here: use the notebook.</p></noscript>"


class Unfit(LookupError):
    """An exercise that cannot run in a page."""


class live_exercise(nodes.General, nodes.Element):  # noqa: N801 (a node's class names its visitors)
    """A heading and a block of code. key: unit/notebook; exercise; title; timeout: seconds."""


class LiveExercise(SphinxDirective):
    """Arguments: unit/notebook, and the exercise. `:timeout:` says how many seconds the code may run."""

    required_arguments = 2
    option_spec = {"timeout": directives.positive_int, "name": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        key, name = self.arguments
        try:
            found = self._exercise(key, name)
        except (NoSuchExercise, Unfit) as error:
            raise self.error(f"live-exercise: {error}") from None
        page = self.env.metadata[self.env.docname]
        shown = page.get("live_exercises", "").split()
        if f"{key}:{name}" in shown:
            raise self.error(f"live-exercise: this page has {name} of {key} twice: remove one of them.")
        page["live_exercises"] = " ".join([*shown, f"{key}:{name}"])
        source = PRELUDE + found.stub.rstrip() + "\n"
        box = live_exercise(
            "",
            self._heading(key, found),
            nodes.literal_block(source, source, language="python"),
            key=key,
            exercise=name,
            title=found.title,
            timeout=self.options.get("timeout", SECONDS),
        )
        self.set_source_info(box)
        self.add_name(box)
        return [box]

    def _exercise(self, key: str, name: str) -> Exercise:
        unit, _, notebook = key.partition("/")
        path = Path(self.env.srcdir) / "exercises" / unit / f"{notebook}.ipynb"
        if not path.exists():
            raise Unfit(f"exercises/{key}.ipynb is missing: run `autograder build {unit}`.")
        self.env.note_dependency(str(path))
        if "import torch" in path.read_text(encoding="utf-8"):
            raise Unfit(f"{key} needs PyTorch, which pages cannot run: choose a NumPy notebook.")
        found = exercise(Path(self.env.srcdir), unit, notebook, name)
        try:
            exec(PRELUDE + found.stub, {})
        except NameError as error:
            raise Unfit(
                f"the stub of {name} needs more than NumPy ({error}), and a page has nothing else: "
                "leave this exercise to the notebook."
            ) from None
        return found

    def _heading(self, key: str, found: Exercise) -> nodes.paragraph:
        dots = "●" * found.difficulty + "○" * (3 - found.difficulty)
        notebook = nodes.literal("", f"{found.notebook}.ipynb")
        return nodes.paragraph(
            "",
            "",
            nodes.strong("", found.title),
            nodes.raw("", f' <span aria-hidden="true">{dots}</span>', format="html"),
            nodes.inline("", f" difficulty {found.difficulty} of 3,", classes=["live-level"]),
            nodes.Text(f" {found.minutes} minutes, also in "),
            addnodes.download_reference("", "", notebook, reftarget=f"/exercises/{key}.ipynb"),
            classes=["live-title"],
        )


def visit_html(self: HTML5Translator, node: live_exercise) -> None:
    data = {f"data-{name}": str(node[name]) for name in ("key", "exercise", "timeout")}
    label = {"aria-label": f"Exercise: {node['title']}"}
    self.body.append(self.starttag(node, "section", CLASS="live-exercise", **label, **data))


def depart_html(self: HTML5Translator, _node: live_exercise) -> None:
    self.body.append(f"{NOSCRIPT}</section>\n")


def pass_over(_translator: nodes.NodeVisitor, _node: live_exercise) -> None:
    """Other formats show what is inside: the heading and the code."""


def load_script(app: Sphinx, pagename: str, _template: str, _context: dict, _doctree: object) -> None:
    """Only the script of the buttons; it loads the rest when the reader wants it."""
    if app.env.metadata[pagename].get("live_exercises"):
        app.add_js_file("live/live-exercise.js", loading_method="defer")
        app.add_css_file("live/live-exercise.css")


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """What the script loads, and `settings.json`, which names it with digests: caches mix no versions."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    folder = static / "live"
    shown = [name for page in app.env.metadata.values() for name in page.get("live_exercises", "").split()]
    keys = sorted({name.split(":")[0] for name in shown})
    for old in [*folder.glob("*.whl"), *folder.glob("settings.json")]:
        old.unlink()
    shutil.rmtree(folder / "checks", ignore_errors=True)
    if not keys:
        return
    name, data = wheel(Path(autograder.__file__).parent, autograder.__version__)
    (folder / name).write_bytes(data)
    settings = {
        "pyodide": pyodide_address(app.config.live_pyodide_url),
        "wheel": addressed(folder / name, folder),
        "python": addressed(folder / "live-python.js", folder),
        "worker": addressed(folder / "live-worker.js", folder),
        "editor": f"../{addressed(static / 'vendor/codemirror/editor.js', static)}",
        "checks": {key: copy_checks(Path(app.srcdir), folder, key) for key in keys},
    }
    (folder / "settings.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


def pyodide_address(setting: str) -> str:
    """A relative setting counts from the root of the site; settings.json lies two folders below it."""
    address = setting if setting.endswith("/") else f"{setting}/"
    return address if urlsplit(address).scheme or address.startswith("/") else f"../../{address}"


def copy_checks(root: Path, folder: Path, key: str) -> list[str]:
    """Copy the public checks of a notebook; their addresses from `folder`."""
    unit, notebook = key.split("/")
    target = folder / "checks" / unit
    target.mkdir(parents=True, exist_ok=True)
    copies = [
        shutil.copy(root / "exercises" / unit / "checks" / f"{notebook}.{kind}", target)
        for kind in ("json", "npz", "py")
    ]
    return [addressed(Path(copy), folder) for copy in copies]


def addressed(path: Path, folder: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.relative_to(folder).as_posix()}?v={digest}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("live_pyodide_url", PYODIDE, "html")
    both, other = (visit_html, depart_html), (pass_over, pass_over)
    app.add_node(live_exercise, html=both, latex=other, text=other, man=other, texinfo=other)
    app.add_directive("live-exercise", LiveExercise)
    app.connect("html-page-context", load_script)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
