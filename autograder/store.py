"""Cases on disk: a JSON index that a person can read, and one NPZ with the arrays. Never pickle."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from autograder.probes import Given, Inputs
from autograder.running import Outcome
from autograder.verdict import Case, Mistake, Question, mistake_from

SAME = 1e-12  # arrays that differ by less are not rewritten: platforms differ in the last bit

FORMAT = 1
NUMBER = re.compile(r"-?\d+\.\d{9,}(?:e[+-]?\d+)?")  # as Python writes a float that is not a short one

Arrays = dict[str, np.ndarray]


class OtherFormat(LookupError):
    """The stored cases were written by another version of this package."""


def save(folder: Path, notebook: str, questions: list[Question], mistakes: list[Mistake]) -> None:
    """Write `<notebook>.json` and `<notebook>.npz` into `folder`; the same content leaves them untouched."""
    arrays: Arrays = {}
    index = {
        "format": FORMAT,
        "mistakes": [_plain(m) for m in mistakes],
        "probes": [pack_question(q, arrays) for q in questions],
    }
    text = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
    there = folder / f"{notebook}.json"
    if not (there.exists() and _same_but_rounding(there.read_text(encoding="utf-8"), text)):
        write_if_changed(there, text)
    target = folder / f"{notebook}.npz"
    if not (target.exists() and _same_arrays(_read_arrays(target), arrays)):
        np.savez_compressed(target, **_flat(arrays))  # type: ignore[arg-type]


def write_if_changed(path: Path, text: str) -> None:
    """A file whose text stays the same stays as old as it was, and `make` builds nothing from it anew."""
    if not (path.exists() and path.read_text(encoding="utf-8") == text):
        path.write_text(text, encoding="utf-8", newline="\n")


def load(folder: Path, notebook: str) -> tuple[list[Question], list[Mistake]]:
    """Read what `save` wrote."""
    index = json.loads((folder / f"{notebook}.json").read_text(encoding="utf-8"))
    if index.get("format") != FORMAT:
        raise OtherFormat(
            f"The checks in {folder} and the installed course package are of different versions: "
            "install the package that came with the checks, or get both again."
        )
    arrays = _read_arrays(folder / f"{notebook}.npz")
    mistakes = [mistake_from(m) for m in index["mistakes"]]
    return [unpack_question(q, arrays) for q in index["probes"]], mistakes


def _plain(mistake: Mistake) -> dict[str, Any]:
    return {k: v for k, v in asdict(mistake).items() if v or k in ("id", "of", "says")}


def pack_question(question: Question, arrays: Arrays) -> dict[str, Any]:
    cases = []
    for number, case in enumerate(question.cases):
        at = f"{question.name}/{number}"
        cases.append(
            {
                "inputs": pack_inputs(case.inputs, f"{at}/in", arrays),
                "expected": _pack_outcome(case.expected, f"{at}/out", arrays),
                "mistakes": {
                    name: "same"
                    if _same(outcome, case.expected)
                    else _pack_outcome(outcome, f"{at}/{name}", arrays)
                    for name, outcome in case.mistakes.items()
                },
            }
        )
    random = {"random": True} if question.random else {}
    share = {} if question.share is None else {"share": question.share}
    return {
        "name": question.name,
        "of": question.of,
        "rtol": question.rtol,
        **random,
        **share,
        "cases": cases,
    }


def unpack_question(packed: dict[str, Any], arrays: Arrays) -> Question:
    cases = []
    for number, c in enumerate(packed["cases"]):
        at = f"{packed['name']}/{number}"
        expected = _unpack_outcome(c["expected"], f"{at}/out", arrays)
        mistakes = {
            name: expected if o == "same" else _unpack_outcome(o, f"{at}/{name}", arrays)
            for name, o in c["mistakes"].items()
        }
        cases.append(Case(unpack_inputs(c["inputs"], arrays), expected, mistakes))
    random, share = packed.get("random", False), packed.get("share")
    return Question(packed["name"], packed["of"], cases, packed["rtol"], random, share)


def pack_inputs(inputs: Inputs, at: str, arrays: Arrays) -> dict[str, Any]:
    """Inputs as JSON, their arrays moved to `arrays` under keys that start with `at`."""
    return {name: pack_value(value, f"{at}/{name}", arrays) for name, value in inputs.items()}


def pack_value(value: Any, key: str, arrays: Arrays) -> Any:
    if isinstance(value, Given):
        return {"given": value.name}
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    if isinstance(value, list):
        return [pack_value(v, f"{key}.{i}", arrays) for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, tuple):
        return {"tuple": [pack_value(v, f"{key}.{i}", arrays) for i, v in enumerate(value)]}
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return {"dict": {k: pack_value(v, f"{key}.{i}", arrays) for i, (k, v) in enumerate(value.items())}}
    wanted = "arrays, numbers, texts, or lists and dictionaries of them"
    raise TypeError(f"probe inputs are {wanted}, not {type(value).__name__}")


def unpack_inputs(packed: dict[str, Any], arrays: Arrays) -> Inputs:
    """The inverse of `pack_inputs`."""
    return {name: unpack_value(value, arrays) for name, value in packed.items()}


def unpack_value(value: Any, arrays: Arrays) -> Any:
    if isinstance(value, list):
        return [unpack_value(v, arrays) for v in value]
    if isinstance(value, dict):
        if "given" in value:
            return Given(value["given"])
        if "tuple" in value:
            return tuple(unpack_value(v, arrays) for v in value["tuple"])
        if "dict" in value:
            return {k: unpack_value(v, arrays) for k, v in value["dict"].items()}
        return np.array(arrays[value["array"]])
    return value


def _pack_outcome(outcome: Outcome, at: str, arrays: Arrays) -> dict[str, Any]:
    """What is usual is left out: there are thousands of these."""
    for name, array in outcome.arrays.items():
        arrays[f"{at}/{name}"] = array
    packed: dict[str, Any] = {"arrays": list(outcome.arrays)} if outcome.arrays else {}
    if outcome.status != "values":
        packed["status"] = outcome.status
    if outcome.error:
        packed["error"] = outcome.error
    if outcome.modified:
        packed["modified"] = list(outcome.modified)
    return packed


def _unpack_outcome(packed: dict[str, Any], at: str, arrays: Arrays) -> Outcome:
    found = {name: arrays[f"{at}/{name}"] for name in packed.get("arrays", [])}
    status, error = packed.get("status", "values"), packed.get("error", "")
    return Outcome(status, found, error, "", tuple(packed.get("modified", ())))


def _same(a: Outcome, b: Outcome) -> bool:
    same = (a.status, a.error, a.modified, a.arrays.keys()) == (
        b.status,
        b.error,
        b.modified,
        b.arrays.keys(),
    )
    return same and all(_close(a.arrays[name], array) for name, array in b.arrays.items())


def _flat(arrays: Arrays) -> Arrays:
    """All arrays of one dtype end to end, and a table of contents: thousands of small files load slowly."""
    table = json.dumps([[name, a.dtype.str, a.shape] for name, a in arrays.items()]).encode()
    dtypes = sorted({a.dtype.str for a in arrays.values()})
    joined = {d: np.concatenate([a.ravel() for a in arrays.values() if a.dtype.str == d]) for d in dtypes}
    return {"table": np.frombuffer(table, np.uint8), **joined}


def _read_arrays(path: Path) -> Arrays:
    """The inverse of `_flat`."""
    with np.load(path, allow_pickle=False) as file:
        joined = dict(file)
    arrays: Arrays = {}
    used = dict.fromkeys(joined, 0)
    for name, dtype, shape in json.loads(joined["table"].tobytes()):
        start = used[dtype]
        used[dtype] += math.prod(shape)
        arrays[name] = joined[dtype][start : used[dtype]].reshape(shape)
    return arrays


def _same_but_rounding(old: str, new: str) -> bool:
    """Is one text the other, with numbers that differ in their last digits at most?"""
    if NUMBER.sub("", old) != NUMBER.sub("", new):
        return False
    return _close(*(np.array(NUMBER.findall(text), dtype=np.float64) for text in (old, new)))


def _same_arrays(old: Arrays, new: Arrays) -> bool:
    return list(old) == list(new) and all(_close(old[name], array) for name, array in new.items())


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    return bool(np.allclose(a, b, rtol=SAME, atol=SAME, equal_nan=True))
