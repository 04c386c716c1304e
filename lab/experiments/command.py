"""What the experiments' command lines share: what a result was made with, and files that are continued."""

import argparse
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lab.data import read
from lab.device import pick_device, torch
from lab.experiments.results import Results, load_results, save_results

Study = Callable[[str, str, Results | None], Iterator[Results]]


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


def run_study(module: str, study: Study, sizes: Collection[str], data: Collection[str]) -> None:
    """The command line of `study(size, data, begun)`, which yields the results so far, again and again."""
    parser = argparse.ArgumentParser(prog=f"python -m lab.experiments.{module}")
    parser.add_argument("--size", choices=sizes, default="tiny")
    parser.add_argument("--data", choices=data, default=next(iter(data)))
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="the JSON file to write after every run; it continues what the file holds",
    )
    options = parser.parse_args()
    begun = load_results(options.out) if options.out.exists() else None
    if begun and begun["about"]["size"] != options.size:
        parser.error(f"{options.out} holds size {begun['about']['size']}: expected another file, or its size")
    for results in study(options.size, options.data, begun):
        save_results(results, options.out)
    print(f"wrote {options.out}")
