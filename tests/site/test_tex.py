"""Every formula of the site is TeX that the pages' MathJax understands, and no dollar is left over."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT, SITE, needs_node, pages

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NOT_TEXT = {"script", "style", "pre", "code", "textarea"}
DELIMITERS = re.compile(r"\\[(\[](.*)\\[)\]]", re.DOTALL)
DEFINES = re.compile(r"\\(?:(?:re)?newcommand|def|let|newenvironment)\b")


@dataclass
class Formula:
    tex: str
    display: bool


@dataclass
class Reader(HTMLParser):
    """The formulas of a page, as Sphinx marks them, and its text outside of formulas and code."""

    formulas: list[Formula] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[
            tuple[str, str]
        ] = []  # each open element's tag, and what its text is: math, code, number

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        outer = self.open[-1][1] if self.open else ""
        kind = "number" if "eqno" in classes else "code" if tag in NOT_TEXT else outer
        if "math" in classes and tag in ("span", "div"):
            kind = "math"
            self.formulas.append(Formula("", False))
        if tag not in VOID:
            self.open.append((tag, kind))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        kind = self.open[-1][1] if self.open else ""
        if kind == "math":
            self.formulas[-1].tex += data
        elif not kind:
            self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    for formula in reader.formulas:
        formula.display = formula.tex.strip().startswith("\\[")
        formula.tex = DELIMITERS.sub(r"\1", formula.tex.strip())
    return reader


def tex_config() -> dict[str, Any]:
    """What `_config.yml` tells the pages' MathJax about TeX."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]
    return config.get("mathjax3_config", {}).get("tex", {})


def complaints(pages: dict[str, str]) -> list[str]:
    """What is wrong with the formulas of pages, by their address; one process of Node for all."""
    found = [(address, formula) for address, html in pages.items() for formula in read(html).formulas]
    asked = {"config": tex_config(), "formulas": [vars(formula) for _, formula in found]}
    script = Path(__file__).with_name("tex.mjs")
    done = subprocess.run(
        ["node", script], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    said = [
        "a macro for one page: put it in mathjax3_config" if DEFINES.search(formula.tex) else complaint
        for (_, formula), complaint in zip(found, json.loads(done.stdout), strict=True)
    ]
    return [f"{where}: {what}: {f.tex}" for (where, f), what in zip(found, said, strict=True) if what]


def stray_dollars(html: str) -> list[str]:
    return re.findall(r".{0,30}\$.{0,30}", read(html).text)


@pytest.fixture(scope="module")
def built(built_site: Path) -> dict[str, str]:
    return {address: (SITE / address).read_text(encoding="utf-8") for address in pages()}


def test_every_formula_is_understood(built: dict[str, str]) -> None:
    needs_node("mathjax")
    assert len(read(built["book/02-batchnorm/index.html"]).formulas) > 100
    faults = complaints(built)
    assert not faults, "\n".join(faults)


def test_no_dollar_is_left_in_the_text(built: dict[str, str]) -> None:
    left = {address: stray for address, html in built.items() if (stray := stray_dollars(html))}
    assert not left


def test_the_mathjax_that_is_asked_is_the_one_that_pages_load() -> None:
    """The same release, so the same packages: base, ams, newcommand, require, autoload, configmacros."""
    asked = needs_node("mathjax") / "es5/tex-chtml.js"
    assert asked.read_bytes() == (ROOT / "book/_static/vendor/mathjax/tex-chtml.js").read_bytes()


@pytest.mark.parametrize(
    ("tex", "complaint"),
    [
        (r"\frac{1}{", "Missing close brace"),
        (r"\left( x", r"missing \right"),
        (r"\bacthnorm{x}", r"Undefined control sequence \bacthnorm"),
        (r"\begin{aligned} x", r"Missing \end{aligned}"),
        (r"x^2^3", "Double exponent"),
        (r"\newcommand{\E}{\mathbb{E}}", "mathjax3_config"),
    ],
)
def test_bad_tex_is_told_with_its_page(tex: str, complaint: str) -> None:
    needs_node("mathjax")
    html = (
        rf'<p>Good: <span class="math notranslate">\(\hat x_i\)</span></p><div class="math">\[{tex}\]</div>'
    )
    (told,) = complaints({"page.html": html})
    assert told.startswith("page.html: ")
    assert complaint in told
    assert tex in told


def test_a_numbered_equation_is_read_without_its_number() -> None:
    html = (
        r'<div class="math" id="equation-a"><span class="eqno">(1)<a href="#equation-a">#</a>'
        r"</span>\[a &lt; b\]</div>"
    )
    assert read(html).formulas == [Formula("a < b", display=True)]


def test_a_dollar_in_text_is_stray_and_one_in_code_is_not() -> None:
    html = "<p>so $x$ is\n small</p><pre>echo $HOME</pre><p>run <code>$PATH</code></p>"
    assert stray_dollars(html) == ["so $x$ is"]
