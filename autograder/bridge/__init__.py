"""From the engine's results to nbgrader: its gradebook, its folders, its commands, and feedback pages."""

import sys

# nbgrader imports jsonschema, which would build 38 grammars for kinds of addresses that no notebook has: a
# second of every command. Without the package it leaves these kinds unchecked.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
