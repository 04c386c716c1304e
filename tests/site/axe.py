"""What axe-core finds on a page: WCAG 2.2 A and AA and its best practices."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from .conftest import needs_node

# What we cannot mend: (rule, what the selector of the element holds, why). Empty is best.
KNOWN: list[tuple[str, str, str]] = []

# What a page's colours and its width can change; the other rules read what is the same in every look.
OF_THE_LOOK = [
    "aria-hidden-focus",
    "color-contrast",
    "link-in-text-block",
    "scrollable-region-focusable",
    "target-size",
]


def source() -> str:
    return (needs_node("axe-core") / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Page, axe: str, rules: list[str] | None = None) -> list[str]:
    """One line for each element with a fault. rules: those asked about, where it is not all."""
    page.evaluate(axe)
    how = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found: list[dict[str, Any]] = page.evaluate("(how) => axe.run(document, how)", how)["violations"]
    nodes = [
        (rule["id"], " ".join(map(str, node["target"])), node["html"])
        for rule in found
        for node in rule["nodes"]
    ]
    return [
        f"{rule}: {selector}: {html[:160]}" for rule, selector, html in nodes if not is_known(rule, selector)
    ]


def is_known(rule: str, selector: str) -> bool:
    return any(rule == known and part in selector for known, part, _ in KNOWN)
