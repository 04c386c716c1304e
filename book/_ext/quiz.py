"""`{quiz} name` holds questions for retrieval practice: single, multiple, numeric, order.

A question is Markdown: what is asked, then a definition list. Each term is an option, its definition explains
it. The box in front says what the option is: `[x]` right, `[ ]` wrong, `[BF4]` wrong and mistake BF4 of the
catalogue, `[1]`, `[2]` the rank of a step. So math, citations and references work everywhere, and the strict
build checks them.

A question with `:about: label` names the section that it tests, at the end of its answers: so a quiz is a
self-test, and the script says which sections to skip and which to read.

The page holds the whole form and its answers; `_static/quiz/quiz.js` checks, explains and keeps the score.
Without scripts each question has its answers to unfold. Builders other than HTML get lists of the same text.
"""

import hashlib
import math
import random
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

KINDS = {
    "single": "choose one",
    "multiple": "choose all that apply",
    "numeric": "write a number",
    "order": "put in order",
}
BOX = re.compile(r"^\[( |[\w-]+)\]\s+", re.MULTILINE)
OTHER = "other"
ANY = "Any other number"
FEEDBACK = '<div class="feedback" aria-live="polite"></div>'
MOVES = (
    '<span class="moves"><button type="button" aria-label="Move {0} up">\u2191</button>'
    '<button type="button" aria-label="Move {0} down">\u2193</button></span>'
)
SECTIONS = '<div class="sections" aria-live="polite"></div>'
SCORE = '<p class="score"><span role="status"></span> <button type="button">Start over</button></p>'


@dataclass
class Option:
    """One option, near miss or step: the word in its box, its text, and its explanation."""

    box: str
    text: list[nodes.Node]
    explanation: list[nodes.Node]

    @property
    def right(self) -> bool:
        return self.box == "x"

    @property
    def words(self) -> str:
        return "".join(node.astext() for node in self.text).strip()


