"""The wheel that live exercises load: `autograder.page` and what it imports.

Nothing else of the package is in it, so nothing of the engine or of `solutions/` can be. The same code makes
the same bytes.
"""

import ast
import base64
import hashlib
import io
import zipfile
from pathlib import Path

ENTRY = "page"
DISTRIBUTION = "training_neural_networks_page"
EPOCH = (1980, 1, 1, 0, 0, 0)


def modules(package: Path) -> list[str]:
    """The modules of `package` that its module `page` needs, itself and `__init__` included."""
    found: set[str] = set()
    waiting = {"__init__", ENTRY}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _imported(package, name) - found
    return sorted(found)


def wheel(package: Path, version: str) -> tuple[str, bytes]:
    """The wheel's file name and its bytes. `package`: the folder of `autograder`."""
    info = f"{DISTRIBUTION}-{version}.dist-info"
    files = {f"{package.name}/{m}.py": (package / f"{m}.py").read_bytes() for m in modules(package)}
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {version}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = f"{info}/RECORD"
    files[record] = "".join([*(_recorded(n, d) for n, d in files.items()), f"{record},,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED, 9)
    return f"{DISTRIBUTION}-{version}-py3-none-any.whl", packed.getvalue()


def _imported(package: Path, name: str) -> set[str]:
    """Modules of the package that it imports: `from autograder.x import y`, `from autograder import x`."""
    tree = ast.parse((package / f"{name}.py").read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == package.name:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package.name}."):
            names.add(node.module.split(".")[1])
    return {n for n in names if (package / f"{n}.py").exists()}


def _recorded(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"
