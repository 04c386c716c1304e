"""The released notebook's first code cell: on Google Colab it gets what the notebook needs."""

from __future__ import annotations

from pathlib import Path

PACKAGE = "training-neural-networks[lab]"  # what notebooks import; no JupyterLab, which Colab has not got

SOURCE = """\
# Google Colab lacks the course's package, which brings the checks. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    import subprocess

    package = "{package} @ git+{repository}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)"""


def repository(root: Path) -> str:
    """The address of the course's repository, from the one place that names it; "" where there is none."""
    import yaml

    path = root / "_config.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return str(config.get("repository", {}).get("url", ""))


def source(address: str) -> str:
    """The cell for the repository at `address`."""
    return SOURCE.format(package=PACKAGE, repository=address)
