"""Ask the arithmetic of a figure: calls exported functions of a module of `book/_static/figures` in Node.

Numbers travel as JSON, with Infinity, -Infinity and NaN spelled as strings, as Python's floats come back.
"""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

from tests.site.conftest import needs_node

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "book" / "_static" / "figures"
NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}

SCRIPT = """
const special = new Map(["Infinity", "-Infinity", "NaN"].map((name) => [name, Number(name)]));
const plain = (key, value) => ArrayBuffer.isView(value) ? Array.from(value)
  : typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
const number = (key, value) => special.get(value) ?? value;
const module = await import(%(module)s);
const calls = JSON.parse(%(calls)s, number);
console.log(JSON.stringify(calls.map(([name, args]) => {
  if (typeof module[name] !== "function") throw new Error(`the module exports no function ${name}`);
  return module[name](...args);
}), plain));
"""


def call(figure: str, name: str, *args: Any) -> Any:
    """What `name(...args)` of `figure`.js returns: call("bn-drift", "normalize", [1, 2])."""
    return call_each(figure, name, [args])[0]


def call_each(figure: str, name: str, arguments: list[Any]) -> list[Any]:
    """What `name` returns for each tuple of arguments, in one Node: a grid costs one start.

    Args and results: numbers, texts, booleans, None (null), lists, dictionaries. A typed array comes back as
    a list, a property that is undefined is left out. An exception in JavaScript fails with its message.
    """
    module = json.dumps((FIGURES / f"{figure}.js").as_uri())
    calls = json.dumps(_spelled([[name, list(args)] for args in arguments]))
    return _floats(json.loads(_node(SCRIPT % {"module": module, "calls": json.dumps(calls)})))


def evaluate(figure: str, script: str) -> None:
    """Run lines of JavaScript that know the exports as `module`; what they throw fails the test."""
    module = json.dumps((FIGURES / f"{figure}.js").as_uri())
    _node(f"const module = await import({module});\n{script}")


def _node(script: str) -> str:
    needs_node()
    done = subprocess.run(
        ["node", "--input-type=module"], input=script, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _spelled(value: Any) -> Any:
    """The same value with every number that JSON cannot write as a string that JavaScript reads."""
    if hasattr(value, "tolist"):  # an array or a scalar of NumPy
        return _spelled(value.tolist())
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return value


def _floats(value: Any) -> Any:
    """The same value with JavaScript's names of infinite and undefined numbers as floats."""
    if isinstance(value, dict):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value
