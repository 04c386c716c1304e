"""404.html: GitHub Pages shows it at any address, so its links start from the address of the site.

They are absolute rather than relative to a <base>, which would lead the skip link away from the page.
"""

import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import rendered
from sphinx.application import Sphinx

HEAD = '<meta name="robots" content="noindex" />'
RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?!#|/|[a-z]+:)(?:\./)?')
BODY = """<section><h1>There is no such page</h1>
<p>The address may be mistyped, or the page has moved.</p>
<ul>
<li><a href="{home}">Start of the course</a>, with all its chapters</li>
<li><a href="search.html">Search</a></li>
</ul></section>"""


def add_page(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    home = app.builder.get_target_uri(app.config.root_doc)
    context = {
        "title": "There is no such page",
        "metatags": HEAD,
        "body": BODY.format(home=home),
    }
    yield "404", context, "page.html"


def make_absolute(app: Sphinx, html: str, pagename: str) -> str:
    base = urlsplit(app.config.html_baseurl).path
    return RELATIVE.sub(rf'\1="{base}', html) if pagename == "404" else html


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, partial(make_absolute, app))
    app.connect("html-collect-pages", add_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
