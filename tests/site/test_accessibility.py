"""Every page passes axe-core: WCAG 2.2 A and AA and its best practices, in light and in dark."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import needs_node, pages

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# What we cannot mend: (rule, what the selector of the element holds, why). Empty is best.
KNOWN: list[tuple[str, str, str]] = []


@pytest.fixture(scope="session")
def axe() -> str:
    return (needs_node("axe-core") / "axe.min.js").read_text(encoding="utf-8")


def is_known(rule: str, selector: str) -> bool:
    return any(rule == known and part in selector for known, part, _ in KNOWN)


def violations(page: Page, axe: str) -> list[str]:
    """What axe finds on the page, one line for each element."""
    page.evaluate(axe)
    found: list[dict[str, Any]] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")[
        "violations"
    ]
    nodes = [
        (rule["id"], " ".join(map(str, node["target"])), node["html"])
        for rule in found
        for node in rule["nodes"]
    ]
    return [
        f"{rule}: {selector}: {html[:160]}" for rule, selector, html in nodes if not is_known(rule, selector)
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_no_page_has_a_fault_that_axe_knows(
    open_page: Callable[..., Page], axe: str, scheme: str, width: int
) -> None:
    faults = []
    for address in pages():
        with open_page(address, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
            page.wait_for_load_state("networkidle")
            assert page.locator("html").get_attribute("data-theme") == scheme
            faults += [f"{address}: {line}" for line in violations(page, axe)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ('<img src="x.png">', "image-alt"),
        ('<p style="color: #999; background: #fff">pale</p>', "color-contrast"),
        ("<button></button>", "button-name"),
    ],
)
def test_the_gate_sees_a_fault(open_page: Callable[..., Page], axe: str, fault: str, rule: str) -> None:
    with open_page("book/notation.html") as page:
        page.wait_for_load_state("networkidle")
        page.evaluate(
            "fault => document.querySelector('article').insertAdjacentHTML('beforeend', fault)", fault
        )
        assert any(line.startswith(f"{rule}:") for line in violations(page, axe))
