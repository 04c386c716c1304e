"""The book on paper: the pages of the site in their order, with numbers, contents and bookmarks.

A book of two chapters is printed: to print all takes minutes. `make pdf` does.
"""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser
from pypdf import PageObject, PdfReader
from pypdf.generic import Destination

from book._tools import pdf
from tests.site.conftest import ROOT, SITE

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
TOC = {
    "root": "book/index",
    "parts": [
        {"chapters": [{"file": "book/02-batchnorm/index"}, {"file": "book/05-dropout/index"}]},
        {"chapters": [{"file": "book/figures"}, {"file": "book/notation"}, {"file": "book/bibliography"}]},
    ],
}
PAGES = list(pdf.pages_of(TOC))
A4 = (595, 842)  # points

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def make(target: Path, **environment: str) -> subprocess.CompletedProcess:
    toc = target.with_name("toc.yml")
    toc.write_text(yaml.safe_dump(TOC))
    command = [sys.executable, "-m", "book._tools.pdf", str(SITE), str(target), str(toc)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(chromium: Browser, built_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pdf")
    done = make(folder / "book.pdf")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return folder


@pytest.fixture(scope="module")
def book(folder: Path) -> PdfReader:
    return PdfReader(folder / "book.pdf")


@pytest.fixture(scope="module")
def texts(book: PdfReader) -> list[str]:
    """The text of each page, with single spaces and without its number."""
    pages = [" ".join(page.extract_text().split()) for page in book.pages]
    return [pages[0], *(text.removeprefix(f"{number} ") for number, text in enumerate(pages[1:], start=2))]


def test_unless_told_otherwise_it_is_the_whole_book() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    chapters = {f"book/{path.parent.name}/index" for path in (ROOT / "book").glob("[0-9]*/index.md")}
    assert inspect.signature(pdf.main).parameters["toc"].default == ROOT / "_toc.yml"
    assert chapters < set(pdf.pages_of(toc))


def titles() -> list[str]:
    return [re.search(r"<h1>(.*?)<a ", (SITE / f"{page}.html").read_text())[1] for page in PAGES]  # type: ignore[index]


def bookmarks(outline: Any) -> Iterator[Destination]:
    for entry in outline:
        if isinstance(entry, list):
            yield from bookmarks(entry)
        else:
            yield entry


def test_it_is_a_book_on_a4_with_title_and_author(book: PdfReader) -> None:
    assert len(book.pages) > 10
    assert {tuple(round(side) for side in page.mediabox[2:]) for page in book.pages} == {A4}
    assert book.metadata
    assert (book.metadata.title, book.metadata.author) == (CONFIG["title"], CONFIG["author"])


def test_the_first_page_is_the_title_and_the_second_the_contents(texts: list[str]) -> None:
    assert texts[0].startswith(CONFIG["title"])
    assert texts[1].startswith("Contents")


def test_every_page_of_the_site_has_a_bookmark_and_begins_on_a_new_page(
    book: PdfReader, texts: list[str]
) -> None:
    marked = {entry.title: book.get_destination_page_number(entry) for entry in bookmarks(book.outline)}
    starts = [marked[title] for title in titles()]
    assert starts == sorted(starts)
    for title, start in zip(titles(), starts, strict=True):
        assert title in texts[start]


def test_the_contents_give_the_page_on_which_each_section_stands(book: PdfReader, texts: list[str]) -> None:
    marked = [(entry.title, book.get_destination_page_number(entry)) for entry in bookmarks(book.outline)]
    assert len(marked) > 2 * len(PAGES)
    contents = " ".join(texts[1 : min(index for _, index in marked)])
    for title, index in marked:
        assert f"{title} {index + 1}" in contents
        assert title in texts[index]


def test_each_page_but_the_title_has_its_number(book: PdfReader) -> None:
    numbers = [re.match(r"\d*", page.extract_text())[0] for page in book.pages]  # type: ignore[index]
    assert numbers == ["", *map(str, range(2, len(book.pages) + 1))]


def fonts(page: PageObject) -> set[str]:
    """Names; Chromium embeds the fonts of MathJax as drawings, of type 3, without one."""
    found = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    return {font.get("/BaseFont", font["/Subtype"]) for font in found}


def test_formulas_are_typeset_and_equations_keep_their_numbers(book: PdfReader, texts: list[str]) -> None:
    assert not re.search(r"\\[(\[]|\\frac|\\hat|Math Processing Error|Loading", " ".join(texts))
    [index] = [i for i, text in enumerate(texts) if "The mean of each feature over the batch:" in text]
    assert re.search(r"over the batch: .{0,60}\(1\)", texts[index])
    assert "/Type3" in fonts(book.pages[index])
    assert "/Type3" not in fonts(book.pages[0])


def test_answers_to_recall_are_open_and_code_of_plots_is_left_out(texts: list[str]) -> None:
    whole = " ".join(texts)
    assert "Each number is one of" in whole
    assert "plt.subplots" not in whole


def test_answers_of_a_quiz_stand_on_pages_after_its_questions(book: PdfReader, texts: list[str]) -> None:
    pages = []
    for text in texts:
        pages += ["asked"] * bool(re.search(r"\bQuestion \d+ (choose|write|put)", text))
        pages += ["answered"] * ("Answers to question" in text)
    quizzes = sum(entry.title == "Think" for entry in bookmarks(book.outline))
    assert [kind for kind, _ in groupby(pages)] == ["asked", "answered"] * quizzes


def test_nothing_of_the_screen_is_left(texts: list[str]) -> None:
    for control in (
        "Show code",
        "Hide code",
        "Search",
        "Ctrl",
        "Save this book",
        "Next Batch",
        "Last updated",
    ):
        assert control not in " ".join(texts), control


def test_links_between_pages_stay_in_the_book_and_others_lead_to_the_web(book: PdfReader) -> None:
    inside, outside = 0, []
    for page in book.pages:
        for note in page.get("/Annots") or []:
            link = note.get_object()
            if "/Dest" in link or link.get("/A", {}).get("/S") == "/GoTo":
                inside += 1
            else:
                outside.append(link["/A"]["/URI"])
    assert inside > 100
    assert not [address for address in outside if not re.match(r"https?://(?!127\.|localhost)", address)]


def test_figures_are_there(folder: Path) -> None:
    shown = sum(
        len(re.findall(r"<img ", (SITE / f"{page}.html").read_text().partition("<article")[2]))
        for page in PAGES
    )
    assert (folder / "book.html").read_text().count("<img ") == shown > 5


def test_without_chromium_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    done = make(tmp_path / "book.pdf", PATH="/nonexistent", CHROMIUM="")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "pdf: No Chromium: install it (apt install chromium), or name it in $CHROMIUM."
    ]
