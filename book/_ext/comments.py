"""Comments below each page by a hosted service, off unless `html.comments` in `_config.yml` names one.

The service's script is loaded when a reader asks for it, never before: until then nobody outside learns of a
visit. sphinx-comments, which Jupyter Book brings, would load it with the page, so it gets no settings.
"""

import json
from html import escape
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError

SERVICES = {
    "giscus": ("https://giscus.app/client.js", "GitHub Discussions"),
    "utterances": ("https://utteranc.es/client.js", "GitHub Issues"),
}
BLOCK = """<section class="comments d-print-none" id="comments" hidden>
<h2>Comments</h2>
<p>Comments are kept in {place}. To show them, {service} and GitHub are asked: they learn your address and
which page you read, and they may set cookies.</p>
<button type="button" class="sd-btn sd-btn-outline-primary" data-script="{script}" data-service="{service}"
 data-settings="{settings}">Show comments</button>
</section>
"""


def choose_service(_app: Sphinx, config: Config) -> None:
    """Before sphinx-comments reads its settings; sets `comments_service` to (name, settings), or None."""
    chosen = {name: settings for name, settings in config.comments_config.items() if settings}
    config.comments_config = {}
    if not chosen:
        return
    service, settings = next(iter(chosen.items()))
    if len(chosen) > 1 or service not in SERVICES or not isinstance(settings, dict):
        names = " or ".join(SERVICES)
        raise ConfigError(
            f"html.comments in _config.yml must hold {names} with its settings; it is {chosen!r}."
        )
    config.comments_service = (service, settings)


def block(service: str, settings: dict[str, Any]) -> str:
    """What stands below a page: who will be asked, and the button that asks."""
    script, place = SERVICES[service]
    prefix = "data-" if service == "giscus" else ""
    attributes = json.dumps({prefix + name: str(value) for name, value in settings.items()})
    return BLOCK.format(place=place, script=script, service=service, settings=escape(attributes))


def add_block(app: Sphinx, _pagename: str, _template: str, context: dict, doctree: object) -> None:
    if app.config.comments_service and doctree is not None:
        context["body"] += block(*app.config.comments_service)
        app.add_js_file("comments/comments.js", type="module")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("comments_service", None, "html", types=(tuple, type(None)))
    app.connect("config-inited", choose_service, priority=100)
    app.connect("html-page-context", add_block)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
