"""The book's sources keep the promises that notebooks, readers and the leak test rely on."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
PAGES = sorted(page for page in BOOK.rglob("*.md") if "_static" not in page.parts)
BATCHNORM = BOOK / "02-batchnorm" / "index.md"
CITED_BY_NOTEBOOKS = [
    "bn-mean",
    "bn-var",
    "bn-normalize",
    "bn-scale-shift",
    "bn-identity",
    "bn-running-mean",
    "bn-running-var",
    "bn-inference",
    "bn-dbeta",
    "bn-dgamma",
    "bn-dxhat",
    "bn-dvar",
    "bn-dmu",
    "bn-dx",
    "bn-closed",
    "bn-spatial",
    "bn-numerical",
    "bn-torch-running",
    "bn-fold",
]
LABEL = re.compile(r"^\$\$ \((?P<label>[\w-]+)\)$", re.MULTILINE)


def config() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "_config.yml").read_text())


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("label", CITED_BY_NOTEBOOKS)
def test_an_equation_that_notebooks_cite_is_in_the_chapter_once(label: str) -> None:
    assert Counter(LABEL.findall(BATCHNORM.read_text()))[label] == 1


def test_equations_are_numbered_by_their_order_in_the_page() -> None:
    assert config()["sphinx"]["config"]["math_numfig"] is False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(BOOK)))
def test_display_math_stands_on_lines_of_its_own(page: Path) -> None:
    lines = prose(page).splitlines()
    fences = [i for i, line in enumerate(lines) if "$$" in line]
    assert len(fences) % 2 == 0
    for opening, closing in zip(fences[::2], fences[1::2], strict=True):
        assert lines[opening] == "$$"
        assert LABEL.match(lines[closing]), (
            f"every equation has a label, so that it has a number: {lines[closing]}"
        )
        assert not lines[opening - 1]
        assert not "".join(lines[closing + 1 : closing + 2])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(BOOK)))
def test_pages_use_neither_widgets_nor_toggles(page: Path) -> None:
    assert not re.search(r"ipywidgets|\{toggle\}", page.read_text())


@pytest.mark.parametrize("folder", ["solutions", "exercises", "submitted", "autograded", "feedback"])
def test_what_is_not_for_readers_is_kept_out_of_the_site(folder: str) -> None:
    assert config()["only_build_toc_files"] is True
    assert f"{folder}/**" in config()["exclude_patterns"]


def toc_files(node: Any) -> list[str]:
    if isinstance(node, list):
        return [file for child in node for file in toc_files(child)]
    if isinstance(node, dict):
        own = [node[key] for key in ("root", "file") if key in node]
        return own + [file for child in node.values() for file in toc_files(child)]
    return []


def test_the_table_of_contents_lists_every_page_of_the_book_and_nothing_else() -> None:
    listed = toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text()))
    assert sorted(listed) == sorted(str(page.relative_to(ROOT).with_suffix("")) for page in PAGES)


def test_the_repository_is_named_in_one_place() -> None:
    address = config()["repository"]["url"]
    texts = [(ROOT / "_config.yml").read_text(), *(page.read_text() for page in PAGES)]
    assert sum(text.count(address) for text in texts) == 1


def test_every_reference_is_cited_or_at_least_can_be_found() -> None:
    entries = re.findall(
        r"^@\w+\{(\w+),(.*?)^\}", (BOOK / "references.bib").read_text(), re.MULTILINE | re.DOTALL
    )
    for key, fields in entries:
        assert re.search(r"^\s*(eprint|doi|isbn|pages)\s*=", fields, re.MULTILINE), (
            f"{key}: nothing to find it by"
        )
    cited = {
        key
        for page in PAGES
        for group in re.findall(r"\{cite:\w\}`([^`]+)`", page.read_text())
        for key in group.split(",")
    }
    assert cited == {key for key, _ in entries}
