"""Equations link to the exercises that ask for their code, and the exercises link back.

The released notebooks cite equations by their numbers in the chapter. Where a page lists the exercises of its
unit, every equation that one of them cites gets a line under it that leads there. An exercise that runs in
the page leads to its box.
"""

from collections import defaultdict

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


class LinkEquations(SphinxTransform):
    """Runs when a page is read: equations have their numbers by then."""

    default_priority = 700

    def apply(self, **_kwargs: object) -> None:
        entries = [node for node in self.document.findall(nodes.list_item) if "cites" in node]
        if not entries:
            return
        equations = {
            node["number"]: node for node in self.document.findall(nodes.math_block) if node.get("number")
        }
        used: dict[int, list[nodes.list_item]] = defaultdict(list)
        for entry in entries:
            for number in entry["cites"]:
                if number in equations:
                    used[number].append(entry)
                else:
                    logger.warning(_unknown(entry["says"], number), location=entry)
            _link_back(entry, [n for n in entry["cites"] if n in equations], equations)
        for entry in entries:
            _link_live(entry, self.document)
        for number, users in used.items():
            _link_forth(equations[number], users)


def _unknown(says: tuple[str, int, str], number: int) -> str:
    library, index, title = says
    return (
        f"{library} exercise {index}, {title}, cites equation ({number}), which this page does not have: "
        "run `autograder build` for the unit."
    )


def _link_back(entry: nodes.list_item, numbers: list[int], equations: dict[int, nodes.math_block]) -> None:
    """From an exercise to the equations that it turns into code."""
    if not numbers:
        return
    line = nodes.paragraph("", "eq. ", classes=["exercise-equations"])
    for place, number in enumerate(numbers):
        line += nodes.Text(", " if place else "")
        target = nodes.make_id(f"equation-{equations[number]['label']}")
        line += _link(f"({number})", target, "equation ")
    entry += line


def _link_live(entry: nodes.list_item, document: nodes.document) -> None:
    """From an exercise to the box of the same page that runs it."""
    for box in document.findall(lambda node: node.tagname == "live_exercise"):
        name = nodes.make_id(f"exercise-{box['key'].rpartition('/')[2]}-{box['exercise']}")
        if name in entry["ids"]:
            if not box["ids"]:
                box["ids"] = [f"live-{name}"]
            line = nodes.paragraph("", "", classes=["exercise-live"])
            line += _link("solve it in this page", box["ids"][0], "", f": {entry['says'][2]}")
            entry += line


def _link_forth(equation: nodes.math_block, users: list[nodes.list_item]) -> None:
    """From an equation to its exercises: "code: NumPy 1, NumPy 7"."""
    line = nodes.paragraph("", "code: ", classes=["equation-code"])
    for place, user in enumerate(users):
        library, number, title = user["says"]
        line += nodes.Text(", " if place else "")
        line += _link(f"{library}\N{NO-BREAK SPACE}{number}", user["ids"][0], "", f", {title}")
    place = equation.parent.index(equation)
    equation.parent.insert(place + 1, line)


def _link(text: str, target: str, before: str, after: str = "") -> nodes.reference:
    """A link within the page; `before` and `after` are for screen readers."""
    words = [_unseen(before), nodes.Text(text), _unseen(after)]
    return nodes.reference("", "", *filter(None, words), refid=target, internal=True)


def _unseen(text: str) -> nodes.inline | None:
    return nodes.inline("", text, classes=["visually-hidden"]) if text else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_transform(LinkEquations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
