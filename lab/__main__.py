"""`python -m lab fetch NAME`: download a full data set into the user's cache."""

import argparse
import sys

from lab.data import read
from lab.dataset import DataError
from lab.fetch import CANONICAL, fetch


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch", help="download a full data set into the user's cache")
    fetching.add_argument("name", help=", ".join(CANONICAL))
    options = parser.parse_args(arguments)
    try:
        fetch(options.name)
        print(read(options.name).source)
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
