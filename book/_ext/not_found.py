"""404.html: GitHub Pages shows it at any address, so its links start from the address of the site."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from sphinx.application import Sphinx

HEAD = '<base href="{base}" /><meta name="robots" content="noindex" />'
BODY = """<section><h1>There is no such page</h1>
<p>The address may be mistyped, or the page has moved.</p>
<ul>
<li><a href="{home}">Start of the course</a>, with all its chapters</li>
<li><a href="search.html">Search</a></li>
</ul></section>"""


def add_page(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    base = urlsplit(app.config.html_baseurl).path
    home = app.builder.get_target_uri(app.config.root_doc)
    context = {
        "title": "There is no such page",
        "metatags": HEAD.format(base=base),
        "body": BODY.format(home=home),
    }
    yield "404", context, "page.html"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-collect-pages", add_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
