"""The commands that students get: the program `autograder` of the wheel in a bundle."""

from __future__ import annotations

import click

from autograder.commands.check import check
from autograder.commands.common import honest_output
from autograder.commands.update import update


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="training-neural-networks")
def main() -> None:
    """Check your notebooks, and take fixed ones over."""
    honest_output()


main.add_command(check)
main.add_command(update)
