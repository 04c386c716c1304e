"""The gate of test_every_page.py sees faults: axe-core is asked about pages that have one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from . import axe
from .conftest import settle

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ('<img src="x.png">', "image-alt"),
        ('<p style="color: #999; background: #fff">pale</p>', "color-contrast"),
        ("<button></button>", "button-name"),
    ],
)
def test_the_gate_sees_a_fault(open_page: Callable[..., Page], fault: str, rule: str) -> None:
    with open_page("book/notation.html") as page:
        settle(page)
        page.evaluate(
            "fault => document.querySelector('article').insertAdjacentHTML('beforeend', fault)", fault
        )
        assert any(line.startswith(f"{rule}:") for line in axe.violations(page, axe.source()))
