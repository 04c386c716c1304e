"""The last word on each page: no event of Sphinx passes the theme's HTML on, so it is changed here."""

from collections.abc import Callable
from typing import Any

from sphinx.application import Sphinx


def change(app: Sphinx, how: Callable[[str, str], str]) -> None:
    """Pass every HTML page of the site through `how(html, pagename)` before it is written."""

    def wrap(app: Sphinx) -> None:
        if app.builder.name != "html":
            return
        templates = app.builder.templates  # type: ignore[attr-defined]
        render = templates.render

        def rendered(template: str, context: dict[str, Any]) -> str:
            html = render(template, context)
            return how(html, context["pagename"]) if "</html>" in html else html

        templates.render = rendered

    app.connect("builder-inited", wrap, priority=900)
