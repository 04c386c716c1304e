"""`{listing} 02-batchnorm/batchnorm_numpy standardize-by-hand` prints a cell of a released notebook.

Text and code cannot part: the page shows what the student holds. Only cells marked `listing` can be shown,
so no graded body ever is.
"""

import json
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Listing(SphinxDirective):
    """Arguments: unit/notebook, and the name of the cell."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        key, name = self.arguments
        unit, notebook = key.split("/")
        path = Path(self.env.srcdir) / "exercises" / unit / f"{notebook}.ipynb"
        if not path.exists():
            raise self.error(
                f"listing: exercises/{unit}/{notebook}.ipynb is missing: run `autograder build {unit}`."
            )
        self.env.note_dependency(str(path))
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        source = next(("".join(c["source"]) for c in cells if c["id"] == f"listing-{name}"), None)
        if source is None:
            raise self.error(f"listing: {key} has no cell marked listing={name!r}.")
        block = nodes.literal_block(source, source, language="python")
        caption = nodes.caption("", "", nodes.emphasis("", f"from {notebook}.ipynb"))
        return [nodes.container("", caption, block, classes=["unit-listing"], literal_block=True)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("listing", Listing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
