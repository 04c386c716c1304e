"""Exercises that check themselves: probes ask the student's code, equal arrays are the verdict.

This package's import costs NumPy and nothing else; the engine and the build live in modules of their own.
"""

from autograder.probes import Given, probe
from autograder.student import CheckFailed, checks

__version__ = "0.1.0"
__all__ = ["CheckFailed", "Given", "checks", "probe"]
