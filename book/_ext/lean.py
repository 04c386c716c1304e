"""Pages load what they use, and no script holds up the text."""

import re
from pathlib import Path

import rendered
from PIL import Image
from sphinx.application import Sphinx

SEARCH = re.compile(r"\s*<script[^>]*[/\"](?:searchtools|language_data|searchindex)\.js[^>]*></script>")
BLOCKING = re.compile(
    r"<script (?=[^>]*\bsrc=)(?![^>]*(?:\bdefer|\basync|type=\"module\"|documentation_options))"
)
COLOURS = 128  # enough for drawn lines and their soft edges


def without_unused(html: str, pagename: str) -> str:
    """The search index, which grows with the book, is for the search page, which uses it while it loads."""
    return html if pagename == "search" else BLOCKING.sub("<script defer ", SEARCH.sub("", html))


def trim_files(app: Sphinx, exception: Exception | None) -> None:
    """PNG pictures that cells drew, at a third of their size and to the eye the same; no leftovers."""
    if exception or app.builder.name != "html":
        return
    for path in (Path(app.outdir) / "_images").glob("*.png"):
        with Image.open(path) as picture:
            if picture.mode != "P":
                picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    for leftover in ("*.map", "*webpack-macros.html"):
        for path in (Path(app.outdir) / "_static").rglob(leftover):
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, without_unused)
    app.connect("build-finished", trim_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
