"""Offline reading: the service worker `offline.js` with the version of the build, and a list of what to save.

The list, `offline.json`, holds what reading needs. Python for the exercises is not in it: it is larger than
the rest. The worker stands at the root of the site, since a worker serves the folder that it is in.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

NOT_FOR_READING = (
    ".map",
    ".inv",
    ".buildinfo",
    ".nojekyll",
    "robots.txt",
    "sitemap.xml",
    "offline.js",
)
NOT_NEEDED = ("_sources", "_downloads", "pyodide", "locales")
VERSION = "@VERSION"


def files_to_save(site: Path) -> Iterator[Path]:
    for path in sorted(site.rglob("*")):
        parts = path.relative_to(site).parts
        if path.is_file() and not path.name.endswith(NOT_FOR_READING) and not set(NOT_NEEDED) & set(parts):
            yield path


def addresses(path: Path) -> list[str]:
    """An index.html opens by the address of its folder too."""
    return [path.as_posix(), f"{path.parent.as_posix()}/"] if path.name == "index.html" else [path.as_posix()]


def write_list(app: Sphinx, exception: Exception | None) -> None:
    """After all other extensions have written their files."""
    site = Path(app.outdir)
    if exception or app.builder.name != "html":
        return
    list_file, worker = site / "offline.json", site / "offline.js"
    list_file.unlink(missing_ok=True)
    files = list(files_to_save(site))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(site).as_posix().encode() + b"\0" + path.read_bytes())
    version = digest.hexdigest()[:16]
    listed = {
        "version": version,
        "bytes": sum(path.stat().st_size for path in files),
        "files": [address for path in files for address in addresses(path.relative_to(site))],
    }
    list_file.write_text(json.dumps(listed), encoding="utf-8")
    source = (site / "_static" / "offline" / "worker.js").read_text(encoding="utf-8")
    worker.write_text(source.replace(VERSION, f"@{version}"), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_js_file("offline/save.js", loading_method="defer")
    app.connect("build-finished", write_list, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
