"""What the experiments' command lines share: what a result was made with, and files that are continued."""

import argparse
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from lab.data import read
from lab.device import pick_device, torch
from lab.experiments.results import Results, load_results, save_results
from lab.progress import with_progress

Settings = TypeVar("Settings")  # a dataclass


def made_with() -> Results:
    """Device, versions and date of a run."""
    device = pick_device()
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{device.type}, one thread",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


def described(name: str) -> str:
    """A line about a data set; where a full one was read from says nothing about it, and names a folder."""
    data = read(name)
    return data.source.replace(data.origin, "prepared") if data.origin.startswith("read") else data.source


def run_missing(
    results: Results, plan: Sequence[Settings], run: Callable[[Settings], Results]
) -> Iterator[Results]:
    """Add to results["runs"] those of a plan that it lacks; yields the results after every run.

    A run is of the settings whose fields and values it holds.
    """
    missing = [at for at in plan if not any(vars(at).items() <= done.items() for done in results["runs"])]
    for at in with_progress("training", missing):
        results["runs"].append(run(at))
        yield results


def run_study(
    module: str,
    study: Callable[..., Iterator[Results]],
    sizes: Collection[str],
    data: Collection[str] = (),
    **more: dict[str, Any],
) -> None:
    """The command line of `study(size, begun=None)`, which yields the results so far, again and again.

    With names of `data` the study also takes `data`, one of them, and what `more` names: argparse's options.
    """
    parser = argparse.ArgumentParser(prog=f"python -m lab.experiments.{module}")
    parser.add_argument("--size", choices=sizes, default="tiny")
    if data:
        more = {"data": {"choices": data, "default": next(iter(data))}, **more}
    for name, how in more.items():
        parser.add_argument(f"--{name}", **how)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the JSON file to write after every run; it continues what the file holds",
    )
    chosen = vars(parser.parse_args())
    out = chosen.pop("out")
    begun = load_results(out) if out.exists() else None
    if begun and begun["about"]["size"] != chosen["size"]:
        parser.error(f"{out} holds size {begun['about']['size']}: expected another file, or its size")
    for results in study(**chosen, begun=begun):
        save_results(results, out)
    print(f"wrote {out}")
