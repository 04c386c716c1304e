"""What the student sees after `check(f)`: text everywhere, HTML where the notebook can show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from autograder.verdict import UNTOUCHED, Mistake, Verdict

MARKS = {"passed": "✓", "wrong": "✗", "raised": "✗", "not attempted": "·", "stopped": "✗"}
COLOURS = {
    "passed": "#1a7f37",
    "wrong": "#b3261e",
    "raised": "#b3261e",
    "not attempted": "#6b6b6b",
    "stopped": "#b3261e",
}


@dataclass
class Report:
    """The verdicts on one exercise, printable."""

    exercise: str
    verdicts: Sequence[Verdict]
    mistakes: Sequence[Mistake] = ()

    @property
    def passed(self) -> bool:
        return bool(self.verdicts) and all(v.passed for v in self.verdicts)

    @property
    def headline(self) -> str:
        right = sum(v.passed for v in self.verdicts)
        if all(v.status == "not attempted" for v in self.verdicts):
            return f"{self.exercise}: not attempted yet"
        if self.passed:
            return f"{self.exercise}: " + (
                f"all {len(self.verdicts)} checks passed" if right > 1 else "passed"
            )
        return f"{self.exercise}: {right} of {len(self.verdicts)} checks passed"

    def said(self) -> list[Mistake]:
        """The recognised mistakes, each once, in the order of the checks."""
        named = [v.mistake for v in self.verdicts if v.mistake]
        return [m for name in dict.fromkeys(named) for m in self.mistakes if m.id == name]

    def text(self) -> str:
        lines = [self.headline]
        if self._begun():
            for v in self.verdicts:
                lines.append(f"  {MARKS[v.status]} {v.title}" + _indented(v))
        for mistake in self.said():
            lines.append(f"  → {mistake.says}")
            lines += [f"    {note}" for note in _notes(mistake)]
        return "\n".join(lines)

    def plain(self) -> dict[str, Any]:
        """What `text` says, in parts that JSON can hold, for a page that draws them itself."""
        return {
            "headline": self.headline,
            "passed": self.passed,
            "probes": [
                {"status": v.status, "mark": MARKS[v.status], "title": v.title, "detail": _detail(v)}
                for v in self.verdicts
                if self._begun()
            ],
            "mistakes": [{"says": m.says, "notes": _notes(m)} for m in self.said()],
        }

    def __repr__(self) -> str:
        return self.text()

    def html(self) -> str:
        """Escaped throughout: a message may quote the student's own text."""
        rows = "".join(_row(v) for v in self.verdicts) if self._begun() else ""
        says = "".join(
            f'<p style="margin:.4em 0 0"><strong>{escape(m.says)}</strong>'
            + "".join(f"<br>{escape(note)}" for note in _notes(m))
            + "</p>"
            for m in self.said()
        )
        colour = COLOURS["passed" if self.passed else "wrong" if self._begun() else "not attempted"]
        return (
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;line-height:1.45">'
            f"<strong>{escape(self.headline)}</strong>"
            f'<ul style="list-style:none;margin:.2em 0;padding:0">{rows}</ul>{says}</div>'
        )

    def _begun(self) -> bool:
        return any(v.status != "not attempted" or v.message not in ("", UNTOUCHED) for v in self.verdicts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _detail(verdict: Verdict) -> str:
    return "" if verdict.passed and not verdict.message else verdict.message or verdict.status


def _indented(verdict: Verdict) -> str:
    detail = _detail(verdict)
    return ": " + detail.replace("\n", "\n      ") if detail else ""


def _notes(mistake: Mistake) -> list[str]:
    return [note for note in (mistake.hint, f"See: {mistake.see}" if mistake.see else "") if note]


def _row(verdict: Verdict) -> str:
    shown = escape(_detail(verdict)).replace("\n", "<br>")
    extra = f'<br><span style="opacity:.85;font-size:.93em">{shown}</span>' if shown else ""
    mark = f'<span style="color:{COLOURS[verdict.status]}">{MARKS[verdict.status]}</span>'
    return f"<li>{mark} {escape(verdict.title)}{extra}</li>"
