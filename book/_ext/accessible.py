"""Mends what the theme and the bibliography get wrong for screen readers, as axe-core tells it.

Each change names its fault; `tests/site/test_every_page.py` fails when a new one comes.
"""

import re

import rendered
from sphinx.application import Sphinx

CHANGES = [
    # The button shows "Search Ctrl+K": a label that says less makes voice control miss it.
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
    # The name beside the logo is read outside of every landmark, and the page's banner is empty.
    (
        r'<div class="sidebar-primary-item">(\s*<a class="navbar-brand)',
        r'<div class="sidebar-primary-item" role="banner">\1',
    ),
    (r'(<header id="pst-header")', r'\1 role="none"'),
    # The entries of a bibliography have a deprecated role, which is none of a list's items.
    (r'role="doc-biblioentry"', r'role="listitem"'),
    # "Show code cell source" is what the reader sees, so it is the name.
    (r'<summary aria-label="Toggle hidden content">', r"<summary>"),
    # A page without a source, such as the search, has no title to print.
    (r"<h1></h1>", ""),
    # The theme writes "By" before the author of _config.yml.
    (r"By The course authors", "By the course authors"),
    # A header cell without text names nothing.
    (r'<th class="head"><p></p></th>', r"<td></td>"),
    # The theme asks for "" where it means "auto", complains, and is bright until its script has run.
    (
        r'(localStorage\.getItem\("mode"\) \|\| )""',
        r'\1"auto"',
    ),
    (
        r'(localStorage\.getItem\("theme"\) \|\| )""',
        r'\1(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
]


def mend(html: str, _pagename: str) -> str:
    for fault, mended in CHANGES:
        html = re.sub(fault, mended, html)
    return html


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
