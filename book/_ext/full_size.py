"""Plots that cells draw are links to themselves, at their full size: on a phone two panels are small.

Their alternative text was the address of a file. The caption says what they show, the link says the rest.
"""

import re

import rendered
from sphinx.application import Sphinx

PLOT = re.compile(r'<img alt="[^"]*/_images/[^"]*" src="([^"]*/_images/[^"]*)" />')
LINK = r'<a class="full-size" href="\1"><img alt="Plot, at full size" src="\1" /></a>'


def link(html: str, _pagename: str) -> str:
    return PLOT.sub(LINK, html)


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
