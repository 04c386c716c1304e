"""The prose is spelled as in Oxford: British words, with -ize. Words of the field are in `words.txt`."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .conftest import ROOT, needs_node

WORDS = Path(__file__).with_name("words.txt")
PAGES = [path for path in (ROOT / "book").rglob("*.md") if "_static" not in path.parts]
IN_IZE = (
    "(?:character|custom|emphas|final|formal|general|initial|local|marginal|maxim|memor|minim|normal|optim|organ"
    "|parallel|parametr|penal|random|real|recogn|regular|serial|special|stabil|standard|summar|symbol|util|vector|visual)"
)
SPELLED_WITH_S = re.compile(rf"\b{IN_IZE}is(?:e|ed|es|er|ers|ing|ation|ations|able)\b", re.IGNORECASE)


def prose_of_notebooks() -> Iterator[tuple[str, str]]:
    """What a student reads in a released notebook, cell by cell."""
    for path in sorted((ROOT / "exercises").glob("*/*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
            if cell["cell_type"] == "markdown":
                yield f"{path.parent.name}.{path.stem}.cell-{number}", "".join(cell["source"])


def prose_of_mistakes() -> Iterator[tuple[str, str]]:
    """What a check says when it recognizes a mistake."""
    for path in sorted((ROOT / "solutions").glob("*/mistakes*.toml")):
        for mistake in tomllib.loads(path.read_text(encoding="utf-8")).get("mistake", []):
            said = [mistake[key] for key in ("says", "hint") if key in mistake]
            yield f"{path.parent.name}.mistake.{mistake['id']}", "\n\n".join(said)


def misspelled(*files: Path) -> list[str]:
    """cspell's complaints: file, line, column and word."""
    cspell = needs_node("cspell") / "bin.mjs"
    asked = [
        "lint",
        "--config",
        "cspell.json",
        "--no-progress",
        "--no-summary",
        "--no-color",
        "--no-must-find-files",
    ]
    done = subprocess.run(
        ["node", cspell, *asked, "--root", "/", *map(str, files)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_every_word_of_the_book_is_spelled() -> None:
    complaints = misspelled(*PAGES, *ROOT.glob("*.md"))
    assert not complaints, "\n".join(complaints)


def test_every_word_of_the_notebooks_and_of_the_checks_is_spelled(tmp_path: Path) -> None:
    for name, text in [*prose_of_notebooks(), *prose_of_mistakes()]:
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    complaints = misspelled(*sorted(tmp_path.iterdir()))
    assert not complaints, "\n".join(complaints)


def test_words_that_oxford_ends_in_ize_do(tmp_path: Path) -> None:
    texts = [(str(page), page.read_text(encoding="utf-8")) for page in [*PAGES, *ROOT.glob("*.md")]]
    told = [
        f"{name}: {word}"
        for name, text in [*texts, *prose_of_notebooks(), *prose_of_mistakes()]
        for word in SPELLED_WITH_S.findall(text)
    ]
    assert not told


def test_the_word_list_is_sorted_and_says_nothing_twice() -> None:
    words = WORDS.read_text(encoding="utf-8").splitlines()
    assert words == sorted(set(words), key=lambda word: (word.casefold(), word))


def test_a_misspelled_word_is_told_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\nThe normalzation is wrong.\nSo is the neighbor.\n")
    assert [re.sub(r".*/(page.md)", r"\1", told) for told in misspelled(page)] == [
        "page.md:3:5 - Unknown word (normalzation)",
        "page.md:4:11 - Unknown word (neighbor)",
    ]


def test_code_math_roles_and_addresses_are_not_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Good $\\mathrm{vraiance}$, `xhta`, {cite:t}`ioffee2015`, [a link](https://exmaple.org/wrod).\n\n"
        "$$\nx = \\bacthnorm\n$$ (bn-lable)\n\n"
        "```{code-cell} python\n:tags: [hide-input]\nvraiable = 1\n```\n\n```console\nmkae tset\n```\n"
    )
    assert misspelled(page) == []
