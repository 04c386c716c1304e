"""What a student may hold: cut from the author's files by naming what goes in, never what stays out."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from typing import Any

from autograder.authoring.unit import BEGIN, END, Cell, Notebook
from autograder.takeover import digest

STUB = "raise NotImplementedError"


def stub(source: str) -> str:
    """The cell without its solution: each marked region becomes one `raise NotImplementedError`."""
    lines: list[str] = []
    inside = False
    for line in source.splitlines():
        if line.strip() == BEGIN:
            inside = True
            lines.append(line.replace(BEGIN, STUB))
        elif line.strip() == END:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines)


def notebook_json(notebook: Notebook, *, solution: bool) -> str:
    """The notebook as nbformat 4.5 with nbgrader's schema 3; the same bytes for the same cells."""
    cells = [_cell_json(cell, solution) for cell in notebook.cells]
    document = {
        "cells": cells,
        "metadata": {
            "autograder": {"key": notebook.key, "torch": notebook.torch},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _cell_json(cell: Cell, solution: bool) -> dict[str, Any]:
    source = stub(cell.source) if cell.kind == "solution" and not solution else cell.source
    packed: dict[str, Any] = {
        "cell_type": "markdown" if cell.markdown else "code",
        "id": cell.id,
        "metadata": {"autograder": {"kind": cell.kind, "name": cell.name, "digest": digest(source)}},
        "source": source.splitlines(keepends=True),
    }
    if not cell.markdown:
        packed |= {"execution_count": None, "outputs": []}
    if cell.kind not in ("text", "experiment"):
        packed["metadata"]["nbgrader"] = _nbgrader(cell, packed["cell_type"], source)
    if cell.kind == "experiment":
        packed["metadata"]["tags"] = ["experiment"]
    return packed


def _nbgrader(cell: Cell, cell_type: str, source: str) -> dict[str, Any]:
    graded = cell.kind in ("check", "question")
    metadata: dict[str, Any] = {
        "schema_version": 3,
        "grade": graded,
        "solution": cell.kind in ("solution", "question"),
        "locked": cell.kind in ("given", "listing", "check"),
        "task": False,
        "grade_id": cell.id,
    }
    if graded:
        metadata["points"] = int(cell.points) if cell.points == int(cell.points) else cell.points
    metadata["checksum"] = _checksum(cell_type, metadata, source)
    return metadata


def _checksum(cell_type: str, metadata: dict[str, Any], source: str) -> str:
    from nbformat.notebooknode import from_dict
    from nbgrader.utils import compute_checksum

    return str(
        compute_checksum(
            from_dict({"cell_type": cell_type, "metadata": {"nbgrader": metadata}, "source": source})
        )
    )


def cut_probes(source: str, wanted: Iterable[str]) -> str:
    """The text of checks.py with the probes named in `wanted`, what they use, and nothing else.

    Input generators are not used by a probe, so they are never reached."""
    tree = ast.parse(source)
    blocks = {name: node for node in tree.body for name in _defined(node)}
    wanted = set(wanted)
    keep: set[ast.stmt] = set()
    todo = [blocks[name] for name in wanted]
    todo += [n for n in tree.body if _breaks(n) in wanted]
    while todo:
        node = todo.pop()
        if node not in keep:
            keep.add(node)
            todo += [blocks[name] for name in _used(node) if name in blocks and not _is_probe(blocks[name])]
    parts = [_text(source, node) for node in tree.body if node in keep]
    return "\n\n\n".join([_imports(tree, keep), *parts]).strip() + "\n"


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [] if isinstance(node, ast.FunctionDef) and _registers(node) else [node.name]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        return [n.id for n in names if isinstance(n.ctx, ast.Store)]
    return []


def _registers(node: ast.FunctionDef) -> str:
    """The registration that decorates a function: "inputs", "expect", "broken" or none."""
    for d in node.decorator_list:
        if isinstance(d, ast.Attribute) and d.attr in ("inputs", "expect", "broken"):
            return d.attr
    return ""


def _breaks(node: ast.stmt) -> str:
    """The probe for which this function is a way of breaking things, or nothing."""
    for d in getattr(node, "decorator_list", []):
        if isinstance(d, ast.Attribute) and d.attr == "broken" and isinstance(d.value, ast.Name):
            return d.value.id
    return ""


def _is_probe(node: ast.stmt) -> bool:
    return any(
        isinstance(d, ast.Call) and isinstance(d.func, ast.Name) and d.func.id == "probe"
        for d in getattr(node, "decorator_list", [])
    )


def _used(node: ast.stmt) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def _imports(tree: ast.Module, keep: set[ast.stmt]) -> str:
    used = set().union(*(_used(node) for node in keep)) if keep else set()
    lines = []
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [a for a in node.names if (a.asname or a.name).split(".")[0] in used]
            if names:
                lines.append(ast.unparse(_with_names(node, names)))
    return "\n".join(lines)


def _with_names(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.Import(names)
    return ast.ImportFrom(node.module, names, node.level)


def _text(source: str, node: ast.stmt) -> str:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])
