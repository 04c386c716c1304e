"""What students must not get, and the texts of everything that they can get."""

from __future__ import annotations

import html
import io
import re
import tokenize
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.authoring.release import cut_probes, stub
from autograder.authoring.unit import BEGIN, END, Unit

INTERFACE = re.compile(  # says nothing
    r"return [\w, ]+|[\w, ]+ = \w+\.shape|with torch\.no_grad\(\):"
    r"|rng = np\.random\.default_rng\(\d+\)|[\w, ]+ = [\[\], ]+"
    r"|optimizer\.(?:zero_grad|step)\(\)"
    r"|if (?:not )?self\.training:"
)
ENOUGH = 16  # characters without spaces: shorter lines are no one's own
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
    everything = "\0".join(text for _, text in own)
    found = [secret for secret in secrets(unit) if secret in everything]
    lines = {f"{name}: {secret}" for secret in found for name, text in own if secret in text}
    whole = [body for body in solutions(unit) if len(body) >= LONG]
    bodies = {
        f"{name}: {body}" for body in whole for name, text in foreign if all(line in text for line in body)
    }
    return sorted(lines | bodies)


def marks(unit: Unit) -> list[str]:
    """What the paths of a unit's files contain."""
    return [unit.slug, *(notebook.name for notebook in unit.notebooks)]
