"""Right answers to exercises, each written in another way: no check may reject one."""

from __future__ import annotations

from textwrap import dedent


class Ways(dict[str, dict[str, str]]):
    """By exercise and style, the text of a cell."""

    def add(self, exercise: str, style: str, source: str) -> None:
        self.setdefault(exercise, {})[style] = dedent(source).strip() + "\n"
