"""What a worker of the tests runs first: `dask worker --preload tests/cluster/preload.py`, told by $FLAW.

No submission can end its worker, and no machine here is without a sandbox or with other versions: so some
workers are made to look like that."""

from __future__ import annotations

import os
import signal
import sys

POISON = b"ends the process of whoever unpacks it"


def unpack_or_die(entries, folder):
    if any(POISON in content for _, _, content in entries):
        os.kill(os.getpid(), signal.SIGKILL)
    parcel.unpack(entries, folder)


def refuse():
    raise grading.Refused("No safe sandbox here: missing Landlock.")


flaw = os.environ.get("FLAW", "")
if flaw == "package":
    sys.modules["autograder"] = None
else:
    from autograder import grading
    from autograder.cluster import parcel, versions, worker

    worker.unpack = unpack_or_die
    if flaw == "sandbox":
        grading.sandbox_level = refuse
    if flaw == "numpy":
        versions._version = lambda name: "1.0"
