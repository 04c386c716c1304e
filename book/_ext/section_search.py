"""What the search page searches: the text of every section, as `_static/search/sections.js`.

A chapter is long: a search that leads to its first line has not found much. So each section, and each term of
the glossary, is an entry of its own, with its text, its code and its anchor. The index is a script, not JSON:
so it loads from a folder on disk too.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

UNSEARCHED = (
    "script, noscript, style, button, svg, a.headerlink, div.math, .toctree-wrapper, .cell_output, "
    ".equation-code, .exercise-effort, .exercise-equations, .exercise-live, .visually-hidden, .answers"
)
BLOCKS = "p, li, dt, dd, td, th, div, pre, figcaption, summary, label, legend, h1, h2, h3, h4, h5, h6"
SIGNS = {"cdot": "·", "times": "×", "partial": "∂", "approx": "≈", "to": "→", "leftarrow": "←"}
LATEX = [
    (r"\\(?:text|mathrm|mathbf|mathit|operatorname)\s*\{([^{}]*)\}", r"\1"),
    (r"\\hat\s*\{?\\?(\w)\}?", r"\1_hat"),
    (r"\\sqrt\s*(?:\{([^{}]*)\}|(\w))", r"√(\1\2)"),
    (r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2"),
    (r"\\(?:left|right|[Bb]ig+[lr]?)\b|\\[(),;!: ]|[{}$]", ""),
    (r"\\[lc]?dots\b", "…"),
    (r"\\q?quad\b", " "),
    *((rf"\\{name}\b", sign) for name, sign in SIGNS.items()),
    (r"\\([A-Za-z]+)", r"\1"),
]


def readable(latex: str) -> str:
    r"""A formula in a line as words to find: \gamma is gamma, \hat x is x_hat."""
    for pattern, replacement in LATEX:
        latex = re.sub(pattern, replacement, latex)
    return latex.strip()


def one_line(text: str) -> str:
    return " ".join(text.split())


def section_of(tag: Tag, code: list[str]) -> list[str]:
    """Take what is left of a section once its own sections have been taken: [anchor, heading, text, code]."""
    heading = tag.find(re.compile(r"^(h[1-6]|dt)$"))
    title = one_line(heading.extract().get_text()) if heading else ""
    return [tag.get("id", ""), title, one_line(tag.get_text()), one_line(" ".join(code))]


def sections(body: str) -> list[list[str]]:
    """The sections of a page in their order, each without the text of the sections in it."""
    soup = BeautifulSoup(body, "html.parser")
    for unwanted in soup.select(UNSEARCHED):
        unwanted.decompose()
    for formula in soup.select("span.math"):
        formula.replace_with(readable(formula.get_text()))
    for block in soup.select(BLOCKS):
        block.append(" ")
    return list(reversed(list(taken_out(soup))))


def taken_out(soup: BeautifulSoup) -> Iterator[list[str]]:
    """Sections and terms, the innermost and last first; each is taken out of the one around it."""
    for term in reversed(soup.select("dl.glossary > dt")):
        entry = soup.new_tag("div", id=term.get("id", ""))
        entry.extend([*([term.find_next_sibling("dd")] if term.find_next_sibling("dd") else []), term])
        yield section_of(entry, [])
    for tag in reversed(soup.select("section[id]")):
        code = [block.extract().get_text() for block in tag.select("pre")]
        yield section_of(tag.extract(), code)


def store(app: Sphinx) -> Path:
    """Where the sections of each page wait between builds: a build writes only the pages that changed."""
    return Path(app.doctreedir) / "sections"


def keep_sections(app: Sphinx, pagename: str, _template: str, context: dict, doctree: object) -> None:
    if doctree is not None:
        file = store(app) / f"{pagename.replace('/', '--')}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        title = BeautifulSoup(context["title"], "html.parser").get_text()
        file.write_text(json.dumps([f"{pagename}.html", title, sections(context["body"])]))


def write_index(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.name != "html":
        return
    files = [store(app) / f"{name.replace('/', '--')}.json" for name in sorted(app.env.found_docs)]
    index = {
        "synonyms": app.config.search_synonyms,
        "pages": [json.loads(file.read_text()) for file in files if file.exists()],
    }
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir, "_static", "search", "sections.js")
    target.write_text(f"const SECTIONS = {text};\n", encoding="utf-8")


def style_page(app: Sphinx, pagename: str, *_: object) -> None:
    if pagename == "search":
        app.add_css_file("search/search.css")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("search_synonyms", [], "html")
    app.connect("html-page-context", keep_sections)
    app.connect("html-page-context", style_page)
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
