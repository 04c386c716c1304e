"""Pairs of students whose answers are alike where those of the class are not: a hint, never a verdict.

Most exercises have one obvious solution, and many find it alone. So what counts is not how alike two answers
are, but how rare that is. Let a share p of all others answer as a student does. That two students do so is
(1 + p) / 2p times as likely if every second answer is copied than if all work alone; that they differ is half
as likely. The logarithms, in bits, are added up over the exercises. For students who work alone the expected
ratio is 1: by Markov's inequality they reach b bits with a probability of at most 2^-b."""

from __future__ import annotations

import ast
import io
import json
import math
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from autograder.authoring.release import stub
from autograder.authoring.unit import Notebook, Unit

SHORTEST = 30  # tokens of one's own: a shorter answer is much the same for everyone
ALIKE = 90.0  # per cent, of the tokens of both answers that can be aligned in order
CHANCE = 0.01  # pairs that a class of this size shows by chance, if all worked alone

Answers = dict[str, dict[str, str]]  # by exercise and student, the code


@dataclass
class Pair:
    """Two students, the exercises in which their answers are alike and rare, and how rare."""

    students: tuple[str, str]
    exercises: list[str]
    bits: float


def unit_pairs(unit: Unit, target: Path, students: Iterable[str]) -> list[Pair]:
    """The pairs of a graded class, from the notebooks in `<target>/autograded/`."""
    students = list(students)
    answers: Answers = {}
    frames: dict[str, str] = {}
    references: dict[str, str] = {}
    for notebook in unit.notebooks:
        answers |= read_answers(notebook, target, students)
        for cell in notebook.of_kind("solution"):
            frames[cell.name], references[cell.name] = stub(cell.source), cell.source
    return pairs(answers, frames, references, len(students))


def pairs(
    answers: Answers, frames: Mapping[str, str], references: Mapping[str, str], size: int
) -> list[Pair]:
    """Pairs above the threshold, the rarest first.

    frames: by exercise, the code that everyone was given; references: an answer like this one counts for
    nothing, because it is what the exercise asks for; size: how many students the class has."""
    compared = {name: compare(given, frames[name], references[name]) for name, given in answers.items()}
    return judged(compared, size)


@dataclass
class Compared:
    """The long answers to one exercise.

    alike: (n, n), who answers like whom; usual: (n,), who answers like the solution."""

    students: list[str]
    alike: np.ndarray
    usual: np.ndarray

    @cached_property
    def place(self) -> dict[str, int]:
        """The row of each student."""
        return {student: i for i, student in enumerate(self.students)}

    def bits(self) -> np.ndarray:
        """(n, n): how much more likely the pair's answers are if they were copied."""
        share = (self.alike.sum(axis=1) - 1) / max(1, len(self.students) - 1)
        share = np.maximum(np.maximum.outer(share, share), 1e-9)
        bits = np.where(self.alike, np.log2((1 + share) / (2 * share)), -1.0)
        return np.where(np.logical_and.outer(self.usual, self.usual), 0.0, bits)


def judged(compared: Mapping[str, Compared], size: int) -> list[Pair]:
    """The pairs whose bits over all exercises reach the threshold for a class of `size`."""
    students = sorted({s for c in compared.values() for s in c.students})
    place = {s: i for i, s in enumerate(students)}
    total = np.zeros((len(students), len(students)))
    for found in compared.values():
        where = [place[s] for s in found.students]
        total[np.ix_(where, where)] += found.bits()
    found_pairs = [
        Pair((students[i], students[j]), _shared(compared, students[i], students[j]), float(total[i, j]))
        for i, j in np.argwhere(np.triu(total >= threshold(size), 1))
    ]
    return sorted(found_pairs, key=lambda p: (-p.bits, p.students))


def threshold(students: int) -> float:
    """The bits above which a class of this size shows CHANCE pairs or fewer, if all worked alone."""
    return math.log2(max(1, students * (students - 1) // 2) / CHANCE)


def _shared(compared: Mapping[str, Compared], one: str, other: str) -> list[str]:
    """The exercises in which both give an answer that is alike, and not simply the solution."""
    names = []
    for name, found in compared.items():
        i, j = found.place.get(one), found.place.get(other)
        if i is not None and j is not None and found.alike[i, j] and not (found.usual[i] and found.usual[j]):
            names.append(name)
    return names


def compare(given: Mapping[str, str], frame: str, reference: str) -> Compared:
    """Compare the answers of all students to one exercise; short ones are left out."""
    known: dict[str, str] = {}
    own = {student: _encoded(_own(source, frame), known) for student, source in given.items()}
    long = sorted(student for student, text in own.items() if len(text) >= SHORTEST)
    texts = [own[s] for s in long] + [_encoded(_own(reference, frame), known)]
    alike = process.cdist(texts, texts, scorer=fuzz.ratio, score_cutoff=ALIKE) > 0
    return Compared(long, alike[:-1, :-1], alike[:-1, -1])


def _own(source: str, frame: str) -> list[str]:
    """The tokens of an answer without the lines of the release."""
    given = Counter(normal_lines(frame))
    tokens: list[str] = []
    for line in normal_lines(source):
        if given[line]:
            given[line] -= 1
        else:
            tokens += line
    return tokens


@lru_cache(maxsize=1024)
def normal_lines(source: str) -> list[tuple[str, ...]]:
    """The tokens line by line; comments, docstrings, formatting and chosen names do not matter.

    Code that is not Python has no lines: it is nothing to compare."""
    plain = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(plain)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        return list(_lines(ast.unparse(tree), _chosen(tree)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _chosen(tree: ast.AST) -> set[str]:
    """The names that the code itself gives: variables, arguments and functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
    return names


def _lines(text: str, chosen: set[str]) -> Iterable[tuple[str, ...]]:
    line: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            yield tuple(line)
            line = []
        elif token.string.strip():
            attribute = bool(line) and line[-1] == "."
            line.append("_" if token.string in chosen and not attribute else token.string)


def _encoded(tokens: list[str], known: dict[str, str]) -> str:
    """One character for each token, the same one for the same token: strings compare quickly."""
    return "".join(known.setdefault(t, chr(0x10000 + len(known))) for t in tokens)


def read_answers(notebook: Notebook, target: Path, students: Iterable[str]) -> Answers:
    """By exercise and student, the code between the check before and its own: the answer and added cells."""
    checks = {c.id: c.name for c in notebook.of_kind("check")}
    solutions = {c.id for c in notebook.of_kind("solution")}
    found: Answers = {name: {} for name in checks.values()}
    for student in students:
        path = target / "autograded" / student / notebook.unit / f"{notebook.name}.ipynb"
        code: list[str] = []
        for id, source in _code_cells(path):
            if id in checks:
                found[checks[id]][student] = "\n".join(code)
                code = []
            elif id in solutions or id.startswith("own-"):
                code.append(source)
    return found


def _code_cells(path: Path) -> list[tuple[str, str]]:
    """Id and source; nothing where there is no notebook, as with a rejected submission."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [(c["id"], "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
