"""The numbers of a chapter's equations, so that code can cite them by label and never by hand."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

LABELLED = re.compile(
    r"^\$\$[ \t]*\(([\w-]+)\)\s*$|\$\$[ \t]*\(([\w-]+)\)\s*$|^:label:[ \t]*([\w-]+)\s*$", re.M
)
CITED = re.compile(r"\{eq\}`([\w-]+)`")


class EquationError(ValueError):
    """A text cites an equation that the chapter does not have."""


class Equations:
    """Labels of a MyST page in order; Sphinx numbers them from 1 in each page."""

    def __init__(self, chapter: Path):
        self.chapter = chapter

    @cached_property
    def numbers(self) -> dict[str, int]:
        if not self.chapter.exists():
            return {}
        labels = [next(filter(None, m.groups())) for m in LABELLED.finditer(self.chapter.read_text("utf-8"))]
        return {label: number for number, label in enumerate(labels, 1)}

    def cite(self, text: str, where: str) -> str:
        """Replace each {eq}`label` in `text` by its number; EquationError where the chapter lacks it."""

        def number(match: re.Match[str]) -> str:
            label = match.group(1)
            if label not in self.numbers:
                raise EquationError(
                    f"{where} cites the equation {label}, which {self.chapter} does not have."
                )
            return f"eq. ({self.numbers[label]})"

        return CITED.sub(number, text)
