"""Print the built site as one book: `make pdf`.

All pages of the table of contents become one document, which Chromium prints: links between pages stay links,
formulas and figures are those of the site. The first print tells on which page each section stands; the
second has these numbers in its contents.
"""

import logging
import os
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import Fit

from book._tools import chromium

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
BOOK = ROOT / "_build" / "pdf" / "training-neural-networks.pdf"
PAGE = """<!DOCTYPE html>
<html lang="en" data-theme="light">
<head><meta charset="utf-8" /><title>{title}</title>{head}</head>
<body class="book">{body}</body>
</html>"""
ROW = '<a class="{kind}" href="#{target}"><span>{title}</span><span class="page">000</span></a>'
ONLY_ON_SCREEN = "script, style, button, a.headerlink, .d-print-none, details.hide.above-input"
ADDRESSES = {"a": "href", "img": "src", "source": "srcset"}
REFERENCES = ("href", "for", "aria-labelledby", "aria-describedby", "aria-controls")
COVER = """<section class="cover"><p class="title">{title}</p><p class="subtitle">From scratch, and graded</p>
<p>{author}</p><p><a href="{home}">{home}</a></p>
<p class="licence">© {year} {author}. Text: CC BY 4.0. Code: BSD-3-Clause.</p></section>"""


def pages_of(toc: object) -> Iterator[str]:
    """The pages that _toc.yml names, in its order."""
    if isinstance(toc, list):
        for entry in toc:
            yield from pages_of(entry)
    elif isinstance(toc, dict):
        yield from (toc[key] for key in ("root", "file") if key in toc)
        for entry in toc.values():
            yield from pages_of(entry)


class Book:
    """The pages of `site` as one document in the folder `out`."""

    def __init__(self, site: Path, pages: list[str], out: Path) -> None:
        self.site, self.pages, self.out = site, pages, out
        self.headings: list[tuple[str, str, str]] = []  # kind, anchor, title
        self.soups = [
            BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
            for page in pages
        ]

    def html(self, config: dict) -> str:
        chapters = [self.chapter(page, soup) for page, soup in zip(self.pages, self.soups, strict=True)]
        first = self.soups[0]
        home = first.select_one("link[rel=canonical]")["href"].removesuffix(f"{self.pages[0]}.html")
        cover = COVER.format(
            title=config["title"], author=config["author"], year=config["copyright"], home=home
        )
        head = "".join(self.head())
        body = cover + self.contents(chapters) + "".join(map(str, chapters))
        return PAGE.format(title=escape(config["title"]), head=head, body=body)

    def head(self) -> Iterator[str]:
        """The style sheets of all pages, MathJax with its settings, and the style of the printed book."""
        here = self.pages[0]
        sheets = [
            self.file(page, sheet["href"])
            for page, soup in zip(self.pages, self.soups, strict=True)
            for sheet in soup.select("head link[rel=stylesheet]")
        ]
        for sheet in dict.fromkeys(sheets):
            yield f'<link rel="stylesheet" href="{sheet}" />'
        for script in self.soups[0].find_all("script"):
            if "MathJax" in (script.string or ""):
                yield str(script)
            elif "mathjax" in script.get("src", ""):
                yield f'<script src="{self.file(here, script["src"])}"></script>'
        style = Path(__file__).with_name("pdf.css")
        yield f"<style>{style.read_text(encoding='utf-8')}</style>"

    def chapter(self, page: str, soup: BeautifulSoup) -> Tag:
        """The text of a page, its ids made unique in the book and its links made to fit."""
        article = soup.select_one("article.bd-article")
        for unwanted in article.select(ONLY_ON_SCREEN):
            unwanted.decompose()
        for details in article.find_all("details"):
            details["open"] = ""
        for element in article.find_all(id=True):
            if not element.find_parent("svg"):
                element["id"] = self.anchor(page, element["id"])
        for name in REFERENCES[1:]:
            for element in article.find_all(attrs={name: True}):
                element[name] = " ".join(self.anchor(page, part) for part in element[name].split())
        for tag, attribute in ADDRESSES.items():
            for element in article.find_all(tag, attrs={attribute: True}):
                element[attribute] = self.address(page, element[attribute], link=tag == "a")
        article["id"] = self.anchor(page)
        return article

    def anchor(self, page: str, fragment: str = "") -> str:
        return page.replace("/", "-") + (f"--{fragment}" if fragment else "")

    def file(self, page: str, address: str) -> str:
        """Where a file that `page` names lies, seen from the book."""
        path = (self.site / page).parent / unquote(urlsplit(address).path)
        return os.path.relpath(path, self.out)

    def address(self, page: str, address: str, link: bool) -> str:
        """A link to a page of the book stays in it; one to another file of the site leads to the site."""
        if urlsplit(address).scheme or address.startswith("//"):
            return address
        if not link:
            return self.file(page, address)
        path, fragment = urldefrag(address)
        target = os.path.normpath(Path(page).parent / unquote(path)) if path else f"{page}.html"
        if target.removesuffix(".html") in self.pages:
            return "#" + self.anchor(target.removesuffix(".html"), unquote(fragment))
        canonical = self.soups[0].select_one("link[rel=canonical]")["href"]
        return urljoin(canonical.removesuffix(f"{self.pages[0]}.html"), f"{target}#{fragment}".rstrip("#"))

    def contents(self, chapters: list[Tag]) -> str:
        """Chapters and their sections; `fill_in` writes the numbers of their pages."""
        for chapter in chapters:
            self.note("chapter", chapter, "h1")
            for section in chapter.select("section > section:has(> h2)"):
                self.note("section", section, "h2")
        rows = [ROW.format(kind=kind, target=to, title=escape(title)) for kind, to, title in self.headings]
        return f'<nav class="book-contents"><p class="title">Contents</p>{"".join(rows)}</nav>'

    def note(self, kind: str, target: Tag, heading: str) -> None:
        self.headings.append((kind, target["id"], target.find(heading).get_text(" ", strip=True)))


