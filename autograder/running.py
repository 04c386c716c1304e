"""Run one probe on one namespace and say what happened, whatever the code under it does."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.probes import Given, Inputs, Probe

KINDS_OF_ARRAYS = "biufc"
MAX_BYTES = 8 << 20


@dataclass
class Outcome:
    """What a probe brought back.

    status: "values", "raised", "not attempted", "refused" (returned something that is no array), or, from the
    engine only, "stopped" (took too long, or ended its process).
    """

    status: str
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""
    line: str = ""
    modified: tuple[str, ...] = ()


class NotAttempted(NotImplementedError):
    """An exercise is still a stub, or is not there at all."""


class Namespace:
    """The names of a notebook, as attributes."""

    def __init__(self, names: Mapping[str, Any]):
        self.__dict__["_names"] = names

    def __getattr__(self, name: str) -> Any:
        try:
            return self._names[name]
        except KeyError:
            raise NotAttempted(f"{name} is not defined") from None


def run_probe(
    probe: Probe, names: Mapping[str, Any], inputs: Inputs, given: Callable[[Given], Any] | None = None
) -> Outcome:
    """Ask `probe` of the namespace `names`; `given` turns a `Given` input into a callable."""
    find = given or (lambda g: getattr(Namespace(names), g.name))
    try:
        asked = {k: find(v) if isinstance(v, Given) else deepcopy(v) for k, v in inputs.items()}
        answer = probe.run(Namespace(names), **asked)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # pytest's Failed and sys.exit() are no Exception
        if is_stub(error):
            return Outcome("not attempted", error=str(error)[:300] or _unwritten(error, probe))
        return Outcome("raised", error=_describe(error, probe), line=_students_line(error, probe))
    modified = tuple(k for k, v in inputs.items() if not isinstance(v, Given) and not _same(v, asked[k]))
    try:
        arrays = {name: to_array(name, value) for name, value in answer.items()}
    except (TypeError, ValueError) as error:
        return Outcome("refused", error=str(error)[:500], modified=modified)
    return Outcome("values", arrays, modified=modified)


def is_stub(error: BaseException) -> bool:
    """Stubs raise without a word; libraries that lack something say what."""
    return isinstance(error, NotAttempted) or (isinstance(error, NotImplementedError) and not error.args)


def _unwritten(error: BaseException, probe: Probe) -> str:
    """Where the stub is another exercise's: which."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    path = trace.tb_frame.f_code.co_qualname if trace is not None else probe.of
    name = path.rpartition("<locals>.")[2].split(".")[0]
    return "" if name == probe.of or "<" in name else f"it calls {name}, which is not written yet"


def to_array(name: str, value: Any) -> np.ndarray:
    """A numeric array of what the student returned, on the CPU; TypeError in words where it is none."""
    if value is None:
        raise TypeError(f"{name} is None: is a `return` missing?")
    try:
        plain = _off_the_graph(value)
    except NotImplementedError:  # torch's device "meta"
        raise TypeError(f"{name} is a tensor without numbers, on the device {value.device}") from None
    if getattr(plain, "nbytes", 0) > MAX_BYTES:
        raise ValueError(f"{name} has shape {np.shape(plain)}: too large to compare")
    try:
        array = np.array(plain)
    except ValueError:
        what = f"a {type(value).__name__} of {len(value)} things of different shapes"
        raise TypeError(f"{name} is {what}: one array was expected") from None
    if array.dtype in (np.longdouble, np.clongdouble):  # has no fixed size: cannot be stored or sent
        array = array.astype(complex if array.dtype.kind == "c" else float)
    if array.dtype.kind not in KINDS_OF_ARRAYS:
        raise TypeError(f"{name} is a {type(value).__name__}: an array of numbers was expected")
    if array.nbytes > MAX_BYTES:
        raise ValueError(f"{name} has shape {array.shape}: too large to compare")
    return array


def _off_the_graph(value: Any) -> Any:
    """A tensor, or a tuple or list of them, as NumPy's arrays."""
    if isinstance(value, (tuple, list)):
        return [v.detach().cpu().numpy() if hasattr(v, "detach") else v for v in value]
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)):
        same_kind = isinstance(b, (list, tuple)) and len(a) == len(b)
        return same_kind and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        same_kind = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return same_kind and a.tobytes() == b.tobytes()
    return bool(a == b)


def without_magics(source: str) -> str:
    """A cell's source for plain Python: lines with magics and shell commands are passed over."""
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.splitlines())


def _describe(error: BaseException, probe: Probe) -> str:
    text = str(error).strip().splitlines()
    told = f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    forgotten = "NoneType" in told and where == probe.run.__code__.co_filename
    return f"{told}. Your code returned None: is a `return` missing?" if forgotten else told


def _students_line(error: BaseException, probe: Probe) -> str:
    """The last line of the student's own code that the error went through."""
    asking = probe.run.__code__.co_filename
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in (asking, __file__) and _is_cell(frame.filename)
    ]
    if not own:
        return ""
    last = own[-1]
    source = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()
    return f"line {last.lineno}, in {last.name}: {source}"[:300]


def _is_cell(filename: str) -> bool:
    return filename.startswith("<") or "ipykernel" in filename or "ipython-input" in filename
