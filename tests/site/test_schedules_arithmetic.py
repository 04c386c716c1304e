"""Learning-rate schedules in the page: every step against torch.optim.lr_scheduler, and the static twin."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lab.figures import schedules
from tests.site.figure_arithmetic import call, call_each


def torch_rates(name: str, *, base: float, T: int, W: int, period: int, gamma: float, least: float) -> list:
    """The rates that torch's schedulers give an optimizer, step by step."""
    lr = torch.optim.lr_scheduler
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=base)
    cyclic = {"base_lr": least, "max_lr": base, "step_size_up": period / 2, "cycle_momentum": False}
    make = {
        "constant": lambda: lr.ConstantLR(optimizer, factor=1),
        "step": lambda: lr.StepLR(optimizer, period, gamma),
        "exponential": lambda: lr.ExponentialLR(optimizer, gamma ** (1 / period)),
        "inverse": lambda: lr.LambdaLR(optimizer, lambda t: 1 / (1 + t / period)),
        "cosine": lambda: lr.CosineAnnealingLR(optimizer, T - W, least),
        "restarts": lambda: lr.CosineAnnealingWarmRestarts(optimizer, period, eta_min=least),
        "cyclic": lambda: lr.CyclicLR(optimizer, **cyclic),
        "onecycle": lambda: lr.OneCycleLR(optimizer, base, total_steps=T, cycle_momentum=False),
    }
    if W and name not in ("cyclic", "onecycle"):
        warm_up = lr.LinearLR(optimizer, start_factor=1 / W, total_iters=W - 1)
        scheduler = lr.SequentialLR(optimizer, [warm_up, make[name]()], milestones=[W])
    else:
        scheduler = make[name]()
    used = []
    for _ in range(T):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return used


SCHEDULES = ["constant", "step", "exponential", "inverse", "cosine", "restarts", "cyclic", "onecycle"]
CASES = [
    {"base": 0.1, "T": 23, "W": 0, "period": 6, "gamma": 0.3, "least": 0.013},
    {"base": 0.7, "T": 40, "W": 7, "period": 11, "gamma": 0.9, "least": 0.2},
    {"base": 2.0, "T": 11, "W": 2, "period": 2, "gamma": 0.05, "least": 0.0},
]


@pytest.mark.filterwarnings("ignore:The epoch parameter")  # SequentialLR's own call
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"T={case['T']}")
def test_a_schedule_gives_every_step_the_rate_of_torch(name: str, case: dict) -> None:
    figure = call("schedules", "rates", name, case)
    np.testing.assert_allclose(figure, torch_rates(name, **case), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_that_of_the_twin_at_every_setting_of_the_sliders(name: str) -> None:
    grid = [
        {"base": 0.1, "T": T, "W": W, "period": period, "gamma": 0.3, "least": least}
        for T in (10, 35, 200)
        for W in (0, 1, 9)
        for period in (2, 7, 100)
        for least in (0.0, 0.05)
    ]
    for case, figure in zip(grid, call_each("schedules", "rates", [(name, c) for c in grid]), strict=True):
        np.testing.assert_allclose(figure, schedules.rates(name, **case), rtol=1e-12, atol=1e-15)
