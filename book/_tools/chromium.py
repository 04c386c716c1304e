"""The Chromium that tests the site and prints the book."""

import os
import shutil

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str:
    """Path of the browser: Debian's, or the one that $CHROMIUM names. FileNotFoundError says what to do."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    for name in names:
        if name and (path := shutil.which(name)):
            return path
    raise FileNotFoundError("No Chromium: install it (apt install chromium), or name it in $CHROMIUM.")
