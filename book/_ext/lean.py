"""Pages load what they use, and no script holds up the text."""

import re
from pathlib import Path

import rendered
from PIL import Image, ImageChops
from sphinx.application import Sphinx

SEARCH = re.compile(r"\s*<script[^>]*[/\"](?:searchtools|language_data|searchindex)\.js[^>]*></script>")
BLOCKING = re.compile(
    r"<script (?=[^>]*\bsrc=)(?![^>]*(?:\bdefer|\basync|type=\"module\"|documentation_options))"
)
COLOURS = 256  # enough for drawn lines and their soft edges
UNSEEN = 12  # of 255, in one channel of one point
OPAQUE = (255, 255)


def without_unused(html: str, pagename: str) -> str:
    """The search index, which grows with the book, is for the search page, which uses it while it loads."""
    return html if pagename == "search" else BLOCKING.sub("<script defer ", SEARCH.sub("", html))


def trim_picture(path: Path) -> None:
    """Save a PNG with few colours, unless that would show: not a photograph, nothing transparent."""
    with Image.open(path) as picture:
        if picture.mode == "P" or picture.convert("RGBA").getextrema()[3] != OPAQUE:
            return
        whole = picture.convert("RGB")
    small = whole.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    errors = ImageChops.difference(whole, small.convert("RGB")).getextrema()
    if max(largest for _, largest in errors) <= UNSEEN:
        small.save(path, optimize=True)


def trim_drawn(app: Sphinx) -> list:
    """The pictures that cells drew, before they are copied to the site; adds no page."""
    for source in app.builder.images:
        if source.endswith(".png") and "jupyter_execute" in Path(source).parts:
            trim_picture(Path(app.srcdir) / source)
    return []


def trim_files(app: Sphinx, exception: Exception | None) -> None:
    """No source maps, no other leftovers."""
    if exception or app.builder.name != "html":
        return
    for leftover in ("*.map", "*webpack-macros.html"):
        for path in (Path(app.outdir) / "_static").rglob(leftover):
            path.unlink()


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, without_unused)
    app.connect("html-collect-pages", trim_drawn)
    app.connect("build-finished", trim_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
