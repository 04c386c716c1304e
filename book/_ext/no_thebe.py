"""Jupyter Book always loads sphinx-thebe, which puts a CDN address and a script that fails on every page."""

from sphinx.application import Sphinx
from sphinx.config import Config


def disconnect_thebe(app: Sphinx, config: Config) -> None:
    """Forget every handler that sphinx-thebe registered."""
    for event, listeners in app.events.listeners.items():
        kept = [listener for listener in listeners if listener.handler.__module__ != "sphinx_thebe"]
        app.events.listeners[event] = kept


def setup(app: Sphinx) -> dict[str, bool]:
    """Run once all extensions are loaded, before any page is read."""
    app.connect("config-inited", disconnect_thebe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
