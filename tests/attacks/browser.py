"""Running code, or loading a page, where somebody reads what was handed in."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.attack import NOWHERE, PAGE, Attack, Document, Target, cell

GROUP = "browser"
SCRIPT = "<script>alert(1)</script>"
TAGS = f"{SCRIPT}<img src=x onerror=alert(1)><svg onload=alert(1)><iframe src=//evil.example></iframe>"
READER = "whatever the reader may do: marks changed in formgrader, a session stolen"


def shows(name: str, source: str, tells: str = "", gains: str = READER) -> Attack:
    return Attack(GROUP, name, gains, (source,), tells=tells, works=PAGE)


def displays(mime: str, data: str) -> str:
    return f"from IPython.display import display\ndisplay({ {mime: data, 'text/plain': 'seen'}!r}, raw=True)"


def _stored_outputs(document: Document) -> None:
    """The outputs of experiments are shown as they were handed in."""
    mimes = {"text/html": TAGS, "application/javascript": "alert(1)", "image/svg+xml": f"<svg>{SCRIPT}</svg>"}
    png = {"image/png": f'iVBORw0KGgo"><{SCRIPT[1:]}', "text/plain": TAGS}
    cell(document, "experiment-none")["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": mimes | png},
        {"output_type": "execute_result", "metadata": {}, "data": {"text/html": [TAGS]}},
        {"output_type": "error", "ename": TAGS, "evalue": TAGS, "traceback": [TAGS]},
        {"output_type": "stream", "name": f'stdout" onload="{SCRIPT}', "text": TAGS},
    ]


def _answer(text: str):
    def spoil(document: Document) -> None:
        cell(document, "question-why")["source"] = text

    return spoil


def _attachment(document: Document) -> None:
    question = cell(document, "question-why")
    question["source"] = "An answer with ![a picture](attachment:x.svg)"
    question["attachments"] = {
        "x.svg": {"image/svg+xml": f"<svg>{SCRIPT}</svg>"},
        "x.png": {"image/png": f'iVBORw0KGgo="><svg>{SCRIPT}'},
        "x.jpg": {"text/html": SCRIPT, "image/jpeg": ["/9j/", f"<svg>{SCRIPT}</svg>"]},
    }


def _ids(document: Document) -> None:
    document["cells"][0]["id"] = f'"><{SCRIPT[1:]}'
    document["metadata"]["title"] = document["metadata"]["authors"] = TAGS


def _renamed(folder: Path, text: str, _: Target) -> None:
    folder.mkdir(parents=True)
    (folder / "tiny \x1b[31m<img src=x onerror=alert(1)>\u202e.ipynb").write_text(text)


def answers(name: str, text: str) -> Attack:
    return Attack(GROUP, name, READER, spoil=_answer(text), works=PAGE)


ATTACKS = [
    shows("HTML that is printed", f"print({TAGS!r})", "alert"),
    shows("HTML that is displayed", displays("text/html", TAGS), "seen"),
    shows("JavaScript that is displayed", displays("application/javascript", "alert(1)"), "seen"),
    shows("SVG that is displayed", displays("image/svg+xml", f"<svg>{SCRIPT}</svg>"), "seen"),
    shows(
        "Markdown that is displayed", displays("text/markdown", f"[x](javascript:alert(1)) {TAGS}"), "seen"
    ),
    shows("LaTeX that is displayed", displays("text/latex", r"$\href{javascript:alert(1)}{x}$"), "seen"),
    shows("a widget that is displayed", displays("application/vnd.jupyter.widget-view+json", TAGS), "seen"),
    shows("a picture that is none", displays("image/png", f'iVBORw0KGgo"><{SCRIPT[1:]}'), "seen"),
    shows("an error's message", f"raise ValueError({TAGS!r})", "alert"),
    shows("an error's name", f"raise type({TAGS!r}, (Exception,), {{}})('x')", "alert"),
    Attack(
        GROUP,
        "a failing check's message",
        READER,
        answers={"scale": f"def scale(x, a):\n    raise ValueError({TAGS!r})\n"},
        tells="alert",
        works=PAGE,
    ),
    Attack(
        GROUP,
        "a failing check's line",
        READER,
        answers={"scale": f"def scale(x, a):\n    raise ValueError  # {TAGS}\n"},
        tells="alert",
        works=PAGE,
    ),
    shows(
        "commands for a terminal",
        r"print('\x1b]0;owned\x07\x1b[2J\x1b[8mhidden\x1b[0m\x9b31m\x1bP1$r0\x1b\\ \x08\x08\x08forged')",
        "forged",
        "a terminal that shows what the student wants",
    ),
    shows(
        "text that runs backwards",
        r"print('\u202e10 of 10 points\u202c')",
        "10 of 10",
        "a reader who sees other marks",
    ),
    shows("source that closes its frame", f"'''</pre></details>{TAGS}'''", "details"),
    Attack(GROUP, "outputs in the file", READER, spoil=_stored_outputs, works=PAGE),
    answers("tags in an answer", TAGS),
    answers(
        "links in an answer",
        "[x](javascript:alert(1)) [y](data:text/html;base64,PHNjcmlwdD4=) <javascript:alert(1)>",
    ),
    answers("a tracker in an answer", "![x](https://evil.example/who-reads.png)"),
    answers("formulas in an answer", "$$\\href{javascript:alert(1)}{x}$$ $\\require{html}\\style{x}{y}$"),
    answers("a diagram in an answer", "```mermaid\n" + TAGS + "\n```\n"),
    Attack(
        GROUP,
        "an attachment of an answer",
        READER,
        spoil=_attachment,
        tells="a pasted picture",
        works=NOWHERE,
    ),
    Attack(GROUP, "ids and metadata", READER, spoil=_ids, works=PAGE),
    Attack(
        GROUP,
        "the name of the file",
        READER,
        hand_in=_renamed,
        tells="is graded instead",
        works=PAGE,
    ),
]
