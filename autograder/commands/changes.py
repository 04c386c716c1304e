"""The difference that grading again makes, for the person who has to accept it."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autograder.batch.changes import Change, by_check


def show(console: Console, changes: list[Change]) -> None:
    """Print who gains or loses, where, and whom to tell."""
    if not changes:
        console.print("No mark of unchanged work changes.", highlight=False)
        return
    checks = Table(title="marks that change, by check", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("check", "gain", "lose"):
        checks.add_column(heading, justify="left" if heading == "check" else "right")
    for (notebook, check), (gain, lose) in by_check(changes).items():
        checks.add_row(escape(f"{notebook}: {check}"), str(gain), str(lose))
    console.print(checks)
    console.print(_students(changes))
    told = sorted(c.student for c in changes if c.told)
    if told:
        console.print(
            f"Feedback with the old marks was written for them, so tell them: {escape(', '.join(told))}.",
            highlight=False,
            soft_wrap=True,
        )


def _students(changes: list[Change]) -> Table:
    table = Table(title="by student", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("student", "before", "now", "checks", "remarks"):
        table.add_column(heading, justify="right" if heading in ("before", "now") else "left")
    for c in sorted(changes, key=lambda c: c.student):
        checks = ", ".join(f"{name} {points:+.4g}" for (_, name), points in c.checks.items())
        stays = ", ".join(sorted(name for _, name in c.by_hand))
        remark = f"{stays}: the mark given by hand stays" if stays else ""
        table.add_row(escape(c.student), f"{c.old:.4g}", f"{c.new:.4g}", escape(checks), escape(remark))
    return table
