"""What the student sees after `check(f)`: text everywhere, HTML where the notebook can show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from autograder.verdict import Mistake, Verdict

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
            lines += [f"    {extra}" for extra in (mistake.hint, _where(mistake)) if extra]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return self.text()

    def html(self) -> str:
        """Escaped throughout: a message may quote the student's own text."""
        rows = "".join(_row(v) for v in self.verdicts) if self._begun() else ""
        says = "".join(
            f'<p style="margin:.4em 0 0"><strong>{escape(m.says)}</strong>'
            + "".join(f"<br>{escape(x)}" for x in (m.hint, _where(m)) if x)
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
        return any(v.status != "not attempted" for v in self.verdicts)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}


def _indented(verdict: Verdict) -> str:
    if verdict.passed and not verdict.message:
        return ""
    shown = verdict.message or verdict.status
    return ": " + shown.replace("\n", "\n      ")


def _where(mistake: Mistake) -> str:
    return f"See: {mistake.see}" if mistake.see else ""


def _row(verdict: Verdict) -> str:
    detail = "" if verdict.passed and not verdict.message else escape(verdict.message or verdict.status)
    shown = detail.replace("\n", "<br>")
    extra = f'<br><span style="opacity:.85;font-size:.93em">{shown}</span>' if shown else ""
    mark = f'<span style="color:{COLOURS[verdict.status]}">{MARKS[verdict.status]}</span>'
    return f"<li>{mark} {escape(verdict.title)}{extra}</li>"
