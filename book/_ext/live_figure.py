"""`{live-figure} bn-drift`: the interactive figure of `_static/figures/bn-drift.js`, and its static twin.

The twin is drawn by `plot()` of `lab/figures/bn_drift.py`, from the same formula. It is what the printed page
and a reader without scripts see; a script that runs puts the interactive one in its place. The content is the
caption.
"""

import importlib
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NEEDS = """<p class="figure-needs">This picture stands still. The one that moves needs JavaScript, and a page
that comes from a web server, not from a file on your disk.</p>"""
FIGURES = Path(__file__).parents[1] / "_static" / "figures"


class LiveFigure(SphinxDirective):
    """Argument: the name of the module and of its element. `:alt:` says what the twin shows."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required, "alt": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if not (FIGURES / f"{name}.js").exists():
            raise self.error(f"live-figure: book/_static/figures/{name}.js is missing.")
        if not self.options.get("alt"):
            raise self.error(f"live-figure {name}: :alt: must say what the static figure shows.")
        figure = nodes.figure(classes=["live-figure"])
        element = name if "-" in name else f"{name}-figure"  # HTML wants a hyphen in the name of an element
        figure += nodes.raw("", f"<{element}></{element}>{NEEDS}", format="html")
        twin = {"uri": self._twin(name), "alt": self.options["alt"], "classes": ["static-twin"]}
        figure += nodes.image(**twin, loading="lazy")  # never loaded where a script replaces it
        caption = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, caption)
        figure += nodes.caption("", "", *caption[0].children)
        self.set_source_info(figure)
        self.add_name(figure)
        page = self.env.metadata[self.env.docname]
        page["live_figures"] = " ".join(dict.fromkeys([*page.get("live_figures", "").split(), name]))
        return [figure]

    def _twin(self, name: str) -> str:
        """Draw the static figure, the same bytes for the same formula; its address from the source folder."""
        import matplotlib

        module = importlib.import_module(f"lab.figures.{name.replace('-', '_')}")
        formulas = Path(str(module.__file__))
        self.env.note_dependency(str(formulas))
        target = Path(self.env.srcdir) / "_build" / "twins" / f"{name}.svg"
        sources = [formulas.parents[1] / "plots.py", *formulas.parent.glob("*.py")]
        if not target.exists() or target.stat().st_mtime < max(path.stat().st_mtime for path in sources):
            target.parent.mkdir(parents=True, exist_ok=True)
            with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
                module.plot().savefig(target, metadata={"Date": None}, bbox_inches="tight")
        return f"/{target.relative_to(self.env.srcdir).as_posix()}"


def load_modules(app: Sphinx, pagename: str, _template: str, _context: dict, _doctree: object) -> None:
    """Only the modules that this page shows."""
    used = app.env.metadata[pagename].get("live_figures", "").split()
    for name in used:
        app.add_js_file(f"figures/{name}.js", type="module")
    if used:
        app.add_css_file("figures/figures.css")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("live-figure", LiveFigure)
    app.connect("html-page-context", load_modules)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
