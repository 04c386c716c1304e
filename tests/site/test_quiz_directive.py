"""The quiz directive on a small Sphinx project: what an author writes is a form, or one clear sentence."""

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "sphinx.ext.mathjax", "quiz"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
math_numfig = False
html_static_path = [{str(ROOT / "book" / "_static")!r}]
project = "test"
"""
MISTAKES = """
[[mistake]]
id = "BF4"
of = "f"
find = "the solution"
replace = "broken"
says = "Divide by the root."
"""
GOOD = """
:::{question} single
What is $\\sqrt{4}$ in {eq}`four`?

[BF4] 4
: That is the square, see {eq}`four`.

[x] 2
: Indeed, and $2 > 0$.
:::
"""
PAGE = "# Page\n\n$$\n2^2 = 4\n$$ (four)\n\n"

Build = Callable[..., tuple[Path, str]]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Build a page with this text; the folder of the output, and the warnings."""

    def run(text: str, builder: str = "html") -> tuple[Path, str]:
        source = tmp_path / "source"
        (source / "solutions" / "00-unit").mkdir(parents=True, exist_ok=True)
        (source / "solutions" / "00-unit" / "mistakes.toml").write_text(MISTAKES)
        (source / "conf.py").write_text(CONF)
        (source / "index.md").write_text(PAGE + text)
        warnings = io.StringIO()
        out = tmp_path / builder
        with patch_docutils(), docutils_namespace():
            Sphinx(source, source, out, tmp_path / "doctrees", builder, status=None, warning=warnings).build()
        return out, re.sub(r"\x1b\[\d*m", "", warnings.getvalue())

    return run


def quiz(body: str, name: str = "q") -> str:
    return f"::::{{quiz}} {name}\n{body}\n::::\n"


def question(kind: str, options: str, tolerance: str = "") -> str:
    option = f":tolerance: {tolerance}\n" if tolerance else ""
    return quiz(f":::{{question}} {kind}\n{option}What?\n\n{options}\n:::\n")


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, name: str, **wanted: str) -> list[dict[str, str | None]]:
        return [a for tag, a in self.found if tag == name and all(a.get(k) == v for k, v in wanted.items())]


def test_math_and_references_work_in_questions_options_and_explanations(build: Build) -> None:
    out, warnings = build(quiz(GOOD))
    page = (out / "index.html").read_text()
    assert not warnings
    assert page.count('class="reference internal" href="#equation-four"') == 2
    assert page.count(r"\(\sqrt{4}\)") == 1
    assert page.count(r"\(2 &gt; 0\)") == 1


def test_a_broken_reference_in_an_explanation_is_a_warning_of_the_strict_build(build: Build) -> None:
    _, warnings = build(quiz(GOOD.replace("see {eq}`four`", "see {eq}`five`")))
    assert "five" in warnings


def test_a_wrong_option_carries_the_id_of_its_mistake_and_nothing_else_of_the_catalogue(build: Build) -> None:
    out, _ = build(quiz(GOOD))
    page = (out / "index.html").read_text()
    explanations = Tags(page).of("div", **{"class": "explanation"})
    assert [e.get("data-mistake") for e in explanations] == ["BF4", None]
    assert ["data-right" in e for e in explanations] == [False, True]
    for secret in ("the solution", "broken", "Divide by the root"):
        assert secret not in page


@pytest.mark.parametrize(("kind", "box"), [("single", "radio"), ("multiple", "checkbox")])
def test_every_choice_has_a_labelled_box(build: Build, kind: str, box: str) -> None:
    out, warnings = build(quiz(GOOD.replace("single", kind)))
    assert not warnings
    tags = Tags((out / "index.html").read_text())
    assert len(tags.of("input", type=box)) == 2
    assert len({a["name"] for a in tags.of("input", type=box)}) == 1


ORDER = "\n".join(f"[{rank}] step {rank}\n: It stands at {rank}.\n" for rank in (1, 2, 2, 3))


def test_an_id_may_stand_in_the_mistakes_of_one_notebook(build: Build, tmp_path: Path) -> None:
    build(quiz(GOOD))
    catalogue = tmp_path / "source" / "solutions" / "00-unit"
    (catalogue / "mistakes_numpy.toml").write_text(MISTAKES.replace("BF4", "NP4"))
    _, warnings = build(quiz(GOOD.replace("BF4", "NP4")))
    assert not warnings


