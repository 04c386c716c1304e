"""A course whose code costs next to nothing, so that what is measured is the grading.

Two notebooks, one NumPy and one torch, of ten graded cells each."""

from __future__ import annotations

from pathlib import Path

SLUG = "88-plain"
CELLS = 10
HEAD = """\
# %%
{imports}

import autograder

check = autograder.checks("{key}")
"""
CELL = '''
# %% solution="{name}"
def {name}(x):
    """{number} x + {number}. x: (N, D). Returns (N, D)."""
    ### BEGIN SOLUTION
    return {number} * x + {number}
    ### END SOLUTION

# %% check="{name}" points=1
check({name})
'''
PROBE = """
@probe("{name}", cases=3)
def {name}_is_right(s, x):{first}
    return {{"y": s.{name}({x})}}


@{name}_is_right.inputs
def _(rng):
    return {{"x": rng.normal(size=(4, 3))}}

"""
ASKED = {
    "numpy": {"x": "x", "first": ""},
    "torch": {"x": "torch.tensor(x)", "first": "\n    import torch\n"},
}
MISTAKE = """
[[mistake]]
id = "{name}-without-x"
of = "{name}"
find = "{number} * x + {number}"
replace = "{number} + 0 * x"
says = "You left out x."
"""
SETTINGS = """\
title = "Plain"

[notebooks.plain_numpy]
torch = false

[notebooks.plain_torch]
torch = true
"""


def write_plain(root: Path) -> Path:
    """The course in the folder `root`."""
    folder = root / "solutions" / SLUG
    folder.mkdir(parents=True)
    (root / "pyproject.toml").write_text("")
    checks, mistakes = '"""Checks."""\n\nfrom autograder import probe\n\n', ""
    for kind, imports in {"numpy": "import numpy as np", "torch": "import torch"}.items():
        key = f"{SLUG}/plain_{kind}"
        text = HEAD.format(imports=imports, key=key)
        for number in range(2, 2 + CELLS):
            name = f"{kind}_{number}"
            text += CELL.format(name=name, number=number)
            checks += PROBE.format(name=name, **ASKED[kind])
            mistakes += MISTAKE.format(name=name, number=number)
        (folder / f"plain_{kind}.py").write_text(text)
    (folder / "checks.py").write_text(checks)
    (folder / "mistakes.toml").write_text(mistakes)
    (folder / "unit.toml").write_text(SETTINGS)
    return root
