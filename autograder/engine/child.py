"""The child: locks itself down, runs a notebook's cells in order, answers probes with arrays.

Everything here runs beside hostile code and may be tampered with. Nothing here knows an answer.
"""

from __future__ import annotations

import builtins
import importlib
import json
import marshal
import os
import random
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import numpy as np

from autograder import store
from autograder.authoring.reference import Reference
from autograder.authoring.unit import Unit
from autograder.engine import wire
from autograder.engine.cells import Shell
from autograder.engine.names import Names
from autograder.engine.sandbox import Policy, lock_down
from autograder.probes import Given, Probe
from autograder.running import NotAttempted, Outcome, run_probe
from autograder.student import probes_of

SEEDS = np.random.seed, random.seed
RECURSION = sys.getrecursionlimit()

_shell: Shell
_seed_torch: Callable[[int], Any]
_torch_stream: Any  # torch's generator on the CPU


def warm(torch: bool) -> None:
    """Import and exercise in the zygote what children would otherwise each pay for."""
    global _shell
    _shell = Shell()
    _shell.run("import matplotlib.pyplot as plt; plt.plot([0, 1]); del plt")
    np.linalg.svd(np.ones((4, 4)) @ np.ones((4, 4)))
    importlib.import_module("lab")  # given code of the notebooks
    if torch:
        _warm_torch()


def _warm_torch() -> None:
    global _seed_torch, _torch_stream
    import torch
    from torch import nn

    _seed_torch, _torch_stream = torch.manual_seed, torch.default_generator
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 4))
    optimizer = torch.optim.Adam(net.parameters())
    nn.functional.cross_entropy(net(torch.randn(2, 1, 8, 8)), torch.tensor([0, 1])).backward()
    optimizer.step()

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        def backward(ctx: Any, *dout: Any) -> Any:
            return 2 * dout[0]

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(Double.apply, x)


