"""What a worker of the tests runs first: `dask worker --preload tests/cluster/preload.py`, told by $FLAW.

No submission can end its worker, and no machine here is without a sandbox or with other versions: so some
workers are made to look like that. The sandbox is proved by the first workers; what they found is in the file
$PROOF for those that come later."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

POISON = b"ends the process of whoever unpacks it"


def unpack_or_die(entries, folder):
    if any(POISON in content for _, _, content in entries):
        os.kill(os.getpid(), signal.SIGKILL)
    parcel.unpack(entries, folder)


def proved_once():
    proof = Path(os.environ["PROOF"])
    level = proof.read_text() if proof.exists() else ""
    if not level:
        level = doctor.diagnose().level
        proof.write_text(level)
    return level


def refuse():
    raise grading.Refused("No safe sandbox here: missing Landlock.")


flaw = os.environ.get("FLAW", "")
if "PROOF" not in os.environ:
    pass  # not a worker: a test reads what stands above
elif flaw == "package":
    sys.modules["autograder"] = None
else:
    from autograder import grading
    from autograder.cluster import parcel, worker
    from autograder.engine import doctor, versions

    worker.unpack = unpack_or_die
    grading.sandbox_level = refuse if flaw == "sandbox" else proved_once
    if flaw == "numpy":
        versions._version = lambda name: "1.0"
