"""What a cell changes for everybody in its process does not last until the next check."""

import subprocess
import sys

import pytest

SPOILED = """
import torch
from autograder.engine import child
child._warm_torch()
torch.set_default_device("meta"); torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)
torch.use_deterministic_algorithms(True); torch.autograd.set_detect_anomaly(True); torch.set_num_threads(7)
torch.manual_seed = 42
child.put_back_global_state()
x = torch.randn(3, requires_grad=True)
print(x.device, x.dtype, (2 * x).requires_grad, torch.are_deterministic_algorithms_enabled(),
      torch.is_anomaly_enabled(), torch.get_num_threads())
torch.manual_seed(0)
print(torch.equal(x, torch.randn(3)))
"""


def test_what_a_cell_sets_in_torch_is_put_back():
    pytest.importorskip("torch")
    run = subprocess.run([sys.executable, "-c", SPOILED], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["cpu torch.float32 True False False 1", "True"]