SECTIONS = "(first)=\n## Views and *copies*\n\nText.\n\n"
ABOUT = GOOD.replace("single\n", "single\n:about: first\n", 1)


def test_a_question_links_the_section_it_is_about_by_its_title_below_its_answers(build: Build) -> None:
    out, warnings = build(SECTIONS + quiz(ABOUT))
    page = (out / "index.html").read_text()
    assert not warnings
    answers = re.search(r'<details class="answers">(.*?)</details>', page, re.DOTALL)
    assert answers
    link = r'<p class="about">Section: <a class="reference internal" href="#first"><span.*?>Views and copies<'
    assert re.search(link, answers[1])


def test_a_question_about_a_section_that_is_missing_is_a_warning_of_the_strict_build(build: Build) -> None:
    _, warnings = build(SECTIONS + quiz(ABOUT.replace("about: first", "about: second")))
    assert "second" in warnings


def test_a_question_that_is_about_another_section_keeps_its_score(build: Build) -> None:
    digests = set()
    for text in (quiz(GOOD), SECTIONS + quiz(ABOUT)):
        out, _ = build(text)
        digests |= {
            f["data-digest"] for f in Tags((out / "index.html").read_text()).of("form") if "data-digest" in f
        }
    assert len(digests) == 1


def test_the_text_of_a_self_test_names_the_section_after_the_answers(build: Build) -> None:
    out, _ = build(SECTIONS + quiz(ABOUT), "text")
    text = (out / "index.txt").read_text()
    assert text.index("Indeed") < text.index("Section: Views and copies")


def test_steps_are_shown_mixed_the_same_at_every_build(build: Build) -> None:
    shown = []
    for spaces in ("", "\n\n"):
        out, warnings = build(question("order", ORDER) + spaces)
        assert not warnings
        page = (out / "index.html").read_text()
        shown.append([int(n) for n in re.findall(r'class="step" data-answer="(\d)"', page)])
    assert shown[0] == shown[1]
    assert sorted(shown[0]) == [0, 1, 2, 3]
    ranks = [(1, 2, 2, 3)[index] for index in shown[0]]
    assert ranks != sorted(ranks)


def test_a_numeric_question_knows_its_near_misses_and_its_tolerance(build: Build) -> None:
    out, warnings = build(
        question("numeric", "[x] 0.5\n: Yes.\n\n[BF4] -2e3\n: No.\n\n[ ] other\n: Try again.", "0.01")
    )
    assert not warnings
    tags = Tags((out / "index.html").read_text())
    assert [form["data-tolerance"] for form in tags.of("form", **{"data-kind": "numeric"})] == ["0.01"]
    assert [e.get("data-value") for e in tags.of("div", **{"class": "explanation"})] == ["0.5", "-2e3", None]


def test_the_script_is_loaded_only_where_there_is_a_quiz(build: Build) -> None:
    out, _ = build(quiz(GOOD))
    assert "quiz.js" in (out / "index.html").read_text()
    assert "quiz.js" not in (out / "genindex.html").read_text()
    out, _ = build("No quiz here.")
    assert "quiz.js" not in (out / "index.html").read_text()


def test_a_rewritten_question_has_another_digest_so_that_its_old_score_is_not_counted(build: Build) -> None:
    digests = []
    numeric = "[x] 1\n: Yes.\n\n[ ] other\n: No."
    for text in (
        *(
            quiz(GOOD),
            quiz(GOOD),
            quiz(GOOD.replace("Indeed", "Yes")),
            quiz(GOOD.replace("single", "multiple")),
        ),
        *(question("numeric", numeric, "0.1"), question("numeric", numeric, "0.2")),
    ):
        out, _ = build(text)
        forms = Tags((out / "index.html").read_text()).of("form")
        digests += [form["data-digest"] for form in forms if "data-digest" in form]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 5


def test_brackets_within_a_sentence_are_no_box(build: Build) -> None:
    out, warnings = build(quiz(GOOD.replace("What is", "If x[i] is an entry, what is")))
    assert not warnings
    assert "If x[i] is an entry" in (out / "index.html").read_text()


