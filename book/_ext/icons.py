"""Icons drawn into the page, and no more of them than it shows.

The theme sends every icon of Font Awesome twice: a script that turns `<i class="fa-...">` into SVG in the
reader's browser (540 KB gzipped), and three fonts (300 KB). Here the pages come with the SVG, drawn from the
theme's own fonts, and the fonts keep the few glyphs that its style sheets and scripts name.
"""

import re
from functools import cache
from pathlib import Path

import pydata_sphinx_theme
import rendered
from fontTools import subset
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static"
FACES = {"solid": "fa-solid-900", "regular": "fa-regular-400", "brands": "fa-brands-400"}
PREFIXES = {"far": "regular", "fa-regular": "regular", "fab": "brands", "fa-brands": "brands"}
STYLES = {"fa", "fas", "fa-solid", *PREFIXES}
SCRIPT = re.compile(r"\s*<script[^>]*/scripts/fontawesome\.js[^>]*></script>")
ICON = re.compile(r"<(?P<tag>i|span) class=\"(?P<classes>[^\"]*\bfa-[^\"]*)\"(?P<rest>[^>]*)>\s*</(?P=tag)>")
RULE = re.compile(r"(?P<selectors>(?:\.fa-[\w-]+:before,?)+)\{content:\"\\(?P<code>[0-9a-f]{4})\"\}")
CODE = re.compile(r"\"\\([ef][0-9a-f]{3})\"")
SHAPE = ".svg-inline--fa{display:inline-block;height:1em;overflow:visible;vertical-align:-.125em}"


@cache
def sheet() -> str:
    return (THEME / "styles/pydata-sphinx-theme.css").read_text(encoding="utf-8")


@cache
def codes() -> dict[str, int]:
    """The code point of each icon, by its class name."""
    found = {
        selector.removeprefix(".").removesuffix(":before"): int(rule["code"], 16)
        for rule in RULE.finditer(sheet())
        for selector in rule["selectors"].split(",")
    }
    if not found:
        raise ExtensionError("icons: the theme's style sheet names no icon as before: adapt RULE to it.")
    return found


@cache
def font(face: str) -> TTFont:
    return TTFont(THEME / "vendor/fontawesome/webfonts" / f"{FACES[face]}.ttf")


@cache
def drawing(face: str, code: int) -> tuple[int, str]:
    """Width, on a height of 512, and path of an icon."""
    name, glyphs = font(face).getBestCmap()[code], font(face).getGlyphSet()
    pen = SVGPathPen(glyphs, ntos=lambda number: f"{number:g}")
    glyphs[name].draw(TransformPen(pen, (1, 0, 0, -1, 0, font(face)["hhea"].ascent)))
    return glyphs[name].width, pen.getCommands()


def svg(icon: re.Match[str]) -> str:
    """The SVG that the theme's script would put in the place of an `<i>`."""
    classes = icon["classes"].split()
    name = next((c for c in classes if c in codes()), None)
    if name is None:
        return icon[0]
    face = next((PREFIXES[c] for c in classes if c in PREFIXES), "solid")
    width, path = drawing(face, codes()[name])
    kept = " ".join(["svg-inline--fa", *(c for c in classes if c not in STYLES)])
    return (
        f'<svg class="{kept}"{icon["rest"]} aria-hidden="true" focusable="false" viewBox="0 0 {width} 512">'
        f'<path fill="currentColor" d="{path}"/></svg>'
    )


def draw_icons(html: str, _pagename: str) -> str:
    if not SCRIPT.search(html):
        raise ExtensionError("icons: no page loads the theme's fontawesome.js as before: adapt SCRIPT to it.")
    return ICON.sub(svg, SCRIPT.sub("", html))


def trim_theme(app: Sphinx, exception: Exception | None) -> None:
    """Cut style sheet and fonts down to the icons that scripts and style sheets name at run time."""
    if exception or app.builder.name != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "scripts/fontawesome.js").unlink(missing_ok=True)
    scripts = [f.read_text(encoding="utf-8") for f in static.rglob("*.js") if "vendor" not in f.parts]
    named = {
        codes()[name] for text in scripts for name in re.findall(r"\bfa-[\w-]+", text) if name in codes()
    }
    trimmed = RULE.sub(lambda rule: rule[0] if int(rule["code"], 16) in named else "", sheet())
    trimmed = re.sub(r"\.woff2\) format\(\"woff2\"\),url\([^)]*\)", '.woff) format("woff")', trimmed)
    trimmed = trimmed.replace('format("woff") format("truetype")', 'format("woff")')
    (static / "styles/pydata-sphinx-theme.css").write_text(trimmed + SHAPE, encoding="utf-8")
    sheets = [f.read_text(encoding="utf-8") for f in static.rglob("*.css")]
    used = {int(code, 16) for text in sheets for code in CODE.findall(text)}
    for face in FACES:
        cut_font(face, static / "vendor/fontawesome/webfonts", used)


def cut_font(face: str, folder: Path, used: set[int]) -> None:
    options = subset.Options(flavor="woff", layout_features=[])
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=used)
    small = TTFont(THEME / "vendor/fontawesome/webfonts" / f"{FACES[face]}.ttf")
    cutter.subset(small)
    subset.save_font(small, str(folder / f"{FACES[face]}.woff"), options)
    for whole in (".ttf", ".woff2"):
        (folder / f"{FACES[face]}{whole}").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    rendered.change(app, draw_icons)
    app.connect("build-finished", trim_theme)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
