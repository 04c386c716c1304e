"""Cells in IPython's shell, as a kernel would run them, where no person, terminal, window or shell is."""

from __future__ import annotations

import ast
import builtins
import io
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NoReturn

MAX_TEXT = 64 << 10  # characters of one cell's output that are kept, of each stream
MAX_PICTURES = 8 << 20  # bytes of pictures and other rich outputs that are kept of one cell
MAX_FIGURES = 12
SCRIPTS = ("bash", "sh", "script", "cmd", "perl", "ruby")
ASKED = "input() gets no answer when graded: write the value into the code"

Output = dict[str, Any]


class Shell:
    """IPython's interactive shell in the zygote; each child goes on with its own copy."""

    def __init__(self) -> None:
        import asyncio

        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.xmode = "Plain"
        self._ipython = InteractiveShell.instance(config=config)
        self.names: dict[str, Any] = self._ipython.user_ns
        self._plt = plt
        matplotlib.rcParams["figure.max_open_warning"] = 0
        plt.switch_backend("Agg")
        matplotlib.use = plt.switch_backend = plt.show = _nothing  # figures are shown when their cell ends
        _forgo(self._ipython)
        _spare_plain_python(self._ipython)
        asyncio.SelectorEventLoop._make_self_pipe = _wake_through_a_pipe  # type: ignore[attr-defined]

    def run(self, source: str, drawn: bool = True) -> tuple[list[Output], str]:
        """Execute a cell; its outputs as in nbformat, and the error that ended it, or nothing.

        drawn: False where nobody will see the figures, which take longer to draw than most cells to run."""
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            sys.stdout, sys.stderr = streams = _Stream(), _Stream()
            result = self._ipython.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        printed = [
            {"output_type": "stream", "name": name, "text": stream.text()}
            for name, stream in zip(("stdout", "stderr"), streams, strict=True)
            if stream.text()
        ]
        rich = [_texts(output.data) for output in captured.outputs[:MAX_FIGURES]]
        more = len(captured.outputs) + len(self._plt.get_fignums()) - MAX_FIGURES
        shown = list(_bounded([*rich, *self._figures(MAX_FIGURES - len(rich) if drawn else 0)]))
        if more > 0:
            shown.append(_said(f"[{more} more figures or tables are not shown]"))
        return printed + shown, _named(error) if error else ""

    def define(self, source: str) -> bool:
        """Of a cell that failed, take what it did not come to: imports, constants, functions and classes."""
        compiler: Any = self._ipython.compile
        try:
            text = self._ipython.transform_cell(source)
            cell = compiler.cache(text)
            missing = [node for node in ast.parse(text).body if _binds(node) - self.names.keys()]
        except (SyntaxError, ValueError, RecursionError):
            return False
        for node in missing:
            with suppress(BaseException):  # a KeyboardInterrupt that the cell raises is its own
                exec(compiler(ast.Module([node], []), cell, "exec"), self.names)
        return any(_binds(node) <= self.names.keys() for node in missing)

    def close_figures(self) -> None:
        self._plt.close("all")

    def _figures(self, room: int) -> Iterator[dict[str, str]]:
        """Open figures as PNG, as the inline backend would show them."""
        for number in self._plt.get_fignums()[:room]:
            sink = io.BytesIO()
            with suppress(Exception):  # a figure that cannot be drawn costs the picture, not the cell
                self._plt.figure(number).savefig(sink, format="png", dpi=72)
                yield {"image/png": b64encode(sink.getvalue()).decode(), "text/plain": "<Figure>"}
        self.close_figures()


def _spare_plain_python(ipython: Any) -> None:
    """Cells of plain Python are not looked through for magics, nor cells without an `await` for one: both
    take longer than most cells."""
    transform, awaits = ipython.transform_cell, ipython.should_run_async

    def transform_cell(source: str) -> Any:
        try:
            ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return transform(source)
        return source

    def should_run_async(source: str, **options: Any) -> Any:
        return ("await" in source or "async" in source) and awaits(source, **options)

    ipython.transform_cell, ipython.should_run_async = transform_cell, should_run_async


def _forgo(ipython: Any) -> None:
    """What needs a person, a window or another program is passed over, and told where it may be missed."""
    ipython.register_magic_function(_nothing, "line", "matplotlib")
    for name in SCRIPTS:
        ipython.register_magic_function(_no_command, "cell", name)
    ipython.system, ipython.getoutput = _no_command, _no_output
    builtins.input = _nobody
    sys.breakpointhook = _nothing


class _Stream(io.StringIO):
    """What is printed, up to a bound: a loop that prints fills no memory. It cannot be closed."""

    cut = False

    def write(self, text: str) -> int:
        room = MAX_TEXT - self.tell()
        super().write(text[:room])
        self.cut = self.cut or len(text) > room
        return len(text)

    def close(self) -> None:
        """A cell that closes its standard output does not lose what it has printed."""

    def text(self) -> str:
        return self.getvalue() + ("\n[output cut]\n" if self.cut else "")


class _End:
    """One end of a pipe, with those methods of a socket that asyncio uses on its own."""

    def __init__(self, fd: int):
        self._fd = fd
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        return self._fd

    def recv(self, size: int) -> bytes:
        return os.read(self._fd, size)

    def send(self, data: bytes) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        os.close(self._fd)


def _wake_through_a_pipe(loop: Any) -> None:
    """What asyncio does with two sockets, which are refused here, so that a thread can wake the loop."""
    loop._ssock, loop._csock = map(_End, os.pipe())
    loop._internal_fds += 1
    loop._add_reader(loop._ssock.fileno(), loop._read_from_self)


def _binds(node: ast.stmt) -> set[str]:
    """The names that a definition binds; nothing for all that does something else."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign) and not any(isinstance(n, (ast.Call, ast.Await)) for n in ast.walk(node)):
        return {t.id for t in node.targets if isinstance(t, ast.Name)}
    return set()


def _bounded(shown: list[dict[str, str]]) -> Iterator[Output]:
    room = MAX_PICTURES
    for data in shown:
        room -= sum(map(len, data.values()))
        if room < 0:
            yield _said("[picture left out: it is too large]")
            return
        yield {"output_type": "display_data", "metadata": {}, "data": data}


def _texts(data: dict[str, Any]) -> dict[str, str]:
    kept = {k: data[k] for k in ("text/plain", "image/png") if isinstance(data.get(k), (str, bytes))}
    return {
        k: b64encode(v).decode() if isinstance(v, bytes) else v[:MAX_TEXT] if k == "text/plain" else v
        for k, v in kept.items()
    }


def _said(text: str) -> Output:
    return {"output_type": "stream", "name": "stdout", "text": text + "\n"}


def _named(error: BaseException) -> str:
    """The error in one line."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}, line {error.lineno}"
    first = (str(error).strip().splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _nothing(*_: Any, **__: Any) -> None:
    """For what a kernel does and nobody sees here."""


def _nobody(*_: Any) -> NoReturn:
    raise EOFError(ASKED)


def _no_command(command: str, *_: Any, **__: Any) -> None:
    print(f"[Shell commands are not run when graded: {command.strip()[:80]}]")


def _no_output(command: str, *_: Any, **__: Any) -> Any:
    from IPython.utils.text import SList

    _no_command(command)
    return SList([])
