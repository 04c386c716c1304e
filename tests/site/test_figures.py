"""Figures answer to the reader: keyboard, summary for the ear, twin on paper and without scripts."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CHAPTER = "book/02-batchnorm/index.html"


def test_a_slider_moves_the_figure_and_says_what_is_to_be_seen(open_page) -> None:
    page = open_page(CHAPTER)
    figure = page.locator("bn-drift")
    slider = figure.get_by_label("mean of the others")
    before = figure.locator("output").inner_text()
    slider.focus()
    page.keyboard.press("End")
    assert figure.locator("output").inner_text() != before
    assert "mu = " in figure.locator("output").inner_text()
    assert not page.problems


def test_the_static_twin_stands_where_no_script_runs(open_page) -> None:
    page = open_page(CHAPTER, java_script_enabled=False)
    assert page.locator(".live-figure img").first.is_visible()


def test_the_static_twin_is_what_is_printed(open_page) -> None:
    page = open_page(CHAPTER)
    twin = page.locator(".live-figure img").first
    page.locator("bn-drift[data-live]").wait_for(state="attached")
    assert not twin.is_visible()
    page.emulate_media(media="print")
    assert twin.is_visible()
    assert not page.locator("bn-drift").is_visible()
