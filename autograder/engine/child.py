"""The child: locks itself down, runs a notebook's cells in order, answers probes with arrays.

Everything here runs beside hostile code and may be tampered with. Nothing here knows an answer.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder import store
from autograder.authoring.reference import Reference
from autograder.authoring.unit import Unit
from autograder.engine import wire
from autograder.engine.sandbox import Policy, lock_down
from autograder.probes import Given, Probe
from autograder.running import NotAttempted, Outcome, run_probe
from autograder.student import probes_in

MAX_TEXT = 64 << 10  # characters of one cell's output that are kept
MAX_FIGURES = 12

_shell: Any = None


def warm(torch: bool) -> None:
    """Import and exercise in the zygote what children would otherwise each pay for."""
    global _shell
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Plain"
    _shell = InteractiveShell.instance(config=config)
    _shell.run_line_magic = _tolerant(_shell.run_line_magic)
    _shell.run_cell("1 + 1", silent=True)
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    figure.savefig(_sink())
    plt.close(figure)
    np.linalg.svd(np.ones((4, 4)) @ np.ones((4, 4)))
    importlib.import_module("lab")  # given code of the notebooks
    if torch:
        _warm_torch()


def _warm_torch() -> None:
    import torch
    from torch import nn

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
        self.names: dict[str, Any] = _shell.user_ns
        self.probes: dict[str, Probe] = {}
        self.reference: Any = None

    def serve(self) -> None:
        while True:
            request, arrays = wire.receive(self.requests, max_header=64 << 20, max_body=1 << 30)
            do: Callable[..., tuple[dict[str, Any], wire.Arrays]] = getattr(self, "do_" + request["do"])
            header, found = do(request, arrays)
            wire.send(self.answers, header, found)

    def do_cell(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """Run a cell as a kernel would and return its outputs (JSON, as bytes)."""
        outputs = run_cell(request["source"])
        if request.get("defines") and request["defines"] not in self.names:
            self.names[request["defines"]] = _undefined(request["defines"])
        text = json.dumps(outputs).encode()
        return {}, {"outputs": np.frombuffer(text, np.uint8)}

    def do_probes(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        self.probes = probes_in(request["source"], "<checks>")
        return {}, {}

    def do_ask(self, request: dict[str, Any], arrays: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """Answer a probe on the inputs given, from a known global state."""
        put_back_global_state()
        inputs = store.unpack_inputs(request["inputs"], arrays)
        outcome = run_probe(self.probes[request["probe"]], self.names, inputs, self._proxy)
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
            wire.send(self.answers, header, arrays)
            answer, found = wire.receive(self.requests, max_header=64 << 20)
            if "raised" in answer:
                raise ValueError(answer["raised"])
            return store.unpack_value(answer["value"], found)

        call.__name__ = given.name
        return call

    def do_load(self, request: dict[str, Any], _: wire.Arrays) -> tuple[dict[str, Any], wire.Arrays]:
        """In the reference's own child: execute the solution of one notebook."""
        unit = Unit.from_json(request["unit"])
        self.reference = Reference(unit, unit.notebook(request["notebook"]))
        facts = [
            {
                "name": p.name,
                "of": p.of,
                "cases": p.cases,
                "judges": p.judges,
                "wrong": p.wrong,
            }
            for p in unit.probes_of(self.reference.notebook)
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


def run_cell(source: str) -> list[dict[str, Any]]:
    """Execute `source` in the shell; its outputs as in nbformat."""
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        _shell.run_cell(source, store_history=False)
    outputs: list[dict[str, Any]] = []
    for stream in ("stdout", "stderr"):
        text = getattr(captured, stream)
        if text:
            outputs.append({"output_type": "stream", "name": stream, "text": _capped(text)})
    for rich in captured.outputs[:MAX_FIGURES]:
        kept = {
            k: v
            for k, v in rich.data.items()
            if k in ("text/plain", "image/png") and isinstance(v, (str, bytes))
        }
        outputs.append({"output_type": "display_data", "metadata": {}, "data": _texts(kept)})
    return outputs + _figures()


def _figures() -> list[dict[str, Any]]:
    """Open figures as PNG, as the inline backend would show them."""
    from base64 import b64encode

    plt = sys.modules["matplotlib.pyplot"]
    shown = []
    for number in plt.get_fignums()[:MAX_FIGURES]:
        sink = _sink()
        try:
            plt.figure(number).savefig(sink, format="png", dpi=72)
        except Exception:
            continue  # a figure that cannot be drawn costs the picture, not the cell
        data = {"image/png": b64encode(sink.getvalue()).decode(), "text/plain": "<Figure>"}
        shown.append({"output_type": "display_data", "metadata": {}, "data": data})
    plt.close("all")
    return shown


def _undefined(name: str) -> Callable[..., Any]:
    """Stands for an exercise whose cell failed, so that cells which only name it still run."""

    def undefined(*_: Any, **__: Any) -> Any:
        raise NotAttempted(f"{name} is not defined: its cell failed")

    return undefined


def put_back_global_state() -> None:
    """What an earlier cell may have changed for everybody: errors, random streams, torch's defaults."""
    np.seterr(all="warn")
    np.random.seed(0)
    random.seed(0)
    warnings.simplefilter("ignore")
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(0)
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


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


def _capped(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "\n[output cut]\n"


def _texts(data: dict[str, Any]) -> dict[str, str]:
    from base64 import b64encode

    return {
        k: b64encode(v).decode() if isinstance(v, bytes) else _capped(v) if k == "text/plain" else v
        for k, v in data.items()
    }


def _sink() -> Any:
    from io import BytesIO

    return BytesIO()


def _tolerant(magic: Callable[..., Any]) -> Callable[..., Any]:
    """`%matplotlib inline` has nothing to do here: figures are kept anyway."""

    def run(name: str, line: str, *args: Any, **options: Any) -> Any:
        return None if name == "matplotlib" else magic(name, line, *args, **options)

    return run
