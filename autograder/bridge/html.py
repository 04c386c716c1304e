"""Self-contained pages: all is escaped, and the policy that they carry lets in their own style alone."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

PACKAGE = Path(__file__).parent.parent


def render(name: str, **values: Any) -> str:
    """The template `<package>/<name>` of autograder, filled in."""
    text: str = environment().get_template(name).render(**values)
    return text


@cache
def environment() -> Environment:
    """Jinja as the pages need it; other modules add filters of their own."""
    made = Environment(
        loader=FileSystemLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"sha256": _sha256, "inline": _inline, "number": lambda x: f"{x:.4g}"}
    return made


def _sha256(text: str) -> str:
    """The digest by which a Content-Security-Policy knows an element's text."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _inline(text: str) -> Markup:
    """Escaped text in which `x` is code, as authors write it."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
