"""The same answer as different students would write it. Each style maps the source of a solution cell to
(own cells that go before it, the cell); what the answer computes stays the same up to rounding."""

from __future__ import annotations

import ast
from collections.abc import Callable

from autograder.authoring.unit import BEGIN, END

Styled = tuple[list[str], str]
Style = Callable[[str], Styled]


def unmarked(source: str) -> str:
    """The cell without the author's markers."""
    return "\n".join(line for line in source.splitlines() if line.strip() not in (BEGIN, END))


def as_written(source: str) -> Styled:
    return [], source


def reformatted(source: str) -> Styled:
    """One author's formatting for another's: comments and blank lines go."""
    return [], ast.unparse(ast.parse(source))


def without_docstrings(source: str) -> Styled:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return [], ast.unparse(tree)


def renamed(source: str) -> Styled:
    """Local variables with names of the student's own."""
    tree = ast.parse(source)
    for function in _functions(tree):
        own = {name: f"my_{name}" for name in _locals(function)}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in own:
                node.id = own[node.id]
    return [], ast.unparse(tree)


def with_helpers(source: str) -> Styled:
    """The work is done in a function of the student's own, in a cell of its own."""
    tree = ast.parse(source)
    if len(tree.body) != 1 or not isinstance(function := tree.body[0], ast.FunctionDef):
        return [], source
    arguments = function.args
    names = [a.arg for a in arguments.posonlyargs + arguments.args]
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or function.decorator_list:
        return [], source
    public = function.name
    function.name = f"my_{public}"
    calls = f"def {public}({ast.unparse(arguments)}):\n    return my_{public}({', '.join(names)})"
    return [ast.unparse(tree)], calls


def with_floats(source: str) -> Styled:
    """2 * x becomes 2.0 * x, except where only an integer may stand: in subscripts, in arguments, and in
    dictionaries, which hold arguments."""
    return [], ast.unparse(_Floats().visit(ast.parse(source)))


STYLES: dict[str, Style] = {
    "as written": as_written,
    "reformatted": reformatted,
    "renamed": renamed,
    "with helpers": with_helpers,
    "with floats": with_floats,
    "without docstrings": without_docstrings,
}


class _Floats(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            node.left, node.right = _float(node.left), _float(node.right)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        return node


def _float(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return ast.Constant(float(node.value))
    return node


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions of the cell and the methods of its classes, not what is nested in them."""
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    for owner in (n for n in tree.body if isinstance(n, ast.ClassDef)):
        found += [n for n in owner.body if isinstance(n, ast.FunctionDef)]
    return found


def _locals(function: ast.FunctionDef) -> set[str]:
    """What the function assigns, less every name that is bound in some other way too."""
    bound, other = set(), set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            other.update(node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            other.add(node.name)
        elif isinstance(node, ast.alias):
            other.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.arg):
            other.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            other.add(node.name)
    return bound - other
