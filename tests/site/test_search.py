"""The search finds sections, in every form of a word, without a server."""

from collections.abc import Callable
from urllib.parse import quote_plus

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.site.conftest import SITE, OpenPage

CHAPTER = "book/02-batchnorm/index.html"
GLOSSARY = "book/notation.html"

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Search = Callable[[str], Page]


@pytest.fixture
def search(open_page: OpenPage) -> Search:
    return lambda query, **options: open_page(f"search.html?q={quote_plus(query)}", **options)


def found(page: Page) -> list[str]:
    expect(page.locator(".search-status")).not_to_be_empty()
    return [link.get_attribute("href") or "" for link in page.locator(".search-list a").all()]


@pytest.mark.parametrize(
    ("query", "expected", "among"),
    [
        ("batch norm backward", f"{CHAPTER}#backward", 2),
        ("eval mode", f"{GLOSSARY}#term-eval-mode", 2),
        ("running mean", f"{CHAPTER}#test-time", 5),
        ("gamma", f"{CHAPTER}#forward", 2),
        ("x_hat", f"{CHAPTER}#forward", 3),
        ("batchnorm_forward", f"{CHAPTER}#from-equations-to-exercises", 2),
        ("numerical gradient", f"{CHAPTER}#the-numerical-gradient", 2),
        ("upstream gradients", f"{GLOSSARY}#term-upstream-gradient", 1),
        ("folding", f"{CHAPTER}#folding", 2),
        ("Notation and glossary", f"{GLOSSARY}#notation-and-glossary", 1),
    ],
)
def test_a_query_leads_to_the_section_about_it(search: Search, query: str, expected: str, among: int) -> None:
    assert expected in found(search(query))[:among]


@pytest.mark.parametrize("query", ["normalize", "normalized", "normalizing", "normalisation"])
def test_all_forms_and_both_spellings_of_a_word_find_the_same(search: Search, query: str) -> None:
    assert found(search(query)) == found(search("normalization")) != []


@pytest.mark.parametrize("query", ["batchnorm", "batch norm", "BN"])
def test_a_short_name_finds_what_the_full_name_finds(search: Search, query: str) -> None:
    assert (
        found(search(query))[0] == found(search("batch normalization"))[0] == f"{CHAPTER}#batch-normalization"
    )


def test_a_greek_letter_finds_its_name(search: Search) -> None:
    assert found(search("γ")) == found(search("gamma")) != []


def test_the_search_gives_no_answer_of_a_quiz_away(search: Search) -> None:
    page = search("That is the version for features, applied to every place")
    assert found(page)
    assert "symmetry of the convolution" not in page.locator(".search-list").inner_text()


def test_results_lead_to_anchors_that_exist(search: Search) -> None:
    for address in found(search("batch")):
        path, _, anchor = address.partition("#")
        assert f'id="{anchor}"' in (SITE / path).read_text(), address


def test_a_result_shows_the_words_in_their_place(search: Search) -> None:
    page = search("upstream gradient")
    first = page.locator(".search-list li").first
    expect(first).to_contain_text("gradient of the loss")
    assert {mark.lower() for mark in first.locator("mark").all_inner_texts()} >= {"gradient"}


def test_words_are_found_by_their_beginning_while_the_reader_types(open_page: OpenPage) -> None:
    page = open_page("search.html")
    page.keyboard.type("upstr")
    expect(page.locator(".search-list a").first).to_be_visible()
    assert f"{GLOSSARY}#term-upstream-gradient" in found(page)[:3]
    assert page.url.endswith("?q=upstr")


def test_a_search_without_result_says_what_to_do(search: Search) -> None:
    page = search("zebra")
    expect(page.get_by_role("status")).to_contain_text("Nothing found for “zebra”. Try")
    assert page.locator(".search-list li").count() == 0


def test_a_query_is_text_and_not_markup(search: Search) -> None:
    page = search("<img src=x onerror=document.title='broken'>")
    expect(page.get_by_role("status")).to_contain_text("<img")
    assert page.locator("#search-results img").count() == 0


def test_control_k_opens_the_search_from_a_chapter(open_page: OpenPage) -> None:
    page = open_page(CHAPTER)
    page.keyboard.press("Control+k")
    page.keyboard.type("running mean")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=running+mean*")
    assert found(page)


def test_a_phone_has_a_button_that_opens_the_search(open_page: OpenPage) -> None:
    page = open_page(CHAPTER, viewport={"width": 390, "height": 800}, has_touch=True)
    page.locator("button.search-button:visible").first.tap()
    page.locator("dialog input[type=search]").fill("gamma")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=gamma*")
    assert found(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_search_works_from_a_folder_without_a_server(chromium: Browser, site: str) -> None:
    page = chromium.new_page()
    page.goto((SITE / "search.html").as_uri() + "?q=running+mean")
    assert f"{CHAPTER}#test-time" in found(page)
    page.close()


def test_the_search_asks_no_other_server(search: Search) -> None:
    page = search("gamma")
    assert found(page)
    assert page.external == page.problems == []  # type: ignore[attr-defined]