class Quiz(SphinxDirective):
    """Argument: the name of the quiz, unique in its page."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        name = nodes.make_id(self.arguments[0])
        page = self.env.metadata[self.env.docname]
        names = page.get("quizzes", "").split()
        if name in names:
            raise self.error(f"quiz: this page has two quizzes named {name}: rename one of them.")
        page["quizzes"] = " ".join([*names, name])
        quiz = nodes.container(classes=["quiz"], ids=[name])
        self.env.temp_data["quiz"] = {"name": name, "questions": 0}
        try:
            self.state.nested_parse(self.content, self.content_offset, quiz)
            if not self.env.temp_data["quiz"]["questions"]:
                raise self.error(f"quiz {name} has no question: write a question directive inside it.")
        finally:
            del self.env.temp_data["quiz"]
        quiz += html(SECTIONS + SCORE)
        self.set_source_info(quiz)
        return [quiz]


class Question(SphinxDirective):
    """Argument: the kind. `:tolerance:` is how far a numeric answer may be from the number, 0 by default;
    `:about:` is the label of the section that the question tests.
    """

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012
        "tolerance": directives.unchanged_required,
        "about": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        quiz = self.env.temp_data.get("quiz")
        if quiz is None:
            raise self.error("question: a question stands inside a quiz: put it into a quiz directive.")
        quiz["questions"] += 1
        self.where = f"quiz {quiz['name']}, question {quiz['questions']}"
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{self.where}: the kind is one of {', '.join(KINDS)}, not {kind!r}.")
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        prompt, options = self._read(body)
        tolerance = self._tolerance()
        self._validate(kind, options, tolerance)
        whole = "\n".join([kind, repr(tolerance), *self.content])
        digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
        question = render(kind, f"{quiz['name']}-{quiz['questions']}", prompt, options, tolerance, digest)
        if label := self.options.get("about"):
            question.insert(-1, self._section(label))  # the last thing in `<details>`
        return [question]

    def _section(self, label: str) -> nodes.paragraph:
        """A link to the section, whose text is its title; the build warns where there is none."""
        link = addnodes.pending_xref(
            "",
            nodes.inline("", label),
            refdomain="std",
            reftype="ref",
            reftarget=label.lower(),
            refexplicit=False,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(link)
        return nodes.paragraph("", "Section: ", link, classes=["about"])

    def _read(self, body: nodes.Element) -> tuple[list[nodes.Node], list[Option]]:
        """What is asked, and the options of the definition list after it."""
        *prompt, last = body.children or [nodes.paragraph()]
        for paragraph in (node for node in body.children if isinstance(node, nodes.paragraph)):
            if found := BOX.search(paragraph.astext()):
                option = paragraph.astext()[found.start() :].splitlines()[0]
                raise self.error(
                    f"{self.where}: the option {option!r} has no explanation: write the option on one line, "
                    f"and its explanation on the next, after a colon."
                )
        if not prompt or not isinstance(last, nodes.definition_list):
            raise self.error(
                f"{self.where}: expected what is asked, and after it the options, each with an explanation."
            )
        return prompt, [self._option(item) for item in last.children]

    def _option(self, item: nodes.Element) -> Option:
        term, *definitions = item.children
        box = BOX.match(term.astext())
        if not box or not isinstance(term[0], nodes.Text):
            raise self.error(
                f"{self.where}: expected a box like [ ] or [x] before {term.astext()!r}: write one."
            )
        term[0] = nodes.Text(term[0].astext()[box.end() :])
        explanation = [node for definition in definitions for node in definition.children]
        if not explanation:
            raise self.error(f"{self.where}: the option {term.astext()!r} has no explanation: write one.")
        return Option(box[1], list(term.children), explanation)

    def _tolerance(self) -> float:
        written = self.options.get("tolerance", "0")
        tolerance = number(written)
        if tolerance is None or tolerance < 0:
            raise self.error(f"{self.where}: the tolerance is a number of at least 0, not {written!r}.")
        return tolerance

    def _validate(self, kind: str, options: list[Option], tolerance: float) -> None:
        if kind == "order":
            complaint = complaint_about_steps(options)
        else:
            complaint = complaint_about_mistakes(options, known_mistakes(self.env))
            if not complaint and kind == "numeric":
                complaint = complaint_about_numbers(options, tolerance)
            elif not complaint:
                complaint = complaint_about_choices(kind, options)
        if complaint:
            raise self.error(f"{self.where}: {complaint}")


def number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def known_mistakes(env: BuildEnvironment) -> set[str]:
    """The ids of the catalogue. Nothing else of solutions/ is read, and none of it reaches the page."""
    files = sorted(Path(env.srcdir).glob("solutions/*/mistakes*.toml"))
    for file in files:
        env.note_dependency(str(file))
    return {name for file in files for name in ids_of(file, file.stat().st_mtime_ns)}


@cache
def ids_of(file: Path, _written: int) -> frozenset[str]:
    """The ids in a file, read once for all questions of a build."""
    catalogue = tomllib.loads(file.read_text(encoding="utf-8"))
    return frozenset(entry["id"] for entry in catalogue.get("mistake", []))


def complaint_about_mistakes(options: list[Option], known: set[str]) -> str | None:
    for option in options:
        if option.box not in {" ", "x"} and option.box not in known:
            return (
                f"no solutions/*/mistakes*.toml has a mistake {option.box!r}: correct the id, or write [ ]."
            )
    return None


def complaint_about_choices(kind: str, options: list[Option]) -> str | None:
    right = sum(option.right for option in options)
    if (kind == "single" and right != 1) or not 0 < right < len(options):
        wanted = "one right option" if kind == "single" else "one or more right options"
        return f"expected {wanted}, [x], among wrong ones, not {right} of {len(options)}: correct the boxes."
    return None


def complaint_about_numbers(options: list[Option], tolerance: float) -> str | None:
    numbers = [option for option in options if option.words != OTHER]
    if len(options) - len(numbers) != 1:
        return f"expected one explanation for every other number: write it after [ ] {OTHER}."
    if sum(option.right for option in numbers) != 1:
        return "expected one right number: write it as [x] 0.5."
    seen: list[float] = []
    for option in numbers:
        value = number(option.words)
        if value is None:
            return f"expected a number after the box, not {option.words!r}: write it as 0.5."
        if any(abs(value - earlier) <= 2 * tolerance for earlier in seen):
            return f"with tolerance {tolerance:g}, {option.words} meets another number: make it smaller."
        seen.append(value)
    return None


def complaint_about_steps(options: list[Option]) -> str | None:
    ranks = [option.box for option in options]
    numbered = all(rank.isdecimal() for rank in ranks)
    if not numbered or ranks != sorted(ranks, key=int) or len(set(ranks)) == 1:
        written = " ".join(f"[{rank}]" for rank in ranks)
        return f"expected steps in the right order, as [1] [2] [2] [3], not {written}: number them."
    return None


def html(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def attributes(**values: str | None) -> str:
    """HTML data attributes; those that are None are left out."""
    return "".join(f' data-{key}="{escape(value)}"' for key, value in values.items() if value is not None)


def render(
    kind: str, name: str, prompt: list[nodes.Node], options: list[Option], tolerance: float, digest: str
) -> nodes.container:
    """The question as lists that every builder can write, with the form around them in HTML."""
    shown = shuffled(options, name) if kind == "order" else list(range(len(options)))
    letters = {index: chr(ord("a") + place) for place, index in enumerate(shown)}
    data = attributes(kind=kind, digest=digest, tolerance=f"{tolerance:g}" if kind == "numeric" else None)
    title = f"Question {name.rpartition('-')[2]}"
    return nodes.container(
        "",
        html(f'<form{data} action="#{name}-prompt" autocomplete="off">'),
        html(f'<fieldset aria-labelledby="{name}-legend {name}-prompt"><legend id="{name}-legend">'),
        nodes.strong("", title),
        nodes.inline("", f" {KINDS[kind]}", classes=["kind"]),
        html(f'<span class="result"></span></legend><div class="prompt" id="{name}-prompt">'),
        *prompt,
        html("</div>"),
        *controls(kind, name, [(index, letters[index], options[index]) for index in shown]),
        html('<p class="check"><button>Check</button> <span role="status"></span></p></fieldset></form>'),
        html(f'<details class="answers"><summary>Answers to {title.lower()}</summary>'),
        answers(kind, options, letters),
        html("</details>"),
        classes=["question"],
    )


def shuffled(options: list[Option], seed: str) -> list[int]:
    """The same mixed order at every build, never a right one."""
    order, rng = list(range(len(options))), random.Random(seed)
    while (ranks := [int(options[index].box) for index in order]) == sorted(ranks):
        rng.shuffle(order)
    return order


def controls(kind: str, name: str, options: Iterable[tuple[int, str, Option]]) -> list[nodes.Node]:
    """What the reader fills in, each with the place where its feedback will stand."""
    if kind == "numeric":
        field = '<label>Your number <input type="text" inputmode="decimal" size="10"></label>'
        return [html(f'<div class="choice"><p>{field}</p>{FEEDBACK}</div>')]
    rows = nodes.bullet_list(classes=["steps" if kind == "order" else "options"])
    for index, letter, option in options:
        if kind == "order":
            start, end = f'<span class="step" data-answer="{index}">', f"</span>{MOVES.format(letter)}"
        else:
            start = f'<label><input type="{"radio" if kind == "single" else "checkbox"}" name="{name}">'
            end = "</label>"
        mark = nodes.inline("", f"{letter}. ", classes=["letter"])
        text = nodes.inline("", "", *option.text, classes=["option-text"])
        line = nodes.paragraph("", "", html(start), mark, text, html(end))
        rows += nodes.list_item("", line, html(FEEDBACK), classes=["choice"])
    return [rows]


def answers(kind: str, options: list[Option], letters: dict[int, str]) -> nodes.bullet_list:
    """Every option with its explanation, in the order as written: the key that the script reads."""
    rows = nodes.bullet_list()
    for index, option in enumerate(options):
        data = attributes(
            right="" if option.right else None,
            rank=option.box if kind == "order" else None,
            value=option.words if kind == "numeric" and option.words != OTHER else None,
            mistake=option.box if kind != "order" and option.box not in {" ", "x"} else None,
        )
        name = (ANY if option.words == OTHER else option.words) if kind == "numeric" else letters[index]
        tone = "is-right" if option.right else "is-wrong"
        if kind == "order":
            places = [str(place) for place, step in enumerate(options, 1) if step.box == option.box]
            verdict = nodes.strong("", f"Place {' or '.join(places)}.", classes=["verdict"])
        else:
            verdict = nodes.strong("", "Right." if option.right else "Wrong.", classes=["verdict", tone])
        label = nodes.inline("", f"{name}: ", classes=["letter"])
        head = [label, verdict, nodes.Text(" ")]
        first = option.explanation[0]
        if isinstance(first, nodes.paragraph):
            first[:0] = head
            body = option.explanation
        else:
            body = [nodes.paragraph("", "", *head), *option.explanation]
        rows += nodes.list_item("", html(f'<div class="explanation"{data}>'), *body, html("</div>"))
    return rows


def load_script(app: Sphinx, pagename: str, _template: str, _context: dict, _doctree: object) -> None:
    """Only where there is a quiz."""
    if app.env.metadata[pagename].get("quizzes"):
        app.add_js_file("quiz/quiz.js", type="module")
        app.add_css_file("quiz/quiz.css")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("quiz", Quiz)
    app.add_directive("question", Question)
    app.connect("html-page-context", load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
