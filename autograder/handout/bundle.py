"""`autograder bundle`: one zip with all that a student needs, and nothing that a student must not have."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

from autograder.authoring.build import load_built
from autograder.authoring.unit import Unit
from autograder.bridge.html import environment, render
from autograder.handout.wheel import build_wheel

DATE = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes, whenever it is made
KINDS = (".ipynb", ".json", ".npz", ".py")


@dataclass
class Bundle:
    """The file, the names in it, and its size in bytes."""

    path: Path
    names: list[str]
    size: int


def write_bundle(root: Path, slugs: Sequence[str], path: Path) -> Bundle:
    """Write the zip for the units `slugs`, which are built anew where their sources changed."""
    units = [load_built(root, slug) for slug in dict.fromkeys(slugs)]
    files = dict(sorted(bundled(root, units).items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{path.stem}/{name}", DATE)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    fresh.replace(path)
    return Bundle(path, list(files), path.stat().st_size)


def bundled(root: Path, units: Sequence[Unit]) -> dict[str, bytes]:
    """What is in the zip: the data by name."""
    files = {}
    for unit in units:
        release = root / "exercises" / unit.slug
        for found in (*release.glob("*.ipynb"), *(release / "checks").iterdir()):
            if found.suffix in KINDS:
                files[found.relative_to(root / "exercises").as_posix()] = found.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(root, [unit.slug for unit in units], Path(folder))
        files[wheel.name] = wheel.read_bytes()
    pins = root / "constraints.txt"
    if pins.exists():
        files[pins.name] = pins.read_bytes()
    text = howto(units, wheel.name, pins.exists())
    files["HOWTO.txt"] = text.encode()
    files["HOWTO.html"] = howto_page(text).encode()
    return files


def howto(units: Sequence[Unit], wheel: str, pinned: bool) -> str:
    """The page to start from, as Markdown: the units and their points, how to set up, check, hand in."""
    template = environment().overlay(autoescape=False).get_template("handout/howto.md.j2")
    points = {n.key: sum(c.points for c in n.cells) for unit in units for n in unit.notebooks}
    return str(template.render(units=units, points=points, wheel=wheel, pinned=pinned))


def howto_page(text: str) -> str:
    """The same page for a browser."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return render("handout/howto.html.j2", body=Markup(body))
