"""The device to compute on, and torch itself, or a sentence that says how to get it."""

import os

from lab.dataset import INSTALL

try:
    import torch
    from torch import nn
except ImportError as error:
    raise ImportError(f"This part of the course needs PyTorch, which is not installed: {INSTALL}.") from error

__all__ = ["nn", "pick_device", "torch"]


def pick_device() -> torch.device:
    """$LAB_DEVICE if it is set, else the GPU that torch sees (CUDA, then Apple's), else the CPU."""
    named = os.environ.get("LAB_DEVICE")
    if named:
        return torch.device(named)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
