"""`autograder new UNIT`: a small unit that builds, verifies and is graded, to start from."""

from __future__ import annotations

import re
from pathlib import Path

from autograder.authoring.unit import UnitError

TEMPLATE = Path(__file__).parent / "template"


def create(root: Path, slug: str) -> list[Path]:
    """Write `solutions/<slug>/` and the chapter's first page; nothing that exists is touched."""
    if not re.fullmatch(r"\d\d-[a-z][a-z0-9-]*", slug):
        raise UnitError(f"A unit is called NN-name, like 05-dropout, in small letters; it got {slug}.")
    folder, chapter = root / "solutions" / slug, root / "book" / slug / "index.md"
    for path in (folder, chapter):
        if path.exists():
            raise UnitError(
                f"{path.relative_to(root)} exists already: choose another name, or remove it first."
            )
    order, _, name = slug.partition("-")
    words = {"SLUG": slug, "NAME": name.replace("-", "_"), "TITLE": name.replace("-", " ").capitalize()}
    words["ORDER"] = str(int(order))
    files = {
        folder / "unit.toml": "unit.toml",
        folder / f"{words['NAME']}_numpy.py": "notebook.txt",
        folder / "checks.py": "checks.txt",
        folder / "mistakes.toml": "mistakes.toml",
        chapter: "chapter.txt",
    }
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (TEMPLATE / template).read_text(encoding="utf-8")
        path.write_text(re.sub("|".join(words), lambda m: words[m.group()], text), encoding="utf-8")
    return list(files)
