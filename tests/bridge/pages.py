"""An independent reader of HTML pages: what in them could run, load from elsewhere, or submit."""

from __future__ import annotations

import re
from html.parser import HTMLParser

RUNS = {"script", "iframe", "object", "embed", "form", "base", "svg", "math", "link", "applet", "frame"}
LOADS = {"src", "srcset", "poster", "data", "background", "action", "formaction", "xlink:href"}


class Page(HTMLParser):
    """The tags, text and dangers of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.text = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.dangers: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        self.tags.append((tag, found))
        if tag in RUNS:
            self.dangers.append(f"<{tag}>")
        for name, value in found.items():
            if name.startswith("on"):
                self.dangers.append(f"{tag} {name}")
            if name in LOADS and not re.fullmatch(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+", value):
                self.dangers.append(f"{tag} {name}={value[:40]}")
            address = re.sub(r"[\x00-\x20]", "", value).lower()
            if name == "href" and re.match(r"[a-z]*script:|data:|file:|blob:", address):
                self.dangers.append(address[:40])

    def handle_data(self, data: str) -> None:
        self.text += data
