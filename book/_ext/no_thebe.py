"""Jupyter Book always loads sphinx-thebe, which puts a CDN address and a script that fails on every page."""

from sphinx.application import Sphinx
from sphinx.config import Config


def disconnect_thebe(app: Sphinx, config: Config) -> None:
    """Forget what sphinx-thebe registered: handlers, and a style sheet that one of them would have copied."""
    for event, listeners in app.events.listeners.items():
        kept = [listener for listener in listeners if listener.handler.__module__ != "sphinx_thebe"]
        app.events.listeners[event] = kept
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if entry[0] != "sphinx-thebe.css"]


def setup(app: Sphinx) -> dict[str, bool]:
    """Run once all extensions are loaded, before any page is read."""
    app.connect("config-inited", disconnect_thebe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