def numbers_of_pages(path: Path) -> dict[str, int]:
    """Where the anchors that something links to stand: {id: number of the page, from 1}."""
    reader = PdfReader(path)
    return {
        name.removeprefix("/"): reader.get_destination_page_number(destination) + 1
        for name, destination in reader.named_destinations.items()
    }


def add_bookmarks(writer: PdfWriter, headings: list[tuple[str, str, str]]) -> None:
    """Chapters, and sections below them. Chromium's own say twice what stands at the top of a page."""
    chapter = None
    for kind, anchor, title in headings:
        target = writer.named_destinations[f"/{anchor}"]
        number = writer.get_destination_page_number(target)
        fit = Fit.xyz(top=target.top)
        if kind == "chapter":
            chapter = writer.add_outline_item(title=title, page_number=number, fit=fit)
        else:
            writer.add_outline_item(title=title, page_number=number, parent=chapter, fit=fit)


def fill_in(page: Page, numbers: dict[str, int]) -> None:
    page.evaluate(
        """numbers => document.querySelectorAll(".book-contents a").forEach(link => {
             link.querySelector(".page").textContent = numbers[decodeURIComponent(link.hash.slice(1))];
           })""",
        numbers,
    )


def print_book(document: Path, pdf: Path) -> None:
    """Print once to learn the numbers of the pages, and once with them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        page = browser.new_page()
        page.goto(document.as_uri(), timeout=300_000)  # all pages in one: a busy machine takes long
        page.evaluate("() => MathJax.startup.promise")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        page.evaluate(
            """() => Promise.all([...document.images].map(image => {
                 image.loading = "eager";  // a lazy one would wait for ever to come into view
                 return image.decode();
               }))"""
        )
        for numbers in ({}, None):
            if numbers is None:
                fill_in(page, numbers_of_pages(pdf))
            page.pdf(path=pdf, prefer_css_page_size=True, print_background=True, tagged=True)
        browser.close()


def main(site: Path = SITE, pdf: Path = BOOK, toc: Path = ROOT / "_toc.yml") -> None:
    """Print the pages of `site` that `toc` names."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    pages = list(pages_of(yaml.safe_load(toc.read_text(encoding="utf-8"))))
    pdf.parent.mkdir(parents=True, exist_ok=True)
    document = pdf.with_name("book.html")
    book = Book(site, pages, pdf.parent)
    document.write_text(book.html(config), encoding="utf-8")
    print_book(document, pdf)
    writer = PdfWriter(clone_from=pdf)
    add_bookmarks(writer, book.headings)
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    writer.write(pdf)
    print(f"{pdf}: {len(writer.pages)} pages")


if __name__ == "__main__":
    logging.getLogger("pypdf").setLevel(
        logging.ERROR
    )  # it warns of how Chromium counts the objects of a file
    try:
        main(*map(Path, sys.argv[1:]))
    except FileNotFoundError as error:
        sys.exit(f"pdf: {error}")
