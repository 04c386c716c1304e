"""Bundle the editor of the live exercises from the pinned npm packages: `make vendor`.

The bundle and the licences of all that is in it are committed, so that nobody needs Node to build the book.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "book/_tools/editor.js"
TARGET = ROOT / "book/_static/vendor/codemirror"
OPTIONS = ["--bundle", "--minify", "--format=esm", "--target=es2020", "--legal-comments=none"]


def bundle(target: Path) -> list[Path]:
    """Write `editor.js` and `LICENSE` into `target`, the same bytes for the same packages of node_modules."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "meta.json"
        esbuild = [ROOT / "node_modules/.bin/esbuild", SOURCE, *OPTIONS, "--log-level=warning"]
        files = [f"--outfile={target / 'editor.js'}", f"--metafile={report}"]
        subprocess.run([*esbuild, *files], cwd=ROOT, check=True)
        inside = next(iter(json.loads(report.read_text(encoding="utf-8"))["outputs"].values()))["inputs"]
    packages = sorted({package_of(name) for name, used in inside.items() if used["bytesInOutput"]} - {None})
    (target / "LICENSE").write_text("\n".join(map(licence, packages)), encoding="utf-8")
    return [target / "editor.js", target / "LICENSE"]


def package_of(name: str) -> str | None:
    """node_modules/@codemirror/view/dist/index.js -> @codemirror/view; None for our own file."""
    if not name.startswith("node_modules/"):
        return None
    parts = name.split("/")
    return "/".join(parts[1:3] if parts[1].startswith("@") else parts[1:2])


def licence(package: str) -> str:
    folder = ROOT / "node_modules" / package
    about = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    text = (folder / "LICENSE").read_text(encoding="utf-8").strip()
    return f"{package} {about['version']} ({about['license']})\n\n{text}\n"


if __name__ == "__main__":
    if not (ROOT / "node_modules/.bin/esbuild").exists():
        sys.exit("The packages are missing: run `npm ci` first.")
    for path in bundle(TARGET):
        print(path.relative_to(ROOT), path.stat().st_size)
