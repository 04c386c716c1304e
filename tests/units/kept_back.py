"""What students must not get, and the texts of everything that they can get."""

from __future__ import annotations

import html
import io
import re
import tokenize
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from autograder.authoring.release import cut_probes, stub
from autograder.authoring.unit import BEGIN, END, Unit

INTERFACE = re.compile(  # says nothing
    r"return [\w, ]+|[\w, ]+ = \w+\.shape|with torch\.no_grad\(\):"
    r"|rng = np\.random\.default_rng\(\d+\)|[\w, ]+ = [\[\], ]+"
    r"|optimizer\.(?:zero_grad|step)\(\)"
    r"|if (?:not )?self\.training:"
)
ENOUGH = 16  # characters without spaces: shorter lines are no one's own
PRIME, SHIFT = 0x9E3779B97F4A7C15, 48
LONG = 3  # telling lines: shorter solutions recur by chance
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".ico", ".woff", ".woff2", ".ttf", ".pdf", ".wasm"}
ARCHIVES = {".zip", ".whl", ".npz"}
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def texts(published: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    """The text of each file without white space: as it is, and as a reader or a parser of JSON sees it.

    Archives are opened. Pictures and fonts hold no text.
    """
    for name, data in published:
        suffix = Path(name).suffix.lower()
        if suffix in ARCHIVES:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [(f"{name}/{member}", archive.read(member)) for member in archive.namelist()]
            yield from texts(members)
        elif suffix not in PICTURES:
            text = data.decode("utf-8", errors="replace")
            yield name, squeezed(text)
            if suffix == ".html":
                yield name, squeezed(html.unescape(re.sub(r"<[^>]+>", "", text)))
            if "\\" in text:
                yield name, squeezed(ESCAPE.sub(unescaped, text)).replace('","', "")


def unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return {"n": "\n", "t": "\t", "r": ""}.get(escape[2], escape[2])


def secrets(unit: Unit) -> set[str]:
    """Lines of solutions and of mistakes, and the names of hidden probes, without white space."""
    hidden = {probe.name for probe in unit.probes.values() if probe.hidden}
    return {*solution_lines(unit), *mistaken_lines(unit), *hidden}


def mistaken_lines(unit: Unit) -> set[str]:
    """The lines that patches put in, without those that stand in given code or in what a student is told."""
    released = [
        cut_probes(notebook.checks, [p.name for p in unit.probes_of(notebook) if not p.hidden])
        for notebook in unit.notebooks
    ]
    given = [stub(cell.source) for notebook in unit.notebooks for cell in notebook.cells]
    told = [f"{patch.mistake.says} {patch.mistake.hint}" for patch in unit.patches]
    allowed = squeezed("\n".join([*released, *given, *told]))
    return {line for patch in unit.patches for line in lines_of(patch.replace) if line not in allowed}


def solution_lines(unit: Unit) -> Iterator[str]:
    """Lines of solution bodies that say enough to be recognised; tests that students write are among them."""
    for body in solutions(unit):
        yield from body


def solutions(unit: Unit) -> Iterator[list[str]]:
    for notebook in unit.notebooks:
        for cell in notebook.of_kind("solution"):
            for body in re.findall(f"{BEGIN}\n(.*?)\n *{END}", cell.source, re.S):
                yield list(lines_of(body))


def lines_of(source: str) -> Iterator[str]:
    for line in source.splitlines():
        code = without_comment(line)
        if len(squeezed(code)) >= ENOUGH and not INTERFACE.fullmatch(code.strip()):
            yield squeezed(code)


def without_comment(line: str) -> str:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line.strip()).readline))
    except (tokenize.TokenError, IndentationError):
        return line
    comments = [t.start[1] for t in tokens if t.type == tokenize.COMMENT]
    return line.strip()[: comments[0]] if comments else line.strip()


def squeezed(text: str) -> str:
    return "".join(text.split())


def leaks(unit: Unit, shown: list[tuple[str, str]], others: Iterable[Unit] = ()) -> list[str]:
    """Which of the `texts` shows what must not be shown.

    In the files of other units a line may recur: `mu = x.mean(axis=0)` is no one's own. A solution may not.
    """
    names = [name for other in others if other.slug != unit.slug for name in marks(other)]
    foreign = [(name, text) for name, text in shown if any(mark in name for mark in names)]
    own = [(name, text) for name, text in shown if not any(mark in name for mark in names)]
    hidden = Lookup(secrets(unit))
    lines = {f"{name}: {secret}" for name, text in own for secret in hidden.held(text)}
    whole = [body for body in solutions(unit) if len(body) >= LONG]
    bodies = {
        f"{name}: {body}" for body in whole for name, text in foreign if all(line in text for line in body)
    }
    return sorted(lines | bodies)


class Lookup:
    """Which of some lines stand in a text: by their first bytes, for a site has many megabytes."""

    def __init__(self, lines: set[str]):
        self.short = [line for line in lines if len(as_bytes(line)) < ENOUGH]
        self.by_start: dict[int, list[str]] = {}
        for line in lines - set(self.short):
            (start,) = hashes(as_bytes(line)[:ENOUGH])
            self.by_start.setdefault(int(start), []).append(line)
        self.there = np.zeros(1 << 16, dtype=bool)
        self.there[[start >> SHIFT for start in self.by_start]] = True

    def held(self, text: str) -> list[str]:
        met = hashes(as_bytes(text))
        likely = self.by_start.keys() & set(met[self.there[met >> np.uint64(SHIFT)]].tolist())
        found = [line for start in likely for line in self.by_start[start]]
        return [line for line in (*found, *self.short) if line in text]


def as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # what a parser of JSON makes of "\\ud83d" alone


def hashes(data: bytes) -> np.ndarray:
    """A number for every sixteen bytes in a row, by doubling: of two bytes, four, eight, sixteen."""
    found, factor = np.frombuffer(data, np.uint8).astype(np.uint64), PRIME
    for width in (1, 2, 4, 8):
        found = found[:-width] * np.uint64(factor) + found[width:]
        factor = factor * factor % 2**64
    return found


def marks(unit: Unit) -> list[str]:
    """What the paths of a unit's files contain."""
    return [unit.slug, *(notebook.name for notebook in unit.notebooks)]
