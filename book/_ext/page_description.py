"""The description of a page, for search engines and shared links.

It is `description:` in the front matter, else the first paragraph of the text that says something.
"""

from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

logger = getLogger(__name__)

LONGEST, SHORTEST = 200, 60


def first_paragraph(doctree: nodes.document) -> str:
    """The first paragraph of running text with a whole sentence; "" where a page has none."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        whole = len(text) >= SHORTEST and text.endswith((".", "?"))
        if whole and isinstance(paragraph.parent, nodes.section):
            return text
    return ""


def shorten(text: str) -> str:
    """Whole sentences if one fits, else whole words."""
    if len(text) <= LONGEST:
        return text
    start = text[: LONGEST - 1]
    sentence = max(start.rfind(". "), start.rfind("? "))
    return start[: sentence + 1] if sentence >= SHORTEST else start.rsplit(" ", 1)[0] + "…"


def describe(app: Sphinx, doctree: nodes.document) -> None:
    page = app.env.metadata[app.env.docname]
    if text := page.get("description") or first_paragraph(doctree):
        page["og:description"] = shorten(text)
    else:
        name = app.env.docname
        logger.warning("%s has no paragraph that describes it: say `description:` in its front matter.", name)


def add_tag(_app: Sphinx, _pagename: str, _template: str, context: dict, _doctree: object) -> None:
    """Before sphinxext-opengraph, which then adds none of its own."""
    if text := (context.get("meta") or {}).get("og:description"):
        context["metatags"] += f'<meta name="description" content="{escape(text)}" />\n'


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", describe)
    app.connect("html-page-context", add_tag, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
