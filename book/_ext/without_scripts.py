"""What a reader without JavaScript gets: the colours of the light theme, and words for what cannot run."""

import re

import rendered
from sphinx.application import Sphinx

FORMULAS = (
    "<noscript><p>Without JavaScript the formulas stand here as they were written, in TeX.</p></noscript>"
)
SEARCH = "<p>Without JavaScript this page cannot search. The contents are in the list of chapters.</p>"
THEME_ERROR = re.compile(r'<div class="admonition error">.*?</div>(?=\s*</noscript>)', re.DOTALL)


def mend(html: str, pagename: str) -> str:
    html = re.sub(r"<html(?![^>]*data-theme)", '<html data-theme="light"', html, count=1)
    if pagename == "search":
        html = THEME_ERROR.sub(SEARCH, html)
    elif 'class="math ' in html:
        html = re.sub(r"(<article.*?</h1>)", rf"\1\n{FORMULAS}", html, count=1, flags=re.DOTALL)
    return html


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