def main(policy: dict[str, Any], requests: int, answers: int) -> None:
    """Serve one notebook until the parent hangs up."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    requests, answers = _move(requests, 10), _move(answers, 11)
    os.closerange(12, 1024)
    os.closerange(3, 10)
    os.setsid()
    os.environ.clear()
    os.environ.update(
        LANG="C.UTF-8",
        OMP_NUM_THREADS="1",
        MPLBACKEND="Agg",
        PYTHONBREAKPOINT="0",
        HOME=policy["scratch"] or "/",
    )
    os.chdir(policy["scratch"] or "/")
    tempfile.tempdir = None  # found once, in the zygote: here another folder may be written
    sys.path.insert(0, "")  # modules that cells write, as in a kernel
    try:
        if policy.pop("locked"):
            lock_down(Policy(**policy))
    except Exception as error:
        wire.send(answers, {"failed": f"{error}"})
        return
    wire.send(answers, {"up": True})
    Servant(requests, answers).serve()


def _move(fd: int, to: int) -> int:
    if fd != to:
        os.dup2(fd, to)
    return to


class Servant:
    """Obeys the parent's requests, one at a time."""

    def __init__(self, requests: int, answers: int):
        self.requests, self.answers = requests, answers
        self.names: dict[str, Any] = _shell.names
        self.released: dict[str, Any] = {}  # what the given cells bound
        self.bound: dict[str, Any] = {}  # what they and the answers bound
        self.bounds = wire.FROM_STUDENT
        self.at_check: dict[str, dict[str, Any]] = {}  # all names, as they stood at each check
        self.probes: dict[str, Probe] = {}
        self.reference: Any = None

    def serve(self) -> None:
        while True:
            request, arrays = wire.receive(self.requests, bounds=wire.TRUSTED)
            do: Callable[..., tuple[dict[str, Any], wire.Arrays]] = getattr(self, "do_" + request["do"])
            self._send(*do(request, arrays))

    def _send(self, header: dict[str, Any], found: wire.Arrays) -> None:
        try:
            wire.send(self.answers, header, found, bounds=self.bounds)
        except wire.TooLarge:
            refused = Outcome("refused", error="what your code returns is too large to compare")
            wire.send(self.answers, *pack_outcome(refused))

    def do_cell(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """Run a cell as a kernel would, or its definitions only. Where it fails half-way they are taken too.

        The answer: its outputs (JSON, as bytes), and whether definitions had to be taken."""
        self._keep_names(request["before"])
        source, name = request["source"], request["defines"]
        before = dict(self.names)
        if not request["own"]:
            self._put_back_what_is_gone()
        outputs, error = ([], "it was stopped") if request["define"] else _shell.run(source, request["drawn"])
        defined = bool(error) and _shell.define(source)
        if name and name not in self.names:
            self.names[name] = _undefined(name, source, error)
        new = {k: v for k, v in self.names.items() if before.get(k, self) is not v}
        if not request["own"]:
            self.bound |= new
        if request["given"]:
            self.released |= new
        text = json.dumps(outputs).encode()
        return {"defined": defined}, {"outputs": np.frombuffer(text, np.uint8)}

    def _put_back_what_is_gone(self) -> None:
        """A cell of the release, or an answer, does not fail because `np` became a number or was deleted."""
        for name, value in self.bound.items():
            found = self.names.get(name, self)
            if found is self or (isinstance(value, ModuleType) and not isinstance(found, ModuleType)):
                self.names[name] = value

    def _keep_names(self, checks: list[str]) -> None:
        self.at_check |= {check: dict(self.names) for check in checks}

    def _put_back_names(self, check: str) -> None:
        then = self.at_check[check]
        for name in self.names.keys() - then.keys():
            del self.names[name]
        self.names |= then

    @contextmanager
    def _as_released(self) -> Iterator[None]:
        """Names of the released cells mean what they meant there, and Python's own names are its own."""
        hidden = {k: self.names.pop(k) for k in vars(builtins) if k in self.names and k not in self.released}
        self.names |= self.released
        try:
            yield
        finally:
            self.names |= hidden

    def do_probes(self, request: dict[str, Any], arrays: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """The parent compiles them, once for all children."""
        self._keep_names(request["before"])
        self.probes = probes_of(marshal.loads(arrays["code"].tobytes()))
        return {}, {}

    def do_ask(self, request: dict[str, Any], arrays: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """Answer a probe on the inputs of each case; all answers but the last are sent from here."""
        if request["names"] == Names.AT_CHECK:
            self._put_back_names(request["check"])
        *first, last = request["cases"]
        for packed in first:
            self._send(*self._answer(request, packed, arrays))
        return self._answer(request, last, arrays)

    def _answer(
        self, request: dict[str, Any], packed: dict[str, Any], arrays: wire.Arrays
    ) -> tuple[dict[str, Any], wire.Arrays]:
        """From a known global state."""
        put_back_global_state()
        inputs = store.unpack_inputs(packed, arrays)
        probe = self.probes[request["probe"]]
        try:
            with self._as_released() if request["names"] == Names.AS_RELEASED else nullcontext():
                outcome = run_probe(probe, self.names, inputs, self._proxy)
        except KeyboardInterrupt:  # nobody sits at the keyboard: the code raised it
            outcome = Outcome("raised", error="KeyboardInterrupt")
        _shell.close_figures()
        return pack_outcome(outcome)

    def _proxy(self, given: Given) -> Callable[..., Any]:
        """A function that lives on the other side of the wire."""

        def call(*args: Any, **options: Any) -> Any:
            arrays: wire.Arrays = {}
            header: dict[str, Any] = {
                "call": given.name,
                "args": [store.pack_value(_plain(a), f"a{i}", arrays) for i, a in enumerate(args)],
            }
            header["options"] = {k: store.pack_value(_plain(v), f"o/{k}", arrays) for k, v in options.items()}
            wire.send(self.answers, header, arrays, bounds=wire.FROM_STUDENT)
            answer, found = wire.receive(self.requests, bounds=wire.TRUSTED)
            if "raised" in answer:
                raise ValueError(answer["raised"])
            return store.unpack_value(answer["value"], found)

        call.__name__ = given.name
        return call

    def do_load(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """In the reference's own child: execute the solution of one notebook."""
        unit = Unit.from_json(request["unit"])
        self.reference = Reference(unit, unit.notebook(request["notebook"]))
        self.bounds = wire.TRUSTED
        return {}, {}

    def do_facts(self, _: dict[str, Any], __: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """In the reference's own child: what its probes ask, without their code."""
        facts = [
            {"name": p.name, "of": p.of, "cases": p.cases, "judges": p.judges, "wrong": p.wrong}
            for p in self.reference.unit.probes_of(self.reference.notebook)
        ]
        return {"probes": facts}, {}

    def do_question(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        arrays: wire.Arrays = {}
        question = self.reference.question(request["probe"], lambda _, case: int(request["seeds"][case]))
        return {"question": store.pack_question(question, arrays)}, arrays

    def do_call(self, request: dict[str, Any], arrays: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """In the reference's own child: call a reference function, or one with a known mistake."""
        found: wire.Arrays = {}
        try:
            function = self.reference.given(Given(request["given"], request["mistake"]))
            args = [store.unpack_value(a, arrays) for a in request["args"]]
            options = {k: store.unpack_value(v, arrays) for k, v in request["options"].items()}
            with np.errstate(all="ignore"):
                return {"value": store.pack_value(_plain(function(*args, **options)), "value", found)}, found
        except Exception as error:
            return {"raised": f"{type(error).__name__}: {error}"[:300]}, {}


def _undefined(name: str, source: str, error: str) -> Callable[..., Any]:
    """Stands for an exercise whose cell failed, so that cells which only name it still run."""
    why = f"its cell failed ({error})" if error else "its cell does not define it"
    problem: Exception = NameError(f"{name} is not defined: {why}")
    if not source.strip():
        problem = NotAttempted(f"{name} is not defined: its cell is empty")

    def undefined(*_: Any, **__: Any) -> Any:
        raise problem

    return undefined


def put_back_global_state() -> None:
    """What an earlier cell may have changed for everybody: errors, random streams, torch's defaults."""
    np.seterr(all="warn")
    np.random.seed, random.seed = SEEDS  # `np.random.seed = 0` is soon written
    np.random.seed(0)
    random.seed(0)
    signal.alarm(0)
    sys.setrecursionlimit(max(RECURSION, sys.getrecursionlimit()))
    warnings.simplefilter("ignore")
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed = _seed_torch  # type: ignore[attr-defined]
        _torch_stream.manual_seed(0)  # torch's own function notes its callers for devices that are not here
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
        torch.set_grad_enabled(True)
        torch.autograd.set_detect_anomaly(False)
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(1)


def pack_outcome(outcome: Outcome) -> tuple[dict[str, Any], wire.Arrays]:
    header = {
        "status": outcome.status,
        "error": outcome.error,
        "line": outcome.line,
        "modified": list(outcome.modified),
    }
    return header, outcome.arrays


def _plain(value: Any) -> Any:
    """Tensors, and tuples, lists and dictionaries of them, as arrays."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(v) for v in value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value
