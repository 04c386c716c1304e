"""Students' markdown through nbconvert, as nbgrader's feedback and formgrader show it."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.bridge.markdown import harmless

TAGS = {
    "p",
    "a",
    "em",
    "strong",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "br",
    "hr",
    "div",
    "span",
    "del",
}
TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"}
TAGS |= {"dl", "dt", "dd"}
TAGS |= {"input"}  # the box of a task list
ATTRIBUTES = {"type", "disabled", "checked", "href", "title", "class", "id", "start", "style"}
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<!-- --><?x ?>",
    "[x](javascript:alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x][y]\n\n[y]: javascript:alert(1)\n",
    "[y]: <javascript:alert(1)>\n\n[y]",
    "<javascript:alert(1)>",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](https://tracker.example/p.png)",
    "![x](attachment:gone.png)",
    "![x][y]\n\n[y]: https://tracker.example/p.png",
    '[x](https://a.example/"onmouseover="alert(1))',
    '[x](https://a.example "t\\" onclick=\\"alert(1)")',
    '# heading" onclick="alert(1)',
    "```mermaid\n<img src=x onerror=alert(1)>\n```\n",
    "~~~ mermaid\n<script>alert(1)</script>\n~~~\n",
    '```"><script>alert(1)</script>\nx\n```\n',
    "$<script>alert(1)</script>$",
    "$$\\href{javascript:alert(1)}{x}$$",
    "$\\\\href{javascript:alert(1)}{x}$",
    "$\\&#104;ref{javascript:alert(1)}{x}$",
    "$\\require{html}\\style{background:url(//x)}{y}$",
    "\\begin{x}<img src=x onerror=alert(1)>\\end{x}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\x1b[31mred\x1b[0m",
    "[x](/formgrader/?path=/home/staff/course/submitted/mal/77-tiny)",
    "[x][y]\n\n[y]: /formgrader/?path=.\n",
    "[y]\n\n[y]: <page.html>\n",
    "[x] [y]\n\n[y] : page.html\n",
    "https://localhost:8888/formgrader/?path=.",
    "<http://localhost:8888/formgrader/?path=.>",
    "http\\://localhost/x www.example.org",
]


class Page(HTMLParser):
    """An independent reader of the page: everything in it that could run, load or mislead."""

    def __init__(self, page: str):
        super().__init__()
        self.faults: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        if re.search(r"\\(href|require|style|url)\b", self.text):
            self.faults.append("TeX with links")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES or (
                name == "style" and not re.fullmatch(r"text-align:\w+", value or "")
            ):
                self.faults.append(f"{tag} {name}={value}")
            if name == "type" and value != "checkbox":
                self.faults.append(f"{tag} type={value}")
            address = re.sub(r"[\x00-\x20]", "", html.unescape(value or "")).lower()
            if name == "href" and not address.startswith("#"):
                self.faults.append(address)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data}")

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(text: str) -> str:
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=False)
    return str(MarkdownWithMath(renderer=renderer).render(text))


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_becomes_text(attack: str) -> None:
    assert Page(rendered(harmless(attack))).faults == []


def test_the_oracle_sees_the_attacks() -> None:
    """A check that has never failed is no check: most attacks work where the text is left as it is."""
    seen = [a for a in ATTACKS if not a.startswith("![x](attachment") and Page(rendered(a)).faults]
    assert len(seen) >= 20


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*ATTACKS, "`", "```", "$", "$$", "\\(", "\\", "*", "\n", "\n\n", " ", "    ", "> ", "- "]
        )
        | st.text(alphabet="<>&#;:!?/\\[](){}\"'`$*_ \n\tjavscriptdonhef", max_size=12),
        max_size=8,
    )
)
def test_no_mixture_of_attacks_gets_through(pieces: list[str]) -> None:
    assert Page(rendered(harmless("".join(pieces)))).faults == []


@pytest.mark.parametrize(
    "text",
    [
        "**Why?** Because $\\hat x = \\frac{x - \\mu}{\\sqrt{\\sigma^2 + \\epsilon}}$, and 1 < 2 & 3 <= 4.",
        "See [1] (page 3) and `x[:, None]`.",
        "$$\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n$$",
        "- on training data: 0.3\n- on test data: 0.4\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "```python\nif a < b:\n    print('x')\n```",
        "Größer, 均值, 🙂",
    ],
)
def test_plain_markdown_and_formulas_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_what_is_neutralised_can_still_be_read() -> None:
    paper = "See [the paper](https://arxiv.org/abs/1502.03167)."
    assert harmless(paper) == "See [the paper] (https ://arxiv.org/abs/1502.03167)."
    assert harmless("for i<n, use List<int> & <b>bold</b>") == "for i< n, use List< int> & < b>bold< /b>"