@pytest.mark.parametrize("builder", ["text", "latex", "man", "xml", "pseudoxml", "gettext"])
def test_builders_without_forms_write_questions_options_and_answers(build: Build, builder: str) -> None:
    out, warnings = build(quiz(GOOD) + "\n" + question("order", ORDER).replace("} q", "} r"), builder)
    assert not warnings
    text = "\n".join(file.read_text(errors="ignore") for file in out.rglob("*") if file.is_file())
    for expected in ("What", "That is the square", "Indeed", "It stands at 3"):
        assert expected in text


def test_the_text_of_a_quiz_reads_like_a_sheet_of_paper(build: Build) -> None:
    out, _ = build(quiz(GOOD), "text")
    text = (out / "index.txt").read_text()
    assert "Question 1" in text
    assert "a. 4" in text
    assert "a: **Wrong.** That is the square" in text
    assert "b: **Right.** Indeed" in text
    assert "<" not in text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (quiz(GOOD) + quiz(GOOD), "this page has two quizzes named q: rename one of them."),
        (quiz("No question."), "quiz q has no question: write a question directive inside it."),
        (GOOD, "a question stands inside a quiz: put it into a quiz directive."),
        (
            question("essay", "[x] a\n: b"),
            "quiz q, question 1: the kind is one of single, multiple, numeric, order, not 'essay'.",
        ),
        (quiz(":::{question} single\nWhat?\n:::"), "expected what is asked, and after it the options"),
        (quiz(":::{question} single\n[x] a\n: b\n:::"), "expected what is asked, and after it the options"),
        (question("single", "[x] a\n: b\n\n[ ] c\n"), "the option '[ ] c' has no explanation"),
        (question("single", "[ ] c\n\n[x] a\n: b\n"), "the option '[ ] c' has no explanation"),
        (question("single", "[x] a\n: b\n\nc\n: d\n"), "expected a box like [ ] or [x] before 'c'"),
        (
            question("single", "[x] a\n: b\n\n[x] c\n: d\n"),
            "expected one right option, [x], among wrong ones, not 2 of 2",
        ),
        (
            question("single", "[ ] a\n: b\n\n[ ] c\n: d\n"),
            "expected one right option, [x], among wrong ones, not 0 of 2",
        ),
        (question("single", "[x] a\n: b"), "expected one right option, [x], among wrong ones, not 1 of 1"),
        (
            question("multiple", "[x] a\n: b\n\n[x] c\n: d\n"),
            "expected one or more right options, [x], among wrong ones, not 2 of 2",
        ),
        (
            question("multiple", "[ ] a\n: b\n\n[ ] c\n: d\n"),
            "expected one or more right options, [x], among wrong ones, not 0 of 2",
        ),
        (
            question("single", "[x] a\n: b\n\n[BF99] c\n: d\n"),
            "no solutions/*/mistakes*.toml has a mistake 'BF99'",
        ),
        (question("numeric", "[x] 1\n: b"), "expected one explanation for every other number"),
        (question("numeric", "[ ] 1\n: b\n\n[ ] other\n: c"), "expected one right number"),
        (question("numeric", "[x] other\n: c\n\n[ ] 1\n: b"), "expected one right number"),
        (question("numeric", "[x] one\n: b\n\n[ ] other\n: c"), "expected a number after the box, not 'one'"),
        (question("numeric", "[x] nan\n: b\n\n[ ] other\n: c"), "expected a number after the box, not 'nan'"),
        (
            question("numeric", "[x] 1\n: b\n\n[ ] 1.1\n: b\n\n[ ] other\n: c", "0.1"),
            "with tolerance 0.1, 1.1 meets another number",
        ),
        (
            question("numeric", "[x] 1\n: b\n\n[ ] other\n: c", "-1"),
            "the tolerance is a number of at least 0, not '-1'",
        ),
        (
            question("numeric", "[x] 1\n: b\n\n[ ] other\n: c", "low"),
            "the tolerance is a number of at least 0, not 'low'",
        ),
        (
            question("order", "[2] a\n: b\n\n[1] c\n: d"),
            "expected steps in the right order, as [1] [2] [2] [3], not [2] [1]",
        ),
        (question("order", "[1] a\n: b\n\n[1] c\n: d"), "not [1] [1]"),
        (question("order", "[x] a\n: b\n\n[ ] c\n: d"), "not [x] [ ]"),
    ],
)
def test_a_slip_of_the_author_is_one_clear_sentence(build: Build, text: str, sentence: str) -> None:
    _, warnings = build(text)
    assert sentence in warnings
    assert len(re.findall(r"ERROR|WARNING", warnings)) == 1
