"""Given code shared by notebooks and pages: data sets, networks, training, plots, experiments."""

from lab.data import load
from lab.dataset import DataError, Dataset

__all__ = ["DataError", "Dataset", "load"]
